// @ts-check
/** The button of a free trial that begins without a payment method. */

import { announce, byId } from "./page.js";

/** @import { Outcome, Wallets } from "./perennial.js" */

/**
 * @param {object} shop
 * @param {() => Promise<Outcome>} shop.begin
 * @param {(outcome: Outcome) => void} shop.onOutcome
 * @param {(error: unknown) => void} shop.onError
 */
export function freeTrial({ begin, onOutcome, onError }) {
  let busy = false;
  const button = byId("free-trial-go");
  button.addEventListener("click", () => void go());

  async function go() {
    if (busy) return;
    busy = true;
    button.classList.add("busy");
    announce("One moment.");
    try {
      onOutcome(await begin());
    } catch (error) {
      onError(error);
    } finally {
      busy = false;
      button.classList.remove("busy");
    }
  }
}

/**
 * Shows the button of an offer that has it.
 *
 * @param {Wallets | null} offers
 */
export function drawFreeTrial(offers) {
  const without = offers?.without_payment_method;
  byId("free-trial").hidden = !without?.offer;
  byId("free-trial-text").textContent = without?.text ?? "";
}
