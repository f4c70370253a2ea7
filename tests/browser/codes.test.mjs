// The checkout module with a promotion code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, perennialWith, turns } from "./harness/scripted.mjs";

const DISCOUNT = { promotion_code: "promo_1", due_now: 0, amount: 1200, regular_amount: 1500, currency: "usd", lasts: "once", payments: 1, until: null };
const AGREED = { promotion_code: "promo_1", amount: 1200 };
const OFFERED = {
  status: 200,
  body: {
    plan: "p",
    trial_days: 0,
    publishable_key: "pk_test_1",
    consent: { version: "v7", text: {} },
    discount: DISCOUNT,
    wallets: [
      {
        wallet: "apple_pay",
        offer: true,
        reasons: [],
        first: ["setup_intent"],
        elements: { setup_intent: { mode: "setup", currency: "usd" }, subscription: { mode: "subscription", amount: 0, currency: "usd" } },
        express_checkout: { paymentMethods: { applePay: "always" } },
      },
    ],
  },
};
const refused = (status, code) => ({ status, body: { error: { code, message: "No.", request_id: "r" } } });

test("a code goes in a body, and is asked for once with each plan", async () => {
  api.script = [OFFERED];
  const shop = perennialWith({});
  assert.deepEqual((await shop.wallets("p", { code: "SPRING" })).discount, DISCOUNT);
  await shop.wallets("p", { code: "SPRING" });
  assert.deepEqual(api.calls.map(({ method, path, body }) => [method, path, body]), [["POST", "/wallets", { plan: "p", code: "SPRING" }]]);
  await shop.wallets("p");
  await shop.wallets("q", { code: "SPRING" });
  assert.deepEqual(api.calls.slice(1).map(({ method, path }) => `${method} ${path}`), ["GET /wallets?plan=p", "POST /wallets"]);
});

test("a code that is not taken says why, and is asked for again", async () => {
  api.script = [refused(409, "code_expired"), OFFERED];
  const shop = perennialWith({});
  await assert.rejects(shop.wallets("p", { code: "SPRING" }), { code: "code_expired", status: 409 });
  assert.equal((await shop.wallets("p", { code: "SPRING" })).discount.amount, 1200);
});

test("a click says what was shown of the code", async () => {
  api.script = [refused(409, "code_ended")];
  const shop = perennialWith({});
  await assert.rejects(shop.startAmazonPay({ plan: "p", discount: DISCOUNT }), { code: "code_ended" });
  assert.deepEqual(api.calls[0].body, { plan: "p", wallet: "amazon_pay", confirm: "client", discount: AGREED });
  await assert.rejects(shop.startAmazonPay({ plan: "p", discount: null }), { code: "code_ended" });
  assert.deepEqual(api.calls[1].body, { plan: "p", wallet: "amazon_pay", confirm: "client" });
});

test("what the page was told of a code does not outlive its refusal", async () => {
  api.script = [OFFERED, { status: 200, body: { checkout: "chk_1", status: "failed", subscription: null, reason: "code_refused", may_retry: true } }, OFFERED];
  const shop = perennialWith({});
  await shop.wallets("p", { code: "SPRING" });
  assert.equal((await shop.pollCheckout("chk_1")).reason, "code_refused");
  await shop.wallets("p", { code: "SPRING" });
  assert.equal(api.calls.filter(({ path }) => path === "/wallets").length, 2);
});

test("a sheet begins as the code asks for it, and its click names the code", async () => {
  api.script = [OFFERED, refused(409, "code_ended")];
  const handlers = {};
  let told;
  const shop = perennialWith({
    elements(options) {
      told = options;
      const ready = () => handlers.ready({ availablePaymentMethods: { applePay: true } });
      const create = () => ({ on: (name, handler) => (handlers[name] = handler), mount: () => setImmediate(ready), destroy() {} });
      return { create, submit: async () => ({}) };
    },
  });
  let error;
  await shop.mountApplePay({ plan: "p", code: "SPRING", first: "subscription", element: "#here", onOutcome() {}, onError: (it) => (error = it) });
  assert.equal(told.mode, "setup");
  let failed = 0;
  handlers.confirm({ paymentFailed: () => (failed += 1) });
  await turns();
  assert.deepEqual(api.calls[1].path, "/client-secret");
  assert.deepEqual(api.calls[1].body, { plan: "p", wallet: "apple_pay", consent: "v7", trial_days: 0, discount: AGREED });
  assert.deepEqual([error.code, failed], ["code_ended", 1]);
});
