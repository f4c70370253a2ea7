"""Writes exchanges.json: what functions ask of the table and of Stripe, and what they are answered.

    bench/record.py target/release    with the functions of this folder, and target/debug/perennial or $PERENNIAL

The table and Stripe are those of the local server. Webhooks are held, so that nobody but the functions is at work.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

from world import EXCHANGES, World, name_of, Call

ROOT = Path(__file__).resolve().parents[1]
TOLD = ("authorization", "content-type", "idempotency-key", "stripe-version", "x-amz-target")
PATIENCE_SECONDS = 30


class Forwarding(World):
    """Passes each call on to the local server, and keeps it with its answer."""

    def __init__(self, events: list[bytes], table: str, stripe: str):
        self.upstream = {True: table, False: stripe}
        self.kept: list[list[dict]] = [[]]
        super().__init__(events, [], {}, Passing)

    def next_event(self):
        """The calls of each invocation are a list of their own."""
        event = super().next_event()
        self.kept.append([])
        return event


class Passing(Call):
    """One call of the process, which is passed on."""

    server: Forwarding

    def outside(self, body: str):
        """Passes it on."""
        headers = {name: value for name, value in self.headers.items() if name.lower() in TOLD}
        url = self.server.upstream["X-Amz-Target" in self.headers] + self.path
        request = urllib.request.Request(url, body.encode() or None, headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        call = {"name": name_of(self.command, self.path, self.headers), "path": self.path, "body": body}
        self.server.kept[-1].append({**call, "status": status, "answer": text})
        self.give(status, text.encode(), {"Content-Type": "application/json"})


class Local:
    """A local server with functions of one's own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.at_start: list[dict] = []
        program = os.environ.get("PERENNIAL", str(ROOT / "target/debug/perennial"))
        self.file = Path(tempfile.mkdtemp()) / "functions.env"
        options = ["--memory", "--json", "--env-file", str(self.file)]
        options += [f"--{port}=0" for port in ("port", "dynamodb-port", "stripe-port")]
        self.process = subprocess.Popen([program, *options], stdout=subprocess.PIPE, text=True)
        lines = iter(self.process.stdout)
        self.addresses = json.loads(next(line for line in lines if line.startswith("{")))
        next(line for line in lines if "functions.env" in line)
        pairs = (line.split("=", 1) for line in self.file.read_text(encoding="utf-8").splitlines())
        self.variables = {name: value.strip("'") for name, value in pairs if value.strip("'")}
        self.control("POST", "/webhooks/hold")

    def has(self, function: str) -> bool:
        """Whether the function was built."""
        return (self.folder / function).exists()

    def stripe(self, method: str, path: str, form: dict[str, str] | None = None, key: str | None = None) -> dict:
        """A call of the sandbox."""
        data = urllib.parse.urlencode(form).encode() if form else None
        headers = {"Authorization": f"Bearer {key or self.addresses['stripe_key']}"}
        request = urllib.request.Request(self.addresses["stripe"] + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.loads(answer.read())

    def control(self, method: str, path: str) -> dict:
        """A call of the sandbox's own."""
        return self.stripe(method, f"/_sandbox{path}")

    def invoke(self, function: str, event: dict) -> tuple[dict, list[dict]]:
        """What the function answers, and which calls it made for that."""
        table = urllib.parse.urlsplit(self.addresses["dynamodb"])
        world = Forwarding([json.dumps(event).encode()], f"http://127.0.0.1:{table.port}", self.addresses["stripe"])
        environment = {
            **self.variables,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_NAME": function,
            "AWS_LAMBDA_RUNTIME_API": world.address,
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://{table.username}@{world.address}",
            "STRIPE_API_BASE": f"http://{world.address}",
        }
        with subprocess.Popen([self.folder / function], env=environment, stdout=subprocess.DEVNULL) as process:
            done = world.waiting.wait(PATIENCE_SECONDS)
            process.terminate()
        world.shutdown()
        if not done:
            sys.exit(f"{function} did not ask for work")
        if len(world.kept[0]) > len(self.at_start):
            self.at_start = world.kept[0]
        return world.answers[0], world.kept[1]


def recorded(name: str, **changes) -> dict:
    """An event of events/, with other members."""
    event = json.loads((ROOT / f"events/{name}.json").read_text(encoding="utf-8"))
    return {**event, **changes}


def journey(local: Local) -> dict[str, dict]:
    """Alice subscribes with Amazon Pay, and the functions' calls for it."""
    cases = {}

    def note(name: str, event: dict, expected: int, function: str | None = None) -> dict:
        answer, calls = local.invoke(function or name, event)
        status = answer.get("statusCode", 200)
        if status != expected:
            sys.exit(f"{name} answered {answer}")
        cases[name] = {"event": event, "status": status, "calls": calls}
        return answer

    # The customer is there from an earlier click, as for most clicks.
    earlier = json.dumps({"plan": "stock-photos-trial", "wallet": "amazon_pay"})
    local.invoke("client-secret", recorded("client-secret-new", body=earlier))
    opened = json.loads(note("client-secret", recorded("client-secret-new"), 201)["body"])
    intent, secret = opened["setup_intent"], opened["client_secret"]
    local.stripe(
        "POST",
        f"/v1/setup_intents/{intent}/confirm",
        {
            "client_secret": secret,
            "return_url": opened["return_url"],
            "payment_method_data[type]": "amazon_pay",
            "mandate_data[customer_acceptance][type]": "online",
            "mandate_data[customer_acceptance][online][infer_from_client]": "true",
            "use_stripe_sdk": "true",
        },
        opened["publishable_key"],
    )
    back = urllib.parse.urlsplit(local.control("POST", f"/setup_intents/{intent}/approve")["redirect_url"]).query
    query = dict(urllib.parse.parse_qsl(back))
    if not local.has("confirm"):
        return cases
    note("confirm", recorded("confirm-return", rawQueryString=back, queryStringParameters=query), 303)
    if local.has("subscriptions"):
        answer = note("subscriptions", recorded("subscriptions-list"), 200)
        path = f"/subscriptions/{json.loads(answer['body'])['subscriptions'][0]['id']}"
        event = recorded("actions-details", rawPath=path, pathParameters={"subscription": path.rsplit("/", 1)[-1]})
        event["requestContext"]["http"]["path"] = path
        if local.has("actions"):
            note("actions", event, 200)
    if local.has("subscribe"):
        note("subscribe", recorded("subscribe-new", body=json.dumps({"checkout": opened["checkout"]})), 200)
    if local.has("wallets"):
        note("wallets", recorded("wallets-offer"), 200)
    return cases


def main(folder: Path) -> int:
    """Writes the file, with names in place of what is the local server's alone."""
    local = Local(folder.resolve())
    try:
        cases = journey(local)
    finally:
        local.process.terminate()
        local.process.wait()
    file = {"recorded": int(time.time()), "at_start": local.at_start, "cases": cases}
    EXCHANGES.write_text(json.dumps(file, indent=1) + "\n", encoding="utf-8")
    for name, case in cases.items():
        print(name, [call["name"] for call in case["calls"]])
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
