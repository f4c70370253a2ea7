/** Google Pay and Cash App Pay in the sandbox and in its stand-in for Stripe.js, against Stripe's types and SDK. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { expanded, inSandbox, monthlyPrice, RETURN_URL, subscribe } from "../harness/journey.js";
import { stripeOfThePage } from "../harness/page.js";
import { judge } from "../referee/referee.js";

const mandate_data = { customer_acceptance: { type: "online" as const, online: { infer_from_client: true } } };

test("a shopper goes to Cash App and back, and everything on the way is of Stripe's types", () =>
  inSandbox(async ({ control }, stripe) => {
    assert.equal((await stripe.accounts.retrieveCurrent()).capabilities?.cashapp_payments, "active");
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const created = await stripe.setupIntents.create({ customer: customer.id, usage: "off_session", allowed_payment_method_types: ["cashapp"] });
    const secret = created.client_secret ?? "";
    const left = new Promise<string>(async (leave) => {
      void (await stripeOfThePage(control.url, leave))("pk_test_contract").confirmCashappSetup(secret, { return_url: RETURN_URL, mandate_data });
    });
    assert.ok((await left).startsWith(`${control.url}/sandbox/cash-app/`));
    const away = await stripe.setupIntents.retrieve(created.id);
    assert.equal(away.next_action?.type, "cashapp_handle_redirect_or_display_qr_code");
    const page = (await stripeOfThePage(control.url, assert.fail))("pk_test_contract");
    await control.choose(created.id, "approve");
    const settled = await page.retrieveSetupIntent(secret);
    assert.equal(settled.setupIntent?.status, "succeeded");
    // Stripe.js has no type for this `next_action` while it waits, which the SDK has.
    assert.deepEqual(judge([{ what: "retrieveSetupIntent", type: "PageSetupIntent", value: settled.setupIntent }]), []);

    const done = await stripe.setupIntents.retrieve(created.id, { expand: ["payment_method", "mandate"] });
    const wallet = expanded(done.payment_method);
    assert.deepEqual([wallet.type, wallet.cashapp?.cashtag], ["cashapp", "$sandbox"]);
    assert.equal(expanded(done.mandate).payment_method_details.type, "cashapp");
    const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet.id });
    assert.equal(subscription.status, "active");
    const [charge] = (await stripe.charges.list({ customer: customer.id })).data;
    assert.equal(charge?.payment_method_details?.type, "cashapp");
    assert.ok(charge.payment_method_details.cashapp?.transaction_id);
  }));

test("a domain and a token of Google Pay are of their types", () =>
  inSandbox(async ({ control }, stripe) => {
    const domain = await stripe.paymentMethodDomains.create({ domain_name: "shop.example.com" });
    assert.equal(domain.google_pay.status, "active");
    const answer = await fetch(`${control.url}/_sandbox/tokens`, {
      method: "POST",
      headers: { authorization: "Bearer pk_test_contract", "content-type": "application/json" },
      body: JSON.stringify({ wallet: "google_pay" }),
    });
    const { id } = (await answer.json()) as { id: string };
    assert.equal((await stripe.tokens.retrieve(id)).card?.tokenization_method, "android_pay");
    const method = await stripe.paymentMethods.create({ type: "card", card: { token: id } });
    assert.equal(method.card?.wallet?.type, "google_pay");
  }));
