"""Tries mutants of the lines that a change touches: each is a bug that some test has to notice.

    python3 .ci/mutants.py
    python3 .ci/mutants.py --is-needed    whether anything changed that could be mutated

`CHANGED_SINCE` names the commit that the change is compared with. Without it, that is where this branch left the main
branch, or the last commit but one. A missed mutant fails, unless docs/TRIAL.md names it under "Mutants". Of a change
that has more of them than can be tried in time a sample is tried, and fails when too many of it are missed.
The files are changed in place while this runs, and put back.
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "TRIAL.md"
# Crates whose own tests say what they do.
BY_THEIR_OWN_TESTS = {"perennial-types", "perennial-inbox", "perennial-stripe", "perennial-http", "perennial-https", "perennial-aws", "perennial-config", "wallets"}
# The others are tested by journeys as well, of which these concern the files: all of them would take too long for one
# mutant. The first beginning that fits counts.
JOURNEYS = {
    "shared/flows/src/actions/abandoned": "actions::abandoned actions::at_once",
    "shared/flows/src/actions/addons": "actions::addons",
    "shared/flows/src/actions/address": "tax::",
    "shared/flows/src/actions/adoption": "adopting::",
    "shared/flows/src/actions/cancel": "actions::canceling actions::cancel_page",
    "shared/flows/src/actions/discount": "actions::discounting",
    "shared/flows/src/actions/email": "emailing::",
    "shared/flows/src/actions/end_now": "actions::canceling actions::trial_time",
    "shared/flows/src/actions/grants": "grants::",
    "shared/flows/src/actions/invoices": "actions::refunding actions::shop_refund",
    "shared/flows/src/actions/linked": "actions::repair actions::trial_without_method links::",
    "shared/flows/src/actions/offers": "private_plans::",
    "shared/flows/src/actions/pau": "actions::pausing",
    "shared/flows/src/actions/payment_method": "actions::payment_method actions::repair",
    "shared/flows/src/actions/preview_cancel": "actions::canceling actions::refunding",
    "shared/flows/src/actions/preview_code": "actions::plans codes::",
    "shared/flows/src/actions/refund": "actions::refunding actions::shop_refund",
    "shared/flows/src/actions/resuming": "actions::pausing",
    "shared/flows/src/actions/tax_ids": "tax::",
    "shared/flows/src/actions/trial_time": "actions::trial_time",
    "shared/flows/src/actions/": "actions::plans actions::later_period actions::quantity actions::addons actions::at_once",
    "shared/store/src/grants": "grants::",
    "functions/actions/src/cancel_page": "actions::cancel_page",
    "functions/actions/src/payment_method": "actions::payment_method actions::repair",
    "functions/actions/src/preview": "actions::plans actions::later_period actions::pausing",
    "functions/actions/src/repair": "actions::repair actions::trial_without_method",
    "functions/actions/src/shop_links": "links::",
    "functions/actions/": "actions::bad_input actions::refused actions::plans actions::canceling private_plans::offering",
    "functions/users/": "adopting:: emailing:: erasing:: grants:: private_plans::",
    "shared/flows/src/payments/": "payments::held payments::off_session payments::refunds payments::in_the_page payments::replaced",
    "shared/flows/src/catalog/": "catalog::at_stripe catalog::kept catalog::selling catalog::writers",
    "shared/flows/src/sweeps/": "sweeps:: many:: lost_setups:: overdue:: unreadable:: event_orders::",
    "shared/flows/src/events/": "ending:: ended:: event_orders:: money_back:: switched::",
    "shared/flows/src/subscriptions/": "ending:: ended:: event_orders:: money_back:: switched::",
    "shared/store/src/batch": "many::",
    "shared/store/src/actions": "actions::abandoned actions::at_once actions::plans actions::canceling",
    "shared/store/src/offers": "private_plans::",
    "shared/store/src/user": "private_plans:: declines:: trials:: at_once::",
    "shared/store/src/method_setup": "actions::payment_method actions::repair",
    "shared/store/src/archive": "archive:: actions::abandoned",
    "shared/store/src/payment": "payments::asked_again payments::replaced payments::held",
    "functions/payments/": "payments::held payments::off_session payments::refunds payments::callers bad_input::",
    "functions/reconcile/": "sweeps:: lost_setups:: overdue:: catalog::writers",
    "functions/w": "stream_batches:: rolled_secrets:: bad_input:: event_orders::",
    "functions/links/": "links:: bad_input:: rolled_secrets::",
    "": "answers:: call_counts::every_step declines:: at_once:: ended:: trials:: apple_pay::setup_first apple_pay::subscription_first",
}
# How many seconds all of it may take, how many more while not one was tried, and how long the tests of one mutant may.
SECONDS = 220
MORE_FOR_THE_FIRST = 240
PATIENCE = 100
# As many as fit into that time on two cores, of crates by their own tests and of those by journeys.
MOST = {True: 16, False: 2}
# How much of a sample may be missed: twice what was measured for flows, as docs/TRIAL.md has it, since a sample is small.
MISSED_OF_A_SAMPLE = 0.5
WORDS = ("caught", "missed", "unviable", "timeout")


def git(*arguments: str) -> str | None:
    """What git prints, or nothing if it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def base() -> str | None:
    """The commit that the change is compared with."""
    given = os.environ.get("CHANGED_SINCE", "")
    # GitHub names a commit of zeros before the first push of a branch.
    if given.strip("0") and (found := git("merge-base", "HEAD", given)):
        return found
    head = git("rev-parse", "HEAD")
    for main in ("origin/main", "main"):
        found = git("merge-base", "HEAD", main)
        if found and found != head:
            return found
    return git("rev-parse", "--verify", "HEAD~1")


def changed(since: str) -> bytes:
    """The change, with what is not committed yet."""
    command = ["git", "diff", since, "--", "shared", "functions"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def journeys_of(package: str, file: str) -> str:
    """The filters of the journeys that concern a file; none for a crate whose own tests are enough."""
    if package in BY_THEIR_OWN_TESTS:
        return ""
    return next(filters for beginning, filters in JOURNEYS.items() if file.startswith(beginning))


def listed(diff: str) -> dict[tuple[str, str], list[str]]:
    """The files of the mutants in the diff, one for each mutant, by crate and filters of journeys."""
    command = ["cargo", "mutants", "--workspace", "--list", "--json", "--in-diff", diff]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[tuple[str, str], list[str]] = {}
    for mutant in json.loads(done.stdout or "[]"):
        package, file = mutant["package"], mutant["file"]
        if file.startswith(("shared/", "functions/")):
            found.setdefault((package, journeys_of(package, file)), []).append(file)
    return found


def attempt(package: str, journeys: str, files: list[str], diff: str, until: float) -> list[dict]:
    """Tries some of the mutants in these files, evenly spread over the diff; what came of each."""
    shards = math.ceil(len(files) / MOST[not journeys])
    tested = f"{package},perennial-tests" if journeys else package
    with tempfile.TemporaryDirectory() as out:
        command = ["cargo", "mutants", "--in-place", "--package", package, "--in-diff", diff, "--test-package", tested]
        command += ["--baseline", "skip", "--timeout", str(PATIENCE), "--shard", f"0/{shards}", "--sharding", "round-robin"]
        command += ["--output", out, "--no-times", "--colors", "never"]
        command += [f"--file={file}" for file in sorted(set(files))]
        if journeys:
            # The filters are for the crate's unit tests, too, which are in modules of that name.
            command += ["--", "--test", "journeys", "--lib", "--", "tests::", *journeys.split()]
        # `cargo mutants` puts the file back when it is interrupted.
        limit = ["timeout", "--signal", "INT", "--kill-after", "30", str(max(1, int(until - time.monotonic())))]
        # Its own backtrace when it is interrupted says nothing.
        done = subprocess.run([*limit, *command], cwd=ROOT, env={**os.environ, "RUST_BACKTRACE": "0"})
        outcomes = Path(out, "mutants.out", "outcomes.json")
        # 1 and 70 are its own failures, of the command line and of the tool; at 124 the time was over.
        if done.returncode in (1, 70) or (done.returncode != 124 and not outcomes.exists()):
            sys.exit(f"cargo mutants failed for {package} ({done.returncode})")
        if not outcomes.exists():
            return []
        return [each for each in json.loads(outcomes.read_text())["outcomes"] if each["scenario"] != "Baseline"]


def name_of(outcome: dict) -> str:
    """What was changed, without the line, which moves."""
    return re.sub(r":\d+:\d+:", ":", outcome["scenario"]["Mutant"]["name"], count=1)


def main() -> int:
    since = base()
    if "--is-needed" in sys.argv[1:]:
        return 0 if since is not None and changed(since) else 1
    if since is None:
        if git("rev-parse", "--is-shallow-repository") == "true":
            print("This clone has no older commit to compare with: fetch more of the history.")
            return 1
        print("There is no older commit, so there is no change.")
        return 0
    changes = changed(since)
    with tempfile.NamedTemporaryFile(suffix=".diff") as diff:
        diff.write(changes)
        diff.flush()
        groups = listed(diff.name) if changes else {}
        if not groups:
            print(f"The change since {since[:10]} touches nothing in shared/ or functions/ that could be mutated.")
            return 0
        until = time.monotonic() + SECONDS
        outcomes = []
        # Those that are quick first, then the smaller ones.
        for (package, journeys), files in sorted(groups.items(), key=lambda each: (each[0][1] != "", len(each[1]))):
            limit = until if outcomes else until + MORE_FOR_THE_FIRST
            if time.monotonic() < limit:
                outcomes += attempt(package, journeys, files, diff.name, limit)

    if changed(since) != changes:
        print("A file was left as a mutant: look at `git diff`.")
        return 1
    summaries = {"CaughtMutant": "caught", "MissedMutant": "missed", "Unviable": "unviable", "Timeout": "timeout"}
    found: dict[str, list[str]] = {word: [] for word in WORDS}
    for outcome in outcomes:
        if word := summaries.get(outcome["summary"]):
            found[word].append(name_of(outcome))
    tried, there_are = sum(map(len, found.values())), sum(map(len, groups.values()))
    print(f"tried {tried} of {there_are} mutants since {since[:10]}: " + ", ".join(f"{len(found[word])} {word}" for word in WORDS))
    # Within a table a bar has a backslash before it.
    kept = KEPT.read_text(encoding="utf-8").replace("\\|", "|")
    missed = [name for name in found["missed"] if f"`{name}`" not in kept]
    for name in missed:
        print(f"no test notices: {name}")
    if tried == 0:
        print("Not one mutant could be tried in time.")
        return 1
    most = MISSED_OF_A_SAMPLE * tried if tried < there_are else 0
    return 1 if len(missed) > most else 0


if __name__ == "__main__":
    sys.exit(main())
