/** The referee itself: it lets real ones through, and each planted mistake is reported, and where. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { formOf } from "../referee/form.js";
import { claimsOfAnswer, operationOf, typeOfObject } from "../referee/operations.js";
import { judge, judgeForms } from "../referee/referee.js";
import { approvedWallet, monthlyPrice, subscribe } from "../harness/journey.js";
import { Sandbox } from "../harness/sandbox.js";

type Json = Record<string, any>;
let objects: Map<string, Json>;
let events: Map<string, Json>;

before(async () => {
  const sandbox = await Sandbox.start();
  try {
    const { stripe } = sandbox;
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet });
    await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true, metadata: { a: "b" } });
    const all: Json[] = await sandbox.control.objects();
    objects = new Map(all.map((object) => [object["object"], object]));
    events = new Map(all.filter(({ object }) => object === "event").map((event) => [event["type"], event]));
  } finally {
    await sandbox.program.stop();
  }
});

/** The complaints about a value after a mistake was planted in a copy of it. */
function planted(value: Json | undefined, plant: (copy: Json) => void): string[] {
  assert.ok(value, "there is nothing to plant a mistake in");
  const claim = (of: Json): string[] => judge([{ what: "it", type: typeOfObject(of), value: of }]);
  assert.deepEqual(claim(value), [], "it was wrong before");
  const copy = structuredClone(value);
  plant(copy);
  return claim(copy);
}

function assertReported(complaints: string[], ...words: string[]): void {
  assert.notEqual(complaints.length, 0, "nothing was reported");
  for (const word of words) assert.ok(complaints.some((complaint) => complaint.includes(word)), `${word} is not in\n${complaints.join("\n")}`);
}

test("every kind of object of a journey was there to be judged", () => {
  const kinds = [
    "charge", "customer", "event", "invoice", "invoice_payment", "mandate", "payment_intent", "payment_method", "price", "product",
    "setup_attempt", "setup_intent", "subscription",
  ];
  assert.deepEqual(kinds.filter((kind) => !objects.has(kind)), []);
});

test("a missing, an unknown and a misshapen field are reported in every kind of object", () => {
  for (const [kind, object] of objects) {
    if (kind === "event") continue;
    assertReported(planted(object, (copy) => delete copy["livemode"]), "livemode");
    assertReported(planted(object, (copy) => (copy["color"] = "red")), "it.color", "does not exist");
    assertReported(planted(object, (copy) => (copy["livemode"] = "no")), "it.livemode");
  }
});

test("a field that Stripe removed is reported, at any depth", () => {
  assertReported(planted(objects.get("invoice"), (copy) => (copy["payment_intent"] = "pi_1")), "it.payment_intent");
  assertReported(planted(objects.get("subscription"), (copy) => (copy["current_period_end"] = 1)), "it.current_period_end");
  assertReported(planted(objects.get("subscription"), (copy) => (copy["items"].data[0].price.color = "red")), "it.items.data[0].price.color");
  assertReported(planted(objects.get("subscription"), (copy) => delete copy["items"].data[0].current_period_end), "it.items.data[0]", "current_period_end");
});

test("a value that an open enum does not list is reported", () => {
  assertReported(planted(objects.get("subscription"), (copy) => (copy["status"] = "subscribed")), "it.status", "trialing");
  assertReported(planted(objects.get("setup_intent"), (copy) => (copy["status"] = "done")), "it.status");
  assertReported(planted(objects.get("setup_intent"), (copy) => (copy["allowed_payment_method_types"] = ["amazonpay"])), "it.allowed_payment_method_types[0]");
  assertReported(planted(objects.get("payment_method"), (copy) => (copy["type"] = "amazonpay")), "it.type");
  assertReported(planted(objects.get("invoice"), (copy) => (copy["billing_reason"] = "because")), "it.billing_reason");
  const everyMoon = (copy: Json): unknown => (copy["items"].data[0].price.recurring.interval = "moon");
  assertReported(planted(objects.get("subscription"), everyMoon), "it.items.data[0].price.recurring.interval");
});

test("a decimal is text on the wire", () => {
  assertReported(planted(objects.get("price"), (copy) => (copy["unit_amount_decimal"] = 1500)), "it.unit_amount_decimal");
  assertReported(planted(objects.get("price"), (copy) => (copy["unit_amount_decimal"] = "much")), "it.unit_amount_decimal");
});

test("a mistake in an event is reported, in its envelope, its object and what changed", () => {
  const updated = events.get("customer.subscription.updated");
  assertReported(planted(updated, (copy) => delete copy["pending_webhooks"]), "pending_webhooks");
  assertReported(planted(updated, (copy) => (copy["color"] = "red")), "it.color");
  assertReported(planted(updated, (copy) => (copy["type"] = "customer.subscription.improved")), "never");
  assertReported(planted(updated, (copy) => (copy["type"] = "invoice.paid")), "it.data.object");
  assertReported(planted(updated, (copy) => (copy["data"].object.status = "subscribed")), "it.data.object.status");
  assertReported(planted(updated, (copy) => delete copy["data"].object.items), "it.data.object", "items");
  assertReported(planted(updated, (copy) => (copy["data"].previous_attributes.color = "red")), "it.data.previous_attributes.color");
  assertReported(planted(updated, (copy) => (copy["data"].previous_attributes.status = "subscribed")), "it.data.previous_attributes.status");
  for (const event of events.values()) assertReported(planted(event, (copy) => (copy["data"].object.color = "red")), "it.data.object.color");
});

test("a mistake in a list or in an error is reported", () => {
  const answers = (path: string, status: number, body: unknown): string[] => judge(claimsOfAnswer("GET", path, status, body));
  const list = { object: "list", data: [objects.get("customer")], has_more: false, url: "/v1/customers" };
  assert.deepEqual(answers("/v1/customers", 200, list), []);
  assertReported(answers("/v1/customers", 200, { ...list, data: [objects.get("price")] }), ".data[0]");
  assertReported(answers("/v1/customers", 200, { ...list, total_count: 1 }), ".total_count");
  const { url: _url, ...without } = list;
  assertReported(answers("/v1/customers", 200, without), "url");
  const page = { object: "list", data: [events.get("customer.created")], has_more: false, url: "/v1/events" };
  assert.deepEqual(answers("/v1/events", 200, page), []);
  assertReported(answers("/v1/events", 200, { ...page, data: [{ ...events.get("customer.created"), color: "red" }] }), ".data[0].color");

  const error = { message: "No such customer.", type: "invalid_request_error", code: "resource_missing", param: "id" };
  assert.deepEqual(answers("/v1/customers/cus_1", 404, { error }), []);
  assertReported(answers("/v1/customers/cus_1", 404, { error: { ...error, code: "customer_missing" } }), ".error.code");
  assertReported(answers("/v1/customers/cus_1", 404, { error: { ...error, type: "missing_error" } }), ".error.type");
  assertReported(answers("/v1/customers/cus_1", 404, { error: { ...error, color: "red" } }), ".error.color");
  assertReported(answers("/v1/customers/cus_1", 404, { error: { type: "api_error" } }), "message");
});

const SETUP_INTENT: [string, string][] = [
  ["customer", "cus_1"],
  ["usage", "off_session"],
  ["allowed_payment_method_types[]", "amazon_pay"],
  ["confirm", "true"],
  ["metadata[perennial_attempt]", "15"],
  ["payment_method_data[type]", "amazon_pay"],
  ["mandate_data[customer_acceptance][type]", "online"],
  ["mandate_data[customer_acceptance][accepted_at]", "1795000000"],
  ["mandate_data[customer_acceptance][online][ip_address]", "203.0.113.7"],
  ["mandate_data[customer_acceptance][online][user_agent]", "Mozilla/5.0"],
  ["expand[]", "payment_method"],
];

function request(operation: string, pairs: [string, string][]): string[] {
  const [method = "", path = ""] = operation.split(" ");
  return judgeForms([{ what: "it", type: operationOf(method, path).params, form: formOf(pairs) }]);
}

test("a mistake in the parameters of a request is reported", () => {
  const setup = (...more: [string, string][]): string[] => request("POST /v1/setup_intents", [...SETUP_INTENT, ...more]);
  assert.deepEqual(setup(), []);
  assertReported(setup(["payment_method_types[]", "amazon_pay"]), "it.payment_method_types", "does not exist");
  assertReported(setup(["color", "red"]), "it.color");
  assertReported(setup(["mandate_data[customer_acceptance][online][referrer]", "x"]), "it.mandate_data.customer_acceptance.online.referrer");
  assertReported(setup(["confirm", "yes"]), "it.confirm");
  assertReported(setup(["mandate_data[customer_acceptance][accepted_at]", "today"]), "it.mandate_data.customer_acceptance.accepted_at");
  assertReported(setup(["usage", "sometimes"]), "it.usage");
  assertReported(setup(["allowed_payment_method_types[]", "amazonpay"]), "it.allowed_payment_method_types[1]");
  assertReported(setup(["payment_method_data[type]", "amazonpay"]), "it.payment_method_data.type");
  assertReported(request("POST /v1/setup_intents", [["customer[id]", "cus_1"]]), "it.customer");
  assert.throws(() => setup(["customer[id]", "cus_1"]), /also the parent/);
});

test("a required parameter that is missing is reported", () => {
  const subscription: [string, string][] = [
    ["customer", "cus_1"],
    ["items[0][price]", "price_1"],
    ["payment_behavior", "error_if_incomplete"],
    ["billing_mode[type]", "flexible"],
  ];
  assert.deepEqual(request("POST /v1/subscriptions", subscription), []);
  assertReported(request("POST /v1/subscriptions", subscription.with(3, ["billing_mode[flexible][proration_discounts]", "included"])), "it.billing_mode", "type");
  assertReported(request("POST /v1/subscriptions", subscription.with(2, ["payment_behavior", "error_if_possible"])), "it.payment_behavior");
  assertReported(request("POST /v1/prices", [["product", "prod_1"]]), "currency");
  assertReported(request("POST /v1/webhook_endpoints", [["url", "https://api.example"], ["enabled_events[]", "invoice.payed"]]), "it.enabled_events[0]");
  assertReported(request("GET /v1/subscriptions", [["customer", "cus_1"], ["status", "living"]]), "it.status");
});

test("an operation that the referee does not know is an error, not a pass", () => {
  assert.throws(() => request("POST /v1/tokens", []), /not an operation/);
});
