/** The official SDK takes a shopper through the sandbox, from nothing to a subscription and out again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { approvedWallet, awayToAmazon, expanded, idOf, inSandbox, monthlyPrice, RETURN_URL, subscribe } from "../harness/journey.js";

test("a shopper goes through Amazon Pay to an active subscription that is paid", () =>
  inSandbox(async ({ control }, stripe) => {
    const customer = await stripe.customers.create({ metadata: { perennial_user: "alice" } });
    const price = await monthlyPrice(stripe);
    const away = await awayToAmazon(stripe, customer.id);
    assert.deepEqual(away.payment_method_types, ["amazon_pay"]);
    assert.equal(away.next_action?.type, "redirect_to_url");
    assert.ok(away.next_action.redirect_to_url?.url?.startsWith(control.url));

    const back = await control.choose(away.id, "approve");
    assert.equal(back.origin + back.pathname, new URL(RETURN_URL).origin + new URL(RETURN_URL).pathname);
    assert.deepEqual(Object.fromEntries(back.searchParams), {
      checkout: "chk_1",
      setup_intent: away.id,
      setup_intent_client_secret: away.client_secret,
      redirect_status: "succeeded",
    });

    const settled = await stripe.setupIntents.retrieve(away.id, { expand: ["payment_method", "mandate", "latest_attempt"] });
    assert.equal(settled.status, "succeeded");
    const wallet = expanded(settled.payment_method);
    assert.deepEqual([wallet.type, idOf(wallet.customer)], ["amazon_pay", customer.id]);
    const mandate = await stripe.mandates.retrieve(expanded(settled.mandate).id);
    assert.deepEqual([mandate.status, mandate.type, idOf(mandate.payment_method)], ["active", "multi_use", wallet.id]);
    const attempts = await stripe.setupAttempts.list({ setup_intent: away.id });
    assert.deepEqual(attempts.data.map(({ id, status }) => [id, status]), [[idOf(settled.latest_attempt), "succeeded"]]);

    const subscription = await subscribe(stripe, {
      customer: customer.id,
      price: price.id,
      default_payment_method: wallet.id,
      expand: ["latest_invoice.payments", "default_payment_method"],
    });
    assert.equal(subscription.status, "active");
    const item = subscription.items.data[0];
    assert.ok(item && item.current_period_end > item.current_period_start);
    const invoice = expanded(subscription.latest_invoice);
    assert.deepEqual([invoice.status, invoice.amount_paid, invoice.billing_reason], ["paid", 1500, "subscription_create"]);
    assert.equal(idOf(invoice.parent?.subscription_details?.subscription), subscription.id);

    const [payment] = (await stripe.invoicePayments.list({ invoice: expanded(subscription.latest_invoice).id })).data;
    assert.equal(payment?.status, "paid");
    const intent = await stripe.paymentIntents.retrieve(idOf(payment.payment.payment_intent), { expand: ["latest_charge"] });
    assert.deepEqual([intent.status, intent.amount_received], ["succeeded", 1500]);
    const charge = await stripe.charges.retrieve(expanded(intent.latest_charge).id);
    assert.deepEqual([charge.paid, charge.payment_method_details?.type], [true, "amazon_pay"]);
    assert.deepEqual((await stripe.invoicePayments.retrieve(payment.id)).id, payment.id);

    const ended = await stripe.subscriptions.cancel(subscription.id);
    assert.equal(ended.status, "canceled");
    assert.equal((await stripe.subscriptions.list({ customer: customer.id })).data.length, 0);
    assert.equal((await stripe.subscriptions.list({ customer: customer.id, status: "all" })).data.length, 1);
  }));

test("each step leaves its events, and each can be read again", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet });
    await stripe.subscriptions.update(subscription.id, { cancel_at_period_end: true });
    await stripe.subscriptions.cancel(subscription.id);

    const events = await stripe.events.list({ limit: 3 }).autoPagingToArray({ limit: 200 });
    const types = new Set<string>(events.map(({ type }) => type));
    const expected: Stripe.Event["type"][] = [
      "customer.created", "product.created", "price.created",
      "setup_intent.created", "setup_intent.requires_action", "setup_intent.succeeded", "payment_method.attached",
      "customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted",
      "invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded", "invoice_payment.paid",
      "payment_intent.created", "payment_intent.succeeded", "charge.succeeded",
    ];
    assert.deepEqual(expected.filter((type) => !types.has(type)), []);
    for (const event of events) {
      assert.equal(event.api_version, Stripe.API_VERSION);
      assert.deepEqual((await stripe.events.retrieve(event.id)).data, event.data);
    }
    const updated = (await stripe.events.list({ type: "customer.subscription.updated" })).data[0];
    assert.equal(updated?.type, "customer.subscription.updated");
    assert.deepEqual(updated.data.previous_attributes?.cancel_at_period_end, false);
  }));

test("the SDK pages through a list, each object once and newest first", () =>
  inSandbox(async (_sandbox, stripe) => {
    const created: string[] = [];
    for (let number = 0; number < 23; number += 1) created.push((await stripe.customers.create({ name: `Shopper ${number}` })).id);
    const seen: string[] = [];
    for await (const customer of stripe.customers.list({ limit: 5 })) seen.push(customer.id);
    assert.deepEqual(seen, created.reverse());
    const before = await stripe.customers.list({ ending_before: seen[4]!, limit: 2 });
    assert.deepEqual(before.data.map(({ id }) => id), seen.slice(2, 4));
  }));

test("a shopper who declines or closes Amazon's page has no payment method", () =>
  inSandbox(async ({ control }, stripe) => {
    const customer = await stripe.customers.create();
    const declined = await awayToAmazon(stripe, customer.id);
    assert.equal((await control.choose(declined.id, "decline")).searchParams.get("redirect_status"), "failed");
    const after = await stripe.setupIntents.retrieve(declined.id);
    assert.equal(after.status, "requires_payment_method");
    assert.ok(after.last_setup_error?.code);
    assert.deepEqual((await stripe.setupAttempts.list({ setup_intent: declined.id })).data.map(({ status }) => status), ["failed"]);

    const closed = await awayToAmazon(stripe, customer.id);
    await control.choose(closed.id, "close");
    assert.equal((await stripe.setupIntents.cancel(closed.id, { cancellation_reason: "abandoned" })).status, "canceled");
    assert.deepEqual((await stripe.customers.listPaymentMethods(customer.id)).data, []);
    assert.equal((await stripe.setupIntents.list({ customer: customer.id })).data.length, 2);
  }));

test("a wallet that is revoked or detached ends its mandate's use", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const away = await awayToAmazon(stripe, customer.id);
    await sandbox.control.choose(away.id, "approve");
    const settled = await stripe.setupIntents.retrieve(away.id);
    await sandbox.control.revoke(idOf(settled.mandate));
    assert.equal((await stripe.mandates.retrieve(idOf(settled.mandate))).status, "inactive");
    const wallet = idOf(settled.payment_method);
    assert.equal((await stripe.paymentMethods.retrieve(wallet)).id, wallet);
    assert.equal((await stripe.paymentMethods.detach(wallet)).customer, null);
  }));

test("a trial costs nothing at first, and everything can be changed and removed", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create({ email: "alice@example.com" });
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const trial = await subscribe(stripe, {
      customer: customer.id,
      price: price.id,
      default_payment_method: wallet,
      trial_period_days: 14,
      trial_settings: { end_behavior: { missing_payment_method: "cancel" } },
      expand: ["latest_invoice"],
    });
    assert.deepEqual([trial.status, expanded(trial.latest_invoice).amount_due], ["trialing", 0]);
    assert.equal((await stripe.subscriptions.update(trial.id, { cancel_at_period_end: true })).cancel_at_period_end, true);
    assert.equal((await stripe.subscriptions.update(trial.id, { cancel_at_period_end: false, metadata: { a: "b" } })).cancel_at, null);

    assert.equal((await stripe.prices.list({ lookup_keys: ["stock-photos-monthly"] })).data[0]?.id, price.id);
    assert.equal((await stripe.prices.update(price.id, { nickname: "Monthly" })).nickname, "Monthly");
    assert.equal((await stripe.prices.retrieve(price.id)).type, "recurring");
    const product = idOf(price.product);
    assert.equal((await stripe.products.update(product, { description: "Pictures" })).description, "Pictures");
    assert.equal((await stripe.products.retrieve(product)).active, true);
    assert.equal((await stripe.products.list()).data.length, 1);
    const unused = await stripe.products.create({ name: "Never sold" });
    assert.equal((await stripe.products.del(unused.id)).deleted, true);

    assert.equal((await stripe.invoices.list({ subscription: trial.id })).data.length, 1);
    assert.equal((await stripe.invoices.retrieve(idOf(trial.latest_invoice))).id, idOf(trial.latest_invoice));
    const card = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    assert.equal(card.type, "card");
    assert.equal((await stripe.paymentMethods.list({ customer: customer.id, type: "card" })).data.length, 1);
    const renamed = await stripe.customers.update(customer.id, { name: "Alice", invoice_settings: { default_payment_method: card.id } });
    assert.equal(idOf(renamed.invoice_settings.default_payment_method), card.id);
    assert.equal((await stripe.customers.del(customer.id)).deleted, true);
    assert.equal((await stripe.customers.retrieve(customer.id)).deleted, true);
    assert.equal((await stripe.subscriptions.retrieve(trial.id)).status, "canceled");
  }));
