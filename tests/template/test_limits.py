"""The template stays within what AWS takes, with every value that its parameters allow.

Each limit is also shown to notice: a copy of the template that breaks it is refused.
"""

import copy
import functools
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from cases import cases
from deployment import Deployment
from limits import LIMITS, Limit, found, single
from limits_together import TOGETHER
from transformed import deployed, template, transform

@functools.cache
def deployments() -> dict[str, Deployment]:
    """A deployment of the template for each case."""
    transformed = deployed()
    return {what: Deployment(transformed, values) for what, values in cases(transformed).items()}


def problems(deployment: Deployment) -> list[str]:
    """Everything that AWS would not take."""
    return [*single(deployment), *(problem for check in TOGETHER for problem in check(deployment))]


def most() -> Deployment:
    """The deployment with everything in it, to be changed."""
    return copy.deepcopy(deployments()["the most"])


class Limits(unittest.TestCase):
    def test_the_sweep_looks_at_an_event_after_the_stream_has_given_it_up(self):
        inbox = (Path(__file__).parents[2] / "shared/store/src/inbox.rs").read_text(encoding="utf-8")
        first_look = 60 * int(re.search(r"FIRST_LOOK_SECONDS: i64 = (\d+) \* 60;", inbox)[1])
        worker = template()["Resources"]["Worker"]["Properties"]["Events"]["Inbox"]["Properties"]
        self.assertLess(worker["MaximumRecordAgeInSeconds"], first_look)

    def test_the_copies_of_the_worker_together_call_stripe_fifty_times_a_second_at_the_most(self):
        worker = (Path(__file__).parents[2] / "functions/worker/src/lib.rs").read_text(encoding="utf-8")
        calls = int(re.search(r"CALLS_PER_SECOND: u32 = (\d+);", worker)[1])
        # A table has as many shards until it has grown, and each has one copy.
        shards = int(re.search(r"COPIES: NonZeroU32 = NonZeroU32::new\((\d+)\)", worker)[1])
        factor = template()["Resources"]["Worker"]["Properties"]["Events"]["Inbox"]["Properties"]["ParallelizationFactor"]
        self.assertEqual(shards, 4)
        self.assertLessEqual(calls // shards * shards * factor, 50)
        for copies in range(1, template()["Parameters"]["WorkerConcurrency"]["MaxValue"] + 1):
            with self.subTest(copies):
                self.assertGreaterEqual(calls // copies, 1)
                self.assertLessEqual(calls // copies * copies, 50)

    def test_the_tries_of_a_batch_last_as_long_as_its_records_may(self):
        worker = (Path(__file__).parents[2] / "functions/worker/src/lib.rs").read_text(encoding="utf-8")
        batch = int(re.search(r"BATCH: Duration = Duration::from_secs\((\d+)\);", worker)[1])
        mapping = template()["Resources"]["Worker"]["Properties"]["Events"]["Inbox"]["Properties"]
        tries = mapping["MaximumRetryAttempts"] + 1
        # While Stripe refuses everything, a try takes the batch's time.
        self.assertGreaterEqual(tries * batch, mapping["MaximumRecordAgeInSeconds"])

    def test_every_deployment_stays_within_them(self):
        for what, deployment in deployments().items():
            with self.subTest(what):
                self.assertEqual(problems(deployment), [])

    def test_both_branches_of_every_condition_are_among_them(self):
        for name in deployed()["Conditions"]:
            with self.subTest(name):
                seen = {deployment.conditions[name] for deployment in deployments().values()}
                self.assertEqual(seen, {True, False})

    def test_the_longest_values_are_as_long_as_the_template_allows(self):
        parameters = deployed()["Parameters"]
        for name, value in cases(deployed())["the most"].items():
            with self.subTest(name):
                if "MaxLength" in parameters[name]:
                    self.assertEqual(len(value), parameters[name]["MaxLength"])

    def test_every_limit_of_one_property_notices_what_is_beyond_it(self):
        for limit in LIMITS:
            for what, value in beyond(limit).items():
                with self.subTest(f"{limit}: {what}"):
                    deployment = most()
                    name = planted(deployment, limit, value)
                    noticed = [problem for problem in single(deployment) if problem.startswith(f"{name}: {limit} ")]
                    self.assertNotEqual(noticed, [])

    def test_a_limit_that_is_kept_to_the_letter_is_not_noticed(self):
        limit = Limit("AWS::SNS::Topic", "DisplayName", "", longest=100)
        self.assertIsNone(limit.broken_by("x" * 100))
        self.assertIsNotNone(limit.broken_by("x" * 101))

    def test_the_schemas_of_aws_take_the_values_that_arrive(self):
        # cfn-lint has the schema of every type; of the template itself it sees only what is no parameter.
        linter = Path(sys.executable).with_name("cfn-lint")
        for what in ("the least", "the most", "the most without ExistingTableStreamArn"):
            deployment = deployments()[what]
            with self.subTest(what), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump({"Resources": deployment.resources, "Outputs": deployment.outputs}, file)
                file.flush()
                said = subprocess.run([linter, "--regions", "eu-west-1", "--", file.name], capture_output=True, text=True)
                self.assertEqual((said.returncode, said.stdout), (0, ""))

    def test_a_value_that_no_schema_takes_is_noticed(self):
        deployment = most()
        deployment.resources["ShopEventsPipe"]["Properties"]["SourceParameters"]["DynamoDBStreamParameters"][
            "StartingPosition"
        ] = "YESTERDAY"
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"Resources": deployment.resources}, file)
            file.flush()
            linter = Path(sys.executable).with_name("cfn-lint")
            said = subprocess.run([linter, "--regions", "eu-west-1", "--", file.name], capture_output=True, text=True)
            self.assertIn("YESTERDAY", said.stdout)

    def test_every_limit_has_a_page_of_aws_as_its_source(self):
        for limit in LIMITS:
            with self.subTest(str(limit)):
                self.assertRegex(limit.source, r"^https://docs\.aws\.amazon\.com/.+\.html")


def beyond(limit: Limit) -> dict[str, object]:
    """A value for each way to break the limit."""
    values: dict[str, object] = {}
    if limit.longest is not None:
        values["too long"] = "x" * (limit.longest + 1)
    if limit.most is not None:
        values["too many"] = [{}] * (limit.most + 1)
    if limit.between is not None:
        values["too small"] = limit.between[0] - 1
        values["too large"] = limit.between[1] + 1
    if limit.pattern is not None:
        values["malformed"] = ":"
    if limit.one_of is not None:
        values["unknown"] = "sometimes"
    return values


def planted(deployment: Deployment, limit: Limit, value: object) -> str:
    """Puts the value where the limit looks, and makes a place for it where there is none."""
    name = next(iter(deployment.of_type(limit.kind)), None)
    if name is None:
        name = "Planted"
        deployment.resources[name] = {"Type": limit.kind, "Properties": {}}
    here = deployment.resources[name].setdefault("Properties", {})
    *steps, last = limit.path.split(".")
    for step, following in zip(steps, [*steps[1:], last]):
        empty: object = [{}] if following == "*" else {}
        if step == "*":
            here = here[0] if isinstance(here, list) else next(iter(here.values()))
        else:
            if not here.get(step):
                here[step] = empty
            here = here[step]
    if last == "*":
        here[0] = value
    else:
        here[last] = value
    assert value in list(found(deployment.resources[name]["Properties"], limit.path.split("."))), limit
    return name


class Together(unittest.TestCase):
    """Each check over several properties is broken once, in the template before SAM's transform."""

    def refused(self, change, check: str, values: dict[str, str] | None = None) -> list[str]:
        """What the check says to a template with this change in it."""
        source = template()
        change(source)
        given = cases(deployed())["the most"] if values is None else values
        deployment = Deployment(transform(source), given)
        (noticed,) = (list(one(deployment)) for one in TOGETHER if one.__name__ == check)
        self.assertNotEqual(noticed, [])
        return noticed

    def test_each_check_is_broken_by_a_test_here(self):
        broken = set()
        for name in dir(self):
            if name.startswith("test_") and name != self._testMethodName:
                constants = getattr(type(self), name).__code__.co_consts
                broken |= {one for one in constants if isinstance(one, str)}
        for check in TOGETHER:
            with self.subTest(check.__name__):
                self.assertIn(check.__name__, broken)

    def test_a_template_of_more_than_a_megabyte(self):
        def change(source):
            source["Metadata"] = {"Long": "x" * 1_000_000}

        self.refused(change, "template_size")

    def test_too_many_resources_parameters_and_outputs(self):
        def change(source):
            for index in range(500):
                source["Resources"][f"Queue{index}"] = {"Type": "AWS::SQS::Queue"}
            for index in range(200):
                source["Parameters"][f"P{index}"] = {"Type": "String", "Default": ""}
                source["Outputs"][f"O{index}"] = {"Value": "x", "Description": "定" * 342}

        noticed = self.refused(change, "template_counts")
        for part in (" Resources,", " Parameters,", " Outputs,", "O7: a description"):
            self.assertTrue(any(part in problem for problem in noticed), part)

    def test_a_parameter_of_more_than_four_kilobytes(self):
        def change(source):
            source["Parameters"]["Consent"].pop("MaxLength")

        long = {**cases(deployed())["the least"], "Consent": "{" + "定" * 1366 + "}"}
        self.refused(change, "parameter_values", long)

    def test_an_environment_that_only_its_escapes_make_too_large(self):
        def change(source):
            variables = source["Resources"]["Webhook"]["Properties"]["Environment"]["Variables"]
            variables["QUOTED"] = '"' * 1900

        (noticed,) = self.refused(change, "environment", cases(deployed())["the least"])
        self.assertIn("Webhook", noticed)

    def test_a_variable_that_belongs_to_lambda(self):
        def change(source):
            source["Resources"]["Webhook"]["Properties"]["Environment"]["Variables"]["AWS_REGION"] = "x"

        self.refused(change, "environment")

    def test_an_alarm_on_eleven_metrics(self):
        def change(source):
            queries = source["Resources"]["FunctionsThrottled"]["Properties"]["Metrics"]
            while len(queries) < 12:
                queries.append({**queries[-1], "Id": f"more{len(queries)}"})

        (noticed,) = self.refused(change, "metrics_of_an_alarm")
        self.assertIn("11 metrics", noticed)

    def test_an_eleventh_metric_that_only_one_branch_has(self):
        def change(source):
            queries = source["Resources"]["FunctionsThrottled"]["Properties"]["Metrics"]
            while len(queries) < 11:
                queries.append({**queries[-1], "Id": f"more{len(queries)}"})
            extra = {**queries[-1], "Id": "extra"}
            queries.append({"Fn::If": ["HasStripeEventBus", extra, {"Ref": "AWS::NoValue"}]})

        self.refused(change, "metrics_of_an_alarm")

    def test_an_alarm_that_looks_back_for_more_than_a_day(self):
        def change(source):
            source["Resources"]["WorkerBehind"]["Properties"]["EvaluationPeriods"] = 289

        self.refused(change, "periods_of_an_alarm")

    def test_a_composite_alarm_on_an_alarm_that_is_not_there(self):
        def change(source):
            rule = source["Resources"]["FunctionsFail"]["Properties"]["AlarmRule"]["Fn::Join"][1]
            rule.append('ALARM("nothing")')

        self.refused(change, "children_of_an_alarm")

    def test_too_many_metric_filters(self):
        def change(source):
            for index in range(100):
                source["Resources"][f"Filter{index}"] = source["Resources"]["ErrorsLogged"]

        self.refused(change, "metric_filters")

    def test_a_default_value_beside_dimensions(self):
        def change(source):
            (counted,) = source["Resources"]["AlarmsLogged"]["Properties"]["MetricTransformations"]
            counted["DefaultValue"] = 0

        self.refused(change, "metric_filters")

    def test_an_access_log_outside_the_prefix(self):
        def change(source):
            del source["Resources"]["AccessLogs"]["Properties"]["LogGroupName"]

        self.refused(change, "access_logs")

    def test_a_policy_that_is_too_long(self):
        def change(source):
            (first, *_) = source["Resources"]["WriteLogs"]["Properties"]["PolicyDocument"]["Statement"]
            first["Action"] = [f"logs:Action{index:03}" for index in range(400)]

        self.refused(change, "policies")

    def test_a_policy_in_another_script(self):
        def change(source):
            source["Resources"]["WriteLogs"]["Properties"]["Description"] = "Protokoll – und Spur"

        self.refused(change, "policy_characters")

    def test_leading_keys_without_asking_for_the_key(self):
        def change(source):
            for resource in source["Resources"].values():
                if resource["Type"] == "AWS::IAM::ManagedPolicy":
                    for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                        statement.get("Condition", {}).pop("Null", None)

        self.refused(change, "conditions_on_many_values")

    def test_a_third_reader_of_the_stream(self):
        def change(source):
            events = source["Resources"]["Worker"]["Properties"]["Events"]
            events["Again"] = events["Inbox"]

        self.refused(change, "readers_of_a_stream")

    def test_batches_of_a_shard_side_by_side(self):
        def worker(source):
            source["Resources"]["Worker"]["Properties"]["Events"]["Inbox"]["Properties"]["ParallelizationFactor"] = 4

        def pipe(source):
            settings = source["Resources"]["ShopEventsPipe"]["Properties"]["SourceParameters"]
            settings["DynamoDBStreamParameters"]["ParallelizationFactor"] = 2

        for change in (worker, pipe):
            self.refused(change, "order_of_a_stream")

    def test_an_import_that_keeps_its_warnings_to_itself(self):
        def change(source):
            del source["Resources"]["Api"]["Properties"]["FailOnWarnings"]

        self.refused(change, "routes")

    def test_a_function_that_outlasts_api_gateway(self):
        def change(source):
            source["Globals"]["Function"]["Timeout"] = 30

        self.refused(change, "routes")

    def test_more_routes_than_an_api_takes(self):
        def change(source):
            events = source["Resources"]["Wallets"]["Properties"]["Events"]
            for index in range(300):
                event = copy.deepcopy(events["Get"])
                event["Properties"]["Path"] = f"/wallets/{index}"
                events[f"Get{index}"] = event

        self.refused(change, "routes")

    def test_a_route_whose_security_the_definition_does_not_have(self):
        def change(source):
            source["Resources"]["Api"]["Properties"]["Auth"]["DefaultAuthorizer"] = "Shoppers"
            event = source["Resources"]["Webhook"]["Properties"]["Events"]["Post"]
            event["Properties"]["Auth"] = {"Authorizer": "NONE"}

        (noticed,) = self.refused(change, "importable")
        self.assertIn("no security scheme NONE", noticed)

    def test_a_limit_for_a_route_that_does_not_exist(self):
        def change(source):
            limits = source["Resources"]["Api"]["Properties"]["RouteSettings"]
            limits["GET /webhooks/stripe"] = limits["POST /webhooks/stripe"]

        self.refused(change, "throttles")

    def test_a_route_without_a_limit(self):
        def change(source):
            del source["Resources"]["Api"]["Properties"]["DefaultRouteSettings"]

        self.refused(change, "throttles")

    def test_a_topic_with_a_key_that_cloudwatch_cannot_use(self):
        def managed(source):
            source["Resources"]["Alarms"]["Properties"]["KmsMasterKeyId"] = "alias/aws/sns"

        def closed(source):
            source["Resources"]["AlarmsKey"]["Properties"]["KeyPolicy"]["Statement"].pop()

        for change in (managed, closed):
            self.refused(change, "topic_key")
