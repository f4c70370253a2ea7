"""template.yaml as a developer wrote it, and as CloudFormation gets it after SAM's transform."""

import copy
import functools
import logging
from pathlib import Path

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

# It warns that its metrics are not published, which nobody here collects.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

# Where SAM would have uploaded the plans.
PLANS_KEY = "plans"

ROOT = Path(__file__).resolve().parents[2]


def template() -> dict:
    """The template with its short forms written out, so that `!Ref Api` is {"Ref": "Api"}."""
    return yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))


def functions(source: dict) -> dict[str, dict]:
    """The functions by the folder they are built from, which is also their package."""
    return {
        Path(resource["Properties"]["CodeUri"]).name: resource
        for resource in source["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def http_events(function: dict) -> list[dict]:
    """What the function is called for over HTTP."""
    events = function["Properties"].get("Events", {}).values()
    return [event["Properties"] for event in events if event["Type"] == "HttpApi"]


def schedules(function: dict) -> list[dict]:
    """When the function is called without anybody asking."""
    events = function["Properties"].get("Events", {}).values()
    return [event["Properties"] for event in events if event["Type"] == "Schedule"]


@functools.cache
def _deployed() -> dict:
    return transform(template())


def deployed() -> dict:
    """What SAM makes of the template as it is; a copy of its own for everybody who asks."""
    return copy.deepcopy(_deployed())


def transform(source: dict) -> dict:
    """What SAM makes of the template, worked out here without asking AWS.

    Code that is not uploaded yet stands where it will stand, because the transform asks for a bucket.
    """
    source = copy.deepcopy(source)
    for function in functions(source).values():
        function["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "code"}
    for resource in source["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            resource["Properties"]["ContentUri"] = {"Bucket": "code", "Key": PLANS_KEY}
    # The transform fills parameters in for itself; their values change nothing that is checked here.
    values = {
        name: parameter.get("Default", "x")
        for name, parameter in source.get("Parameters", {}).items()
    }
    # Any region will do: nothing is asked there.
    somewhere = boto3.Session(region_name="eu-west-1")
    return Translator({}, Parser(), [], somewhere).translate(source, values)
