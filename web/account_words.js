// @ts-check
/** What this shop says of a subscription that has begun: its end, a pause, a change, another payment method. */

import { day, every, heldAddons, many, money, plusTaxes, price, walletWord } from "./words.js";

/** @import { AgainPreview, EndPreview, KnownDiscount, ManagedSubscription, PausePreview, PendingChange, Plan, PlanPreview } from "./perennial.js" */
/** @import { Words } from "./words.js" */

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
