/** Headers that the official SDK signs, before Perennial's webhook. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Stripe from "stripe";
import { Gateway, type Answer } from "../harness/gateway.js";
import { until } from "../harness/journey.js";
import { Sandbox } from "../harness/sandbox.js";

const { webhooks } = new Stripe("sk_test_contract");
const OLD = "whsec_contract_old_secret";
const NEW = "whsec_contract_new_secret";

let sandbox: Sandbox;
let gateway: Gateway;
let events = 0;

// With a Stripe of its own the gateway takes the webhook's secrets from the environment.
before(async () => {
  sandbox = await Sandbox.start();
  gateway = await Gateway.start({
    STRIPE_SECRET_KEY: "sk_test_contract",
    STRIPE_PUBLISHABLE_KEY: "pk_test_contract",
    STRIPE_API_BASE: sandbox.control.url,
    STRIPE_WEBHOOK_SECRETS: `${OLD},${NEW}`,
  });
});

after(async () => {
  await gateway?.program.stop();
  await sandbox?.program.stop();
});

function payload(): string {
  events += 1;
  return JSON.stringify({
    id: `evt_contract${events}`,
    object: "event",
    api_version: Stripe.API_VERSION,
    created: now(),
    data: { object: { id: "cus_contract", object: "customer", name: "Jörg 🦊" } },
    livemode: false,
    pending_webhooks: 1,
    request: null,
    type: "customer.created",
  });
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

function signed(body: string, secret: string, more: Partial<Stripe.WebhookTestHeaderOptions> = {}): string {
  return webhooks.generateTestHeaderString({ payload: body, secret, timestamp: now(), ...more } as Stripe.WebhookTestHeaderOptions);
}

/** The signatures of two headers over one timestamp, in one header. */
function both(first: string, second: string): string {
  return `${first},${second.split(",").slice(1).join(",")}`;
}

function deliver(body: string, signature?: string): Promise<Answer> {
  return gateway.call("POST", "/webhooks/stripe", { body, headers: signature === undefined ? {} : { "stripe-signature": signature } });
}

async function assertTaken(body: string, signature: string): Promise<void> {
  const { status, body: answer } = await deliver(body, signature);
  assert.deepEqual([status, answer], [200, { received: true }]);
}

async function assertRefused(body: string, signature?: string): Promise<void> {
  const { status, body: answer } = await deliver(body, signature);
  assert.deepEqual([status, answer.error?.code], [400, "invalid_signature"]);
}

test("what the SDK signs with either secret is taken", async () => {
  for (const secret of [OLD, NEW]) {
    const body = payload();
    await assertTaken(body, signed(body, secret));
  }
});

test("one good v1 among two is enough, in either place", async () => {
  const timestamp = now();
  for (const order of [[NEW, "whsec_of_another"], ["whsec_of_another", OLD], [OLD, NEW]] as const) {
    const body = payload();
    const [first, second] = order.map((secret) => signed(body, secret, { timestamp }));
    await assertTaken(body, both(first ?? "", second ?? ""));
  }
});

test("a wrong secret, another body and no signature are refused", async () => {
  const body = payload();
  await assertRefused(body, signed(body, "whsec_of_another"));
  await assertRefused(`${body} `, signed(body, NEW));
  await assertRefused(body, "");
  await assertRefused(body);
});

test("a signature of more than five minutes ago or ahead is refused, whoever made it", async () => {
  const body = payload();
  await assertRefused(body, signed(body, NEW, { timestamp: now() - 310 }));
  await assertRefused(body, signed(body, NEW, { timestamp: now() + 310 }));
  await assertTaken(body, signed(body, NEW, { timestamp: now() - 280 }));
  await assertTaken(body, signed(body, NEW, { timestamp: now() + 280 }));
});

test("v0 alone counts for nothing, and harms nothing beside a v1", async () => {
  const body = payload();
  const timestamp = now();
  const fake = signed(body, NEW, { scheme: "v0", timestamp });
  assert.match(fake, /,v0=/);
  await assertRefused(body, fake);
  await assertTaken(body, both(fake, signed(body, NEW, { timestamp })));
});

test("what the sandbox signs for Perennial is taken at the first attempt", async () => {
  const own = await Gateway.start();
  try {
    const body = { plan: "stock-photos-monthly", wallet: "amazon_pay", confirm: "server" };
    const issued = await own.call("POST", "/client-secret", { user: "alice", body });
    assert.equal(issued.status, 201, own.program.said);
    await own.control.choose(issued.body.setup_intent, "approve");
    const delivered = await until("the delivery", async () =>
      (await own.control.deliveries()).find(({ type, state }) => type === "setup_intent.succeeded" && state === "delivered"),
    );
    assert.deepEqual(delivered.attempts.map(({ status }) => status), [200]);
  } finally {
    await own.program.stop();
  }
});
