"""Functions get the variables that they read, and no secret among them."""

import unittest

from transformed import functions, template

STRIPE = {"STRIPE_MODE", "STRIPE_SECRET_KEY_ARN", "PLANS"}
PAGE = {"STRIPE_PUBLISHABLE_KEY", "API_BASE_URL"}
LINKS = {"LINK_SECRET_ARN", "SHOP_URL"}
EXPECTED = {
    "client-secret": STRIPE | PAGE | {"CONSENT"},
    "confirm": STRIPE | {"SHOP_URL"},
    "subscribe": STRIPE | PAGE | {"CONSENT"},
    "subscriptions": {"PLANS"},
    "wallets": STRIPE | PAGE | LINKS | {"CONSENT"},
    "links": (STRIPE - {"PLANS"}) | {"STRIPE_PUBLISHABLE_KEY"} | LINKS,
    "payments": STRIPE | PAGE | LINKS,
    "webhook": {"STRIPE_MODE", "STRIPE_WEBHOOK_SECRETS_ARN"},
    "worker": STRIPE,
    "partner-events": {"STRIPE_MODE"},
    "shop-events": set(),
    "reconcile": STRIPE,
}


# Two ARNs, a key, two addresses, the table, and the names of all variables.
ROOM_FOR_THE_REST = 750


class Environment(unittest.TestCase):
    def test_each_function_has_the_variables_that_it_reads(self):
        for package, function in functions(template()).items():
            with self.subTest(package):
                variables = function["Properties"].get("Environment", {}).get("Variables", {})
                self.assertEqual(set(variables), EXPECTED[package])

    def test_the_table_is_known_to_all(self):
        everywhere = template()["Globals"]["Function"]["Environment"]["Variables"]
        self.assertEqual(set(everywhere), {"TABLE_NAME"})

    def test_links_outlive_the_stack_because_apple_keeps_them(self):
        secret = template()["Resources"]["LinkSecret"]
        self.assertEqual(secret["DeletionPolicy"], "Retain")
        self.assertEqual(secret["UpdateReplacePolicy"], "Retain")
        # At least as long as the functions ask for.
        self.assertGreaterEqual(secret["Properties"]["GenerateSecretString"]["PasswordLength"], 32)

    def test_the_longest_configuration_fits_into_four_kilobytes(self):
        parameters = template()["Parameters"]
        longest = sum(parameters[name]["MaxLength"] for name in ("Plans", "Consent"))
        self.assertLessEqual(longest, 4096 - ROOM_FOR_THE_REST)

    def test_no_secret_is_resolved_into_the_template(self):
        self.assertNotIn("{{resolve:", str(template()))
