"""Functions get the variables that they read, and no secret among them."""

import unittest

from transformed import functions, template

STRIPE = {"STRIPE_MODE", "STRIPE_SECRET_KEY_ARN"}
PAGE = {"STRIPE_PUBLISHABLE_KEY", "API_BASE_URL"}
LINKS = {"LINK_SECRET_ARN", "SHOP_URL"}
# What `cargo dev --env-file` gives a function that runs by itself, in place of what AWS has.
LOCAL = {
    "AWS_ENDPOINT_URL_DYNAMODB",
    "STRIPE_API_BASE",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRETS",
    "LINK_SECRET",
}
EXPECTED = {
    "client-secret": STRIPE | PAGE | {"CONSENT", "TRIALS", "RENEWAL_REMINDER_DAYS", "EMAIL_CLAIM", "LINK_SECRET_ARN"},
    "confirm": STRIPE | {"SHOP_URL", "TRIALS", "RENEWAL_REMINDER_DAYS"},
    "subscribe": STRIPE | PAGE | {"CONSENT", "TRIALS", "RENEWAL_REMINDER_DAYS", "EMAIL_CLAIM", "LINK_SECRET_ARN"},
    "subscriptions": {"STRIPE_MODE", "GRACE_DAYS", "DISPUTED_ACCESS"},
    "actions": STRIPE | PAGE | LINKS | {"CONSENT", "TRIALS", "RENEWAL_REMINDER_DAYS"},
    "users": STRIPE | {"TRIALS", "RENEWAL_REMINDER_DAYS"},
    "wallets": STRIPE | PAGE | LINKS | {"CONSENT", "TRIALS"},
    "links": STRIPE | {"STRIPE_PUBLISHABLE_KEY"} | LINKS,
    "payments": STRIPE | PAGE | LINKS,
    "webhook": {"STRIPE_MODE", "STRIPE_WEBHOOK_SECRETS_ARN"},
    "worker": STRIPE | {"TRIALS", "RENEWAL_REMINDER_DAYS", "WORKER_CONCURRENCY"},
    "partner-events": {"STRIPE_MODE"},
    "shop-events": {"LINK_SECRET_ARN", "API_BASE_URL"},
    "reconcile": STRIPE | {"TRIALS", "RENEWAL_REMINDER_DAYS"},
}



class Environment(unittest.TestCase):
    def test_each_function_has_the_variables_that_it_reads(self):
        for package, function in functions(template()).items():
            with self.subTest(package):
                variables = function["Properties"].get("Environment", {}).get("Variables", {})
                self.assertEqual(set(variables), EXPECTED[package])

    def test_the_table_is_known_to_all(self):
        everywhere = template()["Globals"]["Function"]["Environment"]["Variables"]
        self.assertEqual(set(everywhere), {"TABLE_NAME"} | LOCAL)

    def test_what_is_for_a_developer_is_empty_where_it_is_deployed(self):
        everywhere = template()["Globals"]["Function"]["Environment"]["Variables"]
        self.assertEqual({everywhere[name] for name in LOCAL}, {""})

    def test_a_link_secret_is_as_long_as_the_functions_ask_for(self):
        secret = template()["Resources"]["LinkSecret"]
        self.assertGreaterEqual(secret["Properties"]["GenerateSecretString"]["PasswordLength"], 32)

    def test_no_secret_is_resolved_into_the_template(self):
        self.assertNotIn("{{resolve:", str(template()))
