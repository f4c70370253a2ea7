// The Apple Pay button of the module, against a scripted API and a Stripe.js that only tells what it was asked.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { takeAuthorizeLink } from "../../web/perennial.js";
import { api, perennialWith, settle, turns, visit } from "./harness/scripted.mjs";

const SETUP = { mode: "setup", currency: "usd", setupFutureUsage: "off_session", allowedPaymentMethodTypes: ["card"] };
const SUBSCRIPTION_MODE = { mode: "subscription", amount: 1500, currency: "usd", setupFutureUsage: "off_session", allowedPaymentMethodTypes: ["card"] };
const EXPRESS = {
  paymentMethods: { applePay: "always", link: "never" },
  applePay: {
    recurringPaymentRequest: {
      paymentDescription: "Stock photos",
      managementURL: "https://api.example/manage?link=l",
      regularBilling: { amount: 1500, label: "Stock photos", recurringPaymentStartDate: "2026-12-09T00:00:00Z", recurringPaymentIntervalUnit: "month", recurringPaymentIntervalCount: 1 },
    },
  },
};
const APPLE_PAY = { wallet: "apple_pay", offer: true, reasons: [], first: ["setup_intent", "subscription"], elements: { setup_intent: SETUP, subscription: SUBSCRIPTION_MODE }, express_checkout: EXPRESS };
const OFFERS = { plan: "p", trial_days: 0, publishable_key: "pk_test_1", consent: { version: "v7", text: { apple_pay: "By continuing ..." } }, wallets: [APPLE_PAY] };
const OFFERED = { status: 200, body: OFFERS };
const OF_SETUP = { status: 201, body: { checkout: "chk_1", client_secret: "seti_1_secret_1", status: "requires_payment_method", return_url: "https://api.example/confirm?checkout=chk_1" } };
const OF_PAYMENT = { status: 201, body: { checkout: "chk_2", subscription: "sub_1", confirm: "payment", client_secret: "pi_1_secret_1", status: "incomplete", return_url: "https://api.example/confirm?checkout=chk_2" } };
const SUBSCRIBED = { status: 200, body: { subscription: { id: "sub_1", status: "active" } } };
const PAYMENT = { payment: "pi_9", client_secret: "pi_9_secret_9", publishable_key: "pk_test_1", amount: 2500, currency: "usd", elements: { mode: "payment", amount: 2500, currency: "usd" }, express_checkout: EXPRESS, return_url: "https://shop.example/paid" };

/** What happened in the page, in order. */
let steps;
let told;
let handlers;
let answers;
let ready;

beforeEach(() => {
  steps = [];
  told = {};
  handlers = {};
  ready = { availablePaymentMethods: { applePay: true } };
  answers = {
    submit: { selectedPaymentMethod: "apple_pay" },
    confirmSetup: { setupIntent: { status: "succeeded" } },
    confirmPayment: { paymentIntent: { status: "succeeded" } },
  };
});

const confirmation = (name) => async ({ elements, ...options }) => {
  assert.equal(typeof elements.submit, "function");
  steps.push(`${name} after ${api.calls.length} calls`);
  told[name] = options;
  return answers[name];
};
const stripeJs = {
  elements(options) {
    told.elements = options;
    return {
      submit: async () => {
        steps.push("submit");
        return answers.submit;
      },
      create(type, created) {
        told.type = type;
        told.created = created;
        return {
          on: (name, handler) => (handlers[name] = handler),
          mount: (element) => {
            told.element = element;
            setImmediate(() => (ready ? handlers.ready(ready) : handlers.loaderror({ error: { type: "api_error" } })));
          },
          destroy: () => steps.push("destroy"),
        };
      },
    };
  },
  confirmSetup: confirmation("confirmSetup"),
  confirmPayment: confirmation("confirmPayment"),
  confirmAmazonPaySetup: () => new Promise(() => {}),
};

const listeners = {
  onApprove: () => steps.push("approve"),
  onCancel: () => steps.push("cancel"),
  onOutcome: (outcome) => steps.push(outcome),
  onError: (error) => steps.push(error.code ?? error),
};
const mount = (options = {}, shop = perennialWith(stripeJs)) => shop.mountApplePay({ plan: "p", element: "#here", ...listeners, ...options });
const approve = () => handlers.confirm({ expressPaymentType: "apple_pay", paymentFailed: () => steps.push("paymentFailed") });
const paths = () => api.calls.map(({ method, path }) => `${method} ${path}`);

test("the button has all that it needs before it is shown, and a click fetches nothing", async () => {
  api.script = [OFFERED];
  const button = await mount();
  assert.equal(button.shown, true);
  assert.deepEqual(told.elements, SUBSCRIPTION_MODE);
  assert.equal(told.type, "expressCheckout");
  assert.equal(told.element, "#here");
  assert.deepEqual(told.created.buttonType, { applePay: "subscribe" });
  const asked = paths();
  assert.deepEqual(asked, ["GET /wallets?plan=p"]);
  // The answer has to be there when the handler returns: Apple opens no sheet later.
  handlers.click({ resolve: () => steps.push("resolve"), reject: () => steps.push("reject") });
  assert.deepEqual(steps, ["resolve"]);
  await turns();
  assert.deepEqual(paths(), asked);
});

test("dates of the API are dates of Stripe.js", async () => {
  api.script = [OFFERED];
  await mount();
  const { regularBilling } = told.created.applePay.recurringPaymentRequest;
  assert.deepEqual(regularBilling.recurringPaymentStartDate, new Date("2026-12-09T00:00:00Z"));
  assert.equal(regularBilling.label, "Stock photos");
});

test("with the subscription first the invoice's payment is confirmed, and the checkout finished", async () => {
  api.script = [OFFERED, OF_PAYMENT, SUBSCRIBED];
  await mount({ returnTo: "/account" });
  await approve();
  assert.deepEqual(steps, ["approve", "submit", "confirmPayment after 2 calls", { state: "subscribed", checkout: "chk_2", subscription: SUBSCRIBED.body.subscription }]);
  assert.deepEqual(paths().slice(1), ["POST /subscriptions", "POST /subscriptions"]);
  assert.deepEqual(api.calls[1].body, { plan: "p", wallet: "apple_pay", first: "subscription", consent: "v7", trial_days: 0, return_to: "/account" });
  assert.deepEqual(api.calls[2].body, { checkout: "chk_2" });
  assert.deepEqual(told.confirmPayment, { clientSecret: "pi_1_secret_1", confirmParams: { return_url: "https://api.example/confirm?checkout=chk_2" }, redirect: "if_required" });
});

test("a subscription with a trial has a setup to confirm", async () => {
  api.script = [OFFERED, { status: 201, body: { ...OF_PAYMENT.body, confirm: "setup", client_secret: "seti_2_secret_2", status: "trialing" } }, SUBSCRIBED];
  await mount();
  await approve();
  assert.equal(told.confirmSetup.clientSecret, "seti_2_secret_2");
  assert.equal(steps.at(-1).state, "subscribed");
});

test("with the setup first the SetupIntent is confirmed before there is a subscription", async () => {
  api.script = [OFFERED, OF_SETUP, SUBSCRIBED];
  await mount({ first: "setup_intent" });
  await approve();
  assert.deepEqual(told.elements, SETUP);
  assert.deepEqual(paths().slice(1), ["POST /client-secret", "POST /subscriptions"]);
  assert.deepEqual(api.calls[1].body, { plan: "p", wallet: "apple_pay", consent: "v7", trial_days: 0 });
  assert.deepEqual(steps.slice(0, 3), ["approve", "submit", "confirmSetup after 2 calls"]);
  assert.equal(steps.at(-1).state, "subscribed");
});

test("a card that is declined is an outcome, and the next approval goes on", async () => {
  api.script = [OFFERED, OF_PAYMENT, OF_PAYMENT, SUBSCRIBED];
  answers.confirmPayment = { error: { type: "card_error", code: "card_declined", message: "Your card was declined." } };
  await mount();
  await approve();
  assert.deepEqual(steps.at(-1), { state: "failed", checkout: "chk_2", reason: "card_declined", message: "Your card was declined.", mayRetry: true });
  answers.confirmPayment = { paymentIntent: { status: "succeeded" } };
  await approve();
  assert.equal(steps.at(-1).state, "subscribed");
});

for (const type of ["api_connection_error", "api_error"]) {
  test(`a confirmation of which nothing was heard is asked about, and is no failure (${type})`, async () => {
    api.script = [OFFERED, OF_PAYMENT, SUBSCRIBED];
    answers.confirmPayment = { error: { type, message: "Nobody answers." } };
    await mount();
    await approve();
    assert.equal(steps.at(-1).state, "subscribed");
  });
}

for (const [what, answer, state, code] of [
  ["the token has run out", { status: 401, body: { message: "Unauthorized" } }, "sign_in", "unauthorized"],
  ["nobody understands the answer", { status: 400, body: "<html>" }, "pending", undefined],
]) {
  test(`an approval is not told as a failure when ${what} afterwards`, async () => {
    const complained = mock.method(console, "error", () => {});
    api.script = [OFFERED, OF_PAYMENT, answer];
    await mount();
    await approve();
    assert.deepEqual([steps.at(-1).state, steps.at(-1).checkout, steps.at(-1).code], [state, "chk_2", code]);
    assert.equal(complained.mock.callCount(), state === "pending" ? 1 : 0);
  });
}

test("an intent that has succeeded by now is no failure", async () => {
  api.script = [OFFERED, OF_PAYMENT, SUBSCRIBED];
  const error = { type: "invalid_request_error", code: "payment_intent_unexpected_state", payment_intent: { status: "succeeded" } };
  answers.confirmPayment = { error };
  await mount();
  await approve();
  assert.equal(steps.at(-1).state, "subscribed");
});

for (const [what, answer, code] of [
  ["the API refuses", { status: 503, body: { error: { code: "stripe_unavailable", message: "Later.", request_id: "r" } } }, "stripe_unavailable"],
  ["nobody can be reached", new TypeError("offline"), "network"],
]) {
  test(`the sheet does not hang when ${what}`, async () => {
    api.script = [OFFERED, answer];
    await mount();
    await approve();
    assert.deepEqual(steps, ["approve", "submit", "paymentFailed", code]);
  });
}

test("the sheet does not hang when Stripe.js refuses the approval", async () => {
  api.script = [OFFERED, OF_PAYMENT];
  await mount();
  answers.submit = { error: { type: "validation_error", code: "incomplete", message: "No." } };
  await approve();
  assert.deepEqual(steps, ["approve", "submit", "paymentFailed", "incomplete"]);
});

test("an approval waits while Stripe stumbles, and is then used", async () => {
  const undecided = { status: 202, body: { checkout: "chk_2", status: "pending" }, headers: { "retry-after": "2" } };
  api.script = [OFFERED, undecided, undecided, OF_PAYMENT, SUBSCRIBED];
  await mount();
  assert.equal(await settle(approve()), 4);
  assert.deepEqual(steps.slice(0, 3), ["approve", "submit", "confirmPayment after 4 calls"]);
  assert.equal(steps.at(-1).state, "subscribed");
});

test("an approval does not wait longer than Apple does", async () => {
  api.script = [OFFERED, { status: 202, body: { checkout: "chk_2", status: "pending" }, headers: { "retry-after": "2" } }];
  await mount();
  const seconds = await settle(approve());
  assert.ok(seconds < 30, `${seconds} seconds`);
  assert.deepEqual(steps, ["approve", "submit", "paymentFailed", { state: "pending", checkout: "chk_2", retryAfter: 2 }]);
});

test("a checkout that has come to an end meanwhile is an outcome", async () => {
  api.script = [OFFERED, { status: 502, body: { error: { code: "rejected", message: "Stripe refused.", request_id: "r" }, may_retry: false } }];
  await mount();
  await approve();
  assert.deepEqual(steps.slice(-2), ["paymentFailed", { state: "failed", checkout: "", reason: "rejected", message: "Stripe refused.", mayRetry: false }]);
});

test("who is subscribed already is told so, and the sheet is let go", async () => {
  const subscription = { id: "sub_0", status: "active" };
  api.script = [OFFERED, { status: 409, body: { error: { code: "already_subscribed", message: "Once.", request_id: "r" }, subscription } }];
  await mount();
  await approve();
  assert.deepEqual(steps, ["approve", "submit", "paymentFailed", { state: "already_subscribed", subscription, manage: null }]);
});

test("a setup that another tab has confirmed leads to the subscription", async () => {
  api.script = [OFFERED, { status: 200, body: { ...OF_SETUP.body, status: "succeeded" } }, SUBSCRIBED];
  await mount({ first: "setup_intent" });
  await approve();
  assert.deepEqual(steps.slice(0, 3), ["approve", "submit", "paymentFailed"]);
  assert.equal(steps.at(-1).state, "subscribed");
});

test("an approval whose end is not known yet is asked for until it is", async () => {
  const pending = { status: 202, body: { checkout: "chk_2", status: "pending" }, headers: { "retry-after": "2" } };
  api.script = [OFFERED, OF_PAYMENT, pending, { status: 200, body: { status: "pending", retry_after: 3 } }, { status: 200, body: { status: "subscribed", subscription: SUBSCRIBED.body.subscription } }];
  await mount();
  assert.equal(await settle(approve()), 3);
  assert.equal(steps.at(-1).state, "subscribed");
});

test("a lost connection after the approval loses nothing", async () => {
  api.script = [OFFERED, OF_PAYMENT, new TypeError("offline"), { status: 200, body: { status: "subscribed", subscription: null } }];
  await mount();
  await settle(approve());
  assert.deepEqual(steps.at(-1), { state: "subscribed", checkout: "chk_2", subscription: null });
  assert.ok(!steps.includes("paymentFailed"));
});

test("a text that is not the current one any more is fetched again for the next button", async () => {
  const outdated = { status: 409, body: { error: { code: "consent_outdated", message: "Read it again.", request_id: "r" } } };
  api.script = [OFFERED, outdated, OFFERED];
  const shop = perennialWith(stripeJs);
  await mount({}, shop);
  await approve();
  assert.deepEqual(steps, ["approve", "submit", "paymentFailed", "consent_outdated"]);
  await mount({}, shop);
  assert.deepEqual(paths(), ["GET /wallets?plan=p", "POST /subscriptions", "GET /wallets?plan=p"]);
});

test("a trial that is another one by now is fetched again for the next button", async () => {
  const outdated = { status: 409, body: { error: { code: "trial_outdated", message: "Read it again.", request_id: "r" } } };
  api.script = [{ status: 200, body: { ...OFFERS, trial_days: 14 } }, outdated, OFFERED, OF_PAYMENT, SUBSCRIBED];
  const shop = perennialWith(stripeJs);
  await mount({}, shop);
  await approve();
  assert.equal(api.calls[1].body.trial_days, 14);
  assert.ok(steps.includes("paymentFailed"));
  await mount({}, shop);
  await approve();
  assert.equal(api.calls[3].body.trial_days, 0);
});

test("a plan that may not be paid with Apple Pay has no button, and says why", async () => {
  const reasons = [{ code: "domain_not_registered", message: "Stripe does not know this domain." }];
  api.script = [{ status: 200, body: { ...OFFERS, wallets: [{ wallet: "apple_pay", offer: false, reasons, first: [] }] } }];
  const button = await mount();
  assert.deepEqual([button.shown, button.reasons], [false, reasons]);
  assert.equal(told.type, undefined);
});

test("a device without Apple Pay has no button", async () => {
  api.script = [OFFERED];
  ready = { availablePaymentMethods: undefined };
  assert.equal((await mount()).shown, false);
});

test("a button that Stripe.js cannot load is an error", async () => {
  api.script = [OFFERED];
  ready = null;
  await assert.rejects(mount(), { name: "PerennialError", code: "button_not_loaded" });
});

test("a closed sheet costs nothing and asks nothing", async () => {
  api.script = [OFFERED];
  await mount();
  handlers.cancel({ elementType: "expressCheckout" });
  assert.deepEqual(steps, ["cancel"]);
  assert.equal(api.calls.length, 1);
});

test("while the shopper is on the way to Amazon the sheet stays closed", async () => {
  api.script = [OFFERED, { status: 201, body: { ...OF_SETUP.body, publishable_key: "pk_test_1" } }];
  const shop = perennialWith(stripeJs);
  await mount({}, shop);
  shop.startAmazonPay({ plan: "p", consent: "v7" });
  await turns();
  assert.equal(api.calls[1].body.consent, "v7");
  assert.equal(api.calls[1].body.trial_days, 0, "what the page was told of");
  handlers.click({ resolve: () => steps.push("resolve"), reject: () => steps.push("reject") });
  assert.deepEqual(steps, ["reject"]);
});

test("a button buys as many as its sheet shows, and a click as many as the page was told of", async () => {
  const five = { status: 200, body: { ...OFFERS, quantity: 5 } };
  api.script = [five, OF_PAYMENT, SUBSCRIBED];
  const shop = perennialWith(stripeJs);
  await mount({ quantity: 5 }, shop);
  assert.equal(api.calls[0].path, "/wallets?plan=p&quantity=5");
  await approve();
  assert.equal(api.calls[1].body.quantity, 5);

  // Three are the least that is sold of another plan.
  api.script = [{ status: 200, body: { ...OFFERS, plan: "q", quantity: 3 } }, { status: 201, body: OF_SETUP.body }];
  await shop.wallets("q");
  shop.startAmazonPay({ plan: "q" });
  await turns();
  assert.equal(api.calls.at(-1).body.quantity, 3);
});

test("a button buys the add-ons that its sheet shows, and a click those that the page was told of", async () => {
  const told = { status: 200, body: { ...OFFERS, addons: [{ name: "storage", quantity: 2 }] } };
  api.script = [told, OF_PAYMENT, SUBSCRIBED];
  const shop = perennialWith(stripeJs);
  await mount({ addons: { storage: 2 } }, shop);
  assert.equal(api.calls[0].path, "/wallets?plan=p&addons=storage%3A2");
  await approve();
  assert.deepEqual(api.calls[1].body.addons, { storage: 2 });

  api.script = [{ status: 200, body: { ...told.body, plan: "q" } }, { status: 201, body: OF_SETUP.body }];
  await shop.wallets("q", { addons: { storage: 2 }, code: "LESS" });
  assert.deepEqual(api.calls.at(-1).body, { plan: "q", code: "LESS", addons: { storage: 2 } });
  shop.startAmazonPay({ plan: "q" });
  await turns();
  assert.deepEqual(api.calls.at(-1).body.addons, { storage: 2 });
});

test("the wallets of a plan are asked for once, and again after five minutes, for another shopper, or after a failure", async () => {
  api.script = [new TypeError("offline"), OFFERED];
  let token = "alice";
  const shop = perennialWith(stripeJs, () => token);
  await assert.rejects(shop.wallets("p"), { code: "network" });
  const [first, second] = await Promise.all([shop.wallets("p"), shop.wallets("p")]);
  assert.equal(first, second);
  assert.equal(api.calls.length, 2);
  token = "bob";
  await shop.wallets("p");
  assert.equal(api.calls.length, 3);
  assert.equal(api.calls[2].authorization, "Bearer bob");
  mock.timers.tick(300_001);
  await shop.wallets("p");
  assert.equal(api.calls.length, 4);
});

test("the payment of a link is approved without anybody being signed in", async () => {
  api.script = [{ status: 200, body: PAYMENT }];
  const shop = perennialWith(stripeJs, () => assert.fail("A link needs no token."));
  const { shown, payment } = await shop.authorize("signed+link", { element: "#here", ...listeners });
  assert.equal(shown, true);
  assert.equal(payment.amount, 2500);
  assert.deepEqual([api.calls[0].path, api.calls[0].authorization], ["/authorize?link=signed%2Blink", undefined]);
  assert.deepEqual(told.elements, PAYMENT.elements);
  await approve();
  assert.deepEqual(told.confirmPayment, { clientSecret: "pi_9_secret_9", confirmParams: { return_url: "https://shop.example/paid" }, redirect: "if_required" });
  assert.deepEqual(steps.at(-1), { state: "paid", payment: "pi_9", status: "succeeded" });
});

test("a payment that the shop captures later is paid as far as the shopper is concerned", async () => {
  answers.confirmPayment = { paymentIntent: { status: "requires_capture" } };
  await perennialWith(stripeJs).mountPayment(PAYMENT, { element: "#here", ...listeners });
  await approve();
  assert.deepEqual(steps.at(-1), { state: "paid", payment: "pi_9", status: "requires_capture" });
});

test("a payment that is declined again can be tried again", async () => {
  answers.confirmPayment = { error: { type: "card_error", code: "card_declined", message: "Declined." } };
  await perennialWith(stripeJs).mountPayment(PAYMENT, { element: "#here", ...listeners });
  await approve();
  assert.deepEqual(steps.at(-1), { state: "failed", payment: "pi_9", reason: "card_declined", message: "Declined.", mayRetry: true });
});

for (const [what, retrieved, expected] of [
  ["was made", { paymentIntent: { status: "succeeded" } }, { state: "paid", payment: "pi_9", status: "succeeded" }],
  [
    "was declined",
    { paymentIntent: { status: "requires_payment_method", last_payment_error: { code: "card_declined", message: "Declined." } } },
    { state: "failed", payment: "pi_9", reason: "card_declined", message: "Declined.", mayRetry: true },
  ],
  ["is still unknown", { error: { type: "api_connection_error" } }, { state: "pending", payment: "pi_9" }],
  ["is under way", { paymentIntent: { status: "requires_action" } }, { state: "pending", payment: "pi_9" }],
]) {
  test(`a payment whose confirmation was not answered is looked at: it ${what}`, async () => {
    answers.confirmPayment = { error: { type: "api_connection_error", message: "Nobody answers." } };
    await perennialWith({ ...stripeJs, retrievePaymentIntent: async () => retrieved }).mountPayment(PAYMENT, { element: "#here", ...listeners });
    await approve();
    assert.deepEqual(steps.at(-1), expected);
  });
}

test("the link is taken out of the address", () => {
  visit("https://shop.example/?tab=1&authorize=signed#top");
  assert.equal(takeAuthorizeLink(), "signed");
  assert.equal(globalThis.location.href, "https://shop.example/?tab=1#top");
  assert.equal(takeAuthorizeLink(), null);
});
