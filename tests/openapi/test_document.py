"""docs/openapi.json says what the template, the functions, docs/HTTP.md and the page's module say."""

import re
import unittest

import document
from document import JSON, ROOT, complaints, resolved

ROUTES = document.routes()
CODE = r'ApiError::new\(\s*(\d{3}),\s*"([a-z_]+)"'
# Of a function that something else than the HTTP API has called.
NOT_OF_A_ROUTE = {("400", "invalid_body"), ("404", "unknown_route")}


def sources() -> str:
    """What the functions behind the API are made of, without their tests."""
    files = [file for folder in ("functions", "shared") for file in sorted((ROOT / folder).rglob("src/**/*.rs"))]
    return "\n".join(file.read_text(encoding="utf-8").split("\nmod tests {")[0] for file in files)


def codes_of_the_functions(text: str) -> set[tuple[str, str]]:
    """Statuses and codes that are written out, those of `Why` among them."""
    return set(re.findall(CODE, text)) | set(re.findall(r'=> (\d{3}), "([a-z_]+)"', text)) - NOT_OF_A_ROUTE


def codes_of_the_document() -> set[tuple[str, str]]:
    return {
        (status, code)
        for operation in ROUTES.values()
        for status, response in operation["responses"].items()
        for code in document.codes_of(response)
    }


class TestDocument(unittest.TestCase):
    def test_it_has_the_routes_of_the_template(self):
        template = (ROOT / "template.yaml").read_text(encoding="utf-8")
        found = re.findall(
            r"^ +Path: (/\S+)\n +Method: ([A-Z]+)[^\n]*\n(?: +(?:PayloadFormatVersion|TimeoutInMillis)[^\n]*\n)*(?: +Auth: \{Authorizer: (\w+)\})?",
            template,
            re.MULTILINE,
        )
        schemes = {"Shoppers": ["shopper"], "AWS_IAM": ["server"], "": []}
        told = {f"{method} {path}": schemes[authorizer] for path, method, authorizer in found}
        told["POST /webhooks/stripe"] = ["stripeSignature"]
        ours = {route: [name for scheme in operation["security"] for name in scheme] for route, operation in ROUTES.items()}
        self.assertEqual(told, ours)

    def test_each_code_of_the_functions_is_one_of_a_route_and_the_other_way_round(self):
        text = sources()
        written, documented = codes_of_the_functions(text), codes_of_the_document()
        self.assertGreater(len(written), 80)
        self.assertEqual(sorted(written - documented - NOT_OF_A_ROUTE), [])
        literals = set(re.findall(r'"([a-z_]+)"', text))
        self.assertEqual(sorted(code for _, code in documented if code not in literals), [])

    def test_http_md_tells_of_each_code(self):
        text = (ROOT / "docs" / "HTTP.md").read_text(encoding="utf-8").split("\n## Error codes\n")[1].split("\n## ")[0]
        told = {
            (status, code)
            for status, codes in re.findall(r"^\| (\d{3}) \| ([^|]+) \|", text, re.MULTILINE)
            for code in re.findall(r"`([a-z_]+)`", codes)
        } - NOT_OF_A_ROUTE
        # It cannot be brought about: what a function has read can be written.
        written = codes_of_the_document() - {("500", "unreadable_request")}
        self.assertEqual(sorted(told - written), [])
        self.assertEqual(sorted(written - told), [])

    def test_each_route_has_a_name_of_its_own_and_every_reference_leads_somewhere(self):
        names = [operation["operationId"] for operation in ROUTES.values()]
        self.assertEqual(len(names), len(set(names)))
        text = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
        used = set(re.findall(r'"\$ref": ?"(#[^"]+)"', text))
        for reference in used:
            resolved({"$ref": reference})
        kept = {f"#/components/schemas/{name}" for name in document.DOCUMENT["components"]["schemas"]}
        self.assertEqual(sorted(kept - used), [])

    def test_a_body_has_nothing_that_is_not_described(self):
        for route, operation in ROUTES.items():
            if "requestBody" in operation and route != "POST /webhooks/stripe":
                judge = document.validator(document.body_of(operation)["schema"])
                self.assertTrue(complaints(judge, {"of_tomorrow": 1}), route)

    def test_the_examples_are_right(self):
        seen = 0
        for route, operation in ROUTES.items():
            parts = [(status, response, True) for status, response in operation["responses"].items()]
            parts.append(("request", operation.get("requestBody", {}), False))
            for what, part, is_answer in parts:
                content = part.get("content", {}).get(JSON, {})
                for example in [content["example"]] if "example" in content else []:
                    seen += 1
                    judge = document.validator(content["schema"], answers=is_answer)
                    self.assertEqual(complaints(judge, example), [], f"{route} {what}")
                # What succeeds is shown.
                if content and what < "400" or what == "request" and content:
                    self.assertIn("example", content, f"{route} {what}")
        self.assertGreater(seen, 30)


if __name__ == "__main__":
    unittest.main()
