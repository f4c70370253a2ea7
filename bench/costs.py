#!/usr/bin/env python3
"""What AWS charges for a month, from the calls that are counted in tests.

    bench/costs.py                    prints the table of the README
    bench/costs.py --check README.md  fails if it has another one

The calls are those of tests/trial/tests/costs.rs and of the journeys call_counts and many; sizes and times are
rounded up. Prices are those of us-east-1, in dollars, without the free tier and without Stripe's fees.
"""

import sys
from pathlib import Path

MILLION = 1_000_000
# https://aws.amazon.com/dynamodb/pricing/on-demand/
WRITE, READ, STREAM_READ = 0.625 / MILLION, 0.125 / MILLION, 0.20 / MILLION
# https://aws.amazon.com/lambda/pricing/ (arm64)
INVOCATION, GB_SECOND = 0.20 / MILLION, 0.0000133334
API_REQUEST = 1.00 / MILLION  # https://aws.amazon.com/api-gateway/pricing/ (HTTP API)
SHOP_EVENT = (1.00 + 0.40) / MILLION  # https://aws.amazon.com/eventbridge/pricing/ (a custom event through a Pipe)
TRACE = 5.00 / MILLION  # https://aws.amazon.com/xray/pricing/
LOG_KB = 0.50 / MILLION  # https://aws.amazon.com/cloudwatch/pricing/
SECRET, KEY = 0.40, 1.00
# An alarm costs this for each metric that it looks at, and a composite one by itself
# (https://aws.amazon.com/cloudwatch/pricing/). tests/template counts both in template.yaml.
ALARM_METRIC, COMPOSITE_ALARM = 0.10, 0.50
ALARM_METRICS, COMPOSITE_ALARMS = 41, 1
GB_MONTH = 0.25 + 0.20  # A table with point-in-time recovery.

MONTH = 30 * 24 * 3600
# The Pipe asks each of the four shards of a table that is not large yet about four times a second.
FIXED = (
    3 * SECRET
    + KEY
    + ALARM_METRICS * ALARM_METRIC
    + COMPOSITE_ALARMS * COMPOSITE_ALARM
    + 4 * 4 * MONTH * STREAM_READ
)
# 357 runs a day of 512 MB, most of which find nothing and take a second.
RECONCILE = 30 * 357 * (INVOCATION + 0.5 * 1 * GB_SECOND)


def traces(invocations: float) -> float:
    """One a second, and 5% of those beyond it: X-Ray's own rule for what is sampled."""
    return TRACE * (min(invocations, MONTH) + 0.05 * max(0, invocations - MONTH))


def month(subscribers: int, new: int) -> float:
    """Of subscribers who renew monthly, with so many new ones."""
    # 55 events in twelve months. An item of the index `due` costs a write more when it is put, and when it is settled.
    events = 55 / 12
    # They come in two waves, about an hour apart, each a batch of the worker's.
    batches = 2
    renewal_writes = events * (2 + 2) + batches * 1 + 2 * 2
    renewal_reads = batches * 4
    # GET /wallets, POST /client-secret, GET /confirm, three polls: 6 transactions of two or three items, 2 updates.
    journey_requests, journey_writes, journey_reads = 6, 6 * 5 + 2, 12
    # Three consistent gets for each subscription every night, in passes of 75 minutes for a million, with 512 MB.
    nights, night = 30, subscribers / MILLION * 75 * 60 * 0.5

    invocations = subscribers * (events + batches) + new * journey_requests
    writes = subscribers * renewal_writes + new * journey_writes
    reads = subscribers * (renewal_reads + 3 * nights) + new * journey_reads
    requests = subscribers * events + new * journey_requests
    # Webhooks are done in 20 ms, batches in 500 ms, requests that ask Stripe in a second, of 256 MB each.
    seconds = subscribers * (events * 0.02 + batches * 0.5) + new * journey_requests * 1.0
    return (
        FIXED
        + RECONCILE
        + writes * WRITE
        + reads * READ
        + invocations * INVOCATION
        + seconds * 0.25 * GB_SECOND
        + nights * night * GB_SECOND
        # What is kept of a subscriber: 14 events of 90 days, and a few items of a kilobyte.
        + subscribers * 20 / MILLION * GB_MONTH
        + requests * API_REQUEST
        + (subscribers + new) * SHOP_EVENT
        + traces(invocations)
        + invocations * 2 * LOG_KB
    )


def table() -> str:
    rows = ["| subscribers | new ones a month | dollars a month | of which fixed |", "| ---: | ---: | ---: | ---: |"]
    for subscribers in (100, 10_000, MILLION):
        new = subscribers // 20
        rows.append(f"| {subscribers:,} | {new:,} | {month(subscribers, new):,.0f} | {FIXED + RECONCILE:,.0f} |")
    return "\n".join(rows) + "\n"


def main() -> int:
    if sys.argv[1:2] == ["--check"]:
        if table() in Path(sys.argv[2]).read_text(encoding="utf-8"):
            return 0
        print(f"{sys.argv[2]} has another table than:\n{table()}", file=sys.stderr)
        return 1
    print(table(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
