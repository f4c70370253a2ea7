"""Says whether a file is what Lambda can start: an executable for arm64 that wants no newer C library than it has.

    python3 .ci/artifact.py target/sam/ShopEvents/bootstrap
"""

import re
import struct
import sys
from pathlib import Path

# Amazon Linux 2023 has glibc 2.34: https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html
NEWEST_GLIBC = (2, 34)
# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html; 183 is the number of AArch64.
AARCH64 = 183
DYNAMIC = 3
EXECUTABLE = 2


def problems(path: Path) -> list[str]:
    """What is wrong with the file."""
    if not path.is_file():
        return [f"{path} is not there"]
    found = []
    # The name that the runtime looks for: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
    if path.name != "bootstrap":
        found.append(f"it is called {path.name}, and the runtime starts bootstrap")
    if not path.stat().st_mode & 0o111:
        found.append("it cannot be executed")
    content = path.read_bytes()
    if content[:6] != b"\x7fELF\x02\x01":
        return [*found, "it is no ELF file of 64 bits, little endian"]
    kind, machine = struct.unpack_from("<HH", content, 16)
    if kind not in (EXECUTABLE, DYNAMIC):
        found.append(f"it is no executable, but of the kind {kind}")
    if machine != AARCH64:
        found.append(f"it is for machine {machine}, and arm64 is {AARCH64}")
    needed = {tuple(map(int, version.split(b"."))) for version in re.findall(rb"GLIBC_(\d+\.\d+)", content)}
    if not needed:
        found.append("it names no version of the C library, so nothing is known of what it wants")
    found += [f"it wants glibc {'.'.join(map(str, one))}" for one in sorted(needed) if one > NEWEST_GLIBC]
    return found


def main() -> None:
    path = Path(sys.argv[1])
    found = problems(path)
    for problem in found:
        print(f"{path}: {problem}", file=sys.stderr)
    if found:
        sys.exit(1)
    print(f"{path}: {path.stat().st_size} bytes, arm64, glibc {'.'.join(map(str, NEWEST_GLIBC))} or older")


if __name__ == "__main__":
    main()
