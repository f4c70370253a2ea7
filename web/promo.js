// @ts-check
/** A promotion code in the order: typed in, checked, taken off, or taken back. */

import { PerennialError } from "./perennial.js";
import { announce, byId, tellDeveloper } from "./page.js";
import { codeWords, discountWords } from "./words.js";

/** @import { createPerennial } from "./perennial.js" */

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {{ order: () => import("./ways.js").Order, onChange: () => void }} handlers
 */
export function promotions(perennial, { order, onChange }) {
  const form = byId("promo");
  /** @type {HTMLInputElement} */
  const input = byId("promo-code");
  /** The code that is taken off, as it was typed in. */
  let applied = "";

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void apply(input.value.trim());
  });
  byId("promo-remove").addEventListener("click", () => {
    drop();
    onChange();
    announce("The code was taken away.");
    input.focus();
  });

  /** @param {string} code */
  async function apply(code) {
    if (!code) {
      say("Please type in your code first.", true);
      return input.focus();
    }
    busy(true);
    try {
      const { plan, quantity, addons, billingAddress } = order();
      const { discount } = await perennial.wallets(plan, { quantity, addons, code, billingAddress });
      if (!discount) throw new Error("There is a code, and no discount.");
      applied = code;
      show();
      say(discountWords(discount));
      onChange();
      byId("promo-remove").focus();
    } catch (error) {
      refuse(error);
      input.focus();
    } finally {
      busy(false);
    }
  }

  /**
   * A code that is not taken, be it for the plan that was chosen since.
   *
   * @param {unknown} error
   */
  function refuse(error) {
    const known = error instanceof PerennialError ? error : null;
    drop();
    say(codeWords(known?.code ?? ""), true);
    if (known) tellDeveloper(`${known.code}: ${known.message}`);
    else console.error(error);
  }

  /** For another order, or another shopper. */
  function drop() {
    applied = "";
    input.value = "";
    show();
    say("");
  }

  function show() {
    byId("promo-entry").hidden = applied !== "";
    byId("promo-applied").hidden = applied === "";
    byId("promo-name").textContent = applied;
  }

  /**
   * @param {string} text
   * @param {boolean} [wrong]
   */
  function say(text, wrong = false) {
    byId("promo-note").textContent = text;
    byId("promo-note").classList.toggle("wrong", wrong);
    input.setAttribute("aria-invalid", String(wrong));
  }

  /** @param {boolean} is */
  function busy(is) {
    form.setAttribute("aria-busy", String(is));
    byId("promo-apply").toggleAttribute("disabled", is);
  }

  return {
    drop,
    refuse,
    /** The code that counts for the order, if there is one. */
    code: () => applied || undefined,
  };
}
