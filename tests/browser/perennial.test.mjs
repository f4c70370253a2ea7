// The checkout module alone, against a scripted API and a clock that the test moves.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { createPerennial, PerennialError } from "../../web/perennial.js";

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

/** @type {{ method: string, path: string, body: any, authorization: string }[]} */
let calls;
let script;
let confirmations;
let stripeAnswer;

beforeEach(() => {
  calls = [];
  script = [];
  confirmations = [];
  stripeAnswer = () => new Promise(() => {});
  mock.method(globalThis, "fetch", async (address, { method, headers, body }) => {
    calls.push({ method, path: address.replace("https://api.example", ""), body: body && JSON.parse(body), authorization: headers.authorization });
    const step = script.length > 1 ? script.shift() : script[0];
    if (step instanceof Error) throw step;
    const { status, body: answer, headers: more } = step;
    return new Response(typeof answer === "string" ? answer : JSON.stringify(answer), { status, headers: more });
  });
  visit("https://shop.example/account");
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

function visit(address) {
  globalThis.location = { href: address, assign: (to) => visit(to) };
  globalThis.history = { state: null, replaceState: (_state, _title, to) => visit(String(to)) };
}

function perennial() {
  return createPerennial({
    apiBase: "https://api.example",
    token: () => "token-1",
    stripe: () => ({
      confirmAmazonPaySetup: (secret, data) => {
        confirmations.push({ secret, data });
        return stripeAnswer();
      },
    }),
  });
}

/** Lets the code under test run until it waits, then moves the clock on; answers with the seconds it took. */
async function settle(promise) {
  let settled = false;
  const mark = () => (settled = true);
  promise.then(mark, mark);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (let second = 0; second < 300; second += 1) {
    for (let turns = 0; turns < 20 && !settled; turns += 1) await turn();
    if (settled) return second;
    mock.timers.tick(1000);
  }
  assert.fail("It never ended.");
}

async function turns() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test("a click asks for a client secret and confirms it with the shopper's consent", async () => {
  script = [{ status: 201, body: ISSUED }];
  perennial().startAmazonPay({ plan: "stock-photos-monthly", returnTo: "/account" });
  await turns();
  assert.deepEqual(calls, [
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
  script = [{ status: 201, body: ISSUED }];
  const shop = perennial();
  const first = shop.startAmazonPay({ plan: "stock-photos-monthly" });
  const second = shop.startAmazonPay({ plan: "stock-photos-monthly" });
  assert.equal(first, second);
  await turns();
  shop.startAmazonPay({ plan: "stock-photos-monthly" });
  await turns();
  assert.equal(calls.length, 1);
  assert.equal(confirmations.length, 1);
});

test("a click on another plan while one is under way is refused", async () => {
  script = [{ status: 201, body: ISSUED }];
  const shop = perennial();
  shop.startAmazonPay({ plan: "stock-photos-monthly" });
  await assert.rejects(shop.startAmazonPay({ plan: "stock-photos-trial" }), { code: "checkout_under_way" });
});

test("after a failure the shopper can click again", async () => {
  script = [new TypeError("offline"), { status: 201, body: ISSUED }];
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
  const busy = { status: 503, body: { error: { code: "busy", message: "Wait.", request_id: "r" } }, headers: { "retry-after": "2" } };
  script = [busy, busy, { status: 200, body: { ...ISSUED, redirect_url: "https://amazon.example/pay" } }];
  const outcome = perennial().startAmazonPay({ plan: "p", confirm: "server" });
  assert.equal(await settle(outcome), 4);
  assert.equal((await outcome).state, "redirecting");
});

test("a click does not wait for ever", async () => {
  script = [{ status: 503, body: { error: { code: "busy", message: "Wait.", request_id: "r" } }, headers: { "retry-after": "2" } }];
  const outcome = perennial().startAmazonPay({ plan: "p" });
  outcome.catch(() => {});
  assert.equal(await settle(outcome), 22);
  await assert.rejects(outcome, { code: "busy", status: 503, retryAfter: 2 });
});

test("who has a subscription gets it instead of a checkout", async () => {
  const error = { code: "already_subscribed", message: "You have it.", request_id: "req_1" };
  script = [{ status: 409, body: { error, subscription: SUBSCRIPTION } }];
  const outcome = await perennial().startAmazonPay({ plan: "p" });
  assert.deepEqual(outcome, { state: "already_subscribed", subscription: SUBSCRIPTION });
  assert.equal(confirmations.length, 0);
});

test("with confirmation by the server the page only follows the redirect", async () => {
  script = [{ status: 201, body: { ...ISSUED, redirect_url: "https://amazon.example/pay" } }];
  const outcome = await perennial().startAmazonPay({ plan: "p", confirm: "server" });
  assert.deepEqual(outcome, { state: "redirecting", checkout: "chk_1" });
  assert.equal(globalThis.location.href, "https://amazon.example/pay");
  assert.equal(calls[0].body.confirm, "server");
  assert.equal(confirmations.length, 0);
});

test("a wallet that is set up already leads to the subscription without another redirect", async () => {
  script = [{ status: 200, body: { ...ISSUED, status: "succeeded" } }, { status: 201, body: { subscription: SUBSCRIPTION } }];
  const outcome = await perennial().startAmazonPay({ plan: "p" });
  assert.deepEqual(outcome, { state: "subscribed", checkout: "chk_1", subscription: SUBSCRIPTION });
  assert.equal(confirmations.length, 0);
});

test("an ordinary visit is not a return", async () => {
  assert.equal(await perennial().resumeReturn(), null);
  assert.equal(calls.length, 0);
});

test("a return asks the API, whatever the address claims, and leaves the address clean", async () => {
  visit("https://shop.example/account?tab=plans&checkout=chk_1&status=subscribed&reason=#top");
  script = [{ status: 200, body: { checkout: "chk_1", status: "failed", reason: "wallet_declined", may_retry: true } }];
  const outcome = await perennial().resumeReturn();
  assert.deepEqual(outcome, { state: "failed", checkout: "chk_1", reason: "wallet_declined", message: null, mayRetry: true });
  assert.equal(calls[0].path, "/checkouts/chk_1");
  assert.equal(globalThis.location.href, "https://shop.example/account?tab=plans#top");
});

test("a return that is pending finishes the checkout itself", async () => {
  visit("https://shop.example/?checkout=chk_1&status=pending");
  script = [{ status: 201, body: { subscription: SUBSCRIPTION } }];
  const outcome = await perennial().resumeReturn();
  assert.equal(outcome?.state, "subscribed");
  assert.deepEqual(calls.map(({ method, path }) => `${method} ${path}`), ["POST /subscriptions"]);
});

test("polling waits as long as the API says", async () => {
  const pending = { checkout: "chk_1", status: "pending", retry_after: 5 };
  script = [
    { status: 200, body: pending },
    { status: 200, body: pending },
    { status: 200, body: { checkout: "chk_1", status: "subscribed", subscription: SUBSCRIPTION } },
  ];
  const outcome = perennial().pollCheckout("chk_1");
  assert.equal(await settle(outcome), 10);
  assert.equal((await outcome).state, "subscribed");
  assert.equal(calls.length, 3);
});

test("polling gives up with the last answer", async () => {
  script = [{ status: 200, body: { checkout: "chk_1", status: "pending", retry_after: 4 } }];
  const outcome = perennial().pollCheckout("chk_1", { giveUpAfter: 10_000 });
  await settle(outcome);
  assert.deepEqual(await outcome, { state: "pending", checkout: "chk_1", retryAfter: 4 });
  assert.equal(calls.length, 3);
});

test("polling outlives a lost connection and a Stripe that is busy", async () => {
  const busy = { error: { code: "stripe_unavailable", message: "Later.", request_id: "req_1" } };
  script = [
    new TypeError("offline"),
    { status: 503, body: busy, headers: { "retry-after": "3" } },
    { status: 200, body: { checkout: "chk_1", status: "subscribed", subscription: SUBSCRIPTION } },
  ];
  const outcome = perennial().pollCheckout("chk_1");
  assert.equal(await settle(outcome), 5);
  assert.equal((await outcome).state, "subscribed");
});

test("polling that reaches nobody leaves the checkout pending", async () => {
  script = [new TypeError("offline")];
  const outcome = perennial().pollCheckout("chk_1", { giveUpAfter: 10_000 });
  await settle(outcome);
  assert.equal((await outcome).state, "pending");
  assert.equal(calls.length, 6);
});

test("polling ends at once when the checkout is not the shopper's", async () => {
  script = [{ status: 404, body: { error: { code: "checkout_not_found", message: "There is none.", request_id: "req_9" } } }];
  await assert.rejects(perennial().pollCheckout("chk_2"), {
    code: "checkout_not_found",
    message: "There is none.",
    status: 404,
    requestId: "req_9",
  });
  assert.equal(calls.length, 1);
});

test("polling stops when the page no longer wants it", async () => {
  script = [{ status: 200, body: { checkout: "chk_1", status: "pending", retry_after: 4 } }];
  const controller = new AbortController();
  const outcome = perennial().pollCheckout("chk_1", { signal: controller.signal });
  await turns();
  controller.abort();
  assert.equal((await outcome).state, "pending");
  assert.equal(calls.length, 1);
});

test("finishing tells pending and refused apart", async () => {
  script = [
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
  script = [{ status: 401, body: { message: "Unauthorized" } }, { status: 502, body: "<html>Bad gateway</html>" }];
  const shop = perennial();
  for (const [status, code] of [[401, "unauthorized"], [502, "unexpected_answer"]]) {
    const error = await shop.subscriptions().catch((reason) => reason);
    assert.ok(error instanceof PerennialError);
    assert.deepEqual([error.status, error.code], [status, code]);
  }
});
