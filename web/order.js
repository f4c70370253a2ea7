// @ts-check
/** What is sold: the plans to choose from, and the order of the one that is chosen. */

import { byId, fill, pair } from "./page.js";
import { day, discountTerm, every, many, money, payLead, pitch, price, trialEnd, trialWord } from "./words.js";

/** @import { Discount, Plan, Tax } from "./perennial.js" */

/** @typedef {Plan & { offered?: boolean }} SoldPlan `offered` is that of a private plan, which is offered to this shopper. */

/**
 * @param {string} id of the list
 * @param {SoldPlan[]} plans
 * @param {string | null} wanted The name of the plan that is chosen; the first one otherwise.
 */
export function drawPlans(id, plans, wanted) {
  const list = byId(id);
  const chosen = plans.find(({ name }) => name === wanted) ?? plans[0];
  const template = byId("plan-template");
  if (!(template instanceof HTMLTemplateElement)) return;
  const hadFocus = list.contains(document.activeElement);
  for (const old of list.querySelectorAll("label")) old.remove();
  for (const plan of plans) {
    const card = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const radio = /** @type {HTMLInputElement} */ (card.querySelector("input"));
    radio.name = id;
    radio.value = plan.name;
    radio.checked = plan === chosen;
    fill(card, ".plan-name", plan.label);
    fill(card, ".plan-price b", money(plan.amount, plan.currency));
    fill(card, ".plan-price span", every(plan));
    fill(card, ".plan-text", pitch(plan));
    const trial = /** @type {HTMLElement} */ (card.querySelector(".badge.trial"));
    trial.hidden = plan.trial_days === 0;
    trial.textContent = trialWord(plan);
    /** @type {HTMLElement} */ (card.querySelector(".badge.offered")).hidden = !plan.offered;
    list.append(card);
  }
  // Whoever chooses with the keyboard goes on where they were.
  if (hadFocus) /** @type {HTMLElement | null} */ (list.querySelector("input:checked"))?.focus();
}

/**
 * For another shopper.
 *
 * @param {string} id of the list
 */
export function forgetChoice(id) {
  for (const old of byId(id).querySelectorAll("label")) old.remove();
}

/**
 * @param {string} id of the list
 * @returns {string | null} the name of the plan that is chosen.
 */
export function chosenName(id) {
  const chosen = document.querySelector(`#${id} input:checked`);
  return chosen instanceof HTMLInputElement ? chosen.value : null;
}

/**
 * Shows the field for how many of a plan, unless that is sold once, and keeps what it holds within the limits.
 *
 * @param {string} id of the field
 * @param {{ minimum: number | null, maximum: number | null } | undefined} limits
 * @param {number} [now] How many to begin with.
 * @returns {number | undefined} how many are asked for.
 */
export function drawQuantity(id, limits, now) {
  byId(`${id}-part`).hidden = !limits;
  if (!limits) return undefined;
  const field = /** @type {HTMLInputElement} */ (byId(id));
  const [least, most] = [limits.minimum ?? 1, limits.maximum ?? 1];
  field.min = String(least);
  field.max = String(most);
  const wanted = now ?? Math.floor(Number(field.value));
  const quantity = Math.min(Math.max(wanted || least, least), most);
  field.value = String(quantity);
  byId(`${id}-hint`).textContent = `From ${least} to ${most}`;
  return quantity;
}

/**
 * @param {Plan} one
 * @param {number} [quantity]
 * @param {Discount | null} [discount]
 * @param {Record<string, number>} [addons]
 * @param {Tax | null} [tax]
 */
export function drawOrder(one, quantity = 1, discount = null, addons = {}, tax = null) {
  const plan = many(one, quantity, addons);
  const trial = plan.trial_days > 0;
  const { amount } = discount ?? tax ?? plan;
  const taxes = tax?.behavior ? pair(tax.behavior === "inclusive" ? "Taxes, in this price" : "Taxes, each time", money(tax.tax_amount, tax.currency)) : [];
  // The taxes are those of the regular price, so with a code each sum is shown as a whole.
  const reduced = discount ? pair(`${discountTerm(discount)}${tax ? ", with taxes" : ""}`, money(discount.amount, discount.currency)) : taxes;
  const regular = discount && tax && discount.payments !== null ? pair("After that, with taxes", money(discount.regular_amount, discount.currency)) : [];
  byId("order").replaceChildren(
    ...pair(plan.label, price(plan)),
    ...reduced,
    ...regular,
    ...(trial ? pair(`First charge, ${day(trialEnd(plan))}`, money(amount, plan.currency)) : []),
    ...(plan.tax && !tax ? pair("Due today", "Tell us where you are") : pair("Due today", money(trial ? 0 : amount, plan.currency))),
  );
  byId("pay-lead").textContent = payLead(plan);
}
