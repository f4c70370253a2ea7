"""Signs a recorded webhook again, as of now, because a signature is good for five minutes only.

    python3 events/sign_webhook.py events/webhook-setup-intent-succeeded.json .perennial/functions.env > fresh.json
    cargo lambda invoke webhook --data-file fresh.json

The secret is that of the file that `cargo dev --env-file` wrote, or the argument itself; without one, a secret that
is none, `whsec_perennial_sandbox`.
"""

import hashlib
import hmac
import json
import sys
import time
from pathlib import Path

SANDBOX_SECRET = "whsec_perennial_sandbox"


def signed(event: dict, secret: str, at: int) -> dict:
    """The event with the header that Stripe would send at that second, in Unix time."""
    message = f"{at}.{event['body']}".encode()
    digest = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    headers = {**event["headers"], "stripe-signature": f"t={at},v1={digest}"}
    return {**event, "headers": headers}


def secret_of(argument: str, name: str) -> str:
    """The variable of a file of `cargo dev --env-file`, in either of its forms, or the argument itself."""
    path = Path(argument)
    if not path.is_file():
        return argument
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return json.loads(text)["Parameters"][name]
    lines = dict(line.split("=", 1) for line in text.splitlines())
    return lines[name].strip("'`\"")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        recorded = json.load(file)
    secret = secret_of(sys.argv[2], "STRIPE_WEBHOOK_SECRETS") if len(sys.argv) == 3 else SANDBOX_SECRET
    json.dump(signed(recorded, secret, int(time.time())), sys.stdout, indent=2)
    print()
