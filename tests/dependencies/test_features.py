"""The search for other features finds some."""

import unittest

from features import others

TOGETHER = "worker v0.1.0 (/x) []\nserde v1.0.229 [alloc,derive]\nbytes v1.12.2 [std]\n"


class Features(unittest.TestCase):
    def test_the_same_features_are_fine(self):
        self.assertEqual(others(TOGETHER, "serde v1.0.229 [alloc,derive]\n\nserde v1.0.229 [alloc,derive] (*)\n"), [])

    def test_fewer_features_are_found(self):
        self.assertEqual(others(TOGETHER, "serde v1.0.229 [derive]\nbytes v1.12.2 [std]\n"), ["serde v1.0.229 [derive]"])
