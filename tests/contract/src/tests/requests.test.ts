/** Every request that Perennial's own client sends, held against the parameter types of the official SDK. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import Stripe from "stripe";
import { Gateway, type Answer } from "../harness/gateway.js";
import { stripeOfThePage } from "../harness/page.js";
import { until } from "../harness/journey.js";
import type { LoggedRequest } from "../harness/sandbox.js";
import { formOf } from "../referee/form.js";
import { operationNamed, operationOf, typeOfObject } from "../referee/operations.js";
import { judge, judgeForms, type FormClaim } from "../referee/referee.js";

const RUST_TESTS = resolve(process.cwd(), "../../shared/stripe/tests/client");

/** Every operation of `shared/stripe/src/operations.rs` that has parameters, but for the endpoint that is moved below. */
const OPERATIONS = [
  "GET /v1/customers", "GET /v1/prices", "GET /v1/setup_intents/{id}", "GET /v1/subscriptions", "GET /v1/subscriptions/{id}", "GET /v1/webhook_endpoints",
  "POST /v1/customers", "POST /v1/prices", "POST /v1/products", "POST /v1/setup_intents", "POST /v1/setup_intents/{id}/cancel", "POST /v1/subscriptions",
  "POST /v1/webhook_endpoints",
];

function claimOf(method: string, path: string, params: [string, string][]): FormClaim {
  return { what: `${method} ${path}`, type: operationOf(method, path).params, form: formOf(params) };
}

function assertOfPerennial(requests: LoggedRequest[]): void {
  for (const { method, path, stripe_version, idempotency_key, status } of requests) {
    assert.equal(stripe_version, Stripe.API_VERSION, `${method} ${path}`);
    assert.equal(method === "POST", idempotency_key !== null, `${method} ${path} has a key if it is a POST`);
    assert.notEqual(status, 400, `${method} ${path}`);
  }
  assert.deepEqual(judgeForms(requests.map(({ method, path, params }) => claimOf(method, path, params))), []);
}

/** Runs a journey against a gateway of its own, then judges what its client asked for and all that Stripe has afterwards. */
async function throughTheGateway(args: string[], journey: (gateway: Gateway) => Promise<void>): Promise<void> {
  const gateway = await Gateway.start({}, args);
  try {
    await journey(gateway);
    const requests = await gateway.control.requests();
    assertOfPerennial(requests.filter(({ key }) => key === "secret"));
    const objects = await gateway.control.objects();
    assert.deepEqual(judge(objects.map((value) => ({ what: `${value.object} ${value.id}`, type: typeOfObject(value), value }))), []);
  } catch (error) {
    throw new Error(`The journey failed. The gateway said:\n${gateway.program.said}`, { cause: error });
  } finally {
    await gateway.program.stop();
  }
}

async function issue(gateway: Gateway, user: string, plan: string, confirm: "client" | "server"): Promise<Answer["body"]> {
  const { status, body } = await gateway.call("POST", "/client-secret", { user, body: { plan, wallet: "amazon_pay", confirm } });
  assert.ok(status === 201 || status === 200, JSON.stringify(body));
  return body;
}

function back(gateway: Gateway, redirect: URL): Promise<Answer> {
  return gateway.call("GET", `${redirect.pathname}${redirect.search}`, { headers: { accept: "application/json" } });
}

const MONTHLY = "stock-photos-monthly";
const TRIAL = "stock-photos-trial";

test("the requests of a checkout that the page confirms are Stripe's", () =>
  throughTheGateway(["--memory"], async (gateway) => {
    const issued = await issue(gateway, "alice", MONTHLY, "client");
    const left = new Promise<string>(async (leave) => {
      const stripe = (await stripeOfThePage(gateway.control.url, leave))(issued.publishable_key);
      void stripe.confirmAmazonPaySetup(issued.client_secret, {
        return_url: issued.return_url,
        mandate_data: { customer_acceptance: { type: "online", online: { infer_from_client: true } } },
      });
    });
    assert.ok((await left).startsWith(gateway.control.url));
    const { body } = await back(gateway, await gateway.control.choose(issued.setup_intent, "approve"));
    assert.equal(body.status, "subscribed", JSON.stringify(body));
    await until("the subscription is known", async () => (await gateway.call("GET", "/subscriptions", { user: "alice" })).body.entitlements["stock-photos"]?.active);
  }));

test("the requests of a trial that the server confirms are Stripe's", () =>
  throughTheGateway(["--memory"], async (gateway) => {
    const issued = await issue(gateway, "bob", TRIAL, "server");
    const { body } = await back(gateway, await gateway.control.choose(issued.setup_intent, "approve"));
    assert.equal(body.subscription?.status, "trialing", JSON.stringify(body));
  }));

test("the requests after a decline, and after a refused payment, are Stripe's", () =>
  throughTheGateway(["--memory"], async (gateway) => {
    const first = await issue(gateway, "carol", MONTHLY, "server");
    await gateway.control.choose(first.setup_intent, "decline");
    const second = await issue(gateway, "carol", MONTHLY, "server");
    assert.notEqual(second.setup_intent, first.setup_intent);
    const redirect = await gateway.control.choose(second.setup_intent, "approve");
    const wallets = (await gateway.control.objects()).filter(({ object }) => object === "payment_method");
    for (const { id } of wallets) await gateway.control.behave(id, "decline");
    const { body } = await back(gateway, redirect);
    assert.equal(body.status, "failed", JSON.stringify(body));
  }));

test("the requests of a start, and of a start at other ports, are Stripe's", async () => {
  const data = mkdtempSync(join(tmpdir(), "perennial-contract-"));
  try {
    const endpoints: string[] = [];
    const asked: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      await throughTheGateway(["--data", data], async ({ control }) => {
        const [endpoint] = (await control.objects()).filter(({ object }) => object === "webhook_endpoint");
        endpoints.push(endpoint?.id ?? "none");
        asked.push(...(await control.requests()).map(({ method, path }) => operationNamed(method, path)));
      });
    }
    assert.equal(endpoints[0], endpoints[1]);
    assert.ok(asked.includes("POST /v1/webhook_endpoints/{id}"), asked.join("\n"));
  } finally {
    rmSync(data, { recursive: true });
  }
});

test("the requests behind what a page may offer, and behind the link that Apple shows, are Stripe's", () =>
  throughTheGateway(["--memory"], async (gateway) => {
    // The link leads to the portal once there is a subscription.
    const issued = await issue(gateway, "dave", TRIAL, "server");
    await back(gateway, await gateway.control.choose(issued.setup_intent, "approve"));
    const { status, body } = await gateway.call("GET", `/wallets?plan=${MONTHLY}`, { user: "dave" });
    assert.equal(status, 200, JSON.stringify(body));
    const wallets = body.wallets as { express_checkout?: { applePay: { recurringPaymentRequest: { managementURL: string } } } }[];
    const link = new URL(wallets[1]?.express_checkout?.applePay.recurringPaymentRequest.managementURL ?? "");
    assert.equal((await gateway.call("GET", `${link.pathname}${link.search}`, {})).status, 303);
    const asked = (await gateway.control.requests()).map(({ method, path }) => operationNamed(method, path));
    for (const operation of ["GET /v1/account", "GET /v1/payment_method_domains", "POST /v1/payment_method_domains", "POST /v1/billing_portal/sessions"]) {
      assert.ok(asked.includes(operation), `${operation} is not among\n${asked.join("\n")}`);
    }
  }));

/** The requests that the client's own tests pin, byte for byte. */
function pinned(): { method: string; path: string; params: [string, string][] }[] {
  const posts = readFileSync(join(RUST_TESTS, "requests.rs"), "utf8").matchAll(/@r"\n +(POST) (\S+)\n([^"]*)"/g);
  const gets = readFileSync(join(RUST_TESTS, "transport.rs"), "utf8").matchAll(/^ +(GET) (\/v1\/[^\s?]+)\?(\S+)$/gm);
  const cancel = readFileSync(join(RUST_TESTS, "transport.rs"), "utf8").matchAll(/"(\/v1\/setup_intents\/seti_1\/cancel)"\);\s+assert_eq!\(requests\[0\]\.body, b"([^"]+)"/g);
  const pairs = (text: string): [string, string][] => [...new URLSearchParams(text.trim().replace(/\s+/g, "&"))];
  return [
    ...[...posts, ...gets].map(([, method = "", path = "", params = ""]) => ({ method, path, params: pairs(params) })),
    ...[...cancel].map(([, path = "", params = ""]) => ({ method: "POST", path, params: pairs(params) })),
  ];
}

test("the requests that the client's tests pin are Stripe's, and there is one of every operation", () => {
  const requests = pinned();
  assert.ok(requests.length >= 17, `only ${requests.length} requests were found in ${RUST_TESTS}`);
  assert.deepEqual(judgeForms(requests.map(({ method, path, params }) => claimOf(method, path, params))), []);
  const judged = new Set(requests.map(({ method, path }) => operationNamed(method, path)));
  assert.deepEqual(OPERATIONS.filter((operation) => !judged.has(operation)), []);
});
