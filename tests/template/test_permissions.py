"""Each function may do what it does and nothing more, so that a wider permission is a change of this table."""

import re
import unittest

from permissions import permissions, statements
from transformed import ROOT, template, transform

LOGS = {
    "logs:CreateLogStream Logs.Arn",
    "logs:PutLogEvents Logs.Arn",
    "xray:PutTraceSegments *",
    "xray:PutTelemetryRecords *",
}
LINKS = {"secretsmanager:GetSecretValue LinkSecret"}
STRIPE = {"secretsmanager:GetSecretValue StripeSecretKeyArn"}
CHECKOUTS = {
    "dynamodb:GetItem Table.Arn",
    "dynamodb:Query Table.Arn",
    "dynamodb:PutItem Table.Arn",
    "dynamodb:UpdateItem Table.Arn",
    "dynamodb:DeleteItem Table.Arn",
}
EXPECTED = {
    "ClientSecret": LOGS | STRIPE | CHECKOUTS,
    "Confirm": LOGS | STRIPE | CHECKOUTS,
    "Subscribe": LOGS | STRIPE | CHECKOUTS,
    "Subscriptions": LOGS | {"dynamodb:Query Table.Arn where dynamodb:LeadingKeys is USER#*"},
    "Wallets": LOGS | STRIPE | LINKS,
    "Links": LOGS | STRIPE | LINKS | {"dynamodb:GetItem Table.Arn where dynamodb:LeadingKeys is USER#*"},
    "Payments": LOGS
    | STRIPE
    | LINKS
    | {
        f"dynamodb:{action} Table.Arn where dynamodb:LeadingKeys is USER#* or CUST#* or REQUEST#* or PI#*"
        for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
    },
    "Webhook": LOGS
    | {
        "secretsmanager:GetSecretValue StripeWebhookSecretsArn",
        "dynamodb:PutItem Table.Arn where dynamodb:LeadingKeys is CUST#* or EVENT#*",
    },
    "Worker": LOGS
    | STRIPE
    | CHECKOUTS
    | {
        "dynamodb:DescribeStream Table.StreamArn",
        "dynamodb:GetRecords Table.StreamArn",
        "dynamodb:GetShardIterator Table.StreamArn",
        "dynamodb:ListStreams ${Table.Arn}/stream/*",
        "sqs:SendMessage GivenUp.Arn",
    },
    "PartnerEvents": LOGS
    | {
        "dynamodb:PutItem Table.Arn where dynamodb:LeadingKeys is CUST#* or EVENT#*",
        "sqs:SendMessage PartnerEventsGivenUp.Arn",
    },
    "ShopEvents": LOGS,
    "Reconcile": LOGS | STRIPE | CHECKOUTS | {"dynamodb:Query ${Table.Arn}/index/due"},
}

# What the table's crate calls, alone or within a transaction. Emulators let everything pass, so a
# missing permission would be seen first by a shopper.
CALLS = {
    "GetItem": r"\.get_item\(|\bGet::builder",
    "Query": r"\.query\(",
    "PutItem": r"\.put_item\(|\bPut::builder",
    "UpdateItem": r"\.update_item\(|\bUpdate::builder",
    "DeleteItem": r"\.delete_item\(|\bDelete::builder",
    "ConditionCheckItem": r"\bConditionCheck::builder",
    "Scan": r"\.scan\(",
    "BatchGetItem": r"\.batch_get_item\(",
    "BatchWriteItem": r"\.batch_write_item\(",
    "PartiQLSelect": r"\.execute_statement\(",
}


class Permissions(unittest.TestCase):
    def test_each_function_may_do_exactly_what_the_table_says(self):
        deployed = transform(template())
        functions = {
            name
            for name, resource in deployed["Resources"].items()
            if resource["Type"] == "AWS::Lambda::Function"
        }
        self.assertEqual(functions, set(EXPECTED))
        for name, expected in EXPECTED.items():
            with self.subTest(name):
                self.assertEqual(permissions(deployed, name), expected)

    def test_checkouts_may_do_exactly_what_the_store_calls(self):
        files = (ROOT / "shared/store/src").rglob("*.rs")
        code = "\n".join(file.read_text(encoding="utf-8") for file in files)
        called = {f"dynamodb:{name} Table.Arn" for name, form in CALLS.items() if re.search(form, code)}
        self.assertEqual(called, CHECKOUTS)

    def test_the_pipe_may_do_exactly_what_it_does(self):
        role = template()["Resources"]["ShopEventsPipeRole"]["Properties"]
        self.assertNotIn("ManagedPolicyArns", role)
        found = set().union(*(statements(policy["PolicyDocument"]) for policy in role["Policies"]))
        expected = {
            "dynamodb:DescribeStream Table.StreamArn",
            "dynamodb:GetRecords Table.StreamArn",
            "dynamodb:GetShardIterator Table.StreamArn",
            "dynamodb:ListStreams ${Table.Arn}/stream/*",
            "lambda:InvokeFunction ShopEvents.Arn",
            "events:PutEvents ShopEventBus.Arn",
            "sqs:SendMessage ShopEventsGivenUp.Arn",
        }
        self.assertEqual(found, expected)

    def test_a_wider_statement_is_noticed(self):
        source = template()
        policy = source["Resources"]["StoreEvents"]["Properties"]["PolicyDocument"]
        policy["Statement"][0]["Action"] = ["dynamodb:PutItem", "dynamodb:Scan"]
        found = permissions(transform(source), "Webhook") - EXPECTED["Webhook"]
        self.assertEqual(len(found), 1)
        self.assertIn("dynamodb:Scan", found.pop())

    def test_a_statement_without_its_condition_is_noticed(self):
        source = template()
        policy = source["Resources"]["StoreEvents"]["Properties"]["PolicyDocument"]
        del policy["Statement"][0]["Condition"]
        self.assertNotEqual(permissions(transform(source), "Webhook"), EXPECTED["Webhook"])

    def test_a_role_of_sams_own_making_is_noticed(self):
        source = template()
        del source["Resources"]["Subscriptions"]["Properties"]["Role"]
        del source["Resources"]["SubscriptionsRole"]
        found = permissions(transform(source), "Subscriptions")
        self.assertTrue(any(entry.startswith("policy ") for entry in found), found)
