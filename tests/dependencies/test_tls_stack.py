"""The search for a second TLS stack finds one."""

import unittest

from tls_stack import problems

GOOD = "client-secret v0.1.0 (/x)\nhyper v1.11.0\nhttp v1.4.0\nrustls v0.23.41\nrustls-webpki v0.103.4\n"


class TlsStack(unittest.TestCase):
    def test_one_stack_is_fine(self):
        self.assertEqual(problems(GOOD), [])
        self.assertEqual(problems(GOOD + "rustls v0.23.41\n"), [])

    def test_a_second_rustls_is_found(self):
        self.assertEqual(len(problems(GOOD + "rustls v0.21.12\n")), 1)

    def test_an_old_hyper_is_found(self):
        self.assertEqual(len(problems(GOOD + "hyper v0.14.32\n")), 1)

    def test_another_stack_is_found(self):
        self.assertEqual(len(problems(GOOD + "openssl-sys v0.9.109\n")), 1)

    def test_a_tree_without_any_stack_is_not_believed(self):
        self.assertEqual(len(problems("")), 1)
