// The checkout module with the taxes of an address.

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, perennialWith } from "./harness/scripted.mjs";

const TAX = { due_now: 1785, amount: 1785, tax_amount: 285, behavior: "exclusive", currency: "usd" };
const HERE = { country: "DE", postal_code: "10115" };
const OFFERED = {
  status: 200,
  body: { plan: "p", trial_days: 0, publishable_key: "pk_test_1", consent: { version: "v7", text: {} }, tax: TAX, wallets: [] },
};

test("an address goes in a body, alone or with a code, and is asked for once", async () => {
  api.script = [OFFERED];
  const shop = perennialWith({});
  assert.deepEqual((await shop.wallets("p", { billingAddress: HERE })).tax, TAX);
  await shop.wallets("p", { billingAddress: { ...HERE } });
  await shop.wallets("p", { billingAddress: { country: "FR" }, code: "SPRING", quantity: 2 });
  await shop.wallets("p");
  assert.deepEqual(
    api.calls.map(({ method, path, body }) => [method, path, body]),
    [
      ["POST", "/wallets", { plan: "p", billing_address: HERE }],
      ["POST", "/wallets", { plan: "p", code: "SPRING", billing_address: { country: "FR" }, quantity: 2 }],
      ["GET", "/wallets?plan=p", null],
    ],
  );
});

test("a click says where the shopper is and what they were shown, and an outdated one is asked for again", async () => {
  const outdated = { status: 409, body: { error: { code: "tax_outdated", message: "No.", request_id: "r" } } };
  api.script = [OFFERED, outdated, OFFERED];
  const shop = perennialWith({});
  const { tax } = await shop.wallets("p", { billingAddress: HERE });
  const click = shop.startWallet({ plan: "p", wallet: "amazon_pay", tax, billingAddress: HERE });
  await assert.rejects(click, { code: "tax_outdated", status: 409 });
  const { body } = api.calls[1];
  assert.deepEqual([body.tax, body.billing_address], [{ amount: 1785 }, HERE]);
  await shop.wallets("p", { billingAddress: HERE });
  assert.equal(api.calls.length, 3);
});
