// @ts-check
/** The fields for how many of each add-on, at the checkout and in "My subscription". */

import { byId } from "./page.js";
import { money } from "./words.js";

/** @import { Plan } from "./perennial.js" */

/**
 * Shows a field for each add-on, and keeps what each holds within its limits.
 *
 * @param {string} id of the place for the fields, which is hidden without any
 * @param {{ name: string, maximum: number, quantity?: number }[]} limits
 * @param {Plan | undefined} plan that has their words and prices
 * @param {boolean} [anew] Whether each begins with how many there are.
 * @returns {Record<string, number> | undefined} how many of each are asked for.
 */
export function drawAddons(id, limits, plan, anew = false) {
  const place = byId(id);
  place.hidden = limits.length === 0;
  const names = limits.map(({ name }) => name).join(" ");
  if (anew || place.dataset.names !== names) {
    place.dataset.names = names;
    place.replaceChildren(...limits.map((limit) => field(id, limit, plan)));
  }
  if (limits.length === 0) return undefined;
  const asked = limits.map(({ name, maximum }) => {
    const input = /** @type {HTMLInputElement} */ (byId(`${id}-${name}`));
    const number = Math.min(Math.max(Math.floor(Number(input.value)) || 0, 0), maximum);
    input.value = String(number);
    return [name, number];
  });
  return Object.fromEntries(asked);
}

/**
 * @param {string} id
 * @param {{ name: string, maximum: number, quantity?: number }} limit
 * @param {Plan | undefined} plan
 */
function field(id, { name, maximum, quantity = 0 }, plan) {
  const addon = plan?.addons?.find((each) => each.name === name);
  const row = document.createElement("div");
  row.className = "quantity";
  const label = document.createElement("label");
  label.htmlFor = `${id}-${name}`;
  label.textContent = addon?.label ?? name;
  const input = document.createElement("input");
  Object.assign(input, { type: "number", id: `${id}-${name}`, inputMode: "numeric", step: "1", min: "0", max: String(maximum), value: String(quantity) });
  input.setAttribute("aria-describedby", `${id}-${name}-hint`);
  const hint = document.createElement("span");
  hint.className = "small";
  hint.id = `${id}-${name}-hint`;
  const each = addon && plan ? `${money(addon.amount, plan.currency)} each, ` : "";
  hint.textContent = `${each}up to ${maximum}`;
  row.append(label, input, hint);
  return row;
}
