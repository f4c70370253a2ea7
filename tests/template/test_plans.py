"""plans/plans.json reaches the function that publishes it with each `sam deploy`, by SAM's own code."""

import json
import os
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from samcli.commands._utils.template import get_template_data, move_template
from samcli.lib.package.packageable_resources import ServerlessLayerVersionResource
from samcli.lib.providers.sam_layer_provider import SamLayerProvider
from samcli.commands.build.build_context import BuildContext
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

from transformed import ROOT, template, transform


class Uploader:
    """Keeps what SAM would upload."""

    bucket_name = "code"
    prefix = None

    def __init__(self):
        self.files: list[list[str]] = []
        self.plans: bytes = b""

    def upload_with_dedup(self, file_name, **_):
        """One archive."""
        with zipfile.ZipFile(file_name) as archive:
            self.files.append(archive.namelist())
            self.plans = archive.read("plans.json")
        return f"s3://code/{len(self.files)}"


def layer(source: dict) -> dict:
    """The layer, as in a template."""
    return source["Resources"]["PlansLayer"]


class Plans(unittest.TestCase):
    def test_the_folder_holds_the_file_and_nothing_else(self):
        folder = ROOT / layer(template())["Properties"]["ContentUri"]
        self.assertEqual([path.name for path in folder.iterdir()], ["plans.json"])
        self.assertIsInstance(json.loads((folder / "plans.json").read_text(encoding="utf-8")), dict)
        # Lambda reads it as another user.
        self.assertTrue(os.stat(folder / "plans.json").st_mode & 0o004)

    def test_sam_build_leaves_it_alone(self):
        stacks, _ = SamLocalStackProvider.get_stacks(str(ROOT / "template.yaml"))
        for built in SamLayerProvider(stacks).get_all():
            self.assertFalse(BuildContext.is_layer_buildable(built), built.full_path)

    def test_sam_deploy_zips_the_file_of_today_from_the_built_template(self):
        with tempfile.TemporaryDirectory(dir=ROOT) as built:
            moved = str(Path(built) / "template.yaml")
            move_template(str(ROOT / "template.yaml"), moved, get_template_data(str(ROOT / "template.yaml")))
            properties = layer(get_template_data(moved))["Properties"]
            uploader = Uploader()
            uploaders = mock.Mock(get=mock.Mock(return_value=uploader))
            signer = mock.Mock(should_sign_package=mock.Mock(return_value=False))
            ServerlessLayerVersionResource(uploaders, signer).export("PlansLayer", properties, built)
        self.assertEqual(uploader.files, [["plans.json"]], "at the top, which is /opt")
        self.assertEqual(uploader.plans, (ROOT / "plans/plans.json").read_bytes())

    def test_another_file_is_another_layer_and_runs_the_resolver(self):
        def deployed(key: str) -> dict:
            source = template()
            layer(source)["Properties"]["ContentUri"] = {"Bucket": "code", "Key": key}
            with mock.patch("transformed.PLANS_KEY", key):
                return transform(source)["Resources"]

        first, second = deployed("one"), deployed("two")
        arns = [it["PublishedPlans"]["Properties"]["Plans"] for it in (first, second)]
        self.assertNotEqual(*arns)
        for resources, arn in zip((first, second), arns):
            self.assertEqual(resources["Reconcile"]["Properties"]["Layers"], [arn])
            self.assertIn(arn["Ref"], resources)

    def test_only_the_function_that_publishes_has_the_plans(self):
        for name, resource in transform(template())["Resources"].items():
            if resource["Type"] == "AWS::Lambda::Function" and name != "Reconcile":
                self.assertNotIn("Layers", resource["Properties"], name)

    def test_the_deployment_waits_for_the_function_and_not_for_an_hour(self):
        properties = template()["Resources"]["PublishedPlans"]["Properties"]
        self.assertEqual(properties["ServiceToken"], {"Fn::GetAtt": ["Reconcile", "Arn"]})
        reconcile = template()["Resources"]["Reconcile"]["Properties"]
        # Lambda tries an event that failed once more, after a minute.
        self.assertGreaterEqual(properties["ServiceTimeout"], 2 * reconcile["Timeout"] + 60)
