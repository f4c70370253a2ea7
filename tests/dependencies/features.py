"""Finds a function that asks for other features of a shared dependency than all functions together do.

Cargo compiles a crate once for each set of features, so such a function, and SAM builds each by itself, would compile
again what was compiled for all of them, and everything that uses it.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = "aarch64-unknown-linux-gnu"


def crates(tree: str) -> set[str]:
    """The lines of `cargo tree --prefix none` with package and features, without the mark of one that came before."""
    return {re.sub(r" \(\*\)$", "", line) for line in tree.splitlines() if line}


def others(together: str, alone: str) -> list[str]:
    """What the function alone is built from, and all together are not."""
    return sorted(crates(alone) - crates(together))


def tree_of(*packages: str) -> str:
    """What the packages are built from, each crate with its features."""
    command = ["cargo", "tree", "--locked", "--target", TARGET, "--edges", "normal,build"]
    command += ["--prefix", "none", "--format", "{p} [{f}]"]
    command += [f"--package={package}" for package in packages]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Looks at every function."""
    functions = sorted(manifest.parent.name for manifest in ROOT.glob("functions/*/Cargo.toml"))
    together = tree_of(*functions)
    bad = [f"{name} alone has {crate}" for name in functions for crate in others(together, tree_of(name))]
    print("\n".join(bad) or f"{len(functions)} functions ask for the same features as all of them together")
    return 1 if bad or not functions else 0


if __name__ == "__main__":
    sys.exit(main())
