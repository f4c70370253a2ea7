// @ts-check
/** What this shop says of what a payment has come to, and of what went wrong. */

import { money, walletWord } from "./words.js";

/** @import { Words } from "./words.js" */

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
      return { title: "This plan cannot be bought right now.", text: "Nothing was charged, and the shop has been notified. Please choose another plan, or come back later." };
    case "too_many_declines":
      return { title: "The payment was declined too often.", text: "Nothing was charged. Please wait a while, or pay in another way." };
    case "wallet_mismatch":
      return { title: `This was not paid with ${name}.`, text: "So there is no subscription, and whatever was charged is given back. You can start again." };
    case "trial_used":
      return { title: "You have had your free trial.", text: "Nothing was charged. You can subscribe without a trial.", calm: true };
    case "code_refused":
      return { title: "Your code could not be used.", text: "It is no longer valid for this order. Nothing was charged. You can subscribe without it, or try another code.", calm: true };
    case "tax_changed":
    case "tax_outdated":
      return { title: "The taxes have changed.", text: "Nothing was charged. Please look at the new price, and start again.", calm: true };
    case "ended_in_trial":
      return { title: "Your free trial has ended.", text: "It was ended before anything was charged. You can subscribe again.", calm: true };
    case "expired":
    case "canceled":
      return { title: "This checkout is no longer open.", text: "Nothing was charged. You can start a new one.", calm: true };
    default:
      return null;
  }
}

/**
 * Why a promotion code is not taken, beside the field.
 *
 * @param {string} code
 */
export function codeWords(code) {
  switch (code) {
    case "unknown_code":
      return "We do not know this code. Please look how it is spelled.";
    case "code_ended":
    case "code_expired":
      return "This code is no longer valid.";
    case "code_used_up":
      return "This code has been used as often as it can be.";
    case "code_of_another_customer":
      return "This code is for another customer.";
    case "code_first_order_only":
      return "This code is for a first order only.";
    case "code_other_currency":
      return "This code is for prices in another currency.";
    case "code_below_minimum":
      return "This plan costs less than the code asks for. Please choose another plan.";
    case "code_not_for_plan":
      return "This code is not for this plan.";
    case "code_amount_outdated":
      return "This code takes off another amount by now. Please apply it again.";
    case "too_many_codes":
      return "You have tried many codes. Please try again in an hour, or go on without one.";
    case "code_for_new_only":
      return "This code is for a new subscription only.";
    case "address_needed":
      return "Please tell us where you are first.";
    case "discount_running":
      return "A discount counts for your subscription already, and no code adds to it.";
    case "code_alone":
      return "This code is not taken off a change like this. You can add it by itself, with \"Add a code\".";
    case "change_scheduled":
      return "Another plan or number is going to begin. Please keep what you have first, or add the code after that.";
    case "code_not_taken":
      return "This code cannot be used for this order.";
    default:
      return "The code could not be checked. Please try again in a moment.";
  }
}

/**
 * For a code that ended between its check and the change.
 *
 * @param {string} code
 * @returns {Words}
 */
export function codeLost(code) {
  return { title: "Your code could not be used.", text: `${codeWords(code)} Nothing was changed or charged.`, calm: true };
}

const AGAIN = "Please try again in a moment. You are never charged twice.";

/**
 * Why a call got no useful answer before anything was paid. What the API says of it is for the developer.
 *
 * @param {string} code
 * @returns {Words}
 */
export function explainError(code) {
  if (code === "unknown_code" || code.startsWith("code_")) {
    return explain(code, "") ?? { title: "Your code could not be used.", text: `${codeWords(code)} Nothing was charged.`, calm: true };
  }
  switch (code) {
    case "unknown_plan":
      return { title: "This plan is no longer offered to you.", text: "Nothing was changed or charged. Please choose another plan.", calm: true };
    case "quantity_not_offered":
    case "addon_not_offered":
      return { title: "This plan is not sold in that number.", text: "Nothing was charged. Please choose another number.", calm: true };
    case "tax_outdated":
      return explain(code, "") ?? { title: "The taxes have changed.", text: "Nothing was charged." };
    case "consent_outdated":
    case "trial_outdated":
      return { title: "What you agree to has changed.", text: "Nothing was charged. Please read the order again before you go on.", calm: true };
    case "currency_conflict":
      return { title: "This plan is sold in another currency.", text: "Your other subscription is paid in a different currency. Please choose another plan." };
    case "payment_method_on_file":
    case "payment_method_required":
      return { title: "Please choose how you pay.", text: "The free trial begins with one of the buttons below. Nothing was charged.", calm: true };
    case "too_many_checkouts":
      return { title: "That was tried too often.", text: "Nothing was charged. Please try again in an hour." };
    case "too_many_tries":
      return { title: "That was tried too often.", text: "Nothing was changed or charged. Please try again in an hour." };
    case "unknown_subscription":
      return { title: "This subscription is not of this account.", text: "Please sign in as who ordered. Nothing was changed or charged." };
    case "unknown_setup_intent":
      return { title: "This was not finished in time.", text: "Your payment method is as it was. Please begin again.", calm: true };
    case "invalid_preview":
      return { title: "Please look at the amount again.", text: "Nothing was changed or charged. Choose the plan once more.", calm: true };
    case "stripe_refused":
      return { title: "This could not be done.", text: "Nothing was changed or charged, and the shop has been notified." };
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

/**
 * Why nothing was done, as the subscription stands.
 *
 * @param {string} code
 * @returns {Words}
 */
export function refusalWords(code) {
  const unchanged = "Nothing was changed or charged.";
  switch (code) {
    case "period_is_paid":
      return { title: "This period is paid for.", text: "So your subscription ends with it, and not before. You keep what you paid for until then.", calm: true };
    case "no_period_runs":
      return { title: "There is no paid period to wait for.", text: `It can be ended at once. ${unchanged}`, calm: true };
    case "subscription_ended":
      return { title: "Your subscription has ended already.", text: `${unchanged} You can subscribe again.`, calm: true };
    case "subscription_not_confirmed":
      return { title: "Your first payment is not confirmed yet.", text: `${unchanged} Approve it first, or leave it: then it ends by itself.`, calm: true };
    case "subscription_changed":
      return { title: "Your subscription has changed meanwhile.", text: "This is how it stands now. Please look, and go on if you still want to.", calm: true };
    case "subscription_paused":
      return { title: "Your subscription is paused.", text: `It can be changed once it goes on. ${unchanged}`, calm: true };
    case "subscription_not_paused":
      return { title: "Your subscription is not paused any more.", text: "This is how it stands now. Nothing was charged a second time.", calm: true };
    case "subscription_in_trial":
      return { title: "A free trial cannot be paused.", text: `You can cancel it without being charged. ${unchanged}`, calm: true };
    case "pause_not_allowed":
      return { title: "This plan cannot be paused here.", text: `Please ask the shop. ${unchanged}`, calm: true };
    case "pause_too_long":
      return { title: "That is longer than this plan can be paused.", text: `Please choose a shorter time. ${unchanged}`, calm: true };
    case "resume_declined":
      return { title: "The payment was declined.", text: "So your subscription stays paused, and nothing was charged. Choose another payment method, and try again." };
    case "cancellation_scheduled":
      return { title: "Your subscription is going to end.", text: `Keep it first, and then change the plan. ${unchanged}`, calm: true };
    case "payment_open":
      return { title: "A payment is still open.", text: "Pay it first, and then change the plan. Nothing was changed." };
    case "change_declined":
      return { title: "The difference could not be charged.", text: "So you keep your plan, and nothing was charged. Choose another payment method, and try again." };
    case "preview_outdated":
      return OUTDATED_PREVIEW;
    case "same_plan":
      return { title: "You have this plan already.", text: unchanged, calm: true };
    case "quantity_not_offered":
    case "quantity_not_allowed":
    case "addon_not_offered":
    case "addon_not_allowed":
      return { title: "This plan is not sold in that number.", text: `Please choose another number, or ask the shop. ${unchanged}`, calm: true };
    case "other_group":
      return { title: "This is sold beside your subscription.", text: `So it does not take its place. ${unchanged}`, calm: true };
    case "wallet_not_offered":
      return { title: "This wallet does not pay for that.", text: `Please choose another payment method or plan. ${unchanged}`, calm: true };
    case "managed_by_schedule":
    case "several_items":
      return { title: "The shop takes care of this subscription.", text: `Please ask the shop for the change. ${unchanged}` };
    case "currency_conflict":
    case "plan_not_available":
    case "unknown_plan":
      return explainError(code);
    default:
      return { title: "This could not be done.", text: `${unchanged} Please ask the shop.` };
  }
}

/** For a change whose amount no longer holds: a new one is shown with it. */
export const OUTDATED_PREVIEW = { title: "The amount has changed.", text: "Nothing was changed or charged. Please look at the new amount below before you agree.", calm: true };

/**
 * @param {string | null} reason
 * @returns {Words}
 */
export function methodProblem(reason) {
  const kept = "Your payment method is as it was, and nothing was charged.";
  switch (reason) {
    case "still_declined":
      return { title: "The payment was declined again.", text: "Your new payment method is saved, and what is due is not paid. Please try another one." };
    case "wallet_abandoned":
      return { title: "You left the wallet before it was done.", text: kept, calm: true };
    case "wallet_declined":
    case "card_declined":
      return { title: "The wallet said no.", text: `${kept} Please try again, or choose another one.` };
    default:
      return { title: "The payment method was not changed.", text: `${kept} Please try again.`, calm: true };
  }
}

/**
 * What a mail's link to another payment method came to.
 *
 * @param {string} code
 * @returns {Words}
 */
export function repairWords(code) {
  switch (code) {
    case "paid":
      return { title: "Thank you. It is paid.", text: "What was open is paid, and what comes after is paid the same way. You can close this page." };
    case "nothing_due":
    case "nothing_to_repair":
      return { title: "There is nothing left to pay.", text: "Your subscription goes on with a payment method that works. You can close this page.", calm: true };
    case "subscription_ended":
      return { title: "Your subscription has ended.", text: "Nothing is charged for it any more. To have it again, choose a plan in the shop.", calm: true };
    case "pending":
      return { title: "No word yet.", text: "Whether it is paid could not be learned. Look again in a moment; you never pay it twice.", calm: true };
    default:
      return explainError(code);
  }
}
