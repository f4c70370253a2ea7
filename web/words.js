// @ts-check
/** What the shop says: money, dates, plans, and each outcome of a checkout in a sentence. What the shopper agrees to, the API says. */

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
