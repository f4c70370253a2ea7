"""Each function may do what it does and nothing more, so that a wider permission is a change of this table.

That the table is right, the journeys show: they are refused what it does not allow, and they use all of it
(tests/tests/journeys/permissions.rs).
"""

import unittest

from cases import cases
from deployment import Deployment
from permissions import permissions, permissions_of_role
from transformed import deployed, template, transform

LOGS = {
    "logs:CreateLogStream Logs",
    "logs:PutLogEvents Logs",
    "xray:PutTraceSegments *",
    "xray:PutTelemetryRecords *",
}
DECRYPT = {"kms:Decrypt SecretsKeyArn where kms:ViaService is secretsmanager.ap-southeast-1.amazonaws.com"}
STRIPE = {"secretsmanager:GetSecretValue StripeSecretKeyArn"} | DECRYPT
LINKS = {"secretsmanager:GetSecretValue LinkSecret"}
STREAM = {
    "dynamodb:DescribeStream Table/stream",
    "dynamodb:GetRecords Table/stream",
    "dynamodb:GetShardIterator Table/stream",
    "dynamodb:ListStreams Table/stream/*",
}


def on_table(**actions: str) -> set[str]:
    """Actions of DynamoDB, each with the partition keys that it may meet."""
    return {f"dynamodb:{action} Table where {key}" for action, keys in actions.items() for key in keys.split()}


EXPECTED = {
    "ClientSecret": LOGS
    | STRIPE
    | LINKS
    | on_table(
        GetItem="USER#* CATALOG MODE",
        Query="USER#*",
        PutItem="USER#* CUST#* SETI#* PI#* OUT#*",
        UpdateItem="USER#*",
        DeleteItem="USER#*",
    ),
    "Confirm": LOGS
    | STRIPE
    | on_table(
        GetItem="USER#* SETI#* PI#* CATALOG MODE",
        Query="USER#*",
        PutItem="USER#* SETI#* PI#* OUT#*",
        UpdateItem="USER#*",
        DeleteItem="USER#*",
    ),
    "Subscribe": LOGS
    | STRIPE
    | LINKS
    | on_table(
        GetItem="USER#* CATALOG MODE",
        Query="USER#*",
        PutItem="USER#* CUST#* SETI#* PI#* OUT#*",
        UpdateItem="USER#*",
        DeleteItem="USER#*",
    ),
    "Subscriptions": LOGS
    | on_table(
        GetItem="CATALOG MODE",
        Query="USER#* OUT#* INBOX#*",
    ),
    "Actions": LOGS
    | STRIPE
    | LINKS
    | on_table(
        GetItem="USER#* CATALOG MODE",
        Query="USER#*",
        PutItem="USER#* SETI#* OUT#*",
        UpdateItem="USER#*",
        DeleteItem="USER#*",
    ),
    "Users": LOGS
    | STRIPE
    | on_table(
        GetItem="USER#* CUST#* CATALOG MODE",
        Query="USER#* OUT#* INBOX#*",
        PutItem="USER#* CUST#* OUT#*",
        UpdateItem="USER#*",
        ConditionCheckItem="USER#*",
        DeleteItem="USER#* CUST#* SETI#* PI#* REQUEST#* OUT#* INBOX#*",
    ),
    "Wallets": LOGS
    | STRIPE
    | LINKS
    | on_table(
        GetItem="CATALOG MODE",
        Query="USER#*",
        UpdateItem="USER#*",
    ),
    "Links": LOGS
    | STRIPE
    | LINKS
    | on_table(
        GetItem="USER#* PORTAL MODE",
        Query="USER#*",
    ),
    "Payments": LOGS
    | STRIPE
    | LINKS
    | on_table(
        GetItem="USER#* CUST#* REQUEST#* PI#* MODE",
        PutItem="CUST#* REQUEST#* PI#*",
        UpdateItem="USER#* REQUEST#* PI#*",
    ),
    "Webhook": LOGS
    | DECRYPT
    | {"secretsmanager:GetSecretValue StripeWebhookSecretsArn"}
    | on_table(PutItem="INBOX#*"),
    "Worker": LOGS
    | STRIPE
    | STREAM
    | {"sqs:SendMessage GivenUp"}
    | on_table(
        GetItem="USER#* CUST#* SETI#* CATALOG MODE",
        Query="USER#*",
        PutItem="USER#* SETI#* PI#* OUT#* CATALOG",
        UpdateItem="USER#* INBOX#*",
        DeleteItem="USER#*",
    ),
    "PartnerEvents": LOGS
    | {"sqs:SendMessage PartnerEventsGivenUp"}
    | on_table(PutItem="INBOX#*"),
    "ShopEvents": LOGS | LINKS | DECRYPT,
    "Reconcile": LOGS
    | STRIPE
    | {"dynamodb:Query Table/index/due"}
    | on_table(
        GetItem="USER#* CUST#* INBOX#* SETI#* RECONCILE CATALOG PORTAL MODE",
        BatchGetItem="USER#* CUST#* INBOX#*",
        Query="USER#* OUT#* INBOX#*",
        PutItem="USER#* CUST#* SETI#* PI#* OUT#* INBOX#* RECONCILE CATALOG MODE",
        UpdateItem="USER#* INBOX#* PORTAL",
        DeleteItem="USER#* CUST#* SETI#* PI#* REQUEST#* OUT#* INBOX#*",
    ),
}

# Who reads a secret knows its ARN.
SECRETS = {
    "STRIPE_SECRET_KEY_ARN": "StripeSecretKeyArn",
    "STRIPE_WEBHOOK_SECRETS_ARN": "StripeWebhookSecretsArn",
    "LINK_SECRET_ARN": "LinkSecret",
}


def deployment(source: dict | None = None) -> Deployment:
    """With everything in it, and a table and a link secret of its own."""
    source = deployed() if source is None else transform(source)
    values = cases(deployed())["the most"]
    values |= {"ExistingTableStreamArn": "", "ExistingLinkSecretArn": ""}
    # Each parameter that is an ARN has one of its own, by which it is told apart.
    values["StripeWebhookSecretsArn"] = values["StripeWebhookSecretsArn"].replace("kkk", "www")
    return Deployment(source, values)


class Permissions(unittest.TestCase):
    def test_each_function_may_do_exactly_what_the_table_says(self):
        everything = deployment()
        self.assertEqual(set(everything.of_type("AWS::Lambda::Function")), set(EXPECTED))
        for name, expected in EXPECTED.items():
            with self.subTest(name):
                self.assertEqual(permissions(everything, name), expected)

    def test_a_secret_is_read_by_those_who_know_its_arn(self):
        everything = deployment()
        for name, function in everything.of_type("AWS::Lambda::Function").items():
            with self.subTest(name):
                variables = function["Environment"]["Variables"]
                known = {f"secretsmanager:GetSecretValue {it}" for one, it in SECRETS.items() if one in variables}
                allowed = {one for one in permissions(everything, name) if one.startswith("secretsmanager:")}
                self.assertEqual(allowed, known)

    def test_no_permission_is_for_everything_but_that_of_x_ray(self):
        everything = deployment()
        for name in EXPECTED:
            for permission in permissions(everything, name):
                with self.subTest(name):
                    if permission.endswith(" *"):
                        self.assertTrue(permission.startswith("xray:"), permission)

    def test_the_pipe_may_do_exactly_what_it_does(self):
        everything = deployment()
        role = everything.of_type("AWS::IAM::Role")["ShopEventsPipeRole"]
        expected = STREAM | {
            "lambda:InvokeFunction ShopEvents",
            "events:PutEvents ShopEventBus",
            "sqs:SendMessage ShopEventsGivenUp",
        }
        self.assertEqual(permissions_of_role(everything, role), expected)

    def test_a_wider_statement_is_noticed(self):
        source = template()
        policy = source["Resources"]["StoreEvents"]["Properties"]["PolicyDocument"]
        policy["Statement"][0]["Action"] = ["dynamodb:PutItem", "dynamodb:Scan"]
        found = permissions(deployment(source), "Webhook") - EXPECTED["Webhook"]
        self.assertEqual(found, {"dynamodb:Scan Table where INBOX#*"})

    def test_a_statement_without_its_condition_is_noticed(self):
        source = template()
        policy = source["Resources"]["StoreEvents"]["Properties"]["PolicyDocument"]
        del policy["Statement"][0]["Condition"]
        found = permissions(deployment(source), "Webhook") - EXPECTED["Webhook"]
        self.assertEqual(found, {"dynamodb:PutItem Table"})

    def test_a_condition_that_a_call_without_the_key_passes_is_noticed(self):
        source = template()
        policy = source["Resources"]["StoreEvents"]["Properties"]["PolicyDocument"]
        del policy["Statement"][0]["Condition"]["Null"]
        found = permissions(deployment(source), "Webhook")
        self.assertIn("dynamodb:PutItem Table where INBOX#* or absent", found)

    def test_a_policy_of_aws_is_noticed(self):
        source = template()
        role = source["Resources"]["WebhookRole"]["Properties"]
        role["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/AdministratorAccess")
        found = permissions(deployment(source), "Webhook")
        self.assertIn("policy arn:aws:iam::aws:policy/AdministratorAccess", found)

    def test_a_role_of_sams_own_making_is_noticed(self):
        source = template()
        del source["Resources"]["Subscriptions"]["Properties"]["Role"]
        del source["Resources"]["SubscriptionsRole"]
        found = permissions(deployment(source), "Subscriptions")
        self.assertTrue(any(entry.startswith("policy ") for entry in found), found)
