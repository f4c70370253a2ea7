"""Finds dependencies that a manifest names and the package never mentions.

A plain search by name, as cargo-machete does it, without minutes of compiling. A dependency that is
named for its features only says so in [package.metadata.unused] ignored = ["name"], with the reason.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLES = ("dependencies", "dev-dependencies", "build-dependencies")


def unused(manifest: dict, sources: str) -> list[str]:
    """The dependencies of the manifest that the sources do not mention."""
    ignored = manifest["package"].get("metadata", {}).get("unused", {}).get("ignored", [])
    names = {name for table in TABLES for name in manifest.get(table, {})} - set(ignored)
    return sorted(name for name in names if not mentions(sources, name))


def mentions(sources: str, name: str) -> bool:
    """Whether the sources name the crate; a few, such as dynoxide-rs, drop the -rs in their own code."""
    written = re.sub(r"-rs$", "(-rs)?", name).replace("-", "_")
    return re.search(rf"\b{written}\b", sources) is not None


def main() -> int:
    """Looks through every package of the workspace."""
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    bad = []
    folders = [folder for member in workspace["workspace"]["members"] for folder in sorted(ROOT.glob(member))]
    for folder in folders:
        manifest = tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))
        files = [*folder.glob("src/**/*.rs"), *folder.glob("tests/**/*.rs"), *folder.glob("*.rs")]
        sources = "\n".join(file.read_text(encoding="utf-8") for file in files)
        bad += [f"{folder.relative_to(ROOT)}: {name} is not used" for name in unused(manifest, sources)]
    print("\n".join(bad) or "every dependency is used")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
