// What a shopper does with a subscription, by the module alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, perennialWith, settle, turns, visit } from "./harness/scripted.mjs";

const ACTIVE = { id: "sub_1", status: "active" };
const OPENED = {
  status: 201,
  body: {
    setup_intent: "seti_1",
    client_secret: "seti_1_secret_1",
    publishable_key: "pk_test_1",
    status: "requires_payment_method",
    redirect_url: null,
    return_url: "https://shop.example/account?perennial_subscription=sub_1",
  },
};
const REPLACED = { status: 200, body: { status: "replaced", invoices: { status: "paid" }, subscription: ACTIVE } };
const BACK = "https://shop.example/account?page=2&perennial_subscription=sub_1&setup_intent=seti_1&setup_intent_client_secret=secret&redirect_status=succeeded";

const manageWith = (stripeJs, token) => perennialWith(stripeJs, token).manage();
const refused = (status, code, more) => ({ status, body: { error: { code, message: "For the developer." }, ...more } });

test("each action asks its own route, and answers how the subscription stands", async () => {
  const manage = manageWith();
  api.script = [{ status: 200, body: { subscription: ACTIVE } }];
  const actions = [
    [() => manage.cancel("sub_1", { when: "period_end", feedback: "unused" }), "cancel", { when: "period_end", feedback: "unused" }],
    [() => manage.cancel("sub_1"), "cancel", {}],
    [() => manage.withdrawCancellation("sub_1"), "withdraw-cancellation", {}],
    [() => manage.change("sub_1", { preview: "token" }), "change", { preview: "token" }],
    [() => manage.withdrawChange("sub_1"), "withdraw-change", {}],
    [() => manage.pause("sub_1"), "pause", {}],
    [() => manage.pause("sub_1", { until: "2027-01-31T00:00:00Z" }), "pause", { until: "2027-01-31T00:00:00Z" }],
    [() => manage.resume("sub_1", { dueNow: 533 }), "resume", { due_now: 533 }],
    [() => manage.resume("sub_1"), "resume", {}],
  ];
  for (const [act, path, body] of actions) {
    assert.deepEqual(await act(), { state: "done", subscription: ACTIVE });
    const { method, path: asked, body: sent, authorization } = api.calls.at(-1);
    assert.deepEqual({ method, asked, sent, authorization }, { method: "POST", asked: `/subscriptions/sub_1/${path}`, sent: body, authorization: "Bearer token-1" });
  }
});

test("a preview is what it costs, and what a change agrees to", async () => {
  const shown = { preview: "token", plan: "yearly", when: "now", due_now: { amount: 13_500, currency: "usd" }, lines: [] };
  api.script = [{ status: 200, body: shown }, { status: 200, body: { subscription: ACTIVE } }];
  const manage = manageWith();
  const { state, preview } = await manage.preview("sub_1", { plan: "yearly", when: "auto" });
  assert.deepEqual([state, preview, api.calls[0].body], ["previewed", shown, { plan: "yearly", when: "auto" }]);
  await manage.change("sub_1", preview);
  assert.deepEqual(api.calls[1].body, { preview: "token" }, "nothing but the token goes back");
  api.script = [{ status: 200, body: shown }];
  await manage.preview("sub_1", { quantity: 5 });
  assert.deepEqual(api.calls.at(-1).body, { quantity: 5 });
  await manage.preview("sub_1", { addons: { storage: 2, support: 0 } });
  assert.deepEqual(api.calls.at(-1).body, { addons: { storage: 2, support: 0 } });
});

test("an end is agreed to by its preview, and so is coming again by the amount", async () => {
  const end = { preview: "token", cancel: "now", given_back: { refund: { amount: 900, currency: "usd" }, credit: { amount: 0, currency: "usd" } } };
  const again = { again: "monthly", due_now: { amount: 1_500, currency: "usd" }, trial_days: 0 };
  const done = { subscription: ACTIVE };
  api.script = [{ status: 200, body: end }, { status: 200, body: done }, { status: 200, body: again }, { status: 201, body: done }, refused(402, "payment_declined")];
  const manage = manageWith();
  const shown = await manage.previewEnd("sub_1");
  assert.deepEqual([shown, api.calls[0].body], [{ state: "previewed", preview: end }, { cancel: "now" }]);
  await manage.cancel("sub_1", { preview: shown.preview.preview });
  assert.deepEqual([api.calls[1].path, api.calls[1].body], ["/subscriptions/sub_1/cancel", { preview: "token" }]);
  const { preview } = await manage.previewAgain("sub_1", { plan: "monthly" });
  assert.deepEqual(api.calls[2].body, { again: "monthly" });
  assert.deepEqual(await manage.comeAgain("sub_1", preview, { consent: "v2" }), { state: "done", subscription: ACTIVE });
  const body = { again: "sub_1", plan: "monthly", due_now: 1_500, trial_days: 0, consent: "v2" };
  assert.deepEqual([api.calls[3].path, api.calls[3].body], ["/subscriptions", body]);
  const { state, code } = await manage.comeAgain("sub_1", preview);
  assert.deepEqual([state, code], ["refused", "payment_declined"]);
  api.script = [{ status: 200, body: { ...again, quantity: 3 } }, { status: 201, body: done }];
  const three = await manage.previewAgain("sub_1", { plan: "monthly", quantity: 3 });
  assert.deepEqual(api.calls.at(-1).body, { again: "monthly", quantity: 3 });
  await manage.comeAgain("sub_1", three.preview);
  assert.equal(api.calls.at(-1).body.quantity, 3, "as many as were shown");
  api.script = [{ status: 200, body: { ...again, addons: [{ name: "storage", quantity: 2 }] } }, { status: 201, body: done }];
  const more = await manage.previewAgain("sub_1", { plan: "monthly", addons: { storage: 2 } });
  assert.deepEqual(api.calls.at(-1).body, { again: "monthly", addons: { storage: 2 } });
  await manage.comeAgain("sub_1", more.preview);
  assert.deepEqual(api.calls.at(-1).body.addons, { storage: 2 }, "what was shown");
});

test("a preview of a pause, or of its end, is asked for in place of a plan", async () => {
  const shown = { due_now: { amount: 0, currency: "usd" }, credit: { amount: 967, currency: "usd" }, next_charge: null, runs_until: null, resumes_at: null };
  api.script = [{ status: 200, body: shown }, refused(409, "subscription_not_paused", { subscription: ACTIVE })];
  const manage = manageWith();
  assert.deepEqual(await manage.previewPause("sub_1", { pause: {} }), { state: "previewed", preview: shown });
  assert.equal((await manage.previewPause("sub_1", { resume: {} })).code, "subscription_not_paused");
  assert.deepEqual(api.calls.map(({ path, body }) => [path, body]), [
    ["/subscriptions/sub_1/preview", { pause: {} }],
    ["/subscriptions/sub_1/preview", { resume: {} }],
  ]);
});

test("what the subscription's state does not allow is an outcome, and the rest is thrown", async () => {
  const manage = manageWith();
  for (const [status, code] of [[409, "preview_outdated"], [402, "change_declined"], [409, "payment_open"]]) {
    api.script = [refused(status, code, { subscription: ACTIVE })];
    const outcome = await manage.change("sub_1", { preview: "token" });
    assert.deepEqual(outcome, { state: "refused", code, message: "For the developer.", subscription: ACTIVE });
  }
  for (const [status, code] of [[400, "invalid_preview"], [404, "unknown_subscription"], [429, "too_many_tries"], [502, "stripe_refused"]]) {
    api.script = [refused(status, code)];
    await assert.rejects(manage.change("sub_1", { preview: "token" }), { name: "PerennialError", code, status });
  }
  api.script = [new Error("offline")];
  await assert.rejects(manage.cancel("sub_1"), { name: "PerennialError", code: "network" });
});

test("a change that waits for another one is asked again", async () => {
  api.script = [{ ...refused(409, "busy"), headers: { "retry-after": "1" } }, { status: 200, body: { subscription: ACTIVE } }];
  const done = manageWith().cancel("sub_1");
  assert.equal(await settle(done), 1);
  assert.equal((await done).state, "done");
});

test("an aborted call throws why, and not that the network is down", async () => {
  const gone = new AbortController();
  globalThis.fetch = async (_address, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const asked = manageWith().preview("sub_1", { plan: "yearly", signal: gone.signal });
  await turns();
  gone.abort();
  await assert.rejects(asked, { name: "AbortError" });
});

test("a wallet that leads away is confirmed by Stripe.js, or by the server without it", async () => {
  const asked = [];
  const away = { confirmAmazonPaySetup: async (secret, { return_url }) => (asked.push({ secret, return_url }), {}) };
  api.script = [OPENED];
  const options = { subscription: "sub_1", wallet: "amazon_pay", returnTo: "/account" };
  assert.deepEqual(await manageWith(away).replacePaymentMethod(options), { state: "redirecting" });
  assert.deepEqual(api.calls[0].body, { wallet: "amazon_pay", return_to: "/account", confirm: "client" });
  assert.deepEqual(asked, [{ secret: "seti_1_secret_1", return_url: OPENED.body.return_url }]);

  api.script = [OPENED, { status: 201, body: { ...OPENED.body, redirect_url: "https://wallet.example/" } }];
  assert.deepEqual(await manageWith(null).replacePaymentMethod(options), { state: "redirecting" });
  assert.equal(api.calls.at(-1).body.confirm, "server");
  assert.equal(globalThis.location.href, "https://wallet.example/");
});

test("two clicks are one", async () => {
  api.script = [OPENED];
  const manage = manageWith({ confirmAmazonPaySetup: async () => ({}) });
  const click = () => manage.replacePaymentMethod({ subscription: "sub_1", wallet: "amazon_pay" });
  await Promise.all([click(), click()]);
  assert.equal(api.calls.length, 1);
});

test("what is approved over the page is finished, and what is not changes nothing", async () => {
  const cashApp = (answer) => manageWith({ confirmCashappSetup: async () => answer }).replacePaymentMethod({ subscription: "sub_1", wallet: "cash_app_pay" });
  api.script = [OPENED, REPLACED];
  assert.deepEqual(await cashApp({ setupIntent: { status: "succeeded" } }), { state: "replaced", invoices: { status: "paid" }, subscription: ACTIVE });
  assert.deepEqual(api.calls[1].body, { setup_intent: "seti_1" });
  const asked = { state: "not_confirmed", subscription: "sub_1", setupIntent: "seti_1" };
  api.script = [OPENED];
  assert.deepEqual(await cashApp({ setupIntent: { status: "requires_action" } }), { ...asked, reason: "wallet_abandoned" });
  assert.deepEqual(await cashApp({ error: { type: "card_error", code: "card_declined" } }), { ...asked, reason: "card_declined" });
});

test("once the wallet has agreed, an API that cannot be reached is not a failure", async () => {
  api.script = [OPENED, new Error("offline")];
  const outcome = await manageWith({ confirmCashappSetup: async () => ({ setupIntent: { status: "succeeded" } }) }).replacePaymentMethod({ subscription: "sub_1", wallet: "cash_app_pay" });
  assert.deepEqual(outcome, { state: "pending", subscription: "sub_1", setupIntent: "seti_1" });
});

test("a return leaves the address at once, is asked about once, and again after an error", async () => {
  visit(BACK);
  api.script = [new Error("offline"), REPLACED];
  const manage = manageWith();
  await assert.rejects(manage.resumePaymentMethod(), { code: "network" });
  assert.equal(globalThis.location.href, "https://shop.example/account?page=2");
  assert.equal(api.calls[0].path, "/subscriptions/sub_1/payment-method/finish");
  const [first, second] = await Promise.all([manage.resumePaymentMethod(), manage.resumePaymentMethod()]);
  assert.equal(first.state, "replaced");
  assert.equal(first, second, "a component that runs twice gets one outcome");
  assert.equal(api.calls.length, 2);
});

test("a wallet that said no is told from one that was not asked", async () => {
  visit(BACK.replace("redirect_status=succeeded", "redirect_status=failed"));
  api.script = [{ status: 200, body: { status: "not_confirmed" } }];
  const { state, reason } = await manageWith().resumePaymentMethod();
  assert.deepEqual([state, reason], ["not_confirmed", "wallet_declined"]);
  visit("https://shop.example/account?setup_intent=seti_1&redirect_status=succeeded");
  assert.equal(await manageWith().resumePaymentMethod(), null, "another part of the shop uses Stripe, too");
  assert.match(globalThis.location.href, /setup_intent=seti_1/);
});

test("another shopper does not get the outcome", async () => {
  visit(BACK);
  api.script = [REPLACED];
  let token = "token-1";
  const manage = manageWith(null, () => token);
  await manage.resumePaymentMethod();
  token = "token-2";
  await manage.subscriptions();
  assert.equal(await manage.resumePaymentMethod(), null);
});

test("invoices come by the page", async () => {
  api.script = [{ status: 200, body: { invoices: [], after: null } }];
  const manage = manageWith();
  await manage.invoices();
  await manage.invoices({ subscription: "sub_1", after: "in_1" });
  assert.deepEqual(api.calls.map(({ path }) => path), ["/invoices", "/invoices?subscription=sub_1&after=in_1"]);
});
