"""Sends what docs/openapi.json allows, and what it does not, to a server of its own: `$PERENNIAL`.

Every answer has to be one of the document's, never a 5xx. `FUZZ_SEED` sets the seed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs" / "openapi.json"
SEED = os.environ.get("FUZZ_SEED", "7")
SECONDS = os.environ.get("FUZZ_SECONDS", "60")
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
]


def start(folder: str) -> subprocess.Popen:
    command = [str(Path(os.environ["PERENNIAL"]).resolve()), "--port", "0", "--dynamodb-port", "0", "--stripe-port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder)
    server.stdout.readline()
    return server


def addresses(folder: str) -> dict[str, str]:
    data = Path(folder) / ".perennial"
    lines = (data / "dev.env").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines)
    endpoint = json.loads((data / "webhook-endpoint.json").read_text())
    return {"FUZZ_API": told["api"], "FUZZ_KEY": told["key"], "FUZZ_WEBHOOK_SECRET": endpoint["secret"]}


def main() -> int:
    started = time.monotonic()
    print(f"FUZZ_SEED={SEED}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        server = start(folder)
        try:
            told = addresses(folder)
            command = [
                "st", "--config-file", str(HERE / "schemathesis.toml"), "run", str(DOCUMENT), "--url", told["FUZZ_API"],
                "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--mode", "all",
                "--seed", SEED, "--max-time", SECONDS, "--continue-on-failure", "--warnings", "off", "--no-color", *sys.argv[1:],
            ]  # fmt: skip
            environment = os.environ | told | {"SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"), "PYTHONPATH": str(HERE)}
            outcome = subprocess.run(command, env=environment, cwd=folder).returncode
        finally:
            server.terminate()
            server.wait(timeout=20)
    print(f"FUZZ_SEED={SEED}, {time.monotonic() - started:.0f} s")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
