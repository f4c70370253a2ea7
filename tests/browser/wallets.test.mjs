// The checkout module with the wallets that a plan has to name: Google Pay and Cash App Pay.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { api, perennialWith, turns } from "./harness/scripted.mjs";

const ISSUED = {
  status: 201,
  body: {
    checkout: "chk_1",
    client_secret: "seti_1_secret_1",
    publishable_key: "pk_test_1",
    status: "requires_payment_method",
    redirect_url: null,
    return_url: "https://api.example/confirm?checkout=chk_1",
  },
};
const ONLY_GOOGLE = { applePay: "never", googlePay: "always", amazonPay: "never", link: "never", paypal: "never", klarna: "never" };
const OFFERED = {
  status: 200,
  body: {
    plan: "p",
    trial_days: 0,
    publishable_key: "pk_test_1",
    consent: { version: "v7", text: {} },
    wallets: [
      {
        wallet: "google_pay",
        offer: true,
        reasons: [],
        first: ["setup_intent", "subscription"],
        elements: { subscription: { mode: "subscription", amount: 1500, currency: "usd" } },
        express_checkout: { paymentMethods: ONLY_GOOGLE },
      },
    ],
  },
};

let confirmed;
let created;
let available;

beforeEach(() => {
  confirmed = [];
  created = null;
  available = { applePay: false, googlePay: true };
});

const cashApp = (answer) =>
  perennialWith({
    confirmCashappSetup: async (secret, data) => {
      confirmed.push({ secret, data });
      return answer;
    },
  });

const google = () =>
  perennialWith({
    elements: () => ({
      create(type, options) {
        created = { type, options };
        const handlers = {};
        const ready = () => handlers.ready({ availablePaymentMethods: available });
        return { on: (name, handler) => (handlers[name] = handler), mount: () => setImmediate(ready), destroy() {} };
      },
    }),
  });

test("Cash App Pay is confirmed by its own call, with the shopper's consent", async () => {
  api.script = [ISSUED];
  const outcome = await cashApp({}).startWallet({ wallet: "cash_app_pay", plan: "p", returnTo: "/account", consent: "v7" });
  assert.deepEqual(outcome, { state: "redirecting", checkout: "chk_1" });
  assert.deepEqual(api.calls[0].body, { plan: "p", wallet: "cash_app_pay", confirm: "client", return_to: "/account", consent: "v7" });
  const mandate_data = { customer_acceptance: { type: "online", online: { infer_from_client: true } } };
  assert.deepEqual(confirmed, [{ secret: "seti_1_secret_1", data: { return_url: ISSUED.body.return_url, mandate_data } }]);
});

test("a shopper who scanned the code is subscribed without a redirect", async () => {
  api.script = [ISSUED, { status: 201, body: { subscription: { id: "sub_1", status: "active" } } }];
  const outcome = await cashApp({ setupIntent: { status: "succeeded" } }).startWallet({ wallet: "cash_app_pay", plan: "p" });
  assert.equal(outcome.state, "subscribed");
});

test("a shopper who closes the code may try again", async () => {
  api.script = [ISSUED];
  const outcome = await cashApp({ setupIntent: { status: "requires_action" } }).startWallet({ wallet: "cash_app_pay", plan: "p" });
  assert.deepEqual(outcome, { state: "failed", checkout: "chk_1", reason: "wallet_abandoned", message: null, mayRetry: true });
});

test("the API does not confirm Cash App Pay where Stripe.js is missing", async () => {
  api.script = [ISSUED];
  await assert.rejects(perennialWith(null).startWallet({ wallet: "cash_app_pay", plan: "p" }), { code: "stripe_js_missing" });
  assert.equal(api.calls.length, 1);
});

test("two wallets of one plan are two checkouts", async () => {
  api.script = [ISSUED];
  const shop = cashApp(new Promise(() => {}));
  shop.startWallet({ wallet: "cash_app_pay", plan: "p" });
  await assert.rejects(shop.startAmazonPay({ plan: "p" }), { code: "checkout_under_way" });
  await turns();
});

test("Google's button is asked for by its own options", async () => {
  api.script = [OFFERED];
  const button = await google().mountWallet({ wallet: "google_pay", plan: "p", element: "#here", onOutcome() {} });
  assert.equal(button.shown, true);
  assert.equal(created.type, "expressCheckout");
  assert.deepEqual(created.options, { paymentMethods: ONLY_GOOGLE, buttonType: { googlePay: "subscribe" } });
});

test("a browser without Google Pay shows no button", async () => {
  api.script = [OFFERED];
  available = { applePay: true, googlePay: false };
  const button = await google().mountWallet({ wallet: "google_pay", plan: "p", element: "#here", onOutcome() {} });
  assert.equal(button.shown, false);
});

test("a wallet that the plan does not name is not shown", async () => {
  api.script = [OFFERED];
  const button = await google().mountApplePay({ plan: "p", element: "#here", onOutcome() {} });
  assert.deepEqual([button.shown, button.reasons], [false, []]);
  assert.equal(created, null);
});
