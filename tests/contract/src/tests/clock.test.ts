/** Renewals, by the SDK and a test clock. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type Stripe from "stripe";
import { approvedWallet, idOf, inSandbox, monthlyPrice, subscribe, until } from "../harness/journey.js";
import type { Sandbox } from "../harness/sandbox.js";

const START = Date.UTC(2026, 10, 24, 12) / 1000;
const HOUR = 3600;
const DAY = 24 * HOUR;

async function subscribedUnderClock(
  sandbox: Sandbox,
  stripe: Stripe,
  more: Stripe.SubscriptionCreateParams = {},
): Promise<{ clock: string; subscription: Stripe.Subscription; wallet: string }> {
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: START, name: "Renewals" });
  const customer = await stripe.customers.create({ test_clock: clock.id });
  const price = await monthlyPrice(stripe);
  const wallet = await approvedWallet(sandbox, stripe, customer.id);
  const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet, ...more });
  return { clock: clock.id, subscription, wallet };
}

async function advance(stripe: Stripe, clock: string, to: number): Promise<void> {
  await stripe.testHelpers.testClocks.advance(clock, { frozen_time: to });
  await until("the clock is ready", async () => (await stripe.testHelpers.testClocks.retrieve(clock)).status === "ready");
}

test("a month later the subscription is renewed and paid again", () =>
  inSandbox(async (sandbox, stripe) => {
    const { clock, subscription } = await subscribedUnderClock(sandbox, stripe);
    const first = subscription.items.data[0];
    assert.equal(first?.current_period_start, START);
    await advance(stripe, clock, first.current_period_end + 2 * HOUR);

    const renewed = await stripe.subscriptions.retrieve(subscription.id);
    assert.equal(renewed.status, "active");
    assert.equal(renewed.items.data[0]?.current_period_start, first.current_period_end);
    const invoices = await stripe.invoices.list({ subscription: subscription.id });
    assert.deepEqual(
      invoices.data.map(({ billing_reason, status, amount_paid }) => [billing_reason, status, amount_paid]),
      [["subscription_cycle", "paid", 1500], ["subscription_create", "paid", 1500]],
    );
    assert.equal((await stripe.testHelpers.testClocks.list()).data.length, 1);
    const types = (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);
    assert.ok(types.includes("test_helpers.test_clock.ready"));
    assert.equal((await stripe.testHelpers.testClocks.del(clock)).deleted, true);
  }));

test("a trial ends in a first payment, and is announced before", () =>
  inSandbox(async (sandbox, stripe) => {
    const { clock, subscription } = await subscribedUnderClock(sandbox, stripe, { trial_period_days: 14 });
    assert.equal(subscription.trial_end, START + 14 * DAY);
    await advance(stripe, clock, START + 14 * DAY + 2 * HOUR);
    assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "active");
    const types = (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);
    assert.ok(types.includes("customer.subscription.trial_will_end"));
    assert.equal((await stripe.invoices.list({ subscription: subscription.id, status: "paid" })).data.length, 2);
  }));

test("a renewal that is declined leaves the subscription past due until it is paid", () =>
  inSandbox(async (sandbox, stripe) => {
    const { clock, subscription, wallet } = await subscribedUnderClock(sandbox, stripe);
    await sandbox.control.behave(wallet, "decline");
    await advance(stripe, clock, (subscription.items.data[0]?.current_period_end ?? 0) + 2 * HOUR);
    const late = await stripe.subscriptions.retrieve(subscription.id);
    assert.equal(late.status, "past_due");
    const open = await stripe.invoices.retrieve(idOf(late.latest_invoice), { expand: ["payments"] });
    assert.deepEqual([open.status, open.attempt_count], ["open", 1]);
    const types = (await stripe.events.list({ limit: 100 })).data.map(({ type }) => type);
    assert.deepEqual(["invoice.payment_failed", "charge.failed", "payment_intent.payment_failed"].filter((type) => !types.some((each) => each === type)), []);

    await sandbox.control.behave(wallet, "succeed");
    assert.equal((await stripe.invoices.pay(open.id)).status, "paid");
    assert.equal((await stripe.subscriptions.retrieve(subscription.id)).status, "active");
  }));
