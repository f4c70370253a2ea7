"""Runs the shell of the README's journey, of docs/subscriptions and of docs/apple-pay, as a reader would, and looks for what it should print."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPLE_PAY = ROOT / "docs" / "apple-pay"
SUBSCRIPTIONS = ROOT / "docs" / "subscriptions"

# The pages of one reader, who keeps the shell open, and what each page has to print.
JOURNEYS = [
    [
        (ROOT / "README.md", "## The journey in curl", [r"^303 \S+status=subscribed", r'"status":"active"', r'"cancel_at_period_end":true', r'"due_now":', r'"quantity":3', r'"invoices":\[\{']),
        (SUBSCRIPTIONS / "README.md", "## Trying it", []),
        (SUBSCRIPTIONS / "codes.md", "", [r'"amount":320,', r'"setup_intent":"seti_']),
        (SUBSCRIPTIONS / "tax.md", "", [r'"amount":1071,', r'"setup_intent":"seti_', r'"customer":"cus_']),
        (SUBSCRIPTIONS / "private-plans.md", "", [r'"offers":\["wallpapers-partner"\]', r'3\.00 USD every month', r'"setup_intent":"seti_', r'"offers":\[\]']),
        (SUBSCRIPTIONS / "free-trial.md", "", [r'"without_payment_method":\{"offer":true,', r'"reason":"method_missing"', r'"status":"trialing"']),
        (SUBSCRIPTIONS / "invoices.md", "", [r'"reason":"subscription_create"']),
        (SUBSCRIPTIONS / "refund.md", "", [r'"refund":\{"amount":500,']),
        (SUBSCRIPTIONS / "adopt.md", "", [r'"customer":"cus_', r"^to be adopted: 1 customers", r"^adopted: 1 customers"]),
        (SUBSCRIPTIONS / "email.md", "", [r'"customer":"cus_']),
        (SUBSCRIPTIONS / "grant.md", "", [r'"plan":"video-clips-monthly","until":"', r'"plan":"stock-photos-team","quantity":5,"until":null', r'"because":"granted"']),
        (SUBSCRIPTIONS / "export.md", "", [r'"complete":true']),
        (SUBSCRIPTIONS / "erase.md", "", [r'"code":"user_is_subscribed"|"complete":']),
        (SUBSCRIPTIONS / "payment-method.md", "", [r'"status":"not_confirmed"']),
        (SUBSCRIPTIONS / "change-plan.md", "", [r'"pending_change":\{"addons":\[\],"at":"[^"]+","plan":"stock-photos-monthly"', r'"reason":"nothing_pending"']),
        (SUBSCRIPTIONS / "quantity.md", "", [r'"due_now":\{"amount":[1-9]', r'"quantity":5']),
        (SUBSCRIPTIONS / "addons.md", "", [r'"due_now":\{"amount":[1-9]', r'"name":"extra-storage","price":"price_\w+","quantity":2']),
        (SUBSCRIPTIONS / "links.md", "", [r"<button>Cancel now</button>", r"<h1>Your cancellation is confirmed</h1>", r"<h1>The cancellation is taken back</h1>", r'"code":"nothing_to_repair"']),
        (SUBSCRIPTIONS / "pause.md", "", [r'"credit":\{', r'"status":"paused"', r'"runs_until":null', r'"status":"active"']),
        (SUBSCRIPTIONS / "cancel.md", "", [r'"cancel_at_period_end":true', r'"cancel_at_period_end":false', r'"status":"canceled"']),
        (SUBSCRIPTIONS / "come-again.md", "", [r'"due_now":', r'"status":"active"']),
    ],
    [
        (APPLE_PAY / "README.md", "## Trying it", []),
        (APPLE_PAY / "1-free-trial.md", "", [r'"status": "succeeded"', r'"status":"trialing"', r'"wallet":"apple_pay"']),
        (APPLE_PAY / "2-setup-intent-first.md", "", [r'"status": "succeeded"', r'"status":"active"']),
        (APPLE_PAY / "3-first-payment-now.md", "", [r'"status": "succeeded"', r'"status":"active"']),
        (APPLE_PAY / "4-pay-now-save-for-later.md", "", [r'"setupFutureUsage":"off_session"', r'"status": "succeeded"']),
        (APPLE_PAY / "5-irregular-charges.md", "", [r'"amount_received":900', r'"code":"authentication_required"', r'"authorize_url":"http', r'"amount_received":900(.|\n)*"amount_received":900']),
        (APPLE_PAY / "6-deferred-payments.md", "", [r'"status": "requires_capture"', r'"remaining":9', r'"amount_received":21500', r'"refunded":500']),
        (APPLE_PAY / "7-legacy-tokens.md", "", [r'"status":"saved"']),
        (APPLE_PAY / "8-merchant-tokens.md", "", [r'"recurringPaymentRequest":', r'"automaticReloadPaymentRequest":']),
        (APPLE_PAY / "9-on-session.md", "", [r'"code":"saved_wallet_on_session"']),
        (APPLE_PAY / "10-diagnosis.md", "", [r'"can_be_charged":', r'"failures_since":\[\{']),
    ],
]

MARK = "-- page --"


def shell_of(page: Path, heading: str) -> str:
    """The shell blocks below a heading, or of the whole page."""
    text = page.read_text()
    if heading:
        level = heading.split(" ")[0]
        text = text.split(f"\n{heading}\n", 1)[1].split(f"\n{level} ", 1)[0]
    shell = "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    # A reader is in the repository; this shell is elsewhere, and the program is built.
    return shell.replace("cargo run -q -p perennial-adopt --", str(Path(os.environ["PERENNIAL"]).resolve().with_name("adopt")))


def run(journey: list, folder: str) -> list[str]:
    script = f"\necho '{MARK}'\n".join(shell_of(page, heading) for page, heading, _ in journey)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=120, cwd=folder)
    printed = done.stdout.split(f"{MARK}\n")
    wrong = [f"bash: {line}" for line in done.stderr.splitlines()]
    if len(printed) != len(journey):
        return [*wrong, f"{len(printed)} of {len(journey)} pages were run"]
    for (page, _, expected), text in zip(journey, printed):
        for pattern in expected:
            if not re.search(pattern, text, re.MULTILINE):
                wrong.append(f"{page.relative_to(ROOT)} does not print {pattern}:\n{text}")
    return wrong


def main() -> int:
    command = [str(Path(os.environ["PERENNIAL"]).resolve()), "--port", "0", "--dynamodb-port", "0", "--stripe-port", "0"]
    # Its state, and with it the file that the journeys begin with, is in `.perennial` of the folder that it is started in.
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
        try:
            server.stdout.readline()
            wrong = [line for journey in JOURNEYS for line in run(journey, folder)]
        finally:
            server.terminate()
            server.wait(timeout=20)
    pages = sum(len(journey) for journey in JOURNEYS)
    print("\n".join(wrong) or f"{pages} pages print what they say")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
