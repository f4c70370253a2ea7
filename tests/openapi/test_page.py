"""The typedefs of the page's module name the fields and words of docs/openapi.json, and no others."""

import re
import unittest

from document import DOCUMENT, ROOT

SCHEMAS = DOCUMENT["components"]["schemas"]
FILES = [ROOT / "web" / "perennial.js", *sorted((ROOT / "web" / "perennial").glob("*.js"))]
SOURCE = "\n".join(file.read_text(encoding="utf-8") for file in FILES)

# The typedefs of what the API answers, by the schema that they stand for.
TYPES = {
    "Plan": "Plan",
    "Wallets": "Wallets",
    "Wallet": "Wallet",
    "Subscription": "Subscription",
    "Entitlement": "Entitlement",
    "WalletName": "WalletName",
    "SheetWallet": "SheetWallet",
    "First": "First",
}
# `Payment` is both what a shop's server hands on and what a link opens: what a page uses of either.
ROUTES_OF_PAYMENT = ["StartedPayment", "AuthorizedPayment"]


def typedef(name: str) -> dict[str, tuple[bool, str]] | str:
    """The members of a typedef, with whether each has to be there and its type; or the type itself."""
    text = SOURCE
    alias = re.search(rf"@typedef \{{(?!object\}}|import\()(.+?)\}} {name}\b", text)
    if alias:
        return alias[1]
    start = re.search(rf"@typedef \{{object\}} {name}\n", text)
    assert start, f"there is no typedef {name}"
    members = {}
    for line in text[start.end() :].splitlines():
        if " @typedef" in line or "*/" in line:
            break
        if found := re.match(r" \* @property \{(.+)\} (\[)?(\w+)\]?(?: |$)", line):
            members[found[3]] = (found[2] is None, found[1])
    return members


def parts(schema: dict):
    """A schema and everything that it is made of, but what Stripe.js types."""
    while "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name in ("Elements", "ExpressCheckout", "ApplePay"):
            return
        schema = SCHEMAS[name]
    yield schema
    for inner in (*schema.get("anyOf", []), *schema.get("properties", {}).values(), *filter(None, [schema.get("items")])):
        yield from parts(inner)


def words(schema: dict) -> set[str]:
    """The words that a value may be, unless it may be others too."""
    found = set()
    for part in parts(schema):
        if "enum" in part and part.get("type") == "string":
            found.update(part["enum"])
    return found


def property_schemas(schema: dict) -> dict[str, dict]:
    return {name: inner for part in parts(schema) for name, inner in part.get("properties", {}).items()}


def is_nullable(schema: dict) -> bool:
    return any(part.get("type") == "null" or "null" in part.get("type", []) for part in schema.get("anyOf", [])) or "null" in (
        schema.get("type") or []
    )


def aliases(text: str) -> str:
    """A type with the names of words replaced by the words."""
    for name in ("WalletName", "First"):
        text = re.sub(rf"\b{name}\b", lambda _: str(typedef(name)), text)
    return text


class TestPage(unittest.TestCase):
    def test_a_typedef_has_the_members_of_its_schema(self):
        for name, schema_name in TYPES.items():
            schema, told = SCHEMAS[schema_name], typedef(name)
            if isinstance(told, str):
                self.assertEqual(set(re.findall(r'"(\w+)"', told)), set(schema["enum"]), name)
                continue
            self.assertEqual(set(told), set(schema["properties"]), name)
            for member, (required, text) in told.items():
                what, inner = f"{name}.{member}", schema["properties"][member]
                self.assertEqual(required, member in schema.get("required", []), f"{what} is optional in one of the two")
                if "| null" in text.split("}")[-1] or is_nullable(inner):
                    self.assertEqual("| null" in text.split("}")[-1], is_nullable(inner), f"{what} is null in one of the two")
                if "Stripe" in text:
                    continue
                # The type of a member within a member, such as `{ state: "ok", reason: string }`.
                within = set(re.findall(r"(\w+)\??: ", text))
                if within and member != "wallets":
                    self.assertEqual(within, set(property_schemas(inner)), what)
                named = re.findall(r"(\w+)\??: ([^,}]+)", text) if within else [(member, text)]
                schemas = property_schemas(inner) if within else {member: inner}
                for inner_name, inner_text in named:
                    closed = set(re.findall(r'"(\w+)"', aliases(inner_text)))
                    if closed and "Record" not in text:
                        self.assertEqual(closed, words(schemas[inner_name]), what)

    def test_what_a_page_uses_of_a_payment_is_in_both_answers(self):
        told = typedef("Payment")
        answers = [SCHEMAS[name]["properties"] for name in ROUTES_OF_PAYMENT]
        for member, (required, _) in told.items():
            self.assertTrue(all(member in each for each in answers) if required else any(member in each for each in answers), member)

    def test_the_words_of_a_return_are_those_of_a_checkout(self):
        told = typedef("Return")["status"][1]
        self.assertEqual(set(re.findall(r'"(\w+)"', told)), set(SCHEMAS["Checkout"]["properties"]["status"]["enum"]))

    def test_the_codes_that_the_module_knows_are_those_of_the_document(self):
        text = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
        named = re.search(r"const OUTDATED = \[(.+?)\]", SOURCE)[1] + re.search(r"const WITHOUT_CHECKOUT = \[(.+?)\]", SOURCE)[1]
        for code in re.findall(r'"(\w+)"', named):
            self.assertIn(f'"{code}"', text)


if __name__ == "__main__":
    unittest.main()
