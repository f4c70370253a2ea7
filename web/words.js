// @ts-check
/** Amounts, dates and names as this shop says them. */

/** @import { Discount, GivenPlan, ManagedSubscription, Plan } from "./perennial.js" */

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

/** @param {GivenPlan[]} grants What was given for free. */
export function givenWords(grants) {
  return grants.map(({ plan, label, until, quantity }) => {
    const what = `${quantity && quantity > 1 ? `${quantity} × ` : ""}${label ?? plan}`;
    return `Given to you${until ? ` until ${day(until)}` : ""}: ${what}.`;
  }).join(" ");
}
