"""What `sam build` made is looked at before anything is deployed, and each way to be wrong is noticed."""

import struct
import sys
import tempfile
import unittest
from pathlib import Path

from transformed import ROOT

sys.path.insert(0, str(ROOT / ".ci"))
from artifact import problems  # noqa: E402


def elf(machine: int = 183, kind: int = 3, glibc: bytes = b"GLIBC_2.30") -> bytes:
    """The beginning of an ELF file, and the name of a version."""
    return b"\x7fELF\x02\x01" + bytes(10) + struct.pack("<HH", kind, machine) + bytes(40) + glibc


class Artifact(unittest.TestCase):
    def found(self, content: bytes, name: str = "bootstrap", mode: int = 0o755) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            path.chmod(mode)
            return problems(path)

    def test_what_lambda_can_start_passes(self):
        self.assertEqual(self.found(elf()), [])
        self.assertEqual(self.found(elf(kind=2, glibc=b"GLIBC_2.17\0GLIBC_2.34")), [])

    def test_each_thing_that_it_cannot_start_is_noticed(self):
        for content, said in (
            (elf(machine=62), "machine 62"),
            (elf(kind=1), "no executable"),
            (elf(glibc=b"GLIBC_2.36"), "glibc 2.36"),
            (elf(glibc=b"GLIBC_2.4\0GLIBC_2.100"), "glibc 2.100"),
            (elf(glibc=b""), "names no version"),
            (b"#!/bin/sh\n", "no ELF file"),
        ):
            with self.subTest(said):
                (problem,) = self.found(content)
                self.assertIn(said, problem)
        self.assertIn("called main", self.found(elf(), name="main")[0])
        self.assertIn("cannot be executed", self.found(elf(), mode=0o644)[0])

    def test_what_is_not_there_is_noticed(self):
        self.assertIn("is not there", problems(Path("/nothing/bootstrap"))[0])

    def test_the_readme_builds_with_the_tools_that_are_tried(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        pinned = (ROOT / ".ci/requirements.txt").read_text(encoding="utf-8").splitlines()
        for tool in ("aws-sam-cli", "cargo-lambda", "ziglang"):
            with self.subTest(tool):
                (line,) = [line for line in pinned if line.startswith(f"{tool}==")]
                self.assertIn(line, readme)
