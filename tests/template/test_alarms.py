"""What can go wrong has an alarm, what has an alarm tells somebody, and the runbook says what to do."""

import re
import sys
import unittest

from cases import cases
from deployment import Deployment
from transformed import ROOT, deployed


METRIC = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"


def resources(kind: str) -> dict[str, dict]:
    """The properties of all resources of one type, as deployed."""
    found = deployed()["Resources"]
    return {
        name: resource["Properties"]
        for name, resource in found.items()
        if resource["Type"] == kind
    }


def watched(alarm: dict, metric: str) -> list[str]:
    """The resources whose metric of that name the alarm looks at."""
    found = []
    single = [{"MetricStat": {"Metric": alarm}}]
    for query in alarm.get("Metrics", single):
        stat = query.get("MetricStat", {}).get("Metric", {})
        if stat.get("MetricName") == metric:
            found += [named(dimension["Value"]) for dimension in stat.get("Dimensions", [])]
    return found


def named(value: dict) -> str:
    """The resource that a dimension names."""
    if isinstance(value, str):
        return value
    if "Fn::If" in value:
        return named(value["Fn::If"][1])
    return value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]


def all_watched(metric: str) -> set[str]:
    """The resources that some alarm watches by this metric."""
    alarms = resources(METRIC).values()
    return {name for alarm in alarms for name in watched(alarm, metric)}


def alarms() -> dict[str, dict]:
    """Every alarm that sends a message: what a composite alarm is made of speaks through that one."""
    parts = {name for alarm in resources(COMPOSITE).values() for name in children(alarm)}
    return {
        name: alarm
        for name, alarm in (resources(METRIC) | resources(COMPOSITE)).items()
        if name not in parts
    }


def children(alarm: dict) -> set[str]:
    """The alarms below a composite alarm."""
    return set(re.findall(r"\$\{(\w+)\}", str(alarm["AlarmRule"])))


def written_in_code(form: str) -> set[str]:
    """What the functions write into their logs in this form."""
    folders = (ROOT / "functions", ROOT / "shared")
    files = (file for folder in folders for file in folder.rglob("*.rs"))
    return {found for file in files for found in re.findall(form, file.read_text(encoding="utf-8"))}


# What an alarm makes of silence. A queue that is left alone stops to tell its depth while messages lie in it, and
# sweeps that do not run tell nothing at all.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html
SILENCE = {
    "WorkerGaveUp": "ignore",
    "ShopEventsGaveUp": "ignore",
    "PartnerEventsGaveUp": "ignore",
    "SweepsStopped": "missing",
}


class Alarms(unittest.TestCase):
    def test_every_queue_is_watched_for_its_first_message(self):
        queues = set(resources("AWS::SQS::Queue"))
        self.assertEqual(all_watched("ApproximateNumberOfMessagesVisible"), queues)
        for name, alarm in resources(METRIC).items():
            if watched(alarm, "ApproximateNumberOfMessagesVisible"):
                with self.subTest(name):
                    self.assertEqual(alarm["Threshold"], 1)
                    self.assertEqual(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold")
                    self.assertEqual(alarm["TreatMissingData"], "ignore")

    def test_every_function_is_watched_for_errors(self):
        self.assertEqual(all_watched("Errors"), set(resources("AWS::Lambda::Function")))

    def test_an_error_of_any_function_is_told(self):
        of_functions = {name for name, alarm in resources(METRIC).items() if watched(alarm, "Errors")}
        self.assertEqual(children(resources(COMPOSITE)["FunctionsFail"]), of_functions)
        for name in of_functions:
            with self.subTest(name):
                self.assertNotIn("AlarmActions", resources(METRIC)[name])

    def test_a_function_that_is_not_there_is_not_waited_for(self):
        for what in ("the least", "the most"):
            with self.subTest(what):
                deployment = Deployment(deployed(), cases(deployed())[what])
                rule = deployment.of_type(COMPOSITE)["FunctionsFail"]["AlarmRule"]
                self.assertEqual("PartnerEventsErrors" in rule, what == "the most")
                self.assertEqual("FALSE" in rule, what == "the least")

    def test_every_function_that_a_request_waits_for_is_watched_for_throttles(self):
        called = {
            permission["FunctionName"]["Ref"]
            for permission in resources("AWS::Lambda::Permission").values()
            if permission["Principal"] == "apigateway.amazonaws.com"
        }
        self.assertEqual(all_watched("Throttles"), called)

    def test_the_table_and_its_index_are_watched_for_throttles(self):
        self.assertEqual(all_watched("ReadThrottleEvents"), {"Table"})
        self.assertEqual(all_watched("WriteThrottleEvents"), {"Table", "due"})

    def test_every_reader_of_the_stream_is_watched(self):
        mappings = resources("AWS::Lambda::EventSourceMapping").values()
        readers = {mapping["FunctionName"]["Ref"] for mapping in mappings}
        self.assertEqual(all_watched("IteratorAge"), readers)
        pipes = resources("AWS::Pipes::Pipe")
        self.assertEqual(all_watched("ExecutionFailed"), set(pipes))
        for pipe in pipes.values():
            queue = pipe["SourceParameters"]["DynamoDBStreamParameters"]["DeadLetterConfig"]["Arn"]
            self.assertIn(named(queue), all_watched("ApproximateNumberOfMessagesVisible"))
            self.assertIn(named(pipe["Enrichment"]), all_watched("Invocations"))

    def test_what_is_counted_in_the_log_is_counted_where_an_alarm_looks(self):
        looked_at = {
            (str(stat.get("Namespace")), stat.get("MetricName"))
            for alarm in resources(METRIC).values()
            for query in alarm.get("Metrics", [{"MetricStat": {"Metric": alarm}}])
            for stat in [query.get("MetricStat", {}).get("Metric", {})]
        }
        for name, metric_filter in resources("AWS::Logs::MetricFilter").items():
            with self.subTest(name):
                (counted,) = metric_filter["MetricTransformations"]
                self.assertEqual(metric_filter["LogGroupName"], {"Ref": "Logs"})
                self.assertIn((str(counted["MetricNamespace"]), counted["MetricName"]), looked_at)

    def test_errors_are_told_by_the_level_of_their_line(self):
        metric_filter = resources("AWS::Logs::MetricFilter")["ErrorsLogged"]
        self.assertEqual(metric_filter["FilterPattern"], '{ $.level = "ERROR" }')

    def test_each_value_of_the_field_alarm_that_code_writes_has_its_alarm(self):
        metric_filter = resources("AWS::Logs::MetricFilter")["AlarmsLogged"]
        self.assertEqual(metric_filter["FilterPattern"], '{ $.fields.alarm = "*" }')
        (counted,) = metric_filter["MetricTransformations"]
        self.assertEqual(counted["Dimensions"], [{"Key": "Alarm", "Value": "$.fields.alarm"}])
        told = {
            dimension["Value"]
            for alarm in resources(METRIC).values()
            for dimension in alarm.get("Dimensions", [])
            if alarm.get("MetricName") == counted["MetricName"]
        }
        self.assertEqual(written_in_code(r'\balarm = "(\w+)"'), told)

    def test_the_line_that_counts_events_for_the_shop_is_the_one_that_is_written(self):
        pattern = resources("AWS::Logs::MetricFilter")["ShopEventsWritten"]["FilterPattern"]
        (line,) = re.findall(r'\$\.fields\.message = "(.+)"', pattern)
        self.assertIn(line, written_in_code(r'"(an event for the shop)"'))

    def test_every_alarm_tells_the_topic_and_has_its_section_in_the_runbook(self):
        runbook = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")
        for name, alarm in alarms().items():
            with self.subTest(name):
                self.assertEqual(alarm["AlarmActions"], [{"Ref": "Alarms"}])
                self.assertEqual(alarm["OKActions"], [{"Ref": "Alarms"}])
                self.assertTrue(f"### {name}\n" in runbook, "it has no section")
                self.assertTrue(alarm["AlarmDescription"].endswith(f"docs/OPERATIONS.md, {name}"))
                silence = SILENCE.get(name, "notBreaching")
                self.assertEqual(alarm.get("TreatMissingData", "notBreaching"), silence)

    def test_silence_of_the_sweeps_is_told_and_a_first_deployment_is_not(self):
        # A new alarm begins with INSUFFICIENT_DATA, so only what had data before comes to it.
        alarm = resources(METRIC)["SweepsStopped"]
        self.assertEqual(alarm["InsufficientDataActions"], [{"Ref": "Alarms"}])
        self.assertNotEqual(alarm["TreatMissingData"], "breaching")

    def test_every_section_of_the_runbook_has_its_alarm(self):
        runbook = (ROOT / "docs/OPERATIONS.md").read_text(encoding="utf-8")
        sections = runbook.split("\n## Alarms\n")[1].split("\n## ")[0]
        self.assertEqual(set(re.findall(r"^### (\w+)$", sections, re.MULTILINE)), set(alarms()))

    def test_the_costs_count_each_metric_of_an_alarm(self):
        # CloudWatch charges for a metric that an alarm looks at, and so several times for one with an expression.
        sys.path.insert(0, str(ROOT / "bench"))
        import costs

        found = deployed()["Resources"].values()
        alarms = [it["Properties"] for it in found if it["Type"] == METRIC and "Condition" not in it]
        looked_at = [
            [query for query in alarm["Metrics"] if "MetricStat" in query] if "Metrics" in alarm else [alarm]
            for alarm in alarms
        ]
        self.assertEqual(sum(map(len, looked_at)), costs.ALARM_METRICS)
        self.assertEqual(len(resources(COMPOSITE)), costs.COMPOSITE_ALARMS)
