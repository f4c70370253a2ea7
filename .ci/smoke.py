"""Starts each release binary as Lambda does, gives it one event, and holds its size to the budget.

No table and no Stripe stand behind it, so the events are those that a function answers by itself.
"""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Size is cold-start time. What is counted is the file for this machine; the one for arm64 is about as large.
BUDGET_MB = 7.6
PATIENCE_SECONDS = 20
NOWHERE = "http://127.0.0.1:9"

ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_REGION": "eu-west-1",
    "TABLE_NAME": "smoke",
    "AWS_ENDPOINT_URL_DYNAMODB": NOWHERE,
    "STRIPE_API_BASE": NOWHERE,
    "STRIPE_MODE": "test",
    "STRIPE_SECRET_KEY": "sk_test_perennial_sandbox",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_perennial_sandbox",
    "STRIPE_WEBHOOK_SECRETS": "whsec_perennial_sandbox",
    "LINK_SECRET": "link_smoke_and_no_secret_at_all_anywhere",
    "SHOP_URL": "https://shop.example/account",
    "API_BASE_URL": "https://api.shop.example/",
}


def recorded(case: str) -> dict:
    """An event of events/."""
    return json.loads((ROOT / f"events/{case}.json").read_text(encoding="utf-8"))


def without_token(case: str) -> dict:
    """The same event as API Gateway would send it if it had no authorizer."""
    event = recorded(case)
    del event["requestContext"]["authorizer"]
    return event


NOT_WRAPPED = "it has not the form of an event of EventBridge"
# What an empty environment is complained about by; nearly everybody needs the table.
MISSING: dict[str, bytes] = {"shop-events": b"LINK_SECRET"}
# Each with the answer that is expected: a status, the whole of it, or a part of the error's message.
CASES = {
    "client-secret": (recorded("client-secret-bad-body"), 400),
    "confirm": (without_token("confirm-checkout-status"), 401),
    "subscribe": (without_token("subscribe-new"), 401),
    "subscriptions": (without_token("subscriptions-list"), 401),
    "actions": (recorded("actions-no-token"), 401),
    "users": (recorded("users-bad-body"), 400),
    "wallets": (recorded("wallets-no-plan"), 400),
    "links": (recorded("links-forged"), 303),
    "payments": (recorded("payments-no-key"), 400),
    "webhook": (recorded("webhook-setup-intent-succeeded"), 400),
    "worker": ({"Records": []}, {"batchItemFailures": []}),
    "partner-events": ({"source": "somebody"}, {"stored": False, "reason": NOT_WRAPPED}),
    "shop-events": ([], []),
    "reconcile": ({"sweep": "the floor"}, "names no sweep"),
}


class Runtime(ThreadingHTTPServer):
    """Lambda's Runtime API for one invocation."""

    daemon_threads = True

    def __init__(self, event: dict | list):
        super().__init__(("127.0.0.1", 0), Call)
        self.event = json.dumps(event).encode()
        self.given = False
        self.asked = threading.Event()
        self.answered = threading.Event()
        self.answer: tuple[str, bytes] | None = None


class Call(BaseHTTPRequestHandler):
    """One call of the function to the Runtime API."""

    protocol_version = "HTTP/1.1"
    server: Runtime

    def do_GET(self):
        """The next invocation; after the first one there is none."""
        self.server.asked.set()
        if self.server.given:
            time.sleep(PATIENCE_SECONDS)
            return
        self.server.given = True
        deadline = int((time.time() + 15) * 1000)
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
        self.send_header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:smoke",
        )
        self.send_header("Content-Length", str(len(self.server.event)))
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self):
        """The function's response or error."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self.chunks()
        self.server.answer = (self.path.rsplit("/", 1)[-1], body)
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answered.set()

    def chunks(self) -> bytes:
        """A body whose length was not told."""
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format, *arguments):
        """Lambda does not print its calls either."""


def environment(name: str, **more: str) -> dict[str, str]:
    """What Lambda gives a process, and nothing of this shell's."""
    return {"PATH": os.environ["PATH"], "AWS_LAMBDA_FUNCTION_NAME": name, **more}


def problem_of_answer(binary: Path, event: dict | list, expected) -> tuple[str, float]:
    """What is wrong with the binary's answer, and how many milliseconds it took to ask for work."""
    runtime = Runtime(event)
    threading.Thread(target=runtime.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{runtime.server_port}"
    variables = environment(binary.name, AWS_LAMBDA_RUNTIME_API=address, **ENVIRONMENT)
    started = time.monotonic()
    process = subprocess.Popen([binary], env=variables, stdout=subprocess.DEVNULL)
    try:
        if not runtime.asked.wait(PATIENCE_SECONDS):
            return "it did not ask for work", 0.0
        start_ms = (time.monotonic() - started) * 1000
        if not runtime.answered.wait(PATIENCE_SECONDS):
            return "it did not answer", start_ms
    finally:
        process.kill()
        process.wait()
        runtime.shutdown()
    kind, body = runtime.answer
    if not is_expected(kind, json.loads(body), expected):
        return f"expected {expected}, got {kind} {body.decode()}", start_ms
    return "", start_ms


def is_expected(kind: str, answer, expected: int | dict | list | str) -> bool:
    """Whether the function answered what its case says."""
    if isinstance(expected, str):
        return kind == "error" and expected in answer.get("errorMessage", "")
    got = answer.get("statusCode") if isinstance(expected, int) else answer
    return kind == "response" and got == expected


def problem_of_empty_environment(binary: Path) -> str:
    """A function without configuration says what is missing and stops, before it takes work."""
    run = subprocess.run(
        [binary],
        env=environment(binary.name, AWS_LAMBDA_RUNTIME_API="127.0.0.1:9"),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if run.returncode == 0 or MISSING.get(binary.name, b"TABLE_NAME") not in run.stdout + run.stderr:
        return "it starts without its configuration, or does not name what is missing"
    return ""


def main(folder: Path) -> int:
    """Prints one line for each function and counts what is wrong."""
    packages = sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
    bad = [] if packages == sorted(CASES) else [f"the cases are not those of {packages}"]
    print(f"{'function':<16}{'MB':>6}{'start ms':>10}")
    for name in packages:
        binary = folder / name
        size = binary.stat().st_size / 1_000_000
        event, expected = CASES[name]
        problem, start_ms = problem_of_answer(binary, event, expected)
        print(f"{name:<16}{size:>6.2f}{start_ms:>10.0f}")
        if size > BUDGET_MB:
            bad.append(f"{name}: {size:.2f} MB is more than {BUDGET_MB} MB")
        bad += [f"{name}: {text}" for text in (problem, problem_of_empty_environment(binary)) if text]
    print("\n".join(bad) or "all within the budget, started, and answered")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
