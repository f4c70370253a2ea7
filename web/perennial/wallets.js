// @ts-check
/** `GET /wallets`, or `POST /wallets` with a promotion code or an address: which wallets a plan may be paid with, and the options of Stripe.js for each. */

import { expectSuccess } from "./api.js";

/** @import { StripeExpressCheckoutElementOptions } from "@stripe/stripe-js" */
/** @import { Discount, Tax, Wallets } from "./answers.d.ts" */
/** @import { Call, Token } from "./api.js" */

// The answer holds dates and a signed link, so a page that stays open for long asks again.
const FRESH_FOR_MS = 300_000;

/** @typedef {{ country: string, postal_code?: string | null }} BillingAddress Where the shopper is: the country in two upper-case letters, and the postal code. */
/** @typedef {{ trialDays: number, quantity: number | undefined, addons: Record<string, number> | undefined }} Shown What a page was told of a plan. */

/**
 * @param {Call} call
 * @param {Token} token
 */
export function walletsOf(call, token) {
  /** @type {Map<string, { until: number, answer: Promise<Wallets> }>} */
  const known = new Map();
  /** @type {Map<string, Shown>} */
  const shown = new Map();

  /**
   * Which wallets the plan may be paid with, and why not, with what so many of it cost. Asked once, and again
   * after five minutes or when the shopper changes. With a promotion code that the shopper has typed in, the
   * answer has its `discount`, and the texts and options are those of the discounted amounts; one that is not
   * taken throws a `PerennialError` whose `code` says why. With an address, the answer for a plan with taxes has
   * `tax`, and all amounts are with those of that place.
   *
   * @param {string} plan
   * @param {{ quantity?: number | undefined, addons?: Record<string, number> | undefined, code?: string | undefined, billingAddress?: BillingAddress | undefined }} [options]
   *   The least that is sold without `quantity`, and no add-on without `addons`, which says how many of each by its name.
   * @returns {Promise<Wallets>}
   */
  async function wallets(plan, { quantity, addons, code, billingAddress } = {}) {
    const key = JSON.stringify([plan, quantity, addons, code, billingAddress, await token()]);
    const kept = known.get(key);
    if (kept && kept.until > Date.now()) return kept.answer;
    forgetWallets();
    const many = quantity === undefined ? "" : `&quantity=${quantity}`;
    const beside = Object.entries(addons ?? {}).map(([name, number]) => `${name}:${number}`);
    const extra = beside.length === 0 ? "" : `&addons=${encodeURIComponent(beside.join(","))}`;
    const typed = { ...(code ? { code } : {}), ...(billingAddress ? { billing_address: billingAddress } : {}) };
    const asked = Object.keys(typed).length > 0
      ? call("POST", "/wallets", { body: { plan, ...typed, ...(quantity === undefined ? {} : { quantity }), ...(addons ? { addons } : {}) } })
      : call("GET", `/wallets?plan=${encodeURIComponent(plan)}${many}${extra}`);
    const answer = asked.then(expectSuccess).then(withDates);
    answer.then(({ trial_days, quantity, addons }) => shown.set(plan, { trialDays: trial_days, quantity, addons: byName(addons) }), () => {});
    known.set(key, { until: Date.now() + FRESH_FOR_MS, answer });
    answer.catch(() => known.delete(key));
    return answer;
  }

  /** Throws the answers away that are too old, or all of them. */
  function forgetWallets(all = false) {
    for (const [key, { until }] of known) if (all || until <= Date.now()) known.delete(key);
  }

  /**
   * The free days, the quantity and the add-ons that the page was last told of for a plan, if it has asked. A click sends them
   * along, so that nobody is charged at once who was shown a free trial, or for more than they were shown.
   *
   * @param {string} plan
   * @returns {Partial<Shown>}
   */
  const shownOffer = (plan) => shown.get(plan) ?? {};

  return { wallets, forgetWallets, shownOffer };
}

/**
 * How many of each add-on, as a request has it.
 *
 * @param {{ name: string, quantity: number }[]} [addons]
 * @returns {Record<string, number> | undefined}
 */
export function byName(addons) {
  return addons && Object.fromEntries(addons.map(({ name, quantity }) => [name, quantity]));
}

/**
 * What a click says of the code that is redeemed: which one, and what the shopper was shown. Nothing is charged
 * if it takes less off.
 *
 * @param {Pick<Discount, "promotion_code" | "amount"> | null} [discount]
 */
export function agreedTo(discount) {
  return discount ? { discount: { promotion_code: discount.promotion_code, amount: discount.amount } } : {};
}

/**
 * What a click says of the taxes: what the shopper was shown, and where they are. Nothing is charged if it costs
 * another amount there.
 *
 * @param {Pick<Tax, "amount"> | null} [tax]
 * @param {BillingAddress | null} [billingAddress]
 */
export function taxedAt(tax, billingAddress) {
  return {
    ...(tax ? { tax: { amount: tax.amount } } : {}),
    ...(billingAddress ? { billing_address: billingAddress } : {}),
  };
}

/**
 * JSON has no dates, and Stripe.js wants them as such: each member whose name ends in `Date` becomes one.
 *
 * @template Value
 * @param {Value} value
 * @returns {Value}
 */
export function withDates(value) {
  if (Array.isArray(value)) return /** @type {Value} */ (value.map(withDates));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [
    name,
    name.endsWith("Date") && typeof member === "string" ? new Date(member) : withDates(member),
  ]);
  return Object.fromEntries(members);
}

/**
 * Where the shopper manages what they agreed to, as Apple's wallet shows it too.
 *
 * @param {StripeExpressCheckoutElementOptions["applePay"]} [applePay]
 * @returns {string | null}
 */
export function managementOf(applePay) {
  const request =
    applePay?.recurringPaymentRequest ?? applePay?.deferredPaymentRequest ?? applePay?.automaticReloadPaymentRequest;
  return request?.managementURL ?? null;
}
