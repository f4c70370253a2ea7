/** Steps that several journeys take. */

import assert from "node:assert/strict";
import type Stripe from "stripe";
import { judge } from "../referee/referee.js";
import { typeOfObject } from "../referee/operations.js";
import { Sandbox } from "./sandbox.js";

export const RETURN_URL = "https://shop.example/confirm?checkout=chk_1";

/**
 * Gives a journey a sandbox of its own. At the end, every answer on its way and every object and event that is left is
 * held against Stripe's types.
 */
export async function inSandbox(journey: (sandbox: Sandbox, stripe: Stripe) => Promise<void>): Promise<void> {
  const sandbox = await Sandbox.start();
  try {
    await journey(sandbox, sandbox.stripe);
    sandbox.recorder.assertTyped();
    const objects = await sandbox.control.objects();
    assert.deepEqual(judge(objects.map((value) => ({ what: `${value.object} ${value.id}`, type: typeOfObject(value), value }))), []);
  } finally {
    await sandbox.program.stop();
  }
}

/** A plan at 15 USD a month. */
export async function monthlyPrice(stripe: Stripe): Promise<Stripe.Price> {
  const product = await stripe.products.create({ name: "Stock photos" });
  return stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 1500, recurring: { interval: "month" }, lookup_key: "stock-photos-monthly" });
}

/** A SetupIntent on its way to Amazon's page. */
export async function awayToAmazon(stripe: Stripe, customer: string): Promise<Stripe.SetupIntent> {
  const away = await stripe.setupIntents.create({
    customer,
    usage: "off_session",
    allowed_payment_method_types: ["amazon_pay"],
    payment_method_data: { type: "amazon_pay" },
    confirm: true,
    return_url: RETURN_URL,
    mandate_data: { customer_acceptance: { type: "online", online: { ip_address: "203.0.113.7", user_agent: "Mozilla/5.0" } } },
  });
  assert.equal(away.status, "requires_action");
  return away;
}

/** The wallet that a shopper approved, ready to be charged without them. */
export async function approvedWallet({ control }: Sandbox, stripe: Stripe, customer: string): Promise<string> {
  const away = await awayToAmazon(stripe, customer);
  await control.choose(away.id, "approve");
  const { payment_method } = await stripe.setupIntents.retrieve(away.id);
  return idOf(payment_method);
}

/** A subscription as Perennial asks for it. */
export function subscribe(
  stripe: Stripe,
  subscription: { customer: string; price: string; default_payment_method: string } & Stripe.SubscriptionCreateParams,
  options: Stripe.RequestOptions = {},
): Promise<Stripe.Response<Stripe.Subscription>> {
  const { price, ...others } = subscription;
  return stripe.subscriptions.create(
    { items: [{ price }], off_session: true, payment_behavior: "error_if_incomplete", billing_mode: { type: "flexible" }, ...others },
    options,
  );
}

/** The id of what may be expanded. */
export function idOf(reference: string | { id: string } | null | undefined): string {
  assert.ok(reference, "nothing is referred to");
  return typeof reference === "string" ? reference : reference.id;
}

/** The object that was asked to be expanded. */
export function expanded<Item extends { id: string }>(reference: string | Item | null | undefined): Item {
  assert.ok(typeof reference === "object" && reference !== null, `not expanded: ${reference}`);
  return reference;
}

/** Asks until there is an answer, or half a minute is over. */
export async function until<Answer>(what: string, ask: () => Promise<Answer | undefined | false>): Promise<Answer> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`It did not come to this: ${what}`);
}
