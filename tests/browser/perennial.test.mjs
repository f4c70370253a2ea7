// The checkout module alone, against a scripted API and a clock that the test moves.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createPerennial, PerennialError } from "../../web/perennial.js";
import { price, trialWord } from "../../web/words.js";
import { api, perennialWith, settle, turns, visit } from "./harness/scripted.mjs";

const ISSUED = {
  checkout: "chk_1",
  setup_intent: "seti_1",
  client_secret: "seti_1_secret_1",
  publishable_key: "pk_test_1",
  status: "requires_payment_method",
  redirect_url: null,
  return_url: "https://api.example/confirm?checkout=chk_1",
};
const SUBSCRIPTION = { id: "sub_1", status: "active", plan: "stock-photos-monthly" };

let confirmations;
let stripeAnswer;

beforeEach(() => {
  confirmations = [];
  stripeAnswer = () => new Promise(() => {});
});

function perennial() {
  return perennialWith({
    confirmAmazonPaySetup: (secret, data) => {
      confirmations.push({ secret, data });
      return stripeAnswer();
    },
  });
}

test("a click asks for a client secret and confirms it with the shopper's consent", async () => {
  api.script = [{ status: 201, body: ISSUED }];
  perennial().startAmazonPay({ plan: "stock-photos-monthly", returnTo: "/account" });
  await turns();
  assert.deepEqual(api.calls, [
    {
      method: "POST",
      path: "/client-secret",
      body: { plan: "stock-photos-monthly", wallet: "amazon_pay", confirm: "client", return_to: "/account" },
      authorization: "Bearer token-1",
    },
  ]);
  assert.deepEqual(confirmations, [
    {
      secret: "seti_1_secret_1",
      data: {
        return_url: "https://api.example/confirm?checkout=chk_1",
        mandate_data: { customer_acceptance: { type: "online", online: { infer_from_client: true } } },
      },
    },
  ]);
});

test("a second click while the first is under way is the same call", async () => {
  api.script = [{ status: 201, body: ISSUED }];
  const shop = perennial();
  const first = shop.startAmazonPay({ plan: "stock-photos-monthly" });
  const second = shop.startAmazonPay({ plan: "stock-photos-monthly" });
  assert.equal(first, second);
  await turns();
  shop.startAmazonPay({ plan: "stock-photos-monthly" });
  await turns();
  assert.equal(api.calls.length, 1);
  assert.equal(confirmations.length, 1);
});

test("a click on another plan while one is under way is refused", async () => {
  api.script = [{ status: 201, body: ISSUED }];
  const shop = perennial();
  shop.startAmazonPay({ plan: "stock-photos-monthly" });
  await assert.rejects(shop.startAmazonPay({ plan: "stock-photos-trial" }), { code: "checkout_under_way" });
});

test("after a failure the shopper can click again", async () => {
  api.script = [new TypeError("offline"), { status: 201, body: ISSUED }];
  stripeAnswer = async () => ({ error: { type: "invalid_request_error", code: "amount_too_small", message: "No." } });
  const shop = perennial();
  await assert.rejects(shop.startAmazonPay({ plan: "p" }), { name: "PerennialError", code: "network", status: 0 });
  assert.deepEqual(await shop.startAmazonPay({ plan: "p" }), {
    state: "failed",
    checkout: "chk_1",
    reason: "amount_too_small",
    message: "No.",
    mayRetry: true,
  });
});

test("a click waits while another request holds the checkout", async () => {
  const busy = { status: 429, body: { error: { code: "busy", message: "Wait.", request_id: "r" } }, headers: { "retry-after": "2" } };
  api.script = [busy, busy, { status: 200, body: { ...ISSUED, redirect_url: "https://amazon.example/pay" } }];
  const outcome = perennial().startAmazonPay({ plan: "p", confirm: "server" });
  assert.equal(await settle(outcome), 4);
  assert.equal((await outcome).state, "redirecting");
});

test("a click does not wait for ever", async () => {
  api.script = [{ status: 429, body: { error: { code: "busy", message: "Wait.", request_id: "r" } }, headers: { "retry-after": "2" } }];
  const outcome = perennial().startAmazonPay({ plan: "p" });
  outcome.catch(() => {});
  assert.equal(await settle(outcome), 22);
  await assert.rejects(outcome, { code: "busy", status: 429, retryAfter: 2 });
});

test("who has a subscription gets it instead of a checkout", async () => {
  const error = { code: "already_subscribed", message: "You have it.", request_id: "req_1" };
  const manage = "https://api.example/manage?link=l";
  api.script = [{ status: 409, body: { error, subscription: SUBSCRIPTION, manage } }];
  const outcome = await perennial().startAmazonPay({ plan: "p" });
  assert.deepEqual(outcome, { state: "already_subscribed", subscription: SUBSCRIPTION, manage });
  assert.equal(confirmations.length, 0);
});

test("with confirmation by the server the page only follows the redirect", async () => {
  api.script = [{ status: 201, body: { ...ISSUED, redirect_url: "https://amazon.example/pay" } }];
  const outcome = await perennial().startAmazonPay({ plan: "p", confirm: "server" });
  assert.deepEqual(outcome, { state: "redirecting", checkout: "chk_1" });
  assert.equal(globalThis.location.href, "https://amazon.example/pay");
  assert.equal(api.calls[0].body.confirm, "server");
  assert.equal(confirmations.length, 0);
});

test("a wallet that is set up already leads to the subscription without another redirect", async () => {
  api.script = [{ status: 200, body: { ...ISSUED, status: "succeeded" } }, { status: 201, body: { subscription: SUBSCRIPTION } }];
  const outcome = await perennial().startAmazonPay({ plan: "p" });
  assert.deepEqual(outcome, { state: "subscribed", checkout: "chk_1", subscription: SUBSCRIPTION });
  assert.equal(confirmations.length, 0);
});

test("a click says which free trial was shown", async () => {
  for (const [trialDays, expected] of [[undefined, undefined], [0, 0], [14, 14]]) {
    api.script = [{ status: 201, body: ISSUED }];
    perennial().startAmazonPay({ plan: "p", trialDays });
    await turns();
    assert.equal(api.calls.at(-1).body.trial_days, expected);
  }
});

for (const confirm of [undefined, "client"]) {
  test(`without Stripe.js the server confirms, unless the page wants otherwise: ${confirm}`, async () => {
    api.script = [{ status: 201, body: ISSUED }, { status: 201, body: { ...ISSUED, checkout: "chk_2", redirect_url: "https://amazon.example/pay" } }];
    const shop = perennialWith(null);
    const outcome = shop.startAmazonPay({ plan: "p", returnTo: "/account", consent: "v7", confirm });
    if (confirm) return void (await assert.rejects(outcome, { code: "stripe_js_missing" }));
    assert.deepEqual(await outcome, { state: "redirecting", checkout: "chk_2" });
    assert.deepEqual(api.calls.map(({ body }) => body.confirm), ["client", "server"]);
    assert.deepEqual(api.calls[1].body, { ...api.calls[0].body, confirm: "server" });
    assert.equal(globalThis.location.href, "https://amazon.example/pay");
  });
}

test("a wallet that has agreed already is no failure when nobody can be reached", async () => {
  api.script = [{ status: 200, body: { ...ISSUED, status: "succeeded" } }, new TypeError("offline")];
  const outcome = perennial().startAmazonPay({ plan: "p" });
  await settle(outcome);
  assert.deepEqual(await outcome, { state: "pending", checkout: "chk_1", retryAfter: 2 });
});

test("the address of the API may end in a slash", async () => {
  api.script = [{ status: 200, body: { version: 1, plans: [] } }];
  await createPerennial({ apiBase: "https://api.example/", token: () => "t" }).plans();
  assert.equal(api.calls[0].path, "/plans");
});

test("while nobody is signed in the API is not asked", async () => {
  for (const token of [() => null, async () => undefined, () => ""]) {
    await assert.rejects(perennialWith({}, token).subscriptions(), { name: "PerennialError", code: "unauthorized", status: 401 });
  }
  assert.deepEqual(api.calls, []);
});

test("finishing tells pending and refused apart", async () => {
  api.script = [
    { status: 202, body: { checkout: "chk_1", status: "pending" }, headers: { "retry-after": "7" } },
    { status: 402, body: { error: { code: "payment_declined", message: "Refused.", request_id: "req_1" }, may_retry: true } },
    { status: 409, body: { error: { code: "already_subscribed", message: "Once.", request_id: "req_2" }, may_retry: false } },
  ];
  const shop = perennial();
  assert.deepEqual(await shop.finish("chk_1"), { state: "pending", checkout: "chk_1", retryAfter: 7 });
  assert.deepEqual(await shop.finish("chk_1"), {
    state: "failed",
    checkout: "chk_1",
    reason: "payment_declined",
    message: "Refused.",
    mayRetry: true,
  });
  assert.deepEqual(await shop.finish("chk_1"), {
    state: "failed",
    checkout: "chk_1",
    reason: "already_subscribed",
    message: "Once.",
    mayRetry: false,
  });
});

test("an answer without the envelope is still an error with a code", async () => {
  api.script = [{ status: 401, body: { message: "Unauthorized" } }, { status: 502, body: "<html>Bad gateway</html>" }];
  const shop = perennial();
  for (const [status, code] of [[401, "unauthorized"], [502, "unexpected_answer"]]) {
    const error = await shop.subscriptions().catch((reason) => reason);
    assert.ok(error instanceof PerennialError);
    assert.deepEqual([error.status, error.code], [status, code]);
  }
});

test("what is offered is asked for without a token", async () => {
  const offered = { version: 3, plans: [{ name: "quarterly", amount: 4500, currency: "usd", interval: "month", interval_count: 3, trial_days: 1 }] };
  api.script = [{ status: 200, body: offered }];
  assert.deepEqual(await perennial().plans(), offered);
  assert.deepEqual(api.calls, [{ method: "GET", path: "/plans", body: null, authorization: undefined }]);
  api.script = [{ status: 503, body: { error: { code: "catalog_unavailable", message: "Not yet.", request_id: "r1" } } }];
  await assert.rejects(perennial().plans(), { code: "catalog_unavailable", status: 503 });
});

test("intervals and trials are said as people say them", () => {
  const plan = { name: "p", group: "g", label: "P", amount: 4500, currency: "usd", interval: "month", interval_count: 1, trial_days: 14, wallets: [] };
  assert.equal(price(plan), "$45.00 every month");
  assert.equal(price({ ...plan, interval_count: 3 }), "$45.00 every 3 months");
  assert.equal(trialWord(plan), "14 days free");
  assert.equal(trialWord({ ...plan, trial_days: 1 }), "1 day free");
});
