"""Holds what the journeys were answered against docs/openapi.json, and says what no journey has shown.

    exchanges.py FOLDER    with what the tests have written under PERENNIAL_EXCHANGES=FOLDER
"""

import json
import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, unquote

import document
from document import FORM, JSON, complaints, resolved

ROUTES = document.routes()
# What no journey shows, and why not.
UNSEEN = json.loads((Path(__file__).parent / "unseen.json").read_text(encoding="utf-8"))
PATTERNS = [
    (route, re.compile(route.replace(" ", " /", 1).replace("//", "/").replace("{", "(?P<").replace("}", ">[^/]+)")))
    for route in sorted(ROUTES, key=lambda route: "{" in route)
]
# A function that is called past API Gateway, by something else than its HTTP API, is no route's.
NOT_OF_A_ROUTE = {"invalid_event", "invalid_body"}
STRIPES_EVENT = ("POST /webhooks/stripe", "invalid_event")


def match(method: str, path: str):
    for route, pattern in PATTERNS:
        if found := pattern.fullmatch(f"{method} {path}"):
            return route, found.groupdict()
    return None, {}


@cache
def judge_of_answer(route: str, status: str):
    return document.validator(ROUTES[route]["responses"][status]["content"][JSON]["schema"], answers=True)


@cache
def judge_of_body(route: str):
    return document.validator(document.body_of(ROUTES[route])["schema"])


@cache
def judge_of_parameter(route: str, number: int):
    return document.validator(resolved(ROUTES[route]["parameters"][number])["schema"])


def answer_complaints(route: str, answer: dict) -> list[str]:
    status = str(answer["status"])
    response = ROUTES[route]["responses"].get(status)
    if response is None:
        return [f"the document has no {status}"]
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    wrong = []
    body = None
    if "content" in response:
        kind = headers.get("content-type", "").split(";")[0]
        if kind not in response["content"]:
            return [f"Content-Type: {kind}"]
        if kind == JSON:
            body = json.loads(answer["body"])
            wrong += complaints(judge_of_answer(route, status), body)
    elif answer["body"]:
        wrong.append("the document has no body")
    # API Gateway has none of our headers.
    if isinstance(body, dict) and "message" in body:
        return wrong
    for name, header in response.get("headers", {}).items():
        header = resolved(header)
        value = headers.get(name.lower())
        if value is None:
            if header.get("required") or "const" in header["schema"]:
                wrong.append(f"{name} is missing")
            continue
        value = int(value) if header["schema"].get("type") == "integer" and value.isdecimal() else value
        wrong += [f"{name}: {each}" for each in complaints(document.validator(header["schema"]), value)]
    if "retry-after" in headers and "Retry-After" not in response.get("headers", {}):
        wrong.append("the document has no Retry-After")
    return wrong


def request_complaints(route: str, exchange: dict, in_path: dict) -> list[str]:
    operation = ROUTES[route]
    wrong = []
    headers = {name.lower(): value for name, value in exchange["headers"].items()}
    query = parse_qs(exchange["query"], keep_blank_values=True)
    for number, parameter in enumerate(operation.get("parameters", [])):
        parameter = resolved(parameter)
        name = parameter["name"]
        value = {
            "path": lambda: unquote(in_path[name]),
            "query": lambda: query.get(name, [None])[0],
            "header": lambda: headers.get(name.lower()),
        }[parameter["in"]]()
        if value is None:
            if parameter["required"]:
                wrong.append(f"{name} is missing")
            continue
        # In an address, a number is a text.
        if resolved(parameter["schema"]).get("type") == "integer" and value.isdigit():
            value = int(value)
        wrong += [f"{name}: {each}" for each in complaints(judge_of_parameter(route, number), value)]
    if "requestBody" in operation:
        if FORM in operation["requestBody"]["content"]:
            sent = {name: values[0] for name, values in parse_qs(exchange["body"]).items()}
        else:
            sent = json.loads(exchange["body"])
        wrong += complaints(judge_of_body(route), sent)
    return wrong


def code_of(answer: dict) -> str | None:
    if answer["status"] < 400:
        return None
    try:
        return json.loads(answer["body"])["error"]["code"]
    except (ValueError, KeyError, TypeError):
        # API Gateway's own.
        return "-"


def shown_by(route: str, status: int, code: str | None) -> set[str]:
    """What an answer shows of the document."""
    if code is None:
        return {f"{route} {status}"}
    return {f"{route} 4xx"} if code == "-" else {f"{route} 4xx", f"{status} {code}"}


def expected() -> set[str]:
    """All that is to be shown: each route's successes, an error of each route that is a caller's mistake, and each code."""
    found = set()
    for route, operation in ROUTES.items():
        for status, response in operation["responses"].items():
            codes = document.codes_of(response)
            found.update({f"{route} {status}"} if status < "400" else {f"{status} {code}" for code in codes})
            if "400" <= status < "500" and codes:
                found.add(f"{route} 4xx")
    return found


def main(folder: str) -> int:
    wrong, seen, requests, taken = Counter(), set(), 0, 0
    shown = {}
    for file in sorted(Path(folder).glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            exchange = json.loads(line)
            answer = exchange["answer"]
            route, in_path = match(exchange["method"], exchange["path"])
            code = code_of(answer) if route else None
            if route is None or code in NOT_OF_A_ROUTE and (route, code) != STRIPES_EVENT:
                continue
            requests += 1
            found = [f"{route} {answer['status']}, answer: {each}" for each in answer_complaints(route, answer)]
            if 200 <= answer["status"] < 300:
                taken += 1
                found += [f"{route} {answer['status']}, request: {each}" for each in request_complaints(route, exchange, in_path)]
            for each in found:
                wrong[each] += 1
                shown.setdefault(each, (exchange["body"], answer["body"]))
            seen |= shown_by(route, answer["status"], code)

    for each, times in wrong.most_common():
        print(f"{each} ({times} times)\n    asked: {shown[each][0][:300]}\n    answered: {shown[each][1][:600]}")
    missing = expected() - seen
    unexplained = sorted(missing - UNSEEN.keys())
    for each in unexplained:
        print(f"no journey has shown: {each}")
    for each in sorted(UNSEEN.keys() & seen):
        # No failure, since some are shown by a race alone.
        print(f"shown by now, though unseen.json says: {UNSEEN[each]}: {each}")
    unknown = sorted(UNSEEN.keys() - expected())
    for each in unknown:
        print(f"unseen.json has what the document has not: {each}")
    of_all = len(expected())
    print(f"{requests} answers and {taken} requests that were taken fit docs/openapi.json" if not wrong else f"{len(wrong)} mismatches")
    print(f"{of_all - len(missing)} of its {of_all} answers were shown")
    return 1 if wrong or unexplained or unknown or not requests else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
