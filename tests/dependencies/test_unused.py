"""The search for unused dependencies finds one."""

import unittest

from unused import unused


class Unused(unittest.TestCase):
    def test_a_dependency_that_is_never_mentioned_is_found(self):
        manifest = {"package": {}, "dependencies": {"serde": {}, "aws-config": {}}}
        self.assertEqual(unused(manifest, "use aws_config::x;"), ["serde"])

    def test_test_dependencies_count_too(self):
        manifest = {"package": {}, "dev-dependencies": {"insta": {}}}
        self.assertEqual(unused(manifest, "fn main() {}"), ["insta"])

    def test_part_of_a_longer_name_is_no_mention(self):
        manifest = {"package": {}, "dependencies": {"http": {}}}
        self.assertEqual(unused(manifest, "use lambda_http::x;"), ["http"])

    def test_a_library_may_drop_the_rs_of_its_package(self):
        manifest = {"package": {}, "dependencies": {"dynoxide-rs": {}, "aws-lc-rs": {}}}
        self.assertEqual(unused(manifest, "dynoxide::a; aws_lc_rs::b"), [])

    def test_an_ignored_one_is_left_alone(self):
        manifest = {
            "package": {"metadata": {"unused": {"ignored": ["tokio"]}}},
            "dependencies": {"tokio": {}},
        }
        self.assertEqual(unused(manifest, ""), [])
