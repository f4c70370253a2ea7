"""The processor time of each function's start, in turns with `hello`, a function that does nothing.

    bench/run --starts

User and system time of the process are counted until it asks for work, and not the time that passes; a figure is the
median of the rounds. It has what instructions leave out: loading the file, the memory, and the calls of the kernel.
"""

import os
import signal
import statistics
import subprocess
import sys
from pathlib import Path

from instructions import BY_HAND, SECRETS, STORED, Case, cases, environment
from world import PATIENCE_SECONDS, World

ROUNDS = 31


def milliseconds(folder: Path, case: Case, is_stored: bool) -> float:
    """User and system time until the process asks for work."""
    world = World([], [], SECRETS)
    # Not a `with`: `Popen` would reap a process that has ended by itself, and its times with it.
    process = subprocess.Popen(
        [folder / case.binary, f"http://{world.address}"],
        env=environment(world, case, is_stored),
        stdout=subprocess.DEVNULL,
    )
    is_ready = world.waiting.wait(PATIENCE_SECONDS)
    os.kill(process.pid, signal.SIGKILL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    world.shutdown()
    world.server_close()
    if not is_ready:
        sys.exit(f"{case.binary} did not ask for work")
    return (used.ru_utime + used.ru_stime) * 1000


def main(folder: Path) -> int:
    """Prints the medians, and each as a multiple of `hello`."""
    named = {name: case for name, case in cases().items() if not name.endswith(BY_HAND)}
    todo = {name: (case, False) for name, case in named.items()}
    todo |= {f"{name} {STORED}": (case, True) for name, case in named.items() if case.has_secrets}
    rounds: dict[str, list[float]] = {name: [] for name in todo}
    for _ in range(ROUNDS):
        for name, (case, is_stored) in todo.items():
            rounds[name].append(milliseconds(folder, case, is_stored))
    medians = {name: statistics.median(times) for name, times in rounds.items()}
    print(f"| {'process':<34} | start, ms | × hello |")
    print(f"| {'-' * 34} | --------: | ------: |")
    for name, median in medians.items():
        print(f"| {name:<34} | {median:9.2f} | {median / medians['hello']:7.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
