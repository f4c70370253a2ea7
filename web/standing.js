// @ts-check
/** How a subscription stands, in words: what the shopper reads first, what is to be done, and the facts below. */

import { discountsWords } from "./account_words.js";
import { cardWord, day, heldAddons, many, money, plusTaxes, price, statusWord, walletWord } from "./words.js";

/** @import { Entitlement, ManagedSubscription, Plan, SubscriptionDetails } from "./perennial.js" */

/**
 * @typedef {object} Standing
 * @property {string} title
 * @property {string} text
 * @property {boolean} good Whether all is well.
 * @property {string} way What the button says by which the shopper gives another payment method.
 * @property {boolean} needed Whether they have to.
 */

/** What has become of the payment method, by the reason that the API gives. */
const METHOD_GONE = {
  method_missing: "There is no payment method.",
  method_detached: "The payment method was taken away.",
  mandate_revoked: "You have withdrawn the permission to charge.",
  retries_exhausted: "The payment was declined, and is not tried again with this payment method.",
  payment_failed: "It was going to go on, and the payment was declined.",
};

/** What was declined has a payment method, and needs another one. */
const DECLINED = ["retries_exhausted", "payment_failed"];

const CONTESTED = {
  refunded: "Your last payment was given back.",
  disputed: "Your last payment was claimed back, and is being looked at.",
  dispute_lost: "Your last payment was claimed back.",
};

/**
 * @param {ManagedSubscription} subscription
 * @param {Entitlement} [entitlement] Of its plan group.
 * @returns {Standing}
 */
export function standing({ status, payment, ends_at, pause, next_payment_attempt, trial_end, wallet }, entitlement) {
  const pictures = entitlement?.active
    ? `Every picture is yours${entitlement.until ? ` until ${day(entitlement.until)}` : ""}.`
    : "The pictures are locked for now.";
  const good = { good: true, way: "", needed: false };
  const bad = { ...good, good: false };
  if (status === "canceled" || status === "incomplete_expired") {
    return { ...bad, title: "Your subscription has ended", text: pictures };
  }
  const ending = ends_at && { ...good, title: `Your subscription ends on ${day(ends_at)}`, text: "It was canceled, and does not renew. Until then every picture is yours." };
  if (status === "trialing" && payment.reason === "method_missing") {
    if (ending) return ending;
    // Not when the entitlement ends, which is some days later, in case a payment is late.
    const free = entitlement?.active && trial_end ? `Every picture is yours until ${day(trial_end)}.` : pictures;
    return { ...good, title: "Your free trial is on", text: `${free} Nothing is charged unless you give a payment method by then.`, way: "Give a payment method", needed: true };
  }
  if (payment.state === "method_required") {
    const why = METHOD_GONE[/** @type {keyof typeof METHOD_GONE} */ (payment.reason)] ?? "The next payment cannot be charged.";
    const other = DECLINED.includes(payment.reason ?? "") ? "another" : "a";
    return { ...bad, title: `Your subscription needs ${other} payment method`, text: `${why} ${pictures} Give ${other === "a" ? "one" : "another"}, and all goes on.`, way: other === "a" ? "Give a payment method" : "Pay now", needed: true };
  }
  if (payment.state === "retrying") {
    const when = next_payment_attempt ? `on ${day(next_payment_attempt)}` : "soon";
    return { ...bad, title: "Your last payment is late", text: `It was declined, and is tried again ${when}. ${pictures}`, way: "Pay now", needed: true };
  }
  if (payment.state === "action_required") {
    return { ...bad, title: "Your first payment is not confirmed yet", text: pictures };
  }
  if (payment.state === "contested") {
    const what = CONTESTED[/** @type {keyof typeof CONTESTED} */ (payment.reason)] ?? "Your last payment is being looked at.";
    return { ...bad, title: "Your last payment is in question", text: `${what} ${pictures} If that is a surprise, please ask the shop.` };
  }
  if (pause || status === "paused") {
    const until = pause?.resumes_at ? ` It resumes on ${day(pause.resumes_at)}.` : "";
    return { ...bad, title: "Your subscription is paused", text: `Nothing is charged meanwhile. ${pictures}${until}` };
  }
  if (ending) return ending;
  if (status === "active" || status === "trialing") {
    return { ...good, title: "You are subscribed", text: `Subscribed with ${walletWord(wallet)}. Thank you: all of it is yours.` };
  }
  return { ...bad, title: "Your subscription is on hold", text: pictures };
}

/**
 * @param {ManagedSubscription} subscription
 * @param {Plan[]} plans What is offered.
 * @param {Entitlement | undefined} entitlement
 * @param {Pick<SubscriptionDetails, "discounts" | "next_charge" | "payment_method">} [details] What is charged next, and to what, once that is known.
 * @returns {[string, string][]}
 */
export function facts(subscription, plans, entitlement, details) {
  const { status, trial_end, current_period_end, ends_at, payment, pause, next_payment_attempt } = subscription;
  const quantity = subscription.quantity ?? 1;
  const plan = plans.find(({ name }) => name === subscription.plan);
  const addons = heldAddons(subscription.addons);
  const beside = Object.entries(addons).map(([name, number]) => `${number} × ${plan?.addons?.find((each) => each.name === name)?.label ?? name}`);
  const whole = plan && many(plan, quantity, addons);
  const trial = status === "trialing" && trial_end;
  const charged = !ends_at && !pause && ["active", "trialing"].includes(status);
  const when = charged && current_period_end && day(current_period_end);
  const charge = payment.state === "ok" ? details?.next_charge : null;
  const next = when && charge ? `${money(charge.amount, charge.currency)} on ${day(charge.at)}` : when;
  const { brand, last4 } = details?.payment_method ?? {};
  const needs = payment.state === "method_required";
  /** @type {[string, string | null | false | undefined][]} */
  const rows = [
    ["Plan", plan?.label ?? subscription.plan],
    ["Price", whole && price(whole) + plusTaxes(whole, charge?.amount)],
    ["Quantity", quantity > 1 && String(quantity)],
    ["Add-ons", beside.join(", ")],
    ["Discount", details?.discounts && discountsWords(details.discounts)],
    ["Status", statusWord(status)],
    ["Paid with", needs && !DECLINED.includes(payment.reason ?? "") ? "No payment method" : walletWord(subscription.wallet)],
    ["Card", brand && last4 && `${cardWord(brand)} ending in ${last4}`],
    ["Trial ends", trial && day(trial)],
    [needs ? "Needed by" : trial ? "First charge" : "Next charge", next],
    ["Tried again", next_payment_attempt && day(next_payment_attempt)],
    ["Paused since", pause?.since && day(pause.since)],
    ["Resumes on", pause?.resumes_at && day(pause.resumes_at)],
    ["Ends on", ends_at && day(ends_at)],
    ["Open until", !charged && !ends_at && entitlement?.active && entitlement.until && day(entitlement.until)],
    ["Reference", subscription.id],
  ];
  return rows.flatMap(([term, value]) => (value ? [[term, value]] : []));
}
