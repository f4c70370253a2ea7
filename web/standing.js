// @ts-check
/** How a subscription stands, in words: what the shopper reads first, what is to be done, and the facts below. */

import { day, price, statusWord, walletWord } from "./words.js";

/** @import { Entitlement, Plan, Subscription } from "./perennial.js" */

/**
 * @typedef {object} Standing
 * @property {string} title
 * @property {string} text
 * @property {boolean} good Whether all is well.
 * @property {string} way What the link to the portal says.
 * @property {boolean} needed Whether the shopper has to follow it.
 */

/** What has become of the payment method, by the reason that the API gives. */
const METHOD_GONE = {
  method_missing: "There is no payment method.",
  method_detached: "The payment method was taken away.",
  mandate_revoked: "You have withdrawn the permission to charge.",
  retries_exhausted: "The payment was tried several times, and was declined each time.",
};

const CONTESTED = {
  refunded: "Your last payment was given back.",
  disputed: "Your last payment was claimed back, and is being looked at.",
  dispute_lost: "Your last payment was claimed back.",
};

/**
 * @param {Subscription} subscription
 * @param {Entitlement} [entitlement] Of its plan group.
 * @returns {Standing}
 */
export function standing({ status, payment, ends_at, pause, next_payment_attempt, wallet }, entitlement) {
  const pictures = entitlement?.active
    ? `Every picture is yours${entitlement.until ? ` until ${day(entitlement.until)}` : ""}.`
    : "The pictures are locked for now.";
  const good = { good: true, way: "Manage your subscription", needed: false };
  const bad = { ...good, good: false };
  if (status === "canceled" || status === "incomplete_expired") {
    return { ...bad, title: "Your subscription has ended", text: pictures };
  }
  if (payment.state === "method_required") {
    const why = METHOD_GONE[/** @type {keyof typeof METHOD_GONE} */ (payment.reason)] ?? "The next payment cannot be charged.";
    const other = payment.reason === "retries_exhausted" ? "another" : "a";
    return { ...bad, title: `Your subscription needs ${other} payment method`, text: `${why} ${pictures} Give ${other === "a" ? "one" : "another"}, and all goes on.`, way: `Give ${other} payment method`, needed: true };
  }
  if (payment.state === "retrying") {
    const when = next_payment_attempt ? `on ${day(next_payment_attempt)}` : "soon";
    return { ...bad, title: "Your last payment is late", text: `It was declined, and is tried again ${when}. ${pictures}`, way: "Choose another payment method", needed: true };
  }
  if (payment.state === "action_required") {
    return { ...bad, title: "Your first payment is not confirmed yet", text: pictures };
  }
  if (payment.state === "contested") {
    const what = CONTESTED[/** @type {keyof typeof CONTESTED} */ (payment.reason)] ?? "Your last payment is being looked at.";
    return { ...bad, title: "Your last payment is in question", text: `${what} ${pictures} If that is a surprise, please ask the shop.` };
  }
  if (pause || status === "paused") {
    const until = pause?.resumes_at ? ` It goes on on ${day(pause.resumes_at)}.` : "";
    return { ...bad, title: "Your subscription is paused", text: `Nothing is charged meanwhile. ${pictures}${until}` };
  }
  if (ends_at) {
    return { ...good, title: `Your subscription ends on ${day(ends_at)}`, text: "It was canceled, and does not renew. Until then every picture is yours.", way: "Change your mind, or see your invoices" };
  }
  if (status === "active" || status === "trialing") {
    return { ...good, title: "You are subscribed", text: `Subscribed with ${walletWord(wallet)}. Thank you: every picture in the shop is yours.` };
  }
  return { ...bad, title: "Your subscription is on hold", text: pictures, needed: true };
}

/**
 * @param {Subscription} subscription
 * @param {Plan} [plan]
 * @param {Entitlement} [entitlement]
 * @returns {[string, string][]}
 */
export function facts(subscription, plan, entitlement) {
  const { status, trial_end, current_period_end, ends_at, payment, pause, next_payment_attempt } = subscription;
  const trial = status === "trialing" && trial_end;
  const charged = !ends_at && !pause && ["active", "trialing"].includes(status);
  const next = charged && current_period_end && day(current_period_end);
  const needs = payment.state === "method_required";
  /** @type {[string, string | null | false | undefined][]} */
  const rows = [
    ["Plan", plan?.label ?? subscription.plan],
    ["Price", plan && price(plan)],
    ["Status", statusWord(status)],
    ["Paid with", needs && payment.reason !== "retries_exhausted" ? "No payment method" : walletWord(subscription.wallet)],
    ["Trial ends", trial && day(trial)],
    [needs ? "Needed by" : trial ? "First charge" : "Next charge", next],
    ["Tried again", next_payment_attempt && day(next_payment_attempt)],
    ["Ends on", ends_at && day(ends_at)],
    ["Open until", !charged && !ends_at && entitlement?.active && entitlement.until && day(entitlement.until)],
    ["Reference", subscription.id],
  ];
  return rows.flatMap(([term, value]) => (value ? [[term, value]] : []));
}
