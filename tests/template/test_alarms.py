"""What can go wrong has an alarm, what has an alarm tells somebody, and the runbook says what to do."""

import unittest

from transformed import ROOT, template, transform


def resources(kind: str) -> dict[str, dict]:
    """The properties of all resources of one type, as deployed."""
    deployed = transform(template())["Resources"]
    return {
        name: resource["Properties"]
        for name, resource in deployed.items()
        if resource["Type"] == kind
    }


def watched(alarm: dict, metric: str) -> list[str]:
    """The resources whose metric of that name the alarm looks at."""
    found = []
    single = [{"MetricStat": {"Metric": alarm}}]
    for query in alarm.get("Metrics", single):
        query = query["Fn::If"][1] if "Fn::If" in query else query
        stat = query.get("MetricStat", {}).get("Metric", {})
        if stat.get("MetricName") == metric:
            found += [named(dimension["Value"]) for dimension in stat.get("Dimensions", [])]
    return found


def named(value: dict) -> str:
    """The resource that a dimension names."""
    return value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]


def all_watched(metric: str) -> set[str]:
    """The resources that some alarm watches by this metric."""
    alarms = resources("AWS::CloudWatch::Alarm").values()
    return {name for alarm in alarms for name in watched(alarm, metric)}


class Alarms(unittest.TestCase):
    def test_every_queue_is_watched_for_its_first_message(self):
        queues = set(resources("AWS::SQS::Queue"))
        self.assertEqual(all_watched("ApproximateNumberOfMessagesVisible"), queues)
        for name, alarm in resources("AWS::CloudWatch::Alarm").items():
            if watched(alarm, "ApproximateNumberOfMessagesVisible"):
                with self.subTest(name):
                    self.assertEqual(alarm["Threshold"], 1)
                    self.assertEqual(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold")

    def test_every_function_is_watched_for_errors(self):
        self.assertEqual(all_watched("Errors"), set(resources("AWS::Lambda::Function")))

    def test_every_reader_of_the_stream_is_watched(self):
        mappings = resources("AWS::Lambda::EventSourceMapping").values()
        readers = {mapping["FunctionName"]["Ref"] for mapping in mappings}
        self.assertEqual(all_watched("IteratorAge"), readers)
        for pipe in resources("AWS::Pipes::Pipe").values():
            queue = pipe["SourceParameters"]["DynamoDBStreamParameters"]["DeadLetterConfig"]["Arn"]
            self.assertIn(named(queue), all_watched("ApproximateNumberOfMessagesVisible"))

    def test_errors_in_the_log_are_counted_where_the_alarm_looks(self):
        (metric_filter,) = resources("AWS::Logs::MetricFilter").values()
        (counted,) = metric_filter["MetricTransformations"]
        self.assertEqual(metric_filter["FilterPattern"], '{ $.level = "ERROR" }')
        self.assertEqual(metric_filter["LogGroupName"], {"Ref": "Logs"})
        alarm = resources("AWS::CloudWatch::Alarm")["ErrorLogged"]
        self.assertEqual(alarm["Namespace"], counted["MetricNamespace"])
        self.assertEqual(alarm["MetricName"], counted["MetricName"])

    def test_every_alarm_tells_the_topic_and_has_its_section_in_the_runbook(self):
        runbook = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")
        for name, alarm in resources("AWS::CloudWatch::Alarm").items():
            with self.subTest(name):
                self.assertEqual(alarm["AlarmActions"], [{"Ref": "Alarms"}])
                self.assertIn(f"### {name}\n", runbook)
                self.assertTrue(alarm["AlarmDescription"].endswith(f"docs/OPERATIONS.md, {name}"))
                silence = "breaching" if name == "SweepsStopped" else "notBreaching"
                self.assertEqual(alarm["TreatMissingData"], silence)
