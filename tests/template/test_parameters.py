"""A stack that was not filled in is refused before anything is created, and one that was filled in is not."""

import json
import tomllib
import unittest

from cases import LEAST, allows, cases
from transformed import ROOT, deployed, template

# Values as shops have them.
REAL = {
    "StripePublishableKey": ["pk_test_51Abc", "pk_live_51" + "a" * 97],
    "StripeSecretKeyArn": ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:perennial/stripe-key-AbCdEf"],
    "StripeWebhookSecretsArn": ["arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:x-AbCdEf"],
    "Consent": ["", '{"version":"2026-11","text":"续订 \\"until\\" you cancel"}', '{\n  "version": "1",\n\t"text": "…"\n}'],
    "ShopUrl": ["https://shop.example/account", "http://localhost:3000/", "https://shop.example"],
    "ShopOrigin": ["https://shop.example", "http://localhost:3000"],
    "JwtIssuer": [
        "https://tenant.eu.auth0.com/",
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC",
        "https://login.example:8443/realms/shop",
    ],
    "JwtAudience": ["shop", "https://api.shop.example/, 4f1g23a12aa"],
    "ApiBaseUrl": ["", "https://api.shop.example", "https://api.shop.example/billing"],
    "StripeEventBusName": ["", "aws.partner/stripe.com/ed_test_61"],
    "AlarmEmail": ["", "on-call@shop.example"],
    "EmailClaim": ["", "email", "https://shop.example/email"],
    "ExistingTableStreamArn": [
        "",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/perennial-Table-1ABC/stream/2026-11-28T12:00:00.000",
    ],
    "ExistingLinkSecretArn": ["", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:LinkSecret-x1-AbCdEf"],
    "SecretsKeyArn": ["", "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    "WorkerConcurrency": ["0", "4"],
    "WebhookConcurrency": ["0", "20"],
    "GraceDays": ["1", "3", "60"],
    "RenewalReminderDays": ["0", "7", "27"],
}
# What looks like a value and is none, or would do harm.
WRONG = {
    "StripePublishableKey": ["", "sk_test_51Abc", "pk_test_REPLACE", "pk_test_"],
    "StripeSecretKeyArn": ["", "sk_test_51Abc", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:no-end"],
    "Consent": ["by continuing", "{\x01}", "{" + "x" * 600 + "}"],
    "ShopUrl": ["", "https://shop.example/?a=b", "https://shop.example/#a", "http://shop.example", "https://shop.example/a b"],
    "ShopOrigin": ["*", "https://shop.example/", "https://Shop.example", "null"],
    "JwtIssuer": ["", "issuer.example", "http://issuer.example", "https://issuer.example/?x", "https://a b"],
    "JwtAudience": ["", "shop,", "two words"],
    "ApiBaseUrl": ["https://api.shop.example/", "http://api.shop.example"],
    "EmailClaim": ["e mail", "claim?", "a" * 129],
    "ExistingTableStreamArn": ["perennial", "arn:aws:dynamodb:eu-west-1:123456789012:table/perennial"],
    "ExistingLinkSecretArn": ["perennial/link"],
    "SecretsKeyArn": ["alias/mine", "arn:aws:kms:eu-west-1:123456789012:alias/mine"],
    "WorkerConcurrency": ["-1", "many"],
    "GraceDays": ["0", "61", "soon"],
    "RenewalReminderDays": ["-1", "28", "soon"],
}


def filled_in() -> dict[str, str]:
    """The parameters that samconfig.toml hands over."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    return config["default"]["deploy"]["parameters"]["parameter_overrides"]


class Parameters(unittest.TestCase):
    def test_each_value_that_has_to_be_replaced_is_refused(self):
        parameters = template()["Parameters"]
        unfilled = {name: value for name, value in filled_in().items() if "REPLACE" in value}
        needed = {name for name, parameter in parameters.items() if "Default" not in parameter}
        self.assertEqual(set(unfilled), needed)
        for name, value in unfilled.items():
            with self.subTest(name):
                self.assertFalse(allows(parameters[name], value))

    def test_the_word_is_refused_wherever_it_is_left(self):
        parameters = template()["Parameters"]
        for name, value in LEAST.items():
            if name in parameters:
                with self.subTest(name):
                    self.assertTrue(allows(parameters[name], value))
                    cut = len(value) - 2
                    self.assertFalse(allows(parameters[name], f"{value[:cut]}REPLACE{value[cut:]}"))

    def test_values_of_shops_are_taken_and_others_are_not(self):
        parameters = template()["Parameters"]
        for name, values in REAL.items():
            for value in values:
                with self.subTest(f"{name} = {value}"):
                    self.assertTrue(allows(parameters[name], value))
        for name, values in WRONG.items():
            for value in values:
                with self.subTest(f"{name} = {value!r}"):
                    self.assertFalse(allows(parameters[name], value))

    def test_every_default_is_allowed(self):
        for name, parameter in template()["Parameters"].items():
            if "Default" in parameter:
                with self.subTest(name):
                    self.assertTrue(allows(parameter, str(parameter["Default"])))

    def test_every_parameter_that_a_shop_writes_is_tried_here(self):
        written = {name for name, parameter in template()["Parameters"].items() if "AllowedValues" not in parameter}
        self.assertEqual(written, set(REAL))

    def test_what_is_refused_is_told_in_words(self):
        for name, parameter in template()["Parameters"].items():
            if "AllowedPattern" in parameter:
                with self.subTest(name):
                    self.assertTrue(parameter.get("ConstraintDescription"))

    def test_everything_that_can_carry_a_tag_gets_one(self):
        # CloudFormation hands the tags of a stack to every resource in it that can carry tags.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
        config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
        self.assertIn("application=perennial", config["default"]["deploy"]["parameters"]["tags"])

    def test_a_template_this_long_is_uploaded(self):
        # 51,200 bytes is all that a request may carry, beyond that it has to lie in S3.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
        config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
        size = len((ROOT / "template.yaml").read_bytes())
        self.assertTrue(size <= 51_200 or config["default"]["deploy"]["parameters"]["resolve_s3"] is True)

    def test_the_cases_are_allowed(self):
        parameters = deployed()["Parameters"]
        for what, values in cases(deployed()).items():
            with self.subTest(what):
                refused = [name for name, value in values.items() if not allows(parameters[name], value)]
                self.assertEqual(json.dumps(refused), "[]")
