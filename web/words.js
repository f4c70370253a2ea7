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
  const words = { amazon_pay: "Amazon Pay", apple_pay: "Apple Pay", google_pay: "Google Pay", cash_app_pay: "Cash App Pay" };
  return wallet === null ? "Not known" : (words[wallet] ?? wallet);
}

/**
 * Something that went otherwise than hoped. `calm` is for what the shopper did or may well do, and is not
 * shown as an error.
 *
 * @typedef {{ title: string, text: string, calm?: boolean }} Words
 */

/**
 * Why a checkout ended without a subscription, or a confirmation was refused.
 *
 * @param {string} reason
 * @param {string} wallet
 * @returns {Words | null} null for a reason that this page does not know.
 */
export function explain(reason, wallet) {
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
        calm: true,
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
      return { title: "You have had your free trial.", text: "Nothing was charged. You can subscribe without a trial.", calm: true };
    case "ended_in_trial":
      return { title: "Your free trial has ended.", text: "It was ended before anything was charged. You can subscribe again.", calm: true };
    case "expired":
    case "canceled":
      return { title: "This checkout is no longer open.", text: "Nothing was charged. You can start a new one.", calm: true };
    default:
      return null;
  }
}

const AGAIN = "Please try again in a moment. You are never charged twice.";

/**
 * Why a call got no useful answer before anything was paid. What the API says of it is for the developer.
 *
 * @param {string} code
 * @returns {Words}
 */
export function explainError(code) {
  switch (code) {
    case "consent_outdated":
    case "trial_outdated":
      return { title: "What you agree to has changed.", text: "Nothing was charged. Please read the order again before you go on.", calm: true };
    case "currency_conflict":
      return { title: "This plan is sold in another currency.", text: "Your other subscription is paid in a different currency. Please choose another plan." };
    case "too_many_checkouts":
      return { title: "That was tried too often.", text: "Nothing was charged. Please try again in an hour." };
    case "network":
      return { title: "The shop could not be reached.", text: `Look whether you are online. ${AGAIN}` };
    case "unauthorized":
      return { title: "Please sign in again.", text: "Nothing was charged." };
    case "wallet_not_enabled":
      return { title: "The shop does not take this wallet yet.", text: "Nothing was charged. Please pay in another way." };
    case "unknown_link":
      return { title: "This link does not work any more.", text: "Please ask the shop for a new one." };
    case "payment_already_made":
      return { title: "There is nothing left to pay.", text: "This payment has been made already. Thank you.", calm: true };
    case "payment_canceled":
      return { title: "There is nothing to pay.", text: "The shop has canceled this payment. Nothing was charged, and nothing will be.", calm: true };
    default:
      return explain(code, "") ?? { title: "That did not work.", text: AGAIN };
  }
}

/**
 * For a shopper whose order is not known to the account that is signed in.
 *
 * @param {import("./perennial/checkouts.js").SignIn} outcome
 * @returns {Words}
 */
export function signInWords({ status, code }) {
  const how = code === "unauthorized" ? "Please sign in to see it." : "It was ordered with another account: please sign in as who ordered.";
  switch (status) {
    case "subscribed":
      return { title: "Approved, and subscribed", text: `${how} There is nothing left to pay.` };
    case "pending":
      return { title: "Your order is on its way", text: `${how} If you have approved it, there is nothing left to do.` };
    case "failed":
      return { title: "Your order is not of this account", text: `${how} Nothing has to be paid before.` };
  }
}

/**
 * For a subscription that was paid, and was over before its shopper came back.
 *
 * @param {import("./perennial.js").Subscription} [subscription]
 * @returns {Words}
 */
export function endedWords(subscription) {
  const back = (subscription?.refunds ?? []).map(({ amount, paid, currency }) =>
    currency ? `${money(amount, currency)} of the ${money(paid, currency)} that you paid was given back.` : "Some of what you paid was given back.",
  );
  return { title: "Your subscription has ended", text: ["It was paid for, and has been ended since.", ...back, "If that is a surprise, please ask the shop before you pay again."].join(" ") };
}

/** For an end that this page does not know, or that is nobody's to pay for again. */
export const ENDED_OTHERWISE = {
  title: "This order needs a look by the shop",
  text: "It has ended otherwise than it should. Whatever was charged is not lost. Please ask the shop, and do not pay again meanwhile.",
};

/** For a return from a wallet whose address is old or not whole. */
export const OLD_RETURN = {
  title: "This address is not valid any more",
  text: "If you have approved, your subscription is made all the same, within a few minutes at most. Look again before you pay.",
};

/** @param {"expired" | "unavailable"} problem */
export function linkWords(problem) {
  return problem === "expired"
    ? { title: "This link does not work any more", text: "It is old, or was not copied whole. For a payment, please ask the shop for a new link.", calm: true }
    : { title: "This link could not be opened just now", text: "Please open it again in a few minutes. Nothing was charged.", calm: true };
}

/** For a subscription that came before its first payment, which its shopper has not confirmed. */
export const NOT_CONFIRMED = {
  title: "Your first payment is not confirmed yet.",
  text: "So your subscription has not begun. Approve it once more to begin; you pay it once.",
  calm: true,
};

/**
 * While a return from a wallet is asked about. Nobody knows yet whether anything was charged.
 *
 * @param {string} wallet
 * @param {"asking" | "slow" | "still"} stage
 * @returns {Words}
 */
export function waitingWords(wallet, stage) {
  const name = walletWord(wallet);
  switch (stage) {
    case "asking":
      return { title: `Waiting for ${name}`, text: "We are asking whether all went well. One moment…" };
    case "slow":
      return { title: `Waiting for ${name}`, text: "This takes longer than usual. If you left the wallet's page early, go back to the plans and try again." };
    case "still":
      return {
        title: `No word from ${name} yet`,
        text: "We could not learn yet how this ended, and go on asking. If you approved, your subscription appears here by itself, and you are never charged twice. If you left the wallet's page, go back to the plans and try again.",
      };
  }
}

export const BOUGHT = { title: "You are subscribed", text: "The details could not be loaded. They are here when you look again." };

export const NOT_LOADED = {
  title: "What you have could not be loaded",
  text: "Nothing is lost, and nothing is charged twice. Please look again in a moment.",
};

export const CLOSED = { title: "The shop is closed", text: "Nothing is sold here just now. Please come back in a few minutes." };
