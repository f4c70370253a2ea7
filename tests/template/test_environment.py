"""Functions get the variables that they read, and no secret among them."""

import unittest

from transformed import functions, template

STRIPE = {"STRIPE_MODE", "STRIPE_SECRET_KEY_ARN", "PLANS"}
EXPECTED = {
    "client-secret": STRIPE | {"STRIPE_PUBLISHABLE_KEY", "API_BASE_URL"},
    "confirm": STRIPE | {"SHOP_URL"},
    "subscribe": STRIPE,
    "subscriptions": {"PLANS"},
    "webhook": {"STRIPE_MODE", "STRIPE_WEBHOOK_SECRETS_ARN"},
    "worker": STRIPE,
    "partner-events": {"STRIPE_MODE"},
    "shop-events": set(),
    "reconcile": STRIPE,
}


class Environment(unittest.TestCase):
    def test_each_function_has_the_variables_that_it_reads(self):
        for package, function in functions(template()).items():
            with self.subTest(package):
                variables = function["Properties"].get("Environment", {}).get("Variables", {})
                self.assertEqual(set(variables), EXPECTED[package])

    def test_the_table_is_known_to_all(self):
        everywhere = template()["Globals"]["Function"]["Environment"]["Variables"]
        self.assertEqual(set(everywhere), {"TABLE_NAME"})

    def test_no_secret_is_resolved_into_the_template(self):
        self.assertNotIn("{{resolve:", str(template()))
