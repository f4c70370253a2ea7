"""The routes are the contract's, and everything that repeats them agrees with the template."""

import json
import tomllib
import unittest

from transformed import ROOT, functions, http_events, template

CONTRACT = {
    "POST /client-secret": ("client-secret", "token"),
    "GET /confirm": ("confirm", "open"),
    "GET /checkouts/{checkout}": ("confirm", "token"),
    "POST /subscriptions": ("subscribe", "token"),
    "GET /subscriptions": ("subscriptions", "token"),
    "POST /webhooks/stripe": ("webhook", "open"),
}


def routes() -> dict[str, tuple[str, str]]:
    """Who answers each route, and whether the caller needs a token."""
    found = {}
    for package, function in functions(template()).items():
        for event in http_events(function):
            guard = "open" if event.get("Auth") == {"Authorizer": "NONE"} else "token"
            found[f"{event['Method']} {event['Path']}"] = (package, guard)
    return found


class Routes(unittest.TestCase):
    def test_the_routes_are_those_of_the_contract(self):
        self.assertEqual(routes(), CONTRACT)

    def test_a_route_that_says_nothing_needs_a_token(self):
        auth = template()["Resources"]["Api"]["Properties"]["Auth"]
        self.assertIn(auth["DefaultAuthorizer"], auth["Authorizers"])

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


class Events(unittest.TestCase):
    def test_every_route_and_the_stream_have_a_recorded_event(self):
        recorded = set()
        for path in ROOT.glob("events/*.json"):
            with self.subTest(path.name):
                event = json.loads(path.read_text(encoding="utf-8"))
                if "Records" in event:
                    package = "worker"
                    recorded.add("stream")
                else:
                    key = event["routeKey"]
                    package, guard = routes()[key]
                    recorded.add(key)
                    self.assertEqual(key, event["requestContext"]["routeKey"])
                    if guard == "open":
                        self.assertNotIn("authorizer", event["requestContext"])
                self.assertTrue(path.name.startswith(f"{package}-"), package)
                self.assertIn(f"`{path.stem}`", (ROOT / "events/README.md").read_text())
        self.assertEqual(recorded, set(routes()) | {"stream"})
