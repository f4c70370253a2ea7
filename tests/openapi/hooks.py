"""Who calls, for schemathesis: a shopper with a token, a server of the shop's that signs, and Stripe.

`fuzz.py` starts it with the addresses and keys in the environment.
"""

import hashlib
import hmac
import itertools
import json
import os
import re
import time
import urllib.request
from urllib.parse import quote, unquote, urlsplit

import requests
import schemathesis

API = os.environ["FUZZ_API"]
KEY = os.environ["FUZZ_KEY"]
WEBHOOK_SECRET = os.environ["FUZZ_WEBHOOK_SECRET"]
NUMBERS = itertools.count()
# A user may open 20 checkouts an hour, so each request is another one's.
USERS = 40


def token(user: str) -> str:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    body = json.dumps({"user": user}).encode()
    request = urllib.request.Request(f"{API}/dev/token", data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["token"]


TOKENS = itertools.cycle([token(f"fuzz-{number}") for number in range(USERS)])


class Shopper(requests.auth.AuthBase):
    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {next(TOKENS)}"
        return request


class Owner(requests.auth.AuthBase):
    """The one shopper whose checkout is known."""

    TOKEN = token("fuzz-owner")

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self.TOKEN}"
        return request


class Subscriber(requests.auth.AuthBase):
    """The one shopper whose subscription is known."""

    USER = "fuzz-subscriber"
    TOKEN = token(USER)

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self.TOKEN}"
        return request


def keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def body_of(request) -> bytes:
    return (request.body.encode() if isinstance(request.body, str) else request.body) or b""


def text(value) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


class Server(requests.auth.AuthBase):
    """AWS Signature Version 4."""

    def __call__(self, request):
        url = urlsplit(request.url)
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        request.headers["x-amz-date"] = at
        signed = {"host": url.netloc, "x-amz-date": at}
        # A header that cannot be signed as it is leaves the request to its refusal.
        for name, value in list(request.headers.items()):
            if name.lower() == "idempotency-key":
                # A key is for one request, so that not all but the first are refused.
                if re.fullmatch("[!-~]{1,200}", text(value)):
                    value = request.headers[name] = f"{text(value)}-{next(NUMBERS)}"
                signed["idempotency-key"] = re.sub(" +", " ", text(value).strip())
        names = ";".join(sorted(signed))
        path = "/".join(quote(part, safe="-_.~") for part in url.path.split("/"))
        pairs = [pair.partition("=") for pair in url.query.split("&") if pair]
        plain = lambda it: quote(unquote(it.replace("+", "%20")), safe="-_.~")
        query = "&".join(sorted(f"{plain(name)}={plain(value)}" for name, _, value in pairs))
        headers = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        canonical = "\n".join([request.method, path, query, headers, names, hashlib.sha256(body_of(request)).hexdigest()])
        scope = f"{at[:8]}/us-east-1/execute-api/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{KEY}".encode()
        for part in scope.split("/"):
            key = keyed(key, part)
        signature = keyed(key, to_sign).hex()
        request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential=local/{scope}, SignedHeaders={names}, Signature={signature}"
        return request


class Stripe(requests.auth.AuthBase):
    def __call__(self, request):
        at = str(int(time.time()))
        signed = hmac.new(WEBHOOK_SECRET.encode(), at.encode() + b"." + body_of(request), hashlib.sha256).hexdigest()
        request.headers["Stripe-Signature"] = f"t={at},v1={signed}"
        return request


schemathesis.auth.set_from_requests(Shopper()).apply_to(path_regex="^/(client-secret|subscriptions$|wallets|invoices)")
schemathesis.auth.set_from_requests(Subscriber()).apply_to(path_regex="^/subscriptions/")
schemathesis.auth.set_from_requests(Owner()).apply_to(path_regex="^/checkouts")
schemathesis.auth.set_from_requests(Server()).apply_to(path_regex="^/(payments|payment-methods|shop)")
schemathesis.auth.set_from_requests(Stripe()).apply_to(path_regex="^/webhooks")


# What random texts never meet: plans that are sold, a checkout, a subscription, a payment, a method, a link.


def ask(method: str, path: str, auth, **more):
    answer = requests.request(method, API + path, auth=auth, timeout=30, **more)
    answer.raise_for_status()
    return answer.json()


PLANS = [plan["name"] for plan in ask("GET", "/plans", None)["plans"]]
CHECKOUT = ask("POST", "/client-secret", Owner(), json={"plan": PLANS[0], "wallet": "amazon_pay"})["checkout"]
OFFER = ask("GET", f"/wallets?plan={PLANS[0]}", Owner())
APPLE_PAY = next(wallet for wallet in OFFER["wallets"] if wallet["wallet"] == "apple_pay")
# It waits for its shopper: nothing that is asked of it ends it.
SUBSCRIPTION = ask("POST", "/subscriptions", Subscriber(), json={"plan": PLANS[0], "wallet": "apple_pay", "first": "subscription"})["subscription"]
LINK = APPLE_PAY["express_checkout"]["applePay"]["recurringPaymentRequest"]["managementURL"].partition("link=")[2]
PAYMENTS = [
    ask(
        "POST",
        "/payments",
        Server(),
        json={"user": "fuzz-owner", "amount": 2000 + number, "currency": "usd", "wallet": "apple_pay", "capture": capture},
        headers={"Idempotency-Key": f"known-{number}"},
    )["id"]
    for number, capture in enumerate(["automatic", "manual", "automatic"])
]


def known(value, pattern: str, choices: list[str]):
    """Every other text of the right form is one that is there."""
    number = next(NUMBERS)
    fits = isinstance(value, str) and re.fullmatch(pattern, value)
    return choices[number % len(choices)] if fits and number % 2 else value


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    changed = dict(path_parameters or {})
    # One payment is there to be canceled, and the others stay.
    payments = PAYMENTS[-1:] if context.operation.path.endswith("/cancel") else PAYMENTS[:-1]
    for name, pattern, choices in (
        ("checkout", r"chk_\w+", [CHECKOUT]),
        ("payment", r"pi_\w+", payments),
        ("subscription", r"sub_\w+", [SUBSCRIPTION]),
    ):
        if name in changed:
            changed[name] = known(changed[name], pattern, choices)
    return changed


@schemathesis.hook
def map_query(context, query):
    changed = dict(query or {})
    if "plan" in changed:
        changed["plan"] = known(changed["plan"], r"[a-z0-9-]{1,64}", PLANS)
    if "subscription" in changed:
        changed["subscription"] = known(changed["subscription"], r"sub_\w+", [SUBSCRIPTION])
    if "link" in changed:
        changed["link"] = known(changed["link"], ".*", [LINK])
    return changed


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    changed = dict(body)
    if context.operation.path.startswith("/shop/") and "user" in changed:
        # Whom the other requests are about is not erased.
        user = "fuzz-erased" if context.operation.path.endswith("/erase") else Subscriber.USER
        changed["user"] = known(changed["user"], "[!-~]{1,255}", [user])
    for name, pattern, choices in (
        ("plan", r"[a-z0-9-]{1,64}", PLANS),
        ("consent", ".*", [OFFER["consent"]["version"]]),
        ("checkout", r"chk_\w+", [CHECKOUT]),
        ("currency", "[A-Za-z]{3}", ["usd", "eur", "JPY", "kwd"]),
    ):
        if name in changed:
            changed[name] = known(changed[name], pattern, choices)
    return changed


@schemathesis.hook
def filter_case(context, case):
    """Not a request that lacks its signature alone: it would count as bad data, and is signed on its way out."""
    names = {name.lower() for name in case.headers or {}}
    return "authorization" in names or "idempotency-key" not in names
