"""A stack uses a table and a link secret of its own, or those that are there already, and never half of each."""

import unittest

from cases import LEAST, cases
from deployment import Deployment, Missing
from transformed import deployed, template, transform


class References(unittest.TestCase):
    """Nothing refers to a resource that its deployment leaves out: `deployments` resolves every one of them."""

    def broken(self, change, values: dict[str, str]) -> str:
        source = template()
        change(source)
        with self.assertRaises(Missing) as caught:
            Deployment(transform(source), values)
        return str(caught.exception)

    def test_a_table_that_is_not_created_is_noticed_wherever_it_is_named(self):
        def change(source):
            source["Resources"]["ShopEventsPipe"]["Properties"]["Source"] = {"Fn::GetAtt": "Table.StreamArn"}

        taken = cases(deployed())["the least with ExistingTableStreamArn"]
        said = self.broken(change, taken)
        self.assertEqual(said, "ShopEventsPipe.Properties.Source refers to Table, which is not there unless OwnsTable")

    def test_an_output_is_looked_at_too(self):
        def change(source):
            source["Outputs"]["LinkSecretArn"]["Value"] = {"Ref": "LinkSecret"}

        taken = cases(deployed())["the least with ExistingLinkSecretArn"]
        self.assertIn("Outputs.LinkSecretArn", self.broken(change, taken))

    def test_a_name_that_is_nothing_is_noticed(self):
        def change(source):
            source["Outputs"]["TableName"]["Value"] = {"Ref": "Tabel"}

        self.assertIn("Tabel, which is nothing", self.broken(change, cases(deployed())["the least"]))


class Adoption(unittest.TestCase):
    """A stack that takes a table and a link secret that are there already uses them everywhere, and creates none."""

    TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/restored-1"
    STREAM = f"{TABLE}/stream/2026-11-28T12:00:00.000"
    SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:links-AbCdEf"

    def taken(self) -> Deployment:
        """With both of them."""
        values = cases(deployed())["the least"]
        values |= {"ExistingTableStreamArn": self.STREAM, "ExistingLinkSecretArn": self.SECRET}
        return Deployment(deployed(), values)

    def test_it_creates_neither(self):
        self.assertEqual(self.taken().of_type("AWS::DynamoDB::Table"), {})
        self.assertEqual(self.taken().of_type("AWS::SecretsManager::Secret"), {})

    def test_every_function_gets_the_name_of_the_table(self):
        for name, function in self.taken().of_type("AWS::Lambda::Function").items():
            with self.subTest(name):
                self.assertEqual(function["Environment"]["Variables"]["TABLE_NAME"], "restored-1")

    def test_everybody_reads_its_stream(self):
        (mapping,) = self.taken().of_type("AWS::Lambda::EventSourceMapping").values()
        (pipe,) = self.taken().of_type("AWS::Pipes::Pipe").values()
        self.assertEqual({mapping["EventSourceArn"], pipe["Source"]}, {self.STREAM})

    def test_every_permission_is_for_it(self):
        allowed = set()
        policies = [one["PolicyDocument"] for one in self.taken().of_type("AWS::IAM::ManagedPolicy").values()]
        for role in self.taken().of_type("AWS::IAM::Role").values():
            policies += [policy["PolicyDocument"] for policy in role.get("Policies", [])]
        for statement in (statement for policy in policies for statement in policy["Statement"]):
            if "dynamodb" in str(statement["Action"]):
                allowed.add(statement["Resource"])
        self.assertEqual(allowed, {self.TABLE, self.STREAM, f"{self.TABLE}/stream/*", f"{self.TABLE}/index/due"})

    def test_the_alarms_look_at_it(self):
        metrics = self.taken().of_type("AWS::CloudWatch::Alarm")["TableThrottled"]["Metrics"]
        tables = {
            dimension["Value"]
            for query in metrics
            for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
            if dimension["Name"] == "TableName"
        }
        self.assertEqual(tables, {"restored-1"})

    def test_the_outputs_name_it(self):
        outputs = self.taken().outputs
        self.assertEqual(outputs["TableName"]["Value"], "restored-1")
        self.assertEqual(outputs["LinkSecretArn"]["Value"], self.SECRET)

    def test_links_are_signed_with_the_secret_that_is_there(self):
        for name in ("Wallets", "Links", "Payments"):
            with self.subTest(name):
                variables = self.taken().of_type("AWS::Lambda::Function")[name]["Environment"]["Variables"]
                self.assertEqual(variables["LINK_SECRET_ARN"], self.SECRET)

    def test_what_a_failed_first_deployment_leaves_behind_is_nothing(self):
        for name in ("Table", "LinkSecret"):
            with self.subTest(name):
                resource = template()["Resources"][name]
                self.assertEqual(resource["DeletionPolicy"], "RetainExceptOnCreate")
                self.assertEqual(resource["UpdateReplacePolicy"], "Retain")

    def test_everything_else_goes_with_its_stack(self):
        kept = {
            name
            for name, resource in deployed()["Resources"].items()
            if resource.get("DeletionPolicy", "Delete") != "Delete"
        }
        self.assertEqual(kept, {"Table", "LinkSecret"})

    def test_the_least_is_what_has_no_default(self):
        needed = {name for name, parameter in deployed()["Parameters"].items() if "Default" not in parameter}
        self.assertLessEqual(set(LEAST), needed)
