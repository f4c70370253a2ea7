"""The routes are the contract's, and everything that repeats them agrees with the template."""

import functools
import json
import tomllib
import unittest

from transformed import ROOT, deployed, functions, http_events, schedules, template

CONTRACT = {
    "POST /client-secret": ("client-secret", "token"),
    "GET /confirm": ("confirm", "open"),
    "GET /checkouts/{checkout}": ("confirm", "token"),
    "POST /subscriptions": ("subscribe", "token"),
    "GET /subscriptions": ("subscriptions", "token"),
    "GET /plans": ("subscriptions", "open"),
    "GET /shop/subscriptions": ("subscriptions", "iam"),
    "GET /shop/users": ("subscriptions", "iam"),
    "POST /subscriptions/{subscription}/cancel": ("actions", "token"),
    "POST /subscriptions/{subscription}/withdraw-cancellation": ("actions", "token"),
    "POST /subscriptions/{subscription}/preview": ("actions", "token"),
    "POST /shop/subscriptions/{subscription}/preview": ("actions", "iam"),
    "POST /subscriptions/{subscription}/change": ("actions", "token"),
    "POST /shop/subscriptions/{subscription}/change": ("actions", "iam"),
    "POST /subscriptions/{subscription}/withdraw-change": ("actions", "token"),
    "POST /subscriptions/{subscription}/pause": ("actions", "token"),
    "POST /subscriptions/{subscription}/resume": ("actions", "token"),
    "POST /shop/subscriptions/{subscription}/withdraw-change": ("actions", "iam"),
    "POST /shop/subscriptions/{subscription}/pause": ("actions", "iam"),
    "POST /shop/subscriptions/{subscription}/resume": ("actions", "iam"),
    "POST /shop/subscriptions/{subscription}/trial": ("actions", "iam"),
    "POST /shop/subscriptions/{subscription}/refund": ("actions", "iam"),
    "POST /shop/subscriptions/{subscription}/discount": ("actions", "iam"),
    "POST /shop/customers": ("users", "iam"),
    "POST /shop/users/email": ("users", "iam"),
    "POST /shop/users/offer": ("users", "iam"),
    "POST /shop/users/erase": ("users", "iam"),
    "POST /shop/users/grant": ("users", "iam"),
    "POST /shop/users/address": ("users", "iam"),
    "POST /shop/users/tax-ids": ("users", "iam"),
    "POST /subscriptions/{subscription}/payment-method": ("actions", "token"),
    "POST /subscriptions/{subscription}/payment-method/finish": ("actions", "token"),
    "GET /subscriptions/{subscription}": ("actions", "token"),
    "GET /shop/subscriptions/{subscription}": ("actions", "iam"),
    "GET /invoices": ("actions", "token"),
    "POST /shop/subscriptions/{subscription}/cancel": ("actions", "iam"),
    "POST /shop/subscriptions/{subscription}/withdraw-cancellation": ("actions", "iam"),
    "GET /shop/invoices": ("actions", "iam"),
    "POST /shop/subscriptions/{subscription}/links": ("actions", "iam"),
    "GET /cancel": ("actions", "open"),
    "POST /cancel": ("actions", "open"),
    "GET /repair": ("actions", "open"),
    "POST /repair": ("actions", "open"),
    "POST /repair/finish": ("actions", "open"),
    "GET /wallets": ("wallets", "token"),
    "POST /wallets": ("wallets", "token"),
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


# A route that says nothing is open.
GUARDS = {None: "open", "Shoppers": "token", "AWS_IAM": "iam"}


@functools.cache
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

    def test_who_may_call_arrives_at_api_gateway_as_the_contract_says(self):
        api = deployed()["Resources"]["Api"]["Properties"]["Body"]
        schemes = api["components"]["securitySchemes"]
        kinds = {
            name: "iam" if scheme.get("x-amazon-apigateway-authtype") == "awsSigv4" else "token"
            for name, scheme in schemes.items()
        }
        found = {}
        for path, operations in api["paths"].items():
            for method, operation in operations.items():
                needed = [name for one in operation.get("security", []) for name in one]
                guards = {kinds[name] for name in needed} or {"open"}
                (found[f"{method.upper()} {path}"],) = guards
        self.assertEqual(found, {key: guard for key, (_, guard) in CONTRACT.items()})

    def test_a_route_for_the_shops_servers_can_be_guarded(self):
        auth = template()["Resources"]["Api"]["Properties"]["Auth"]
        self.assertIs(auth["EnableIamAuthorizer"], True)

    def test_the_resources_of_the_outputs_cover_all_routes_of_the_servers_and_no_other(self):
        outputs = template()["Outputs"]
        covered = []
        for name in ("PaymentsApiArn", "ShopApiArn"):
            prefix = outputs[name]["Value"]["Fn::Sub"].split("$default/*", 1)[1].rstrip("*")
            covered += [key for key in routes() if key.split(" ")[1].startswith(prefix)]
        guarded = [key for key, (_, guard) in routes().items() if guard == "iam"]
        self.assertEqual(sorted(covered), sorted(guarded))

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

    def test_what_strangers_can_call_uses_up_no_limit_of_the_shoppers(self):
        properties = template()["Resources"]["Api"]["Properties"]
        limits, default = properties["RouteSettings"], properties["DefaultRouteSettings"]
        for key, (_, guard) in routes().items():
            if guard == "open":
                with self.subTest(key):
                    for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
                        self.assertGreater(limits[key][name], default[name])


class AccessLog(unittest.TestCase):
    def test_each_line_is_json_and_says_which_identity_of_aws_called(self):
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
        line = json.loads(template()["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"])
        self.assertEqual(line["caller"], "$context.identity.userArn")
        self.assertEqual(line["request_id"], "$context.requestId")

    def test_no_line_has_an_address_or_a_query(self):
        line = template()["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"]
        for name in ("sourceIp", "$context.path", "rawQueryString", "userAgent", "claims"):
            self.assertNotIn(name, line)

    def test_logging_md_has_every_field(self):
        page = (ROOT / "docs/LOGGING.md").read_text(encoding="utf-8").split("\n## The access log\n")[1]
        line = json.loads(template()["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"])
        for name in line:
            self.assertIn(f"`{name}`", page.split("\n## ")[0])


@functools.cache
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
        expected = set(routes()) | set(sweeps()) | {"stream", "pipe", "partner", "deployment"}
        self.assertEqual(recorded, expected)


def origin(event: dict | list) -> tuple[str, str]:
    """What the event comes from, and the function that gets it."""
    if isinstance(event, list):
        return "pipe", "shop-events"
    if "detail-type" in event:
        return "partner", "partner-events"
    if "RequestType" in event:
        return "deployment", "reconcile"
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
            '{"sweep":"plans"}': "rate(1 hour)",
            '{"sweep":"subscriptions"}': "cron(17 3 * * ? *)",
            '{"sweep":"subscriptions","begun":true}': "cron(1/15 3-7 * * ? *)",
        }
        self.assertEqual(found, expected)
