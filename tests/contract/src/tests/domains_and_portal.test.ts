/** Where wallets may be shown, the shop's account, and the customer portal, by the SDK. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { approvedWallet, inSandbox, monthlyPrice, subscribe } from "../harness/journey.js";

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
