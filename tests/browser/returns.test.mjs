// The way back from a wallet: what the module makes of the address, and how long it asks. Against a scripted API and a clock that the test moves.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { takeAuthorizeLink, takeLinkProblem } from "../../web/perennial.js";
import { api, perennialWith, settle, turns, visit } from "./harness/scripted.mjs";

const SUBSCRIPTION = { id: "sub_1", status: "active", plan: "stock-photos-monthly" };
const SUBSCRIBED = { status: 200, body: { checkout: "chk_1", status: "subscribed", subscription: SUBSCRIPTION } };
const PENDING = { status: 200, body: { checkout: "chk_1", status: "pending", retry_after: 2 } };
const UNAUTHORIZED = { status: 401, body: { message: "Unauthorized" } };
const SOMEBODY_ELSES = { status: 404, body: { error: { code: "unknown_checkout", message: "There is no such checkout of this user.", request_id: "r" } } };
const RETURN = "https://shop.example/account?checkout=chk_1&status=subscribed";
const CLEAN = "https://shop.example/account";

const perennial = (token) => perennialWith({}, token);

test("an ordinary visit is not a return", async () => {
  assert.equal(await perennial().resumeReturn(), null);
  assert.equal(api.calls.length, 0);
});

test("a return asks the API, whatever the address claims, and leaves the address clean", async () => {
  visit("https://shop.example/account?tab=plans&checkout=chk_1&status=subscribed&reason=#top");
  api.script = [{ status: 200, body: { checkout: "chk_1", status: "failed", reason: "wallet_declined", may_retry: true } }];
  const outcome = await perennial().resumeReturn();
  assert.deepEqual(outcome, { state: "failed", checkout: "chk_1", reason: "wallet_declined", message: null, mayRetry: true });
  assert.equal(api.calls[0].path, "/checkouts/chk_1");
  assert.equal(globalThis.location.href, "https://shop.example/account?tab=plans#top");
});

test("a return to a page with parameters of the same names is told by the last ones", async () => {
  visit("https://shop.example/orders?checkout=cart-7&%73tatus=open&checkout=chk_1&status=failed&x=1");
  api.script = [{ status: 200, body: { checkout: "chk_1", status: "failed", reason: "expired", may_retry: true } }];
  const outcome = await perennial().resumeReturn();
  assert.equal(outcome?.checkout, "chk_1");
  assert.equal(api.calls[0].path, "/checkouts/chk_1");
  assert.equal(globalThis.location.href, "https://shop.example/orders?x=1");
});

test("a return that led to no checkout says so, and asks nothing", async () => {
  visit("https://shop.example/account?status=failed&reason=unknown_checkout");
  const outcome = await perennial().resumeReturn();
  assert.deepEqual(outcome, { state: "failed", checkout: "", reason: "unknown_checkout", message: null, mayRetry: false });
  assert.equal(globalThis.location.href, "https://shop.example/account");
  assert.equal(api.calls.length, 0);
});

test("a status of the page's own is left alone", async () => {
  visit("https://shop.example/orders?status=failed&reason=out-of-stock");
  assert.equal(await perennial().resumeReturn(), null);
  assert.equal(globalThis.location.href, "https://shop.example/orders?status=failed&reason=out-of-stock");
});

test("a return that is pending finishes the checkout itself", async () => {
  visit("https://shop.example/?checkout=chk_1&status=pending");
  api.script = [{ status: 201, body: { subscription: SUBSCRIPTION } }];
  const outcome = await perennial().resumeReturn();
  assert.equal(outcome?.state, "subscribed");
  assert.deepEqual(api.calls.map(({ method, path }) => `${method} ${path}`), ["POST /subscriptions"]);
});

test("polling waits as long as the API says", async () => {
  const pending = { checkout: "chk_1", status: "pending", retry_after: 5 };
  api.script = [
    { status: 200, body: pending },
    { status: 200, body: pending },
    { status: 200, body: { checkout: "chk_1", status: "subscribed", subscription: SUBSCRIPTION } },
  ];
  const outcome = perennial().pollCheckout("chk_1");
  assert.equal(await settle(outcome), 10);
  assert.equal((await outcome).state, "subscribed");
  assert.equal(api.calls.length, 3);
});

test("polling gives up with the last answer", async () => {
  api.script = [{ status: 200, body: { checkout: "chk_1", status: "pending", retry_after: 4 } }];
  const outcome = perennial().pollCheckout("chk_1", { giveUpAfter: 10_000 });
  await settle(outcome);
  assert.deepEqual(await outcome, { state: "pending", checkout: "chk_1", retryAfter: 4 });
  assert.equal(api.calls.length, 3);
});

test("polling outlives a lost connection and a Stripe that is busy", async () => {
  const busy = { error: { code: "stripe_unavailable", message: "Later.", request_id: "req_1" } };
  api.script = [
    new TypeError("offline"),
    { status: 503, body: busy, headers: { "retry-after": "3" } },
    { status: 200, body: { checkout: "chk_1", status: "subscribed", subscription: SUBSCRIPTION } },
  ];
  const outcome = perennial().pollCheckout("chk_1");
  assert.equal(await settle(outcome), 5);
  assert.equal((await outcome).state, "subscribed");
});

test("polling that reaches nobody leaves the checkout pending", async () => {
  api.script = [new TypeError("offline")];
  const outcome = perennial().pollCheckout("chk_1", { giveUpAfter: 10_000 });
  await settle(outcome);
  assert.equal((await outcome).state, "pending");
  assert.equal(api.calls.length, 6);
});

test("polling ends at once when the checkout is not the shopper's", async () => {
  api.script = [{ status: 404, body: { error: { code: "checkout_not_found", message: "There is none.", request_id: "req_9" } } }];
  await assert.rejects(perennial().pollCheckout("chk_2"), {
    code: "checkout_not_found",
    message: "There is none.",
    status: 404,
    requestId: "req_9",
  });
  assert.equal(api.calls.length, 1);
});

test("polling stops when the page no longer wants it", async () => {
  api.script = [{ status: 200, body: { checkout: "chk_1", status: "pending", retry_after: 4 } }];
  const controller = new AbortController();
  const outcome = perennial().pollCheckout("chk_1", { signal: controller.signal });
  await turns();
  controller.abort();
  assert.equal((await outcome).state, "pending");
  assert.equal(api.calls.length, 1);
});

test("all who ask on the page of a return get the one outcome", async () => {
  visit(RETURN);
  api.script = [SUBSCRIBED];
  const shop = perennial();
  const first = shop.resumeReturn();
  // React's StrictMode runs each effect twice, and a promise that a component waits for has to stay the same.
  assert.equal(shop.resumeReturn(), first);
  assert.equal((await first).state, "subscribed");
  assert.equal(shop.resumeReturn(), first);
  assert.equal(api.calls.length, 1);
  assert.equal(globalThis.location.href, CLEAN);
});

test("who stops waiting takes the outcome from nobody", async () => {
  visit(RETURN);
  api.script = [PENDING, PENDING, SUBSCRIBED];
  const shop = perennial();
  const gone = new AbortController();
  const first = shop.resumeReturn({ signal: gone.signal });
  const second = shop.resumeReturn({ signal: new AbortController().signal });
  await turns();
  gone.abort();
  assert.equal((await first).state, "pending");
  assert.equal(globalThis.location.href, RETURN, "nothing is decided yet");
  await settle(second);
  assert.equal((await second).state, "subscribed");
  assert.equal(globalThis.location.href, CLEAN);
  assert.equal((await shop.resumeReturn()).state, "subscribed");
});

for (const [what, answers, code] of [
  ["who is not signed in", [UNAUTHORIZED], "unauthorized"],
  ["another user", [SOMEBODY_ELSES], "unknown_checkout"],
]) {
  for (const status of ["subscribed", "pending", "failed"]) {
    test(`${what} is asked to sign in as who ordered (${status}), and then gets the outcome`, async () => {
      visit(`https://shop.example/account?checkout=chk_1&status=${status}`);
      api.script = answers;
      const shop = perennial();
      assert.deepEqual(await shop.resumeReturn(), { state: "sign_in", checkout: "chk_1", status, code });
      assert.ok(globalThis.location.href.includes("checkout=chk_1"), "the return is kept");
      api.script = [SUBSCRIBED];
      assert.equal((await shop.resumeReturn()).state, "subscribed");
      assert.equal(globalThis.location.href, CLEAN);
    });
  }
}

test("a return without anybody signed in asks nothing, and is kept for who signs in", async () => {
  visit(RETURN);
  api.script = [SUBSCRIBED];
  let token = null;
  const shop = perennial(() => token);
  assert.equal((await shop.resumeReturn()).state, "sign_in");
  assert.equal(api.calls.length, 0);
  token = "alice";
  assert.equal((await shop.resumeReturn()).state, "subscribed");
});

test("a return that could not be asked about is kept", async () => {
  visit(RETURN);
  api.script = [{ status: 400, body: { error: { code: "invalid_field", message: "No.", request_id: "r" } } }];
  const shop = perennial();
  await assert.rejects(shop.resumeReturn(), { code: "invalid_field" });
  assert.equal(globalThis.location.href, RETURN);
  api.script = [SUBSCRIBED];
  assert.equal((await shop.resumeReturn()).state, "subscribed");
});

test("the outcome of a return is not told to the next shopper, nor after the next checkout", async () => {
  let token = "alice";
  const shop = perennial(() => token);
  const comeBack = async () => {
    visit(RETURN);
    api.script = [SUBSCRIBED];
    assert.equal((await shop.resumeReturn()).state, "subscribed");
  };
  await comeBack();
  token = "bob";
  api.script = [{ status: 200, body: { subscriptions: [], grants: [], entitlements: {} } }];
  await shop.subscriptions();
  assert.equal(await shop.resumeReturn(), null);
  await comeBack();
  api.script = [{ status: 503, body: { error: { code: "stripe_unavailable", message: "Later.", request_id: "r" } } }];
  await assert.rejects(shop.startAmazonPay({ plan: "p" }));
  assert.equal(await shop.resumeReturn(), null);
});

test("a shopper who goes on without waiting is not asked about again", async () => {
  visit(RETURN);
  api.script = [SOMEBODY_ELSES];
  const shop = perennial();
  await shop.resumeReturn();
  shop.dismissReturn();
  assert.equal(globalThis.location.href, CLEAN);
  assert.equal(await shop.resumeReturn(), null);
});

test("an end that this page does not know is nothing to pay for", async () => {
  for (const [body, reason, mayRetry] of [
    [{ status: "failed", reason: "ended_after_payment", may_retry: false }, "ended_after_payment", false],
    [{ status: "ended", reason: null, may_retry: false }, "ended", false],
    [{ status: "ended_otherwise" }, "ended_otherwise", false],
    [{ status: "failed", reason: "wallet_asleep", may_retry: true }, "wallet_asleep", true],
  ]) {
    api.script = [{ status: 200, body: { checkout: "chk_1", ...body } }];
    const outcome = await perennial().pollCheckout("chk_1");
    assert.deepEqual([outcome.state, outcome.reason, outcome.mayRetry], ["failed", reason, mayRetry]);
  }
});

test("a subscription that has ended since comes along", async () => {
  const subscription = { ...SUBSCRIPTION, status: "canceled" };
  const reason = "ended_after_payment";
  const expected = { state: "failed", checkout: "chk_1", reason, mayRetry: false, subscription };
  api.script = [{ status: 200, body: { checkout: "chk_1", status: "failed", reason, may_retry: false, retry_after: null, subscription } }];
  assert.deepEqual(await perennial().pollCheckout("chk_1"), { ...expected, message: null });
  api.script = [{ status: 409, body: { error: { code: reason, message: "Over.", request_id: "r" }, may_retry: false, subscription } }];
  assert.deepEqual(await perennial().finish("chk_1"), { ...expected, message: "Over." });
});

test("polling without end asks ever more rarely, down to once a minute", async () => {
  api.script = [PENDING];
  const stop = new AbortController();
  const outcome = perennial().pollCheckout("chk_1", { giveUpAfter: Infinity, signal: stop.signal });
  const asked = [];
  for (let minute = 0; minute < 20; minute += 1) {
    const before = api.calls.length;
    for (let second = 0; second < 60; second += 1) {
      mock.timers.tick(1000);
      await turns();
    }
    asked.push(api.calls.length - before);
  }
  assert.ok(asked[0] >= 10 && asked[1] < asked[0], asked.join());
  assert.deepEqual(asked.slice(-5).map((times) => times >= 1 && times <= 2), Array(5).fill(true), asked.join());
  stop.abort();
  assert.equal((await outcome).state, "pending");
});

test("polling asks at once when the page is looked at again", async () => {
  const looks = new EventTarget();
  globalThis.document = Object.assign(looks, { visibilityState: "hidden" });
  try {
    api.script = [PENDING, SUBSCRIBED];
    const outcome = perennial().pollCheckout("chk_1");
    await turns();
    looks.dispatchEvent(new Event("visibilitychange"));
    await turns();
    assert.equal(api.calls.length, 1, "the page was only left");
    looks.visibilityState = "visible";
    looks.dispatchEvent(new Event("visibilitychange"));
    assert.equal((await outcome).state, "subscribed");
  } finally {
    delete globalThis.document;
  }
});

test("a link that opened nothing says why, once", () => {
  for (const [given, expected] of [["expired", "expired"], ["unavailable", "unavailable"], ["of-a-later-version", "unavailable"]]) {
    visit(`https://shop.example/?tab=1&perennial_link=${given}#top`);
    assert.equal(takeLinkProblem(), expected);
    assert.equal(globalThis.location.href, "https://shop.example/?tab=1#top");
    assert.equal(takeLinkProblem(), null);
  }
});

test("on a server the module does nothing, and fails at nothing", async () => {
  delete globalThis.location;
  delete globalThis.history;
  assert.equal(takeAuthorizeLink(), null);
  assert.equal(takeLinkProblem(), null);
  const shop = perennial();
  assert.equal(await shop.resumeReturn(), null);
  shop.dismissReturn();
  assert.equal(api.calls.length, 0);
});
