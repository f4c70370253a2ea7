// The checkout module with a free trial that begins without a payment method.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, perennialWith, settle, turns } from "./harness/scripted.mjs";

const MINE = { id: "sub_1", status: "trialing" };
const begun = { status: 201, body: { subscription: MINE } };

test("a click begins the trial that was shown", async () => {
  api.script = [
    { status: 200, body: { plan: "p", trial_days: 14, quantity: 3, publishable_key: "pk_test_1", consent: { version: "v7", text: {} }, wallets: [] } },
    begun,
  ];
  const shop = perennialWith({});
  await shop.wallets("p", { quantity: 3 });
  assert.deepEqual(await shop.startTrial({ plan: "p" }), { state: "subscribed", checkout: "", subscription: MINE });
  const { method, path, body } = api.calls[1];
  assert.deepEqual([method, path], ["POST", "/subscriptions"]);
  assert.deepEqual(body, { plan: "p", without_payment_method: true, trial_days: 14, quantity: 3 });
});

test("two clicks are one", async () => {
  api.script = [begun];
  const shop = perennialWith({});
  const [one, other] = await Promise.all([shop.startTrial({ plan: "p", trialDays: 14 }), shop.startTrial({ plan: "p", trialDays: 14 })]);
  await turns();
  assert.deepEqual(one, other);
  assert.equal(api.calls.length, 1);
});

test("what Stripe has not answered yet is sent again", async () => {
  api.script = [{ status: 202, body: { checkout: "chk_1", status: "pending" } }, begun];
  const shop = perennialWith({});
  const outcome = shop.startTrial({ plan: "p" });
  await settle(outcome);
  assert.equal((await outcome).state, "subscribed");
  assert.deepEqual(api.calls[1].body, api.calls[0].body);
});

test("a refusal is an error or an outcome, by what it says", async () => {
  const refused = (code, more = {}) => ({ status: 409, body: { error: { code, message: "No.", request_id: "r" }, ...more } });
  api.script = [refused("already_subscribed", { subscription: MINE, manage: "https://shop.example/manage" }), refused("payment_method_on_file"), refused("expired", { may_retry: true })];
  const shop = perennialWith({});
  assert.equal((await shop.startTrial({ plan: "p" })).state, "already_subscribed");
  await assert.rejects(shop.startTrial({ plan: "p" }), { code: "payment_method_on_file" });
  const { state, reason, mayRetry } = await shop.startTrial({ plan: "p" });
  assert.deepEqual([state, reason, mayRetry], ["failed", "expired", true]);
});
