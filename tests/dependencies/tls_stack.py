"""Finds a second TLS stack in what a function is linked from.

The default features of the AWS crates bring an old one, with a rustls that has known holes, and it
comes back silently with any dependency that turns them on.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Lambda runs the functions on this machine, so this is the tree that counts.
TARGET = "aarch64-unknown-linux-gnu"
PACKAGE = re.compile(r"^(\S+) v(\d+\.\d+\.\d+\S*)", re.MULTILINE)
OTHER_STACKS = {"native-tls", "openssl", "openssl-sys", "hyper-tls", "ring"}


def problems(tree: str) -> list[str]:
    """What is wrong with the output of `cargo tree --prefix none`, of which one rustls is wanted."""
    packages = set(PACKAGE.findall(tree))
    found = []
    rustls = sorted(version for name, version in packages if name == "rustls")
    if len(rustls) != 1:
        found.append(f"1 rustls is wanted, found: {', '.join(rustls) or 'none'}")
    for name, version in sorted(packages):
        if name in {"hyper", "http"} and version.startswith("0."):
            found.append(f"{name} {version} is of the old stack")
        if name in OTHER_STACKS:
            found.append(f"{name} {version} is another stack")
    return found


def tree_of(package: str) -> str:
    """Everything that the binary of the package is linked from."""
    command = ["cargo", "tree", "--locked", "--package", package, "--target", TARGET]
    command += ["--edges", "normal", "--prefix", "none", "--no-dedupe"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Checks every function, and says what it looked at."""
    bad = 0
    packages = sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
    if not packages:
        print("no function found")
        return 1
    for package in packages:
        tree = tree_of(package)
        found = problems(tree)
        bad += bool(found)
        print(f"{package}: {len(set(PACKAGE.findall(tree)))} crates, {'; '.join(found) or 'as it should be'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
