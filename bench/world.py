"""What stands behind one process: a runtime API, Secrets Manager, a table and a Stripe, at one address in clear text.

The table and Stripe answer what `exchanges.json` has, which `bench/record` has written of the sandbox and the local
table. Each invocation gets the same answers, so each does the same.
"""

import json
import re
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXCHANGES = Path(__file__).resolve().parent / "exchanges.json"
PATIENCE_SECONDS = 120
INSTANT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?=[.Z])")
ID = re.compile(r"^(cus|seti|sub|pm|in|pi|re|mandate|price|prod|evt)_\w+$")
UNIX = re.compile(r"(?<![\w.-])1[789]\d{8}(?![\w.-])")


def name_of(method: str, path: str, headers) -> str:
    """An operation of AWS, or method and path with `{id}` for ids."""
    target = headers.get("X-Amz-Target", "")
    if target:
        return target.rsplit(".", 1)[-1]
    parts = [ID.sub("{id}", part) for part in path.split("?")[0].split("/")]
    return f"{method} {'/'.join(parts)}"


def what_of(name: str, body: str) -> tuple[str, str]:
    """A call by its name and by what it is about: the key that is read, or all that is sent."""
    if name == "GetItem":
        return name, json.dumps(json.loads(body)["Key"], sort_keys=True)
    return name, body


def moved(text: str, seconds: int) -> str:
    """The same text with all of its times so much later."""

    def instant(found):
        at = datetime.fromisoformat(found[0]).replace(tzinfo=timezone.utc) + timedelta(seconds=seconds)
        return at.strftime("%Y-%m-%dT%H:%M:%S")

    return UNIX.sub(lambda found: str(int(found[0]) + seconds), INSTANT.sub(instant, text))


def exchanges() -> dict:
    """What was recorded, as if it had been just now."""
    text = EXCHANGES.read_text(encoding="utf-8")
    return json.loads(moved(text, int(time.time()) - json.loads(text)["recorded"]))


class World(ThreadingHTTPServer):
    """What stands behind one process, which is given these events, one after another."""

    daemon_threads = True

    def __init__(self, events: list[bytes], calls: list[dict], secrets: dict[str, str], handler=None):
        super().__init__(("127.0.0.1", 0), handler or Call)
        self.events = events
        self.calls = calls
        self.at_start = exchanges()["at_start"] if EXCHANGES.exists() else []
        self.secrets = secrets
        self.given: dict[tuple[str, str], dict] = {}
        self.left = list(self.at_start)
        self.waiting = threading.Event()
        self.lock = threading.Lock()
        self.answers: list[dict] = []
        # What the process asked for that it should not have, or did not ask for.
        self.problem = ""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def next_event(self) -> bytes | None:
        """The next invocation, if there is one, with all answers to give again."""
        with self.lock:
            if self.answers and self.left:
                self.problem = f"it did not ask for {[call['name'] for call in self.left]}"
            if not self.events:
                self.waiting.set()
                return None
            self.left = list(self.calls)
            self.given.clear()
            return self.events.pop(0)

    def answer(self, name: str, body: str) -> tuple[int, str]:
        """What was recorded for this call: for the same body if there is one, or else the next of its name."""
        asked = what_of(name, body)
        with self.lock:
            left = [call for call in self.left if call["name"] == name]
            same = [call for call in left if what_of(name, call["body"]) == asked]
            if same or (left and asked not in self.given):
                call = (same or left)[0]
                self.left.remove(call)
                self.given[asked] = call
            elif asked in self.given:
                # On a busy machine a call may time out and be tried again.
                call = self.given[asked]
            else:
                # A case without recorded calls is one of a write to the table, which has no answer.
                if self.calls:
                    self.problem = f"it asked for {name}: {body}"
                return 200, "{}"
            return call["status"], call["answer"]


class Call(BaseHTTPRequestHandler):
    """One call of the process."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: World

    def do_GET(self):
        """The next invocation, or a call of Stripe."""
        if not self.path.startswith("/2018-06-01/"):
            self.outside("")
            return
        event = self.server.next_event()
        if event is None:
            time.sleep(PATIENCE_SECONDS)
            return
        deadline = {"Lambda-Runtime-Deadline-Ms": str(int((time.time() + PATIENCE_SECONDS) * 1000))}
        self.give(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:bench",
                **deadline,
            },
        )

    def do_POST(self):
        """The function's answer, or a call of AWS or of Stripe."""
        body = self.body().decode()
        if self.path.startswith("/2018-06-01/"):
            self.server.answers.append(json.loads(body))
            self.give(202, b"{}", {})
        elif self.headers.get("X-Amz-Target", "").endswith(".GetSecretValue"):
            name = json.loads(body)["SecretId"].rsplit(":", 1)[-1]
            self.give(200, json.dumps({"SecretString": self.server.secrets[name]}).encode(), {})
        else:
            self.outside(body)

    def outside(self, body: str):
        """Answers for the table or for Stripe."""
        status, answer = self.server.answer(name_of(self.command, self.path, self.headers), body)
        self.give(status, answer.encode(), {"Content-Type": "application/json"})

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

    def give(self, status: int, body: bytes, headers: dict[str, str]):
        """An answer in one packet, so that no process reads it in parts."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    wbufsize = -1

    def log_message(self, format, *arguments):
        """Nothing is printed but the table."""
