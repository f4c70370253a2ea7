/** What the journeys leave out: cards, two-step setups, plan changes, pauses, first payments that wait, and the lists. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { approvedWallet, expanded, idOf, inSandbox, monthlyPrice, RETURN_URL, subscribe } from "../harness/journey.js";
import { operationOf } from "../referee/operations.js";
import { judge } from "../referee/referee.js";

test("every operation that the sandbox serves has types that exist", () => {
  const routes = readFileSync(resolve(process.cwd(), "../../local/sandbox/src/http/routes.rs"), "utf8");
  const served = [...routes.matchAll(/operation!\((?:page )?"([A-Z]+)" "(\/v1\/[^"]+)"/g)];
  assert.ok(served.length > 50, `only ${served.length} operations were found`);
  const claims = served.map(([, method = "", path = ""]) => {
    const { params, answer } = operationOf(method, path);
    return { what: `${method} ${path}`, type: `[params?: ${params}, answer?: ${answer}]`, value: [] };
  });
  assert.deepEqual(judge(claims), []);
  assert.notDeepEqual(judge([{ what: "it", type: "[params?: Stripe.CustomerPaintParams]", value: [] }]), []);
});

test("a setup in two steps, changed in between, is of its types", () =>
  inSandbox(async ({ control }, stripe) => {
    const customer = await stripe.customers.create();
    const draft = await stripe.setupIntents.create({ usage: "off_session", allowed_payment_method_types: ["amazon_pay"] });
    const wallet = await stripe.paymentMethods.create({ type: "amazon_pay", amazon_pay: {}, billing_details: { name: "Alice" } });
    await stripe.setupIntents.update(draft.id, { customer: customer.id, metadata: { a: "b" }, payment_method: wallet.id });
    const away = await stripe.setupIntents.confirm(draft.id, {
      return_url: RETURN_URL,
      mandate_data: { customer_acceptance: { type: "online", online: { ip_address: "203.0.113.7", user_agent: "Mozilla/5.0" } } },
    });
    assert.equal(away.status, "requires_action");
    await control.choose(draft.id, "approve");
    const settled = await stripe.setupIntents.retrieve(draft.id, { expand: ["customer", "payment_method", "mandate.payment_method", "latest_attempt"] });
    assert.equal(expanded(settled.payment_method).id, wallet.id);
    const updated = await stripe.paymentMethods.update(wallet.id, { billing_details: { name: "Alice Liddell" }, metadata: { a: "b" } });
    assert.equal(updated.billing_details.name, "Alice Liddell");
  }));

test("a subscription by card is of its types", () =>
  inSandbox(async (_sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const setup = await stripe.setupIntents.create({
      customer: customer.id,
      usage: "off_session",
      allowed_payment_method_types: ["card"],
      payment_method: "pm_card_visa",
      confirm: true,
      return_url: RETURN_URL,
    });
    assert.equal(setup.status, "succeeded");
    const subscription = await subscribe(stripe, {
      customer: customer.id,
      price: price.id,
      default_payment_method: idOf(setup.payment_method),
      expand: ["latest_invoice.payments", "customer", "default_payment_method", "items.data.price.product"],
    });
    assert.equal(subscription.status, "active");
    assert.equal(expanded(subscription.default_payment_method).type, "card");
  }));

test("a first payment that waits, fails and is made after all is of its types", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    await sandbox.control.behave(wallet, "decline");
    const waiting = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      default_payment_method: wallet,
      payment_behavior: "allow_incomplete",
      billing_mode: { type: "flexible" },
      expand: ["latest_invoice.confirmation_secret", "pending_setup_intent"],
    });
    assert.equal(waiting.status, "incomplete");
    const [intent] = (await stripe.paymentIntents.list({ customer: customer.id })).data;
    assert.ok(intent?.last_payment_error?.code);
    const [payment] = (await stripe.invoicePayments.list({ payment: { type: "payment_intent", payment_intent: intent.id } })).data;
    assert.equal(idOf(payment?.invoice), idOf(waiting.latest_invoice));
    await sandbox.control.behave(wallet, "succeed");
    const paid = await stripe.paymentIntents.confirm(intent.id, { payment_method: wallet, off_session: true });
    assert.equal(paid.status, "succeeded");
    assert.equal((await stripe.subscriptions.retrieve(waiting.id)).status, "active");
  }));

test("a plan change, a pause and its end are of their types", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const yearly = await stripe.prices.create({ product: idOf(price.product), currency: "usd", unit_amount: 15000, recurring: { interval: "year" } });
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet });
    const changed = await stripe.subscriptions.update(subscription.id, {
      items: [{ id: subscription.items.data[0]?.id ?? "", price: yearly.id }],
      proration_behavior: "none",
    });
    assert.equal(changed.items.data[0]?.price.id, yearly.id);
    const paused = await stripe.subscriptions.pause(subscription.id, { type: "subscription", bill_for: { unused_time_from: { type: "none" } } });
    assert.equal(paused.status, "paused");
    assert.equal((await stripe.subscriptions.resume(subscription.id, { payment_behavior: "resume_on_payment_success" })).status, "active");
    const ended = await stripe.subscriptions.cancel(subscription.id, { cancellation_details: { comment: "Enough pictures", feedback: "unused" } });
    assert.equal(ended.cancellation_details?.feedback, "unused");
  }));
