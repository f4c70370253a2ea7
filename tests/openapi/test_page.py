"""What the page's module names by hand of docs/openapi.json is in it. Its other types are made of it."""

import re
import unittest

from document import DOCUMENT, ROOT

SCHEMAS = DOCUMENT["components"]["schemas"]
FILES = [ROOT / "web" / "perennial.js", *sorted((ROOT / "web" / "perennial").glob("*.js"))]
SOURCE = "\n".join(file.read_text(encoding="utf-8") for file in FILES)

# `Payment` is both what a shop's server hands on and what a link opens: what a page uses of either.
ROUTES_OF_PAYMENT = ["StartedPayment", "AuthorizedPayment"]


def members(name: str) -> dict[str, bool]:
    """The members of a typedef, with whether each has to be there."""
    start = re.search(rf"@typedef \{{object\}} {name}\n", SOURCE)
    assert start, f"there is no typedef {name}"
    found = {}
    for line in SOURCE[start.end() :].splitlines():
        if " @typedef" in line or "*/" in line:
            break
        if member := re.match(r" \* @property \{.+\} (\[)?(\w+)\]?(?: |$)", line):
            found[member[2]] = member[1] is None
    return found


class TestPage(unittest.TestCase):
    def test_what_a_page_uses_of_a_payment_is_in_both_answers(self):
        answers = [SCHEMAS[name]["properties"] for name in ROUTES_OF_PAYMENT]
        for member, required in members("Payment").items():
            self.assertTrue(all(member in each for each in answers) if required else any(member in each for each in answers), member)

    def test_the_codes_that_the_module_knows_are_those_of_the_document(self):
        text = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
        named = re.search(r"const OUTDATED = \[(.+?)\]", SOURCE)[1] + re.search(r"const WITHOUT_CHECKOUT = \[(.+?)\]", SOURCE)[1]
        for code in re.findall(r'"(\w+)"', named):
            self.assertIn(f'"{code}"', text)


if __name__ == "__main__":
    unittest.main()
