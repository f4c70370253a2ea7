"""The routes are the contract's, and everything that repeats them agrees with the template."""

import json
import tomllib
import unittest

from transformed import ROOT, functions, http_events, schedules, template

CONTRACT = {
    "POST /client-secret": ("client-secret", "token"),
    "GET /confirm": ("confirm", "open"),
    "GET /checkouts/{checkout}": ("confirm", "token"),
    "POST /subscriptions": ("subscribe", "token"),
    "GET /subscriptions": ("subscriptions", "token"),
    "GET /wallets": ("wallets", "token"),
    "GET /manage": ("links", "open"),
    "GET /authorize": ("links", "open"),
    "POST /payments": ("payments", "iam"),
    "GET /payments/{payment}": ("payments", "iam"),
    "POST /payments/{payment}/increment": ("payments", "iam"),
    "POST /payments/{payment}/capture": ("payments", "iam"),
    "POST /payments/{payment}/cancel": ("payments", "iam"),
    "POST /payments/{payment}/refunds": ("payments", "iam"),
    "POST /payment-methods/migrate": ("payments", "iam"),
    "GET /payment-methods/{payment_method}/diagnosis": ("payments", "iam"),
    "POST /webhooks/stripe": ("webhook", "open"),
}


# A route that says nothing gets the default authorizer.
GUARDS = {None: "token", "NONE": "open", "AWS_IAM": "iam"}


def routes() -> dict[str, tuple[str, str]]:
    """Who answers each route, and whether the caller needs a token or a signature."""
    found = {}
    for package, function in functions(template()).items():
        for event in http_events(function):
            guard = GUARDS[event.get("Auth", {}).get("Authorizer")]
            found[f"{event['Method']} {event['Path']}"] = (package, guard)
    return found


class Routes(unittest.TestCase):
    def test_the_routes_are_those_of_the_contract(self):
        self.assertEqual(routes(), CONTRACT)

    def test_a_route_that_says_nothing_needs_a_token(self):
        auth = template()["Resources"]["Api"]["Properties"]["Auth"]
        self.assertIn(auth["DefaultAuthorizer"], auth["Authorizers"])

    def test_a_route_for_the_shops_servers_can_be_guarded(self):
        auth = template()["Resources"]["Api"]["Properties"]["Auth"]
        self.assertIs(auth["EnableIamAuthorizer"], True)

    def test_the_resource_of_the_outputs_covers_all_routes_of_the_servers_and_no_other(self):
        arn = template()["Outputs"]["PaymentsApiArn"]["Value"]["Fn::Sub"]
        prefix = arn.rsplit("/*", 1)[1].rstrip("*")
        covered = {key for key in routes() if key.split(" ")[1].startswith(prefix)}
        self.assertEqual(covered, {key for key, (_, guard) in routes().items() if guard == "iam"})

    def test_cargo_lambda_watch_serves_the_same_routes(self):
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
        router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"]
        watched = {
            f"{route['method']} {path}": route["function"]
            for path, methods in router.items()
            for route in methods
        }
        self.assertEqual(watched, {key: package for key, (package, _) in routes().items()})

    def test_every_function_is_a_package_of_that_name(self):
        folders = {path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")}
        self.assertEqual(set(functions(template())), folders)

    def test_routes_with_a_limit_of_their_own_exist(self):
        limits = template()["Resources"]["Api"]["Properties"]["RouteSettings"]
        self.assertLessEqual(set(limits), set(routes()))


def sweeps() -> dict[str, str]:
    """Each scheduled event as JSON, with the function that gets it."""
    return {
        json.dumps(json.loads(event["Input"])): package
        for package, function in functions(template()).items()
        for event in schedules(function)
    }


class Events(unittest.TestCase):
    def test_everything_that_calls_a_function_has_a_recorded_event(self):
        readme = (ROOT / "events/README.md").read_text(encoding="utf-8")
        recorded = set()
        for path in ROOT.glob("events/*.json"):
            with self.subTest(path.name):
                event = json.loads(path.read_text(encoding="utf-8"))
                called_by, package = origin(event)
                recorded.add(called_by)
                self.assertTrue(path.name.startswith(f"{package}-"), package)
                self.assertIn(f"`{path.stem}`", readme)
                guard = routes().get(called_by, (None, None))[1]
                if guard == "open":
                    self.assertNotIn("authorizer", event["requestContext"])
                if guard == "iam":
                    self.assertIn("userArn", event["requestContext"]["authorizer"]["iam"])
        expected = set(routes()) | set(sweeps()) | {"stream", "pipe", "partner"}
        self.assertEqual(recorded, expected)


def origin(event: dict | list) -> tuple[str, str]:
    """What the event comes from, and the function that gets it."""
    if isinstance(event, list):
        return "pipe", "shop-events"
    if "detail-type" in event:
        return "partner", "partner-events"
    if "Records" in event:
        return "stream", "worker"
    if "routeKey" in event:
        key = event["routeKey"]
        assert key == event["requestContext"]["routeKey"], key
        return key, routes()[key][0]
    key = json.dumps(event)
    return key, sweeps()[key]


class Schedules(unittest.TestCase):
    def test_each_sweep_has_its_schedule(self):
        found = {
            event["Input"]: event["Schedule"]
            for function in functions(template()).values()
            for event in schedules(function)
        }
        expected = {
            '{"sweep":"open"}': "rate(5 minutes)",
            '{"sweep":"events"}': "rate(1 hour)",
            '{"sweep":"subscriptions"}': "cron(17 3 * * ? *)",
        }
        self.assertEqual(found, expected)
