"""Counts the instructions of functions until they ask for work, of their first call and of a later one, beside floors.

    bench/run             the table of docs/PERFORMANCE.md
    bench/run --check     fails if a count is more than 5% above the one of recorded.json, as far as the floors are not
    bench/run --record    writes recorded.json anew

Behind each process stands a `World`, in clear text, so no handshake is counted. Valgrind counts what the process does,
and not what the kernel does for it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from world import EXCHANGES, PATIENCE_SECONDS, World, exchanges

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "events"))
from sign_webhook import signed

RECORDED = ROOT / "bench/recorded.json"
MARGIN = 1.05
# The floors have the code of libraries alone, so what they take depends on the machine and on versions.
FLOOR_MARGIN = 1.25
# The least of several runs: on a busy machine a call may time out and be tried again.
RUNS = 3
# How often what has grown is counted once more before that is believed.
AGAIN = 2
# Later calls that are averaged, after the first one.
LATER = 20

SECRETS = {
    "STRIPE_SECRET_KEY": "sk_test_perennial_sandbox",
    "STRIPE_WEBHOOK_SECRETS": "whsec_perennial_sandbox",
    "LINK_SECRET": "link_bench_and_no_secret_at_all_anywhere",
}
ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "TABLE_NAME": "bench",
    "STRIPE_MODE": "test",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_perennial_sandbox",
    "SHOP_URL": "https://shop.example/account",
    "API_BASE_URL": "https://api.shop.example",
    "WORKER_CONCURRENCY": "5",
}
STORED = "with Secrets Manager"
BY_HAND = "by hand"


@dataclass
class Case:
    """A process, and what it is given."""

    binary: str
    event: dict | list = field(default_factory=dict)
    # The status of its answer, or a word of it.
    answer: int | str = 200
    calls: list[dict] = field(default_factory=list)
    arguments: tuple[str, ...] = ()
    # Which other case makes the same calls by hand.
    floor: str | None = None
    has_secrets: bool = False
    has_later: bool = True


def recorded_event(name: str) -> dict | list:
    """An event of events/, signed now if it is one of Stripe."""
    event = json.loads((ROOT / f"events/{name}.json").read_text(encoding="utf-8"))
    if isinstance(event, dict) and "stripe-signature" in event.get("headers", {}):
        event = signed(event, SECRETS["STRIPE_WEBHOOK_SECRETS"], int(time.time()))
    return event


def cases() -> dict[str, Case]:
    """The floors first, then each function with the event of a usual call."""
    webhook = recorded_event("webhook-setup-intent-succeeded")
    table = {
        "hello": Case("hello", webhook, has_later=False),
        "sdk": Case("sdk", webhook),
        "webhook": Case("webhook", webhook, floor="sdk", has_secrets=True),
    }
    for name, case in exchanges()["cases"].items():
        calls = case["calls"]
        floor = f"{name} {BY_HAND}" if calls else None
        if floor:
            table[floor] = Case("calls", webhook, calls=calls, arguments=(str(EXCHANGES), name))
        table[name] = Case(name, case["event"], case["status"], calls, floor=floor, has_secrets=name != "subscriptions")
    # What needs no answer of Stripe and none of the table but at the start.
    others = {
        "subscriptions": ("subscriptions-no-user", 401),
        "subscribe": ("subscribe-bad-body", 400),
        "wallets": ("wallets-no-plan", 400),
        "actions": ("actions-no-token", 401),
        "users": ("users-bad-body", 400),
        "links": ("links-forged", 303),
        "payments": ("payments-no-key", 400),
        "partner-events": ("partner-events-invoice-paid", "stored"),
        "shop-events": ("shop-events-subscription-activated", "subscription"),
    }
    for name, (event, answer) in others.items():
        has_secrets = name not in ("subscriptions", "partner-events", "shop-events")
        table.setdefault(name, Case(name, recorded_event(event), answer, has_secrets=has_secrets))
    table["worker"] = Case("worker", {"Records": []}, "batchItemFailures", has_secrets=True)
    table["reconcile"] = Case("reconcile", {"sweep": "the floor"}, "names no sweep", has_secrets=True)
    return table


def is_expected(answer, expected: int | str) -> bool:
    """Whether the process answered what its case says."""
    if isinstance(expected, int):
        return answer.get("statusCode") == expected
    return expected in json.dumps(answer)


def environment(world: World, case: Case, is_stored: bool) -> dict[str, str]:
    """What the process is told: its settings, where this world is, and its keys, or where Secrets Manager has them."""
    at = {"AWS_LAMBDA_RUNTIME_API": world.address, "AWS_LAMBDA_FUNCTION_NAME": case.binary}
    for service in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "STRIPE_API_BASE"):
        at[service] = f"http://{world.address}"
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret"
    secrets = {f"{name}_ARN": f"{arn}:{name}" for name in SECRETS} if is_stored else SECRETS
    return {**ENVIRONMENT, **at, **secrets}


def count(folder: Path, case: Case, events: int, is_stored: bool) -> int:
    """How many instructions the process takes until it has answered so many events and asks for more work."""
    world = World([json.dumps(case.event).encode()] * events, case.calls, SECRETS)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", folder / case.binary]
        with subprocess.Popen(
            [*command, f"http://{world.address}", *case.arguments],
            env=environment(world, case, is_stored),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            if not world.waiting.wait(PATIENCE_SECONDS):
                process.kill()
                raise RuntimeError(f"{case.binary} did not ask for work: {process.stderr.read().decode()}")
            # It waits for the answer now, and does nothing.
            time.sleep(0.3)
            process.terminate()
            process.communicate()
        world.shutdown()
        world.server_close()
        wrong = [answer for answer in world.answers if not is_expected(answer, case.answer)]
        if wrong or world.problem or len(world.answers) != events:
            raise RuntimeError(f"{case.binary}: {world.problem} {wrong}")
        return int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)[1])


def counted(folder: Path, wanted: list[str]) -> dict[str, dict[str, int]]:
    """For each case the instructions until it asks for work, those of its first call, and those of a later one."""

    def one(case: Case, events: int, is_stored: bool) -> int:
        for _ in range(RUNS - 1):
            try:
                return count(folder, case, events, is_stored)
            except RuntimeError as error:
                # On a busy machine a call may time out for good.
                print(error, file=sys.stderr)
        return count(folder, case, events, is_stored)

    def least(case: Case, events: int, is_stored: bool = False) -> int:
        return min(one(case, events, is_stored) for _ in range(RUNS))

    def row(item: tuple[str, Case]) -> tuple[str, dict[str, int]]:
        name, case = item
        if name.endswith(STORED):
            return name, {"start": least(case, 0, True)}
        start, first = least(case, 0), least(case, 1)
        # A floor that reads a file of calls has no start of its own.
        counts = {"call": first - start} if name.endswith(BY_HAND) else {"start": start, "call": first - start}
        if case.has_later:
            counts["later"] = (one(case, 1 + LATER, False) - first) // LATER
        return name, counts

    todo = {name: case for name, case in cases().items() if not wanted or case.binary in wanted or name in wanted}
    todo |= {f"{name} {STORED}": case for name, case in todo.items() if case.has_secrets}
    # Counts do not depend on what else a core does.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(pool.map(row, todo.items()))


def show(table: dict[str, dict[str, int]]):
    """The table, with each function as a multiple of the floors of this run."""
    hello, sdk = (table.get(name, {}) for name in ("hello", "sdk"))
    floors = {name: table[case.floor] for name, case in cases().items() if case.floor in table}
    head = ["start, M", "× hello", "× sdk", "first call, M", "× by hand", "later call, M", "× by hand"]
    print(f"| {'process':<34} | {' | '.join(head)} |")
    print(f"| {'-' * 34} | {' | '.join('-' * (len(it) - 1) + ':' for it in head)} |")

    def cell(counts: dict, what: str, width: int, floor: dict | None = None) -> str:
        if what not in counts or floor is not None and what not in floor:
            return " " * width
        return f"{counts[what] / (floor[what] if floor else 1e6):{width}.2f}"

    for name, row in table.items():
        floor = floors.get(name, {})
        cells = [cell(row, "start", 8), cell(row, "start", 7, hello), cell(row, "start", 5, sdk)]
        for what in ("call", "later"):
            cells += [cell(row, what, 13), cell(row, what, 9, floor)]
        print(f"| {name:<34} | {' | '.join(cells)} |")


def grown(table: dict[str, dict[str, int]]) -> dict[str, list[str]]:
    """What takes more instructions than is recorded, by more than the margin, for each process.

    On another processor, or with another C library, the floors take more as well: as much more is allowed.
    """
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    if gone := sorted(set(recorded) - set(table)):
        return {name: [f"recorded.json has {name}, which was not counted"] for name in gone}
    for name in sorted(set(table) - set(recorded)):
        print(f"{name} is not in recorded.json yet: bench/run --record")
    more = {what: max(1.0, count / recorded["sdk"][what]) for what, count in table["sdk"].items()}
    floors = {name for name in table if name in ("hello", "sdk") or name.endswith(BY_HAND)}
    found: dict[str, list[str]] = {}
    for name, counts in table.items():
        for what, count in counts.items():
            margin = FLOOR_MARGIN if name in floors else MARGIN * more[what]
            if what in recorded.get(name, {}) and count > recorded[name][what] * margin:
                line = f"{name}, {what}: {count} instructions, recorded are {recorded[name][what]}"
                found.setdefault(name, []).append(line)
    return found


def again(folder: Path, table: dict[str, dict[str, int]], names: set[str]) -> dict[str, dict[str, int]]:
    """The table with the least of what was counted and what these processes take once more.

    What a process does beside its start, such as the end of a connection, may fall into its first call on a busy machine.
    """
    wanted = {name.removesuffix(f" {STORED}") for name in names & set(table)}
    counts = counted(folder, sorted(wanted))
    least = {
        name: {what: min(number, table[name].get(what, number)) for what, number in found.items()}
        for name, found in counts.items()
    }
    return table | least


def main(folder: Path, *options: str) -> int:
    """Prints the table and what has grown."""
    wanted = [option for option in options if not option.startswith("--")]
    table = counted(folder, wanted)
    show(table)
    if "--record" in options:
        # Those of a few functions leave the others as they are.
        kept = json.loads(RECORDED.read_text(encoding="utf-8")) if wanted else {}
        RECORDED.write_text(json.dumps(kept | table, indent=2) + "\n", encoding="utf-8")
    if "--check" not in options:
        return 0
    bad = grown(table)
    for _ in range(AGAIN):
        if bad:
            print("counted once more: " + ", ".join(sorted(bad)))
            table = again(folder, table, set(bad))
            bad = grown(table)
    print("\n".join(line for lines in bad.values() for line in lines))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
