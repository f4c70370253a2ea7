"""docs/openapi.json, and validators of its parts."""

import json
import re
from pathlib import Path

import jsonschema_rs

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def routes() -> dict[str, dict]:
    """Each operation by its route, such as `GET /plans`."""
    paths = DOCUMENT["paths"].items()
    return {f"{method.upper()} {path}": operation for path, methods in paths for method, operation in methods.items()}


def body_of(operation: dict) -> dict:
    """The one form that the body of a request has."""
    (body,) = operation["requestBody"]["content"].values()
    return body


def resolved(part: dict) -> dict:
    while "$ref" in part:
        found = DOCUMENT
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def closed(schema, is_part_of_all=False):
    """The same with nothing beside what is described. To a client an answer may have members of tomorrow; today
    it has these."""
    if isinstance(schema, list):
        return [closed(each, is_part_of_all) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value, name == "allOf") for name, value in schema.items()}
    if "properties" in schema and isinstance(schema.get("type"), str) and not is_part_of_all:
        inner.setdefault("additionalProperties", False)
    return inner


OPEN_COMPONENTS = DOCUMENT["components"]
CLOSED_COMPONENTS = closed(OPEN_COMPONENTS)


def validator(schema: dict, answers=False):
    """Of a schema of the document; for answers, one that takes nothing beside what is described."""
    schema = closed(schema) if answers else schema
    components = CLOSED_COMPONENTS if answers else OPEN_COMPONENTS
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [schema], "components": components}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def complaints(judge, value) -> list[str]:
    return [f"{'/'.join(map(str, error.instance_path)) or 'it'}: {error.message}" for error in judge.iter_errors(value)]


def codes_of(response: dict) -> list[str]:
    """The codes that an answer may have."""
    text = json.dumps(response.get("content", {}).get(JSON, {}).get("schema", {}))
    found = re.findall(r'"code": \{"enum": (\[.*?\])', text)
    return sorted({code for each in found for code in json.loads(each)})
