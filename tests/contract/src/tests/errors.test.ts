/** What the sandbox refuses comes out of the official SDK as the class, status and code of Stripe's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { approvedWallet, inSandbox, monthlyPrice, subscribe } from "../harness/journey.js";

const { errors } = Stripe;

interface Expected {
  class: abstract new (...args: never[]) => Error;
  status?: number;
  code?: string;
  param?: string;
  decline_code?: string;
}

async function refused(call: Promise<unknown>, { class: expected, status, ...fields }: Expected): Promise<Stripe.errors.StripeError> {
  const error = await call.then(
    () => assert.fail("it was not refused"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof errors.StripeError && error instanceof expected, `${error}`);
  if (status !== undefined) {
    assert.equal(error.statusCode, status);
    assert.match(error.requestId ?? "", /^req_/);
  }
  const seen: Partial<Record<string, unknown>> = { code: error.code, param: error.param, decline_code: error.decline_code };
  for (const [name, value] of Object.entries(fields)) assert.equal(seen[name], value, error.message);
  return error;
}

/** What no program of TypeScript would send. */
function unchecked<Params>(params: Record<string, unknown>): Params {
  return params as Params;
}

test("parameters that Stripe removed or never had are refused by name", () =>
  inSandbox(async (_sandbox, stripe) => {
    await refused(stripe.setupIntents.create(unchecked({ payment_method_types: ["amazon_pay"] })), {
      class: errors.StripeInvalidRequestError,
      status: 400,
      code: "payment_method_types_no_longer_supported",
      param: "payment_method_types",
    });
    await refused(stripe.customers.create(unchecked({ color: "red" })), {
      class: errors.StripeInvalidRequestError,
      status: 400,
      code: "parameter_unknown",
      param: "color",
    });
    await refused(stripe.prices.create(unchecked({ unit_amount: 1500 })), {
      class: errors.StripeInvalidRequestError,
      status: 400,
      code: "parameter_missing",
      param: "currency",
    });
    await refused(stripe.subscriptions.create(unchecked({ customer: "cus_1", items: [{ price: "price_1" }], payment_behavior: "maybe" })), {
      class: errors.StripeInvalidRequestError,
      status: 400,
      param: "payment_behavior",
    });
  }));

test("what is not there is missing, and a key that is none is not let in", () =>
  inSandbox(async (sandbox, stripe) => {
    await refused(stripe.customers.retrieve("cus_none"), { class: errors.StripeInvalidRequestError, status: 404, code: "resource_missing" });
    await refused(stripe.subscriptions.create({ customer: "cus_none", items: [{ price: "price_none" }] }), {
      class: errors.StripeInvalidRequestError,
      code: "resource_missing",
    });
    await refused(sandbox.client("sk_live_not_here").customers.create(), { class: errors.StripeAuthenticationError, status: 401 });
    await refused(sandbox.client("nonsense").customers.list(), { class: errors.StripeAuthenticationError, status: 401 });
  }));

test("a declined first payment is a card error, and leaves no subscription", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    await sandbox.control.behave(wallet, "decline");
    const params = { customer: customer.id, price: price.id, default_payment_method: wallet };
    const error = await refused(subscribe(stripe, params), { class: errors.StripeCardError, status: 402 });
    assert.equal(error.code, "payment_method_provider_decline");
    await sandbox.control.behave(wallet, "authentication_required");
    await refused(subscribe(stripe, params), { class: errors.StripeCardError, status: 402 });
    assert.deepEqual((await stripe.subscriptions.list({ customer: customer.id, status: "all" })).data, []);
    await refused(stripe.paymentMethods.attach("pm_card_chargeDeclined", { customer: customer.id }), {
      class: errors.StripeCardError,
      status: 402,
      code: "card_declined",
    });
  }));

test("a key replays its first answer, whatever it was, and takes no other parameters", () =>
  inSandbox(async ({ control }, stripe) => {
    const options = { idempotencyKey: "customer:alice" };
    const first = await stripe.customers.create({ name: "Alice" }, options);
    const again = await stripe.customers.create({ name: "Alice" }, options);
    assert.equal(again.id, first.id);
    assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
    assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
    assert.equal((await stripe.customers.list()).data.length, 1);
    await refused(stripe.customers.create({ name: "Bob" }, options), { class: errors.StripeIdempotencyError, status: 400 });
    assert.deepEqual((await control.requests()).slice(0, 2).map(({ replayed }) => replayed), [false, true]);
  }));

test("of two requests with one key at one time, one is told to come back", () =>
  inSandbox(async ({ control }, stripe) => {
    await control.account({ latency_ms: 300 });
    const options = { idempotencyKey: "customer:both" };
    const both = await Promise.allSettled([stripe.customers.create({}, options), stripe.customers.create({}, options)]);
    const [lost] = both.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
    assert.ok(lost instanceof errors.StripeError);
    assert.deepEqual([lost.statusCode, lost.code], [409, "idempotency_key_in_use"]);
    assert.equal((await stripe.customers.list()).data.length, 1);
  }));

test("faults on demand are what the SDK takes for Stripe's", () =>
  inSandbox(async ({ control }, stripe) => {
    const create = { method: "POST", path: "/v1/customers" };
    await control.fault({ ...create, fault: "status", status: 429 });
    await refused(stripe.customers.create(), { class: errors.StripeRateLimitError, status: 429 });
    await control.fault({ ...create, fault: "status", status: 500 });
    await refused(stripe.customers.create(), { class: errors.StripeAPIError, status: 500 });
    assert.equal((await stripe.customers.list()).data.length, 0);

    await control.fault({ ...create, fault: "severed" });
    await refused(stripe.customers.create(), { class: errors.StripeConnectionError });
    assert.equal((await stripe.customers.list()).data.length, 1, "it was done all the same");
  }));

for (const lost of ["dropped", "late"] as const) {
  test(`a retry of the SDK after an answer that was ${lost} does not do it twice`, () =>
    inSandbox(async (sandbox, stripe) => {
      const { control } = sandbox;
      await control.fault({ method: "POST", path: "/v1/customers", fault: "timeout_after", ...(lost === "dropped" ? { delay_ms: 1 } : {}) });
      const patient = sandbox.client("sk_test_contract", { maxNetworkRetries: 1, ...(lost === "late" ? { timeout: 500 } : {}) });
      const customer = await patient.customers.create({ name: "Once" });
      assert.deepEqual((await stripe.customers.list()).data.map(({ id }) => id), [customer.id]);
      const [first, second] = (await control.requests()).filter(({ method }) => method === "POST");
      assert.ok(first?.idempotency_key);
      assert.deepEqual([second?.idempotency_key, second?.replayed], [first.idempotency_key, true]);
    }));
}

test("an account without Amazon Pay says so", () =>
  inSandbox(async ({ control }, stripe) => {
    await control.account({ amazon_pay: false });
    await refused(stripe.setupIntents.create({ allowed_payment_method_types: ["amazon_pay"] }), { class: errors.StripeInvalidRequestError, status: 400 });
  }));
