// @ts-check
/** Where the shopper is, for a plan with taxes: the fields are there for such a plan alone. */

import { announce, byId, tellDeveloper } from "./page.js";

/** @import { PerennialError, Plan } from "./perennial.js" */
/** @import { BillingAddress } from "./perennial/wallets.js" */

/** @param {{ onChange: () => void }} handlers */
export function addresses({ onChange }) {
  const form = byId("address");
  /** @type {HTMLSelectElement} */
  const country = byId("address-country");
  /** @type {HTMLInputElement} */
  const code = byId("address-code");
  /** @type {BillingAddress | undefined} */
  let known;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const postal = code.value.trim();
    if (!country.value) return say("Please choose your country first.", country);
    if (country.value === "US" && !/^\d{5}(-\d{4})?$/.test(postal)) return say("Please type in the five digits of your ZIP code.", code);
    if (country.value === "CA" && !postal) return say("Please type in your postal code.", code);
    known = postal ? { country: country.value, postal_code: postal } : { country: country.value };
    say("");
    announce("The price is shown with taxes.");
    onChange();
  });
  // What was shown is of the address before.
  for (const field of [country, code]) {
    field.addEventListener("input", () => {
      if (!known) return;
      known = undefined;
      onChange();
    });
  }

  /**
   * @param {string} text
   * @param {HTMLElement} [wrong] The field that it is about.
   */
  function say(text, wrong) {
    byId("address-note").textContent = text;
    byId("address-note").classList.toggle("wrong", wrong !== undefined);
    for (const field of [country, code]) field.setAttribute("aria-invalid", String(field === wrong));
    wrong?.focus();
  }

  return {
    /**
     * The address by which the plan is taxed: undefined for a plan without taxes, and null until it is known.
     *
     * @param {Plan} plan
     */
    of(plan) {
      form.hidden = plan.tax !== "automatic";
      return form.hidden ? undefined : (known ?? null);
    },
    /** @param {PerennialError} error Stripe does not recognize it. */
    refuse(error) {
      known = undefined;
      say("We do not know this place. Please check your country and postal code.", code);
      tellDeveloper(`${error.code}: ${error.message}`);
    },
    /** For another shopper. */
    drop() {
      known = undefined;
      country.value = "";
      code.value = "";
      say("");
    },
  };
}
