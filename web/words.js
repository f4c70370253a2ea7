// @ts-check
/** What the shop says: money, dates, plans, and each outcome of a checkout in a sentence. What the shopper agrees to, the API says. */

/** @import { AgainPreview, Discount, EndPreview, GivenPlan, KnownDiscount, ManagedSubscription, PausePreview, PendingChange, Plan, PlanPreview } from "./perennial.js" */

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

/** @param {Pick<Plan, "amount" | "currency" | "interval" | "interval_count">} plan */
export function price(plan) {
  return `${money(plan.amount, plan.currency)} ${every(plan)}`;
}

/**
 * What is said beside a price that taxes may be added to.
 *
 * @param {Plan} plan
 * @param {number} [charged] What is charged of it; nothing is said if that is the price.
 */
export function plusTaxes({ tax, amount }, charged) {
  return tax && charged !== amount ? " plus any taxes" : "";
}

/**
 * All that a shopper has of a plan, with what it costs.
 *
 * @param {Plan} plan
 * @param {number} quantity
 * @param {Record<string, number>} [addons] How many of each.
 * @returns {Plan}
 */
export function many(plan, quantity, addons = {}) {
  const beside = (plan.addons ?? []).flatMap(({ name, label, amount }) => (addons[name] ? [{ number: addons[name], label, amount }] : []));
  const parts = [{ number: quantity, label: plan.label, amount: plan.amount }, ...beside];
  return {
    ...plan,
    amount: parts.reduce((sum, { number, amount }) => sum + number * amount, 0),
    label: parts.map(({ number, label }) => (number === 1 ? label : `${number} × ${label}`)).join(" + "),
  };
}

/**
 * How many of each there are, as a request has it.
 *
 * @param {{ name: string | null, quantity: number | null }[]} held
 * @returns {Record<string, number>}
 */
export function heldAddons(held) {
  return Object.fromEntries(held.flatMap(({ name, quantity }) => (name !== null && quantity !== null ? [[name, quantity]] : [])));
}

/**
 * How many a subscription has, if its plan is sold so today.
 *
 * @param {Plan} plan
 * @param {ManagedSubscription} subscription
 * @returns {number | undefined}
 */
export function soldQuantity({ quantity: limits }, { quantity }) {
  const sold = limits && quantity !== null && quantity >= limits.minimum && quantity <= limits.maximum;
  return sold ? quantity : undefined;
}

/**
 * The add-ons of a subscription, as far as its plan is sold with them today.
 *
 * @param {Plan} plan
 * @param {ManagedSubscription} subscription
 * @returns {Record<string, number> | undefined}
 */
export function soldAddons({ addons: sold = [] }, { addons }) {
  const held = heldAddons(addons);
  const known = sold.flatMap(({ name, maximum }) => (held[name] ? [[name, Math.min(held[name], maximum)]] : []));
  return known.length > 0 ? Object.fromEntries(known) : undefined;
}

/** @param {Pick<Plan, "interval" | "interval_count">} plan */
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

/** What the demo's plans are besides their price. @type {Record<string, string>} */
const PITCHES = {
  "stock-photos-monthly": "Every picture at full size, from today.",
  "stock-photos-team": "Every picture, for all who work with you.",
  "stock-photos-yearly": "Twelve months for the price of ten.",
  "video-clips-monthly": "Short ones to set to music.",
  "wallpapers-partner": "The same pictures, for partners of the shop.",
  "wallpapers-monthly": "A new one for your screen every week.",
};

/** @param {Plan} plan */
export function pitch(plan) {
  return plan.trial_days > 0 ? `Nothing to pay until ${day(trialEnd(plan))}.` : (PITCHES[plan.name] ?? "");
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

/** @param {string} brand As Stripe writes it. */
export function cardWord(brand) {
  /** @type {Record<string, string>} */
  const words = { amex: "American Express", jcb: "JCB", unionpay: "UnionPay" };
  return words[brand] ?? brand.charAt(0).toUpperCase() + brand.slice(1);
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

/**
 * For how long a code counts.
 *
 * @param {Discount} discount
 */
export function discountTerm({ payments }) {
  if (payments === null) return "With your code";
  return payments === 1 ? "With your code, first payment" : `With your code, first ${payments} payments`;
}

/** @param {Discount} discount */
export function discountWords({ amount, regular_amount, currency, payments }) {
  const reduced = money(amount, currency);
  if (payments === null) return `Your code counts: you pay ${reduced} each time.`;
  const first = payments === 1 ? "for the first payment" : `for each of the first ${payments} payments`;
  return `Your code counts: you pay ${reduced} ${first}, and ${money(regular_amount, currency)} after that.`;
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

/** @param {GivenPlan[]} grants What was given for free. */
export function givenWords(grants) {
  return grants.map(({ plan, label, until, quantity }) => {
    const what = `${quantity && quantity > 1 ? `${quantity} × ` : ""}${label ?? plan}`;
    return `Given to you${until ? ` until ${day(until)}` : ""}: ${what}.`;
  }).join(" ");
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

/** @param {ManagedSubscription} subscription */
export function cancelWords({ actions, current_period_end, status, payment }) {
  const keeps = actions.cancel.when.includes("period_end") && current_period_end;
  if (!keeps) return "It ends at once, and nothing more is charged.";
  if (["retrying", "method_required"].includes(payment.state) && status !== "active" && status !== "trialing") {
    return `If you end it now, nothing more is charged. If you end it on ${day(current_period_end)}, what is due is still to be paid.`;
  }
  const what = status === "trialing" ? "your free trial, and you pay nothing" : "what you have";
  return `You keep ${what} until ${day(current_period_end)}. Nothing is charged after that. You can change your mind until then.`;
}

/**
 * What a shopper pays who comes again.
 *
 * @param {AgainPreview} preview
 */
export function againWords({ due_now, price: each, interval, interval_count, trial_end }) {
  const then = price({ amount: each.amount, currency: each.currency, interval, interval_count });
  const now = trial_end ? `Free until ${day(trial_end)}` : `${money(due_now.amount, due_now.currency)} now`;
  return `Welcome back. You can pay with Amazon Pay as before, without leaving this page: ${now}, and then ${then}.`;
}

/** @param {AgainPreview} preview */
export function againButton({ due_now, trial_end }) {
  return trial_end ? "Subscribe again" : `Subscribe again for ${money(due_now.amount, due_now.currency)}`;
}

/**
 * What an end at once gives back.
 *
 * @param {EndPreview} preview
 * @param {string | null} wallet
 */
export function givenBackWords({ given_back: { refund, credit } }, wallet) {
  const parts = [
    refund.amount > 0 && `${money(refund.amount, refund.currency)} goes back to ${walletWord(wallet)}`,
    credit.amount > 0 && `${money(credit.amount, credit.currency)} is kept for your next invoices`,
  ].filter(Boolean);
  if (parts.length === 0) return "If you end it now, nothing goes back.";
  return `If you end it now, what you have not used is given back: ${parts.join(", and ")}.`;
}

/** @param {EndPreview} preview */
export function endNowButton({ given_back: { refund } }) {
  return refund.amount > 0 ? `End it now, and get ${money(refund.amount, refund.currency)} back` : "End it now";
}

/**
 * @param {EndPreview | null} preview Null of an end at which nothing goes back.
 * @param {string | null} wallet
 * @returns {Words}
 */
export function endedNowWords(preview, wallet) {
  const title = "Your subscription has ended.";
  if (!preview) return { title, text: "Nothing more is charged.", calm: true };
  const { refund, credit } = preview.given_back;
  const back = refund.amount > 0 ? `${money(refund.amount, refund.currency)} is on its way back to ${walletWord(wallet)}, which can take some days.` : "Nothing more is charged.";
  const kept = credit.amount > 0 ? ` ${money(credit.amount, credit.currency)} is kept for your next invoices.` : "";
  return { title, text: back + kept, calm: true };
}

/**
 * @param {{ at: string, quantity?: number, addons?: { name: string | null, quantity: number | null }[] }} pending
 * @param {Plan} [one] The one to come, if it is offered.
 */
export function pendingWords({ at, quantity = 1, addons = [] }, one) {
  const plan = one && many(one, quantity, heldAddons(addons));
  return `From ${day(at)} you have ${plan ? `${plan.label}, for ${price(plan)}` : "another plan"}.`;
}

/**
 * What is said of a change to come that does not happen with something else.
 *
 * @param {PendingChange | null} pending
 * @param {Plan[]} plans
 * @param {Plan | null} [instead] All that there is in its place.
 */
export function givenUpWords(pending, plans, instead = null) {
  if (!pending) return "";
  const one = plans.find(({ name }) => name === pending.plan);
  const what = one ? many(one, pending.quantity ?? 1, heldAddons(pending.addons ?? [])).label : "another plan";
  return ` From ${day(pending.at)} you were going to have ${what}. That does not happen then${instead ? `: you have ${instead.label} instead` : ""}.`;
}

/**
 * What the discounts of a subscription take off, and until when.
 *
 * @param {KnownDiscount[]} discounts
 */
export function discountsWords(discounts) {
  return discounts.map(({ percent_off, amount_off, lasts, until }) => {
    const off = amount_off ? money(amount_off.amount, amount_off.currency) : `${percent_off}%`;
    const term = lasts === "once" ? " the next charge" : until ? ` until ${day(until)}` : "";
    return `${off} off${term}`;
  }).join(", ");
}

/**
 * @param {string} from
 * @param {string} to
 */
export function dayRange(from, to) {
  const format = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", year: "numeric" });
  return format.formatRange(new Date(from), new Date(to));
}

/**
 * Whether a code is taken off one payment: it says so, or is over before another one.
 *
 * @param {PlanPreview} preview
 * @param {Plan | null} plan
 */
function countsOnce({ discount, next_charge, due_now }, plan) {
  if (!discount?.until) return discount?.lasts === "once";
  const until = new Date(discount.until);
  if (new Date(next_charge.at) >= until) return true;
  return due_now.amount === 0 && plan !== null && later(next_charge.at, plan) >= until;
}

/**
 * What a code makes of each payment for what there is, or is to be.
 *
 * @param {PlanPreview} preview
 * @param {Plan | null} plan
 */
export function codeTakenWords(preview, plan) {
  const { discount } = preview;
  if (!discount) return "";
  const reduced = money(discount.amount, discount.currency);
  if (countsOnce(preview, plan)) return `Your code counts: you pay ${reduced} for one period.`;
  return `Your code counts: you pay ${reduced} each time${discount.until ? ` until ${day(discount.until)}` : ""}.`;
}

/**
 * What the lines of a change do not say of its sum: taxes on top of them, discounts, and what the shopper had left or owed.
 *
 * @param {PlanPreview} preview
 * @returns {[string, string][]}
 */
export function besideLines({ lines, tax, due_now: { amount, currency }, credit_left }) {
  const taxes = tax?.behavior === "exclusive" ? tax.amount : 0;
  const sum = lines.reduce((all, line) => all + line.amount, taxes);
  // What is too little to be charged by itself comes with the next invoice.
  const later = amount === 0 && credit_left.amount === 0 && sum > 0 ? sum : 0;
  const before = lines.length > 0 ? amount - credit_left.amount - sum + later : 0;
  /** @type {[string, number][]} */
  const rows = [
    ["Taxes", taxes],
    [before < 0 ? "Discounts and credit" : "Left from before", before],
    ["Comes with your next invoice", -later],
    ["Kept for your next invoices", credit_left.amount],
  ];
  return rows.flatMap(([term, number]) => (number === 0 ? [] : [[term, money(number, currency)]]));
}

/**
 * What is paid from the next charge on.
 *
 * @param {PlanPreview} preview
 * @param {Plan | null} plan
 * @param {boolean} discounted Whether a discount counts already.
 */
function afterwards(preview, plan, discounted) {
  const { next_charge, discount } = preview;
  const first = `${money(next_charge.amount, next_charge.currency)} on ${day(next_charge.at)}`;
  if (!plan) return first;
  const regular = `${price(plan)}${plusTaxes(plan, next_charge.amount)}${discounted ? ", less your discount as long as it counts" : ""}`;
  if (!discount || countsOnce(preview, plan)) return `${first}, and after that ${regular}`;
  const reduced = money(discount.amount, discount.currency);
  if (!discount.until) return `${first}, and after that ${reduced} ${every(plan)}`;
  const goesOn = later(next_charge.at, plan) < new Date(discount.until);
  return `${first}${goesOn ? `, ${reduced} ${every(plan)} until ${day(discount.until)}` : ""}, and after that ${regular}`;
}

/**
 * @param {string} time
 * @param {Plan} plan
 */
function later(time, { interval, interval_count }) {
  const then = new Date(time);
  if (interval === "year") then.setUTCFullYear(then.getUTCFullYear() + interval_count);
  else if (interval === "month") then.setUTCMonth(then.getUTCMonth() + interval_count);
  else then.setUTCDate(then.getUTCDate() + interval_count * (interval === "week" ? 7 : 1));
  return then;
}

/**
 * What the shopper agrees to with a change.
 *
 * @param {PlanPreview} preview
 * @param {Plan | null} plan
 * @param {string | null} wallet
 * @param {boolean} discounted
 */
export function agreeWords(preview, plan, wallet, discounted) {
  const { when, due_now, takes_effect_at } = preview;
  const then = afterwards(preview, plan, discounted);
  if (when === "period_end") return `Nothing to pay now. You keep your plan until ${day(takes_effect_at)}; then you pay ${then}.`;
  const now = due_now.amount > 0 ? `You pay ${money(due_now.amount, due_now.currency)} now with ${walletWord(wallet)}` : "Nothing to pay now";
  return `${now}. Then you pay ${then}.`;
}

/** @param {PlanPreview} preview */
export function changeButton({ when, due_now, takes_effect_at }) {
  if (when === "period_end") return `Change on ${day(takes_effect_at)}`;
  return due_now.amount > 0 ? `Pay ${money(due_now.amount, due_now.currency)} and change` : "Change now";
}

/**
 * @param {PlanPreview} preview
 * @param {Plan | null} plan
 * @param {string | null} wallet
 * @param {boolean} codeAlone Whether a code is redeemed, and nothing else changed.
 * @returns {Words}
 */
export function changedWords({ when, due_now, takes_effect_at, next_charge }, plan, wallet, codeAlone) {
  if (codeAlone) return { title: "Your code is added", text: `Nothing was charged. Your next charge is ${money(next_charge.amount, next_charge.currency)} on ${day(next_charge.at)}.` };
  const has = plan ? plan.label : "what you chose";
  if (when === "period_end") return { title: `Your plan changes on ${day(takes_effect_at)}`, text: `Until then all stays as it is. Then you have ${has}.` };
  const paid = due_now.amount > 0 ? `${money(due_now.amount, due_now.currency)} was charged with ${walletWord(wallet)}.` : "Nothing was charged.";
  return { title: "Your plan is changed", text: `You have ${has} now. ${paid}` };
}

/** @param {ManagedSubscription} subscription */
export function methodLead({ status, payment }) {
  const isDue = payment.state === "retrying" || payment.state === "method_required";
  return isDue && status !== "trialing"
    ? "What is due is paid at once, and what comes after is paid the same way."
    : "Nothing is charged now. What comes after is paid with it.";
}

/**
 * @param {"paid" | "nothing_due"} status
 * @param {string} wallet
 * @returns {Words}
 */
export function methodWords(status, wallet) {
  return status === "paid"
    ? { title: "Your payment method is changed", text: `Whatever was due is paid. From now on you pay with ${wallet}.` }
    : { title: "Your payment method is changed", text: `From now on you pay with ${wallet}. Nothing was charged.` };
}

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

/**
 * @param {string | null} status
 * @param {number} total
 */
export function invoiceWord(status, total) {
  // An invoice of unused time gives something back to the credit.
  if (status === "paid" && total < 0) return "Credited";
  /** @type {Record<string, string>} */
  const words = { open: "To be paid", paid: "Paid", uncollectible: "Not paid", void: "Void" };
  return words[status ?? ""] ?? status ?? "";
}

/**
 * While a wallet is asked what became of another payment method.
 *
 * @param {string} wallet
 * @param {boolean} slow
 * @returns {Words}
 */
export function methodWaiting(wallet, slow) {
  const title = `Waiting for ${walletWord(wallet)}`;
  return slow
    ? { title, text: "It has not answered yet. If you approved, it is done by itself, and you are never charged twice." }
    : { title, text: "We are asking whether all went well. One moment…" };
}

/**
 * What a shopper agrees to who pauses.
 *
 * @param {PausePreview} preview
 */
export function pausedWords({ resumes_at, runs_until, credit, next_charge }) {
  const kept = runs_until ? `You keep what you paid for until ${day(runs_until)}. After that` : "From now on";
  const end = resumes_at ? `On ${day(resumes_at)} it goes on by itself, ${credit.amount > 0 && next_charge?.amount === 0 ? "paid with what is kept" : "and you are charged"}.` : "It goes on when you say so.";
  return `${kept} the pictures are locked and nothing is charged. ${end} You can go on earlier at any time.`;
}

/**
 * What a shopper agrees to who goes on.
 *
 * @param {PausePreview} preview
 */
export function resumedWords({ due_now, next_charge }) {
  const now = due_now.amount > 0 ? `${money(due_now.amount, due_now.currency)} is charged now` : "Nothing is charged now";
  const next = next_charge ? `, and ${money(next_charge.amount, next_charge.currency)} on ${day(next_charge.at)}` : "";
  return `${now}${next}. Every picture is yours again at once.`;
}
