// A failed payment is paid by the link of a mail, by the module alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { takeRepairLink } from "../../web/perennial.js";
import { api, perennialWith, settle, visit } from "./harness/scripted.mjs";

const OFFER = { subscription: "sub_1", status: "past_due", publishable_key: "pk_test_1", wallets: [{ wallet: "amazon_pay" }] };
const OPENED = {
  status: 201,
  body: {
    setup_intent: "seti_1",
    client_secret: "seti_1_secret_1",
    publishable_key: "pk_test_1",
    status: "requires_payment_method",
    redirect_url: null,
    return_url: "https://shop.example/account?repair=v1.a.b",
  },
};
const REPLACED = { status: 200, body: { status: "replaced", invoices: { status: "paid" }, needs_payment_method: false } };
const refused = (status, code) => ({ status, body: { error: { code, message: "For the developer." } } });

// Whoever reads a mail need not be signed in.
const repairWith = (stripeJs) => perennialWith(stripeJs, () => null).repair("v1.a.b");

test("the link is taken out of the address, with what a wallet's page has put beside it", () => {
  visit("https://shop.example/account?page=2&repair=v1.a.b");
  assert.deepEqual(takeRepairLink(), { link: "v1.a.b", setupIntent: null, status: "" });
  assert.equal(globalThis.location.href, "https://shop.example/account?page=2");
  assert.equal(takeRepairLink(), null);
  visit("https://shop.example/account?page=2&repair=v1.a.b&setup_intent=seti_1&setup_intent_client_secret=secret&redirect_status=failed");
  assert.deepEqual(takeRepairLink(), { link: "v1.a.b", setupIntent: "seti_1", status: "failed" });
  assert.equal(globalThis.location.href, "https://shop.example/account?page=2", "no client secret stays");
});

test("what is open is asked with the link alone, and dates are dates", async () => {
  const apple = { wallet: "apple_pay", elements: { mode: "setup" }, express_checkout: { applePay: { recurringPaymentRequest: { regularBilling: { recurringPaymentStartDate: "2026-12-24T00:00:00Z" } } } } };
  api.script = [{ status: 200, body: { ...OFFER, wallets: [apple] } }];
  const { state, offer } = await repairWith().look();
  assert.equal(state, "open");
  assert.ok(offer.wallets[0].express_checkout.applePay.recurringPaymentRequest.regularBilling.recurringPaymentStartDate instanceof Date);
  assert.deepEqual(api.calls, [{ method: "GET", path: "/repair?link=v1.a.b", body: null, authorization: undefined }]);
});

test("a link that has done its work is an outcome, and one that is wrong is thrown", async () => {
  for (const code of ["nothing_to_repair", "subscription_ended"]) {
    api.script = [refused(409, code)];
    const expected = { state: "refused", code, message: "For the developer." };
    assert.deepEqual(await repairWith().look(), expected);
    assert.deepEqual(await repairWith().start({ wallet: "amazon_pay" }), expected);
    assert.deepEqual(await repairWith().finish("seti_1"), expected);
  }
  api.script = [refused(404, "unknown_link")];
  await assert.rejects(repairWith().look(), { name: "PerennialError", code: "unknown_link" });
  api.script = [new Error("offline")];
  await assert.rejects(repairWith().finish("seti_1"), { name: "PerennialError", code: "network" });
});

test("a wallet that leads away is confirmed by Stripe.js, or by the server without it", async () => {
  const asked = [];
  const away = { confirmAmazonPaySetup: async (secret, { return_url }) => (asked.push({ secret, return_url }), {}) };
  api.script = [OPENED];
  assert.deepEqual(await repairWith(away).start({ wallet: "amazon_pay", returnTo: "/account" }), { state: "redirecting" });
  assert.deepEqual(api.calls[0].body, { link: "v1.a.b", wallet: "amazon_pay", return_to: "/account" });
  assert.deepEqual(asked, [{ secret: "seti_1_secret_1", return_url: OPENED.body.return_url }]);

  api.script = [OPENED, { status: 201, body: { ...OPENED.body, redirect_url: "https://wallet.example/" } }];
  assert.deepEqual(await repairWith(null).start({ wallet: "amazon_pay" }), { state: "redirecting" });
  assert.equal(api.calls.at(-1).body.confirm, "server");
  assert.equal(globalThis.location.href, "https://wallet.example/");
});

test("what is approved over the page is paid, and what nobody can tell is asked again", async () => {
  const cashApp = (answer) => repairWith({ confirmCashappSetup: async () => answer }).start({ wallet: "cash_app_pay" });
  api.script = [OPENED, REPLACED];
  assert.deepEqual(await cashApp({ setupIntent: { status: "succeeded" } }), { state: "replaced", invoices: { status: "paid" }, needsPaymentMethod: false });
  assert.deepEqual(api.calls[1].body, { link: "v1.a.b", setup_intent: "seti_1" });

  api.script = [OPENED];
  assert.deepEqual(await cashApp({ error: { type: "card_error", code: "card_declined" } }), { state: "not_confirmed", setupIntent: "seti_1", reason: "card_declined" });

  api.script = [OPENED, refused(503, "stripe_unavailable")];
  assert.deepEqual(await cashApp({ setupIntent: { status: "succeeded" } }), { state: "pending", setupIntent: "seti_1" });

  api.script = [{ status: 202, body: { status: "pending", retry_after: 2 }, headers: { "retry-after": "2" } }, REPLACED];
  const finished = repairWith().finish("seti_1");
  assert.equal(await settle(finished), 2);
  assert.equal((await finished).state, "replaced");
});
