"""Signs a recorded webhook again, as of now, because a signature is good for five minutes only.

    python3 events/sign_webhook.py events/webhook-setup-intent-succeeded.json > fresh.json
    cargo lambda invoke webhook --data-file fresh.json

The secret is the first argument after the file, or the sandbox's, which is no secret at all.
"""

import hashlib
import hmac
import json
import sys
import time

SANDBOX_SECRET = "whsec_perennial_sandbox"


def signed(event: dict, secret: str, at: int) -> dict:
    """The event with the header that Stripe would send at that second, in Unix time."""
    message = f"{at}.{event['body']}".encode()
    digest = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    headers = {**event["headers"], "stripe-signature": f"t={at},v1={digest}"}
    return {**event, "headers": headers}


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        recorded = json.load(file)
    secret = sys.argv[2] if len(sys.argv) == 3 else SANDBOX_SECRET
    json.dump(signed(recorded, secret, int(time.time())), sys.stdout, indent=2)
    print()
