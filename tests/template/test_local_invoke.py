"""`sam local invoke` passes on what `cargo dev --env-file` writes, resolved here by SAM's own code."""

import unittest

from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from test_environment import EXPECTED, LOCAL
from transformed import ROOT

# What the file has for SAM: values of a developer's machine, and nothing from Secrets Manager.
SECRETS_OF_AWS = {"STRIPE_SECRET_KEY_ARN", "STRIPE_WEBHOOK_SECRETS_ARN", "LINK_SECRET_ARN"}
FILE = {
    "Parameters": {
        "TABLE_NAME": "perennial",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://host.docker.internal:9001",
        "STRIPE_MODE": "test",
        "STRIPE_API_BASE": "http://host.docker.internal:9002",
        "STRIPE_SECRET_KEY": "sk_test_1",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_1",
        "STRIPE_WEBHOOK_SECRETS": "whsec_1",
        "TRIALS": "",
        "RENEWAL_REMINDER_DAYS": "",
        "EMAIL_CLAIM": "",
        "WORKER_CONCURRENCY": "",
        "GRACE_DAYS": "",
        "DISPUTED_ACCESS": "",
        "CONSENT": "",
        "LINK_SECRET": "link",
        "SHOP_URL": "http://127.0.0.1:9000/",
        "API_BASE_URL": "http://127.0.0.1:9000",
        **dict.fromkeys(SECRETS_OF_AWS, ""),
    }
}


def resolved(values: dict) -> dict[str, dict[str, str]]:
    """The variables of each function in its container, by the function's folder."""
    stacks, _ = SamLocalStackProvider.get_stacks(str(ROOT / "template.yaml"))
    provider = SamFunctionProvider(stacks, use_raw_codeuri=True)
    # Neither a container nor AWS is asked for the variables.
    runner = LocalLambdaRunner(
        local_runtime=None,
        function_provider=provider,
        cwd=str(ROOT),
        real_path=str(ROOT),
        aws_profile=None,
        aws_region="eu-west-1",
        env_vars_values=values,
    )
    return {
        function.codeuri.rsplit("/", 1)[-1]: runner._make_env_vars(function).resolve()
        for function in provider.get_all()
    }


class LocalInvoke(unittest.TestCase):
    def test_each_function_gets_what_it_reads_and_nothing_of_secrets_manager(self):
        functions = resolved(FILE)
        self.assertEqual(set(functions), set(EXPECTED))
        for package, variables in functions.items():
            with self.subTest(package):
                for name in EXPECTED[package] | LOCAL | {"TABLE_NAME"}:
                    self.assertEqual(variables[name], FILE["Parameters"][name], name)

    def test_without_the_file_what_is_for_a_developer_stays_empty(self):
        for package, variables in resolved({}).items():
            with self.subTest(package):
                self.assertEqual({variables[name] for name in LOCAL}, {""})
