"""The processor time of `webhook` beside the same in Node and in Python, each with Stripe's and AWS's own packages.

    bench/run --peers

The peers are built from their lock files. All processes take their turns, round after round, so that what else the
machine does meets each of them; a figure is the median of the rounds. User and system time of the process are counted,
and not the time that passes.
"""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from instructions import ENVIRONMENT, SECRETS, recorded_event
from world import PATIENCE_SECONDS, World

PEERS = Path(__file__).resolve().parent / "peers"
ROUNDS = 9
LATER = 100


def built(target: Path) -> dict[str, list[str]]:
    """How each peer is started."""
    run = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=PEERS / "node", **run)
    subprocess.run(["npm", "run", "build"], cwd=PEERS / "node", **run)
    environment = target / "peer-python"
    subprocess.run([sys.executable, "-m", "venv", environment], **run)
    pip = [environment / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement"]
    subprocess.run([*pip, PEERS / "python/requirements.txt"], **run)
    return {
        "Node": ["node", str(PEERS / "node/dist/webhook.cjs")],
        "Python": [str(environment / "bin/python"), str(PEERS / "python/webhook.py")],
    }


def milliseconds(command: list[str], events: int) -> tuple[float, float]:
    """User and system time until the process has answered so many events, and its largest memory in MB."""
    event = json.dumps(recorded_event("webhook-setup-intent-succeeded")).encode()
    world = World([event] * events, [], SECRETS)
    address = f"http://{world.address}"
    at = {"AWS_LAMBDA_RUNTIME_API": world.address, "AWS_ENDPOINT_URL_DYNAMODB": address, "PATH": os.environ["PATH"]}
    at["AWS_LAMBDA_FUNCTION_NAME"] = "webhook"
    process = subprocess.Popen(
        [*command, address], env={**ENVIRONMENT, **at, **SECRETS}, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir()
    )
    is_done = world.waiting.wait(PATIENCE_SECONDS)
    # What `wait4` says of the memory is at least what this process had when it began the other.
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    largest = re.search(r"VmHWM:\s+(\d+) kB", status)
    memory = int(largest[1]) / 1024 if largest else 0.0
    # `Popen.kill` would reap a process that has ended by itself, and its times with it.
    os.kill(process.pid, signal.SIGKILL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    world.shutdown()
    world.server_close()
    if not is_done or [answer for answer in world.answers if answer.get("statusCode") != 200]:
        sys.exit(f"{command}: {world.answers}")
    return (used.ru_utime + used.ru_stime) * 1000, memory


def main(folder: Path) -> int:
    """Prints the medians, and each as a multiple of `webhook`."""
    commands = {"webhook": [str(folder / "webhook")], "sdk": [str(folder / "sdk")], **built(folder.parent)}
    rounds: dict[str, list[tuple[float, ...]]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            (start, _), (first, _), (later, memory) = (milliseconds(command, many) for many in (0, 1, 1 + LATER))
            rounds[name].append((start, first - start, (later - first) / LATER, memory))
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in rounds.items()}
    print("| process | start, ms | × | first call, ms | × | later call, ms | × | memory, MB | × |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, figures in medians.items():
        webhook = medians["webhook"]
        cells = [f"{it:.2f} | {it / of:.1f}" if of > 0 else f"{it:.2f} | " for it, of in zip(figures, webhook)]
        print(f"| {name} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    # The peers run in a folder of their own.
    sys.exit(main(Path(sys.argv[1]).resolve()))
