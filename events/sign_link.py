"""Signs the link of a recorded event with another secret, since that of the recording is nobody's.

    python3 events/sign_link.py events/links-manage.json .perennial/functions.env > fresh.json
    cargo lambda invoke links --data-file fresh.json

The secret is that of the file that `cargo dev --env-file` wrote, or the argument itself.
"""

import base64
import hashlib
import hmac
import json
import sys

from sign_webhook import secret_of


def signed(event: dict, secret: str) -> dict:
    """The event with the signature that this secret gives to the claims of its link."""
    claims, _ = event["queryStringParameters"]["link"].rsplit(".", 1)
    digest = hmac.new(secret.encode(), claims.encode(), hashlib.sha256).digest()
    link = f"{claims}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    return {**event, "rawQueryString": f"link={link}", "queryStringParameters": {"link": link}}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        recorded = json.load(file)
    json.dump(signed(recorded, secret_of(sys.argv[2], "LINK_SECRET")), sys.stdout, indent=2)
    print()
