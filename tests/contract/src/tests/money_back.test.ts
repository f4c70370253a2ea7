/** Refunds and disputes, by the SDK. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type Stripe from "stripe";
import { approvedWallet, idOf, inSandbox, monthlyPrice, subscribe } from "../harness/journey.js";
import type { Sandbox } from "../harness/sandbox.js";

async function paid(sandbox: Sandbox, stripe: Stripe): Promise<{ intent: string; charge: string }> {
  const customer = await stripe.customers.create();
  const price = await monthlyPrice(stripe);
  const wallet = await approvedWallet(sandbox, stripe, customer.id);
  await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet });
  const [intent] = (await stripe.paymentIntents.list({ customer: customer.id })).data;
  assert.ok(intent);
  return { intent: intent.id, charge: idOf(intent.latest_charge) };
}

async function types(stripe: Stripe): Promise<string[]> {
  return (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);
}

test("a refund in two parts gives all of it back, and no more", () =>
  inSandbox(async (sandbox, stripe) => {
    const { intent, charge } = await paid(sandbox, stripe);
    const part = await stripe.refunds.create({ payment_intent: intent, amount: 500, reason: "requested_by_customer" });
    assert.deepEqual([part.status, part.amount], ["succeeded", 500]);
    await stripe.refunds.create({ charge });
    await assert.rejects(stripe.refunds.create({ charge }), { code: "charge_already_refunded" });
    const whole = await stripe.charges.retrieve(charge);
    assert.deepEqual([whole.refunded, whole.amount_refunded], [true, 1500]);
    assert.equal((await stripe.refunds.list({ charge })).data.length, 2);
    assert.equal((await stripe.refunds.retrieve(part.id)).id, part.id);
    assert.ok((await types(stripe)).includes("charge.refunded"));
  }));

test("a refund that is pending may come back", () =>
  inSandbox(async (sandbox, stripe) => {
    const { charge } = await paid(sandbox, stripe);
    await sandbox.control.account({ refunds: "pending" });
    const refund = await stripe.refunds.create({ charge });
    assert.equal(refund.status, "pending");
    await sandbox.control.settleRefund(refund.id, "fail");
    assert.equal((await stripe.refunds.retrieve(refund.id)).status, "failed");
    assert.ok((await types(stripe)).includes("refund.failed"));
  }));

for (const outcome of ["won", "lost"] as const) {
  test(`a dispute that is ${outcome} is of its type all along`, () =>
    inSandbox(async (sandbox, stripe) => {
      const { charge } = await paid(sandbox, stripe);
      const { id } = await sandbox.control.dispute(charge, "product_not_received");
      const open = await stripe.disputes.retrieve(id);
      assert.deepEqual([idOf(open.charge), open.amount, open.reason], [charge, 1500, "product_not_received"]);
      assert.equal((await stripe.charges.retrieve(charge)).disputed, true);
      await sandbox.control.decide(id, outcome);
      assert.equal((await stripe.disputes.retrieve(id)).status, outcome);
      const seen = await types(stripe);
      assert.deepEqual(["charge.dispute.created", "charge.dispute.closed"].filter((type) => !seen.includes(type)), []);
    }));
}
