"""Counts the instructions of functions until they ask for work, and of their first call, beside the floors.

    bench/run             the table of docs/PERFORMANCE.md
    bench/run --check     fails if a count is more than 5% above the one of recorded.json, as far as the floors are not
    bench/run --record    writes recorded.json anew

Behind a function stand a runtime API, a table and a Secrets Manager of this program, all at one address in clear text,
so no handshake is counted. Valgrind counts what the process does, and not what the kernel does for it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "events"))
from sign_webhook import signed

RECORDED = ROOT / "bench/recorded.json"
MARGIN = 1.05
# The floors have the code of libraries alone, so what they take depends on the machine and on versions.
FLOORS, FLOOR_MARGIN = ("hello", "sdk"), 1.25
RUNS = 3
PATIENCE_SECONDS = 60

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
}
# Each with the event that it is given: for the floors and the webhook a signed one, which ends in a write.
CASES = {
    "hello": "webhook-setup-intent-succeeded",
    "sdk": "webhook-setup-intent-succeeded",
    "webhook": "webhook-setup-intent-succeeded",
    "client-secret": "client-secret-bad-body",
}
ANSWERS = {"hello": 200, "sdk": 200, "webhook": 200, "client-secret": 400}
FLOORS = ("hello", "sdk")
STORED = "with Secrets Manager"


def event_of(name: str) -> bytes:
    """The recorded event, signed now if it is one of Stripe."""
    event = json.loads((ROOT / f"events/{CASES[name]}.json").read_text(encoding="utf-8"))
    if "stripe-signature" in event["headers"]:
        event = signed(event, SECRETS["STRIPE_WEBHOOK_SECRETS"], int(time.time()))
    return json.dumps(event).encode()


class World(ThreadingHTTPServer):
    """What stands behind one process."""

    daemon_threads = True

    def __init__(self, event: bytes | None):
        super().__init__(("127.0.0.1", 0), Call)
        self.event = event
        self.waiting = threading.Event()
        self.answer: dict | None = None


class Call(BaseHTTPRequestHandler):
    """One call of the process."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: World

    def do_GET(self):
        """The next invocation, of which there is one or none."""
        if self.server.event is None:
            self.server.waiting.set()
            time.sleep(PATIENCE_SECONDS)
            return
        event, self.server.event = self.server.event, None
        self.give(
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + PATIENCE_SECONDS) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:bench",
            },
        )

    def do_POST(self):
        """The function's answer, or a call of AWS."""
        body = json.loads(self.body())
        target = self.headers.get("X-Amz-Target", "")
        if target.endswith(".GetSecretValue"):
            self.give(json.dumps({"SecretString": SECRETS[body["SecretId"].rsplit(":", 1)[-1]]}).encode(), {})
            return
        if not target:
            self.server.answer = body
        self.give(b"{}", {})

    def body(self) -> bytes:
        """The whole body, whether its length was told or not."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def give(self, body: bytes, headers: dict[str, str]):
        """An answer in one packet, so that no process reads it in parts."""
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    wbufsize = -1

    def log_message(self, format, *arguments):
        """Nothing is printed but the table."""


def instructions(binary: Path, event: bytes | None, is_stored: bool) -> int:
    """How many the process takes until it asks for work: at once, or after it has answered the event."""
    world = World(event)
    threading.Thread(target=world.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{world.server_port}"
    at = {"AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_FUNCTION_NAME": binary.name}
    for service in ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "STRIPE_API_BASE"):
        at[service] = f"http://{address}"
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret"
    secrets = {f"{name}_ARN": f"{arn}:{name}" for name in SECRETS} if is_stored else SECRETS
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", binary, f"http://{address}"]
        with subprocess.Popen(
            command, env={**ENVIRONMENT, **at, **secrets}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            if not world.waiting.wait(PATIENCE_SECONDS):
                process.kill()
                sys.exit(f"{binary.name} did not ask for work: {process.stderr.read().decode()}")
            # It waits for the answer now, and does nothing.
            time.sleep(0.3)
            process.terminate()
            process.communicate()
        world.shutdown()
        if event is not None and world.answer.get("statusCode") != ANSWERS[binary.name]:
            sys.exit(f"{binary.name} answered {world.answer}")
        return int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)[1])


def counted(folder: Path) -> dict[str, dict[str, int]]:
    """For each case the instructions until it asks for work, and those of its first call."""
    table = {}
    for name in CASES:
        for is_stored in (False,) if name in FLOORS else (False, True):
            # The least of several runs: on a busy machine a call may time out and be tried again.
            runs = [instructions(folder / name, None, is_stored) for _ in range(RUNS)]
            start = min(runs)
            runs = [instructions(folder / name, event_of(name), is_stored) for _ in range(RUNS)]
            call = min(runs) - start
            table[f"{name} {STORED}" if is_stored else name] = {"start": start, "call": call}
    return table


def show(table: dict[str, dict[str, int]]):
    """The table, with each function as a multiple of the floors of this run."""
    print(f"| {'process':<34} | start, M | × hello | × sdk | first call, M | × sdk |")
    print(f"| {'-' * 34} | {'-' * 7}: | {'-' * 6}: | {'-' * 4}: | {'-' * 12}: | {'-' * 4}: |")
    hello, sdk = (table[name] for name in FLOORS)
    for name, row in table.items():
        start, call = row["start"], row["call"]
        against = f"{start / hello['start']:7.2f} | {start / sdk['start']:5.2f}"
        print(f"| {name:<34} | {start / 1e6:8.2f} | {against} | {call / 1e6:13.2f} | {call / sdk['call']:5.2f} |")


def grown(table: dict[str, dict[str, int]]) -> list[str]:
    """What takes more instructions than is recorded, by more than the margin.

    On another processor, or with another C library, the floors take more as well: as much more is allowed.
    """
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    if sorted(recorded) != sorted(table):
        return [f"recorded.json has {sorted(recorded)}, and counted are {sorted(table)}"]
    more = {what: max(1.0, count / recorded["sdk"][what]) for what, count in table["sdk"].items()}
    return [
        f"{name}, {what}: {count} instructions, recorded are {recorded[name][what]}"
        for name, counts in table.items()
        for what, count in counts.items()
        if count > recorded[name][what] * (FLOOR_MARGIN if name in FLOORS else MARGIN * more[what])
    ]


def main(folder: Path, *options: str) -> int:
    """Prints the table and what has grown."""
    table = counted(folder)
    show(table)
    if "--record" in options:
        RECORDED.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    bad = grown(table) if "--check" in options else []
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
