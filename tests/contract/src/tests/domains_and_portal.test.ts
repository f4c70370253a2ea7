/** Where wallets may be shown, the shop's account, and the customer portal, by the SDK. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { approvedWallet, idOf, inSandbox, monthlyPrice, subscribe } from "../harness/journey.js";

test("a domain that Apple refuses is of its type, and so is the list that it stands in", () =>
  inSandbox(async ({ control }, stripe) => {
    const domain = await stripe.paymentMethodDomains.create({ domain_name: "shop.example.com" });
    assert.equal(domain.apple_pay.status, "active");
    await control.judgeDomain(domain.id, "inactive");
    const refused = await stripe.paymentMethodDomains.validate(domain.id);
    assert.equal(refused.apple_pay.status, "inactive");
    assert.ok(refused.apple_pay.status_details?.error_message);
    await stripe.paymentMethodDomains.update(domain.id, { enabled: false });
    const listed = await stripe.paymentMethodDomains.list({ domain_name: "shop.example.com", enabled: false });
    assert.deepEqual(listed.data.map(({ id }) => id), [domain.id]);
    assert.equal((await stripe.paymentMethodDomains.retrieve(domain.id)).enabled, false);
  }));

test("the account is of its type, whatever it may do", () =>
  inSandbox(async ({ control }, stripe) => {
    assert.equal((await stripe.accounts.retrieveCurrent()).capabilities?.card_payments, "active");
    await control.account({ amazon_pay: false, apple_pay: false, country: "IN" });
    const account = await stripe.accounts.retrieveCurrent();
    assert.deepEqual([account.country, account.capabilities?.amazon_pay_payments], ["IN", "inactive"]);
  }));

test("a portal session is of its type, and its page ends a subscription with its period", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet });
    const session = await stripe.billingPortal.sessions.create({ customer: customer.id, return_url: "https://shop.example/account", locale: "en" });
    const page = await fetch(session.url);
    assert.match(await page.text(), /Stock photos/);
    const body = new URLSearchParams({ action: "cancel", subscription: subscription.id });
    const pressed = await fetch(session.url, { method: "POST", body, redirect: "manual" });
    assert.equal(pressed.status, 303);
    const ending = await stripe.subscriptions.retrieve(subscription.id);
    // In flexible billing mode, the portal names a time and leaves the flag alone.
    assert.deepEqual([ending.cancel_at, ending.cancel_at_period_end], [ending.items.data[0]?.current_period_end, false]);
  }));

test("configurations of the portal and what its sessions are for are of their types", () =>
  inSandbox(async (sandbox, stripe) => {
    const { configurations, sessions } = stripe.billingPortal;
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const product = idOf(price.product);
    const yearly = await stripe.prices.create({ currency: "usd", unit_amount: 15000, recurring: { interval: "year" }, product });
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet });
    const made = await configurations.create({
      name: "Accounts",
      business_profile: { headline: "Your photos" },
      metadata: { by: "contract" },
      features: {
        customer_update: { enabled: true, allowed_updates: ["email"] },
        invoice_history: { enabled: true },
        payment_method_update: { enabled: true },
        subscription_cancel: { enabled: true, cancellation_reason: { enabled: true, options: ["unused", "other"] } },
        subscription_update: {
          enabled: true,
          default_allowed_updates: ["price", "quantity"],
          proration_behavior: "always_invoice",
          products: [{ product, prices: [price.id, yearly.id], adjustable_quantity: { enabled: true, maximum: 5 } }],
        },
      },
      expand: ["features.subscription_update.products"],
    });
    assert.equal(made.features.subscription_update.products?.[0]?.adjustable_quantity.minimum, 1);
    const listed = await configurations.list({ active: true });
    assert.deepEqual(listed.data.map(({ is_default }) => is_default), [false, true]);
    assert.equal((await configurations.retrieve(made.id)).metadata?.by, "contract");
    const after_completion = { type: "redirect", redirect: { return_url: "https://shop.example/thanks" } } as const;
    const flows: Stripe.BillingPortal.SessionCreateParams.FlowData[] = [
      { type: "payment_method_update" },
      { type: "subscription_cancel", subscription_cancel: { subscription: subscription.id }, after_completion },
      { type: "subscription_update", subscription_update: { subscription: subscription.id } },
      {
        type: "subscription_update_confirm",
        subscription_update_confirm: {
          subscription: subscription.id,
          items: [{ id: subscription.items.data[0]?.id ?? "", price: yearly.id, quantity: 2 }],
        },
        after_completion: { type: "hosted_confirmation", hosted_confirmation: { custom_message: "Thank you" } },
      },
    ];
    for (const flow_data of flows) {
      const session = await sessions.create({ customer: customer.id, configuration: made.id, flow_data, expand: ["configuration"] });
      assert.equal(session.flow?.type, flow_data.type);
      assert.equal(idOf(session.configuration), made.id);
    }
    await assert.rejects(configurations.update(made.id, { features: { payment_method_update: { enabled: false } } }), Stripe.errors.StripeInvalidRequestError);
    assert.equal((await configurations.update(made.id, { active: false })).active, false);
  }));

test("items of a subscription are of their types, one by one", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet });
    const other = await stripe.prices.create({ currency: "usd", unit_amount: 500, recurring: { interval: "month" }, product_data: { name: "Prints" } });
    const added = await stripe.subscriptionItems.create({ subscription: subscription.id, price: other.id, quantity: 2, expand: ["price.product"] });
    assert.equal((await stripe.subscriptionItems.update(added.id, { quantity: 3, proration_behavior: "always_invoice" })).quantity, 3);
    assert.equal((await stripe.subscriptionItems.retrieve(added.id)).subscription, subscription.id);
    assert.equal((await stripe.subscriptionItems.list({ subscription: subscription.id })).data.length, 2);
    assert.equal((await stripe.subscriptionItems.del(added.id, { proration_behavior: "none" })).deleted, true);
  }));
