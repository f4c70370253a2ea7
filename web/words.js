// @ts-check
/** What the shop says: money, dates, plans, and each outcome of a checkout in a sentence. */

/**
 * @typedef {object} Plan
 * @property {string} name
 * @property {string} label
 * @property {number} amount In the currency's minor unit.
 * @property {string} currency
 * @property {string} interval
 * @property {number} trial_days
 * @property {string} group
 */

export const SHOP = "Fern & Lumen";

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
  return `${money(plan.amount, plan.currency)} every ${plan.interval}`;
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

/**
 * The consent that Stripe's mandate records; it has to be on the page before the shopper confirms.
 *
 * @param {Plan} plan
 */
export function consent(plan) {
  const when = plan.trial_days > 0 ? `from ${day(trialEnd(plan))} on, when the free trial ends` : "today and from then on";
  return `By continuing, you allow ${SHOP} to charge your Amazon Pay account ${price(plan)}, ${when}, until you withdraw this authorization. You can do so at any time.`;
}

/** @param {Plan} plan */
export function payLabel(plan) {
  return plan.trial_days > 0 ? "Start free trial with Amazon Pay" : "Subscribe with Amazon Pay";
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
  return wallet === "amazon_pay" ? "Amazon Pay" : (wallet ?? "Not known");
}

/**
 * @param {string} reason
 * @param {string | null} message What the API or Stripe.js had to say, for a reason that is new here.
 * @returns {{ title: string, text: string }}
 */
export function explain(reason, message) {
  switch (reason) {
    case "wallet_declined":
      return {
        title: "Amazon Pay said no.",
        text: "The payment method was declined. Nothing was charged. You can try again, or choose another payment method on Amazon's page.",
      };
    case "wallet_abandoned":
      return {
        title: "You left Amazon Pay before it was done.",
        text: "Nothing was charged, and no subscription was made. Try again whenever you are ready.",
      };
    case "payment_declined":
      return {
        title: "The first payment was refused.",
        text: "Amazon Pay agreed, but the charge did not go through, so there is no subscription. Try again, with another payment method if need be.",
      };
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
