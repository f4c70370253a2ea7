// @ts-check
/** What the shop says: money, dates, plans, and each outcome of a checkout in a sentence. What the shopper agrees to, the API says. */

/** @import { Plan } from "./perennial.js" */

/**
 * @param {number} amount
 * @param {string} currency
 */
export function money(amount, currency) {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency });
  // Yen have no minor unit, dollars have two digits of it.
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

/** @param {string | Date} time */
export function day(time) {
  return new Intl.DateTimeFormat("en-US", { dateStyle: "long" }).format(new Date(time));
}

/** @param {Plan} plan */
export function price(plan) {
  return `${money(plan.amount, plan.currency)} ${every(plan)}`;
}

/** @param {Plan} plan */
export function every({ interval, interval_count }) {
  return interval_count === 1 ? `every ${interval}` : `every ${interval_count} ${interval}s`;
}

/** @param {Plan} plan */
export function trialWord({ trial_days }) {
  return trial_days === 1 ? "1 day free" : `${trial_days} days free`;
}

/** @param {Plan} plan */
export function trialEnd(plan) {
  const end = new Date();
  end.setDate(end.getDate() + plan.trial_days);
  return end;
}

/** @param {Plan} plan */
export function pitch(plan) {
  return plan.trial_days > 0
    ? `Nothing to pay until ${day(trialEnd(plan))}.`
    : "Every picture at full size, from today.";
}

/** @param {Plan} plan */
export function payLead(plan) {
  return plan.trial_days > 0 ? "Start your free trial with" : "Subscribe with";
}

/** @param {string} status */
export function statusWord(status) {
  /** @type {Record<string, string>} */
  const words = {
    active: "Active",
    trialing: "Free trial",
    past_due: "Payment is late",
    unpaid: "Unpaid",
    paused: "Paused",
    incomplete: "Waiting for the first payment",
  };
  return words[status] ?? status;
}

/** @param {string | null} wallet */
export function walletWord(wallet) {
  /** @type {Record<string, string>} */
  const words = { amazon_pay: "Amazon Pay", apple_pay: "Apple Pay" };
  return wallet === null ? "Not known" : (words[wallet] ?? wallet);
}

/**
 * @param {string} reason
 * @param {string | null} message What the API or Stripe.js had to say, for a reason that is new here.
 * @param {string} wallet
 * @returns {{ title: string, text: string }}
 */
export function explain(reason, message, wallet) {
  const name = walletWord(wallet);
  switch (reason) {
    case "wallet_declined":
      return {
        title: `${name} said no.`,
        text: "The payment method was declined. Nothing was charged. You can try again, or choose another payment method in your wallet.",
      };
    case "card_declined":
      return {
        title: "The card was declined.",
        text: `Nothing was charged. You can try again, or choose another card in ${name}.`,
      };
    case "wallet_abandoned":
      return {
        title: `You left ${name} before it was done.`,
        text: "Nothing was charged, and no subscription was made. Try again whenever you are ready.",
      };
    case "payment_declined":
      return {
        title: "The first payment was refused.",
        text: `${name} agreed, but the charge did not go through, so there is no subscription. Try again, with another payment method if need be.`,
      };
    case "plan_not_available":
    case "rejected":
      return { title: "This plan cannot be bought right now.", text: "Nothing was charged, and the shop has been told. Please choose another plan, or come back later." };
    case "too_many_declines":
      return { title: "The payment was declined too often.", text: "Nothing was charged. Please wait a while, or pay in another way." };
    case "wallet_mismatch":
      return { title: `This was not paid with ${name}.`, text: "So there is no subscription, and whatever was charged is given back. You can start again." };
    case "trial_used":
      return { title: "You have had your free trial.", text: "Nothing was charged. You can subscribe without a trial." };
    case "unknown_checkout":
    case "missing_parameter":
      return { title: "This address is not valid any more.", text: "If you have paid, your subscription appears here within a few minutes." };
    case "expired":
    case "canceled":
      return { title: "This checkout is no longer open.", text: "Nothing was charged. You can start a new one." };
    case "already_subscribed":
      return { title: "You have this already.", text: "Your subscription was not charged a second time." };
    default:
      return {
        title: "That did not work.",
        text: message ?? "Please try again in a moment. You are never charged twice.",
      };
  }
}
