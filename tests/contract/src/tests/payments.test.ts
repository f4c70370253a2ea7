/** Apple Pay and payments without a subscription, by the SDK. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type Stripe from "stripe";
import { expanded, idOf, inSandbox, monthlyPrice } from "../harness/journey.js";
import type { Charge, Sandbox } from "../harness/sandbox.js";

/** What Apple's sheet hands over, made into a payment method by a page. */
async function applePay(sandbox: Sandbox, stripe: Stripe, first: Charge = "succeed"): Promise<string> {
  const token = await sandbox.control.handOver(first);
  assert.equal((await stripe.tokens.retrieve(token.id)).used, false);
  const page = sandbox.client("pk_test_contract");
  const method = await page.paymentMethods.create({ type: "card", card: { token: token.id } });
  assert.equal(method.card?.wallet?.type, "apple_pay");
  assert.equal((await stripe.tokens.retrieve(token.id)).used, true);
  return method.id;
}

/** A payment on session that saves the method for later. */
async function firstPayment(sandbox: Sandbox, stripe: Stripe): Promise<{ customer: string; method: string }> {
  const customer = await stripe.customers.create();
  const method = await applePay(sandbox, stripe);
  const intent = await stripe.paymentIntents.create({
    amount: 1500,
    currency: "usd",
    customer: customer.id,
    allowed_payment_method_types: ["card"],
    setup_future_usage: "off_session",
    payment_method_options: { card: { setup_credential_usage: "unscheduled" } },
    description: "Credits",
    metadata: { user: "alice" },
    statement_descriptor_suffix: "CREDITS",
  });
  const paid = await stripe.paymentIntents.confirm(intent.id, { payment_method: method, return_url: "https://shop.example/confirm" });
  assert.equal(paid.status, "succeeded");
  return { customer: customer.id, method };
}

function charge(stripe: Stripe, customer: string, method: string, more: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<Stripe.PaymentIntent> {
  return stripe.paymentIntents.create({
    amount: 2000,
    currency: "usd",
    customer,
    payment_method: method,
    allowed_payment_method_types: ["card"],
    confirm: true,
    off_session: true,
    ...more,
  });
}

test("a payment that saves the wallet and one without the shopper are of their types", () =>
  inSandbox(async (sandbox, stripe) => {
    const { customer, method } = await firstPayment(sandbox, stripe);
    const paid = await charge(stripe, customer, method, {
      payment_method_options: { card: { stored_credential_usage: "unscheduled" } },
      expand: ["latest_charge", "payment_method", "customer"],
    });
    const { card } = expanded(paid.latest_charge).payment_method_details ?? {};
    assert.deepEqual([card?.wallet?.type, card?.stored_credential_usage], ["apple_pay", "unscheduled"]);
    assert.equal((await stripe.charges.list({ customer, limit: 5 })).data.length, 2);
    assert.equal((await stripe.setupIntents.list({ payment_method: method })).data.length, 0);
    await stripe.refunds.create({ payment_intent: paid.id });
  }));

test("a hold is increased, captured in part, canceled and let go, each of its type", () =>
  inSandbox(async (sandbox, stripe) => {
    const { customer, method } = await firstPayment(sandbox, stripe);
    const hold = (): Promise<Stripe.PaymentIntent> =>
      charge(stripe, customer, method, {
        capture_method: "manual",
        payment_method_options: { card: { request_incremental_authorization: "if_available" } },
      });
    const held = await hold();
    assert.deepEqual([held.status, held.amount_capturable], ["requires_capture", 2000]);
    assert.equal((await stripe.paymentIntents.incrementAuthorization(held.id, { amount: 2500 })).amount, 2500);
    const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1000 });
    assert.deepEqual([captured.status, captured.amount_received], ["succeeded", 1000]);
    const unwanted = await hold();
    assert.equal((await stripe.paymentIntents.cancel(unwanted.id, { cancellation_reason: "requested_by_customer" })).status, "canceled");
    const forgotten = await hold();
    await sandbox.control.pass(8 * 86_400);
    assert.equal((await stripe.paymentIntents.retrieve(forgotten.id)).cancellation_reason, "automatic");
    const types = (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);
    const expected = ["payment_intent.amount_capturable_updated", "charge.captured", "charge.expired", "payment_intent.canceled"];
    assert.deepEqual(expected.filter((type) => !types.includes(type as Stripe.Event["type"])), []);
  }));

test("a decline without the shopper, and a bank that asks, are of their types", () =>
  inSandbox(async (sandbox, stripe) => {
    const { customer, method } = await firstPayment(sandbox, stripe);
    await sandbox.control.behave(method, "decline", "insufficient_funds");
    await assert.rejects(charge(stripe, customer, method), { code: "card_declined", decline_code: "insufficient_funds" });
    await sandbox.control.behave(method, "authentication_required");
    await assert.rejects(charge(stripe, customer, method), { code: "authentication_required" });
    const [failed] = (await stripe.paymentIntents.list({ customer, limit: 1 })).data;
    assert.deepEqual([failed?.status, failed?.last_payment_error?.payment_method?.id], ["requires_payment_method", method]);
    for (const [choice, status] of [["approve", "succeeded"], ["decline", "requires_payment_method"]] as const) {
      const other = await applePay(sandbox, stripe, "authentication_required");
      const waiting = await stripe.paymentIntents.create({ amount: 1500, currency: "usd", allowed_payment_method_types: ["card"], payment_method: other, confirm: true, return_url: "https://shop.example/confirm" });
      assert.equal(waiting.status, "requires_action");
      await sandbox.control.answerBank(waiting.id, choice);
      assert.equal((await stripe.paymentIntents.retrieve(waiting.id)).status, status);
    }
  }));

test("a subscription whose first invoice the page pays, and one whose invoice is voided, are of their types", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const begin = (more: Partial<Stripe.SubscriptionCreateParams> = {}): Promise<Stripe.Subscription> =>
      stripe.subscriptions.create({
        customer: customer.id,
        items: [{ price: price.id }],
        payment_behavior: "default_incomplete",
        payment_settings: { payment_method_types: ["card"], save_default_payment_method: "on_subscription" },
        expand: ["latest_invoice.confirmation_secret", "pending_setup_intent"],
        ...more,
      });
    const first = await begin();
    const secret = expanded(first.latest_invoice).confirmation_secret?.client_secret ?? "";
    const method = await applePay(sandbox, stripe);
    await stripe.paymentIntents.confirm(secret.split("_secret_")[0] ?? "", { payment_method: method });
    const active = await stripe.subscriptions.retrieve(first.id);
    assert.deepEqual([active.status, idOf(active.default_payment_method)], ["active", method]);
    const second = await begin();
    assert.equal((await stripe.invoices.voidInvoice(idOf(second.latest_invoice))).status, "void");
    assert.equal((await stripe.subscriptions.retrieve(second.id)).status, "incomplete_expired");
    const trial = await begin({ trial_period_days: 14 });
    const setup = await stripe.setupIntents.confirm(idOf(trial.pending_setup_intent), {
      payment_method: await applePay(sandbox, stripe),
      return_url: "https://shop.example/confirm",
    });
    assert.equal(setup.status, "succeeded");
    const attempts = await stripe.setupAttempts.list({ setup_intent: setup.id });
    assert.equal(attempts.data[0]?.payment_method_details.card?.wallet?.type, "apple_pay");
  }));
