"""The template can be deployed: no resources wait for each other."""

import unittest

from cycles import find_cycle
from transformed import deployed, template, transform


class Cycles(unittest.TestCase):
    def test_no_resources_wait_for_each_other(self):
        resources = deployed()["Resources"]
        self.assertGreater(len(resources), 20)
        self.assertEqual(find_cycle(resources), [])

    def test_a_function_that_knows_the_address_of_its_own_api_is_found(self):
        source = template()
        variables = source["Resources"]["Confirm"]["Properties"]["Environment"]["Variables"]
        variables["API_BASE_URL"] = {"Fn::Sub": "https://${Api}.example"}
        self.assertEqual(find_cycle(transform(source)["Resources"]), ["Api", "Confirm", "Api"])

    def test_a_canary_that_watches_the_api_it_deploys_is_found(self):
        source = template()
        source["Resources"]["ApiFails"] = {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "Dimensions": [{"Name": "ApiId", "Value": {"Ref": "Api"}}],
            },
        }
        webhook = source["Resources"]["Webhook"]["Properties"]
        webhook["AutoPublishAlias"] = "live"
        webhook["DeploymentPreference"] = {
            "Type": "Canary10Percent5Minutes",
            "Alarms": [{"Ref": "ApiFails"}],
        }
        self.assertIn("ApiFails", find_cycle(transform(source)["Resources"]))

    def test_every_way_to_refer_counts(self):
        for value in (
            {"Ref": "B"},
            {"Fn::GetAtt": ["B", "Arn"]},
            {"Fn::GetAtt": "B.Arn"},
            {"Fn::Sub": "x-${B.Arn}"},
            {"Fn::Sub": ["x-${y}", {"y": {"Ref": "B"}}]},
            {"Fn::If": ["C", [{"Ref": "B"}], "no"]},
        ):
            with self.subTest(value):
                resources = {"A": {"Properties": {"P": value}}, "B": {"DependsOn": "A"}}
                self.assertEqual(find_cycle(resources), ["A", "B", "A"])
                self.assertEqual(find_cycle({**resources, "B": {}}), [])
