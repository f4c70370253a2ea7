// @ts-check
/** The page of a payment that could not be charged without the shopper: they approve it again, in person. */

import { PerennialError } from "./perennial.js";
import { announce, attend, byId, pair, reveal, showProblem } from "./page.js";
import { explain, money } from "./words.js";

/** @import { Payment, PaymentOutcome, createPerennial } from "./perennial.js" */

/** What the API says of a payment that has come to its end. */
const OVER = ["payment_already_made", "payment_canceled"];

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {string} link What `authorize` held in the address.
 */
export async function showAuthorize(perennial, link) {
  try {
    const { payment, shown } = await perennial.authorize(link, {
      element: "#authorize-pay",
      onCancel: () => announce("The sheet is closed. Nothing was charged."),
      onOutcome: (outcome) => showOutcome(payment, outcome),
      onError: showTrouble,
    });
    byId("authorize-facts").replaceChildren(...pair("Amount", money(payment.amount, payment.currency)), ...pair("Reference", payment.payment ?? ""));
    reveal("authorize");
    if (!shown) showProblem("authorize-problem", { title: "This browser has no Apple Pay.", text: "Open the link on a device that has it.", code: "" });
    attend(byId("authorize-title"));
  } catch (error) {
    reveal("authorize");
    byId("authorize-text").hidden = true;
    showTrouble(error);
  }
}

/**
 * @param {Payment} payment
 * @param {PaymentOutcome} outcome
 */
function showOutcome(payment, outcome) {
  if (outcome.state === "failed") {
    return showProblem("authorize-problem", { ...explain(outcome.reason, outcome.message, "apple_pay"), code: outcome.reason });
  }
  showProblem("authorize-problem");
  const title = "Thank you. The payment is confirmed.";
  byId("authorize-title").textContent = title;
  byId("authorize-text").textContent = `${money(payment.amount, payment.currency)} was approved with Apple Pay. You can close this page.`;
  byId("authorize-pay").hidden = true;
  announce(title);
  attend(byId("authorize-title"));
}

/** @param {unknown} error */
function showTrouble(error) {
  const known = error instanceof PerennialError ? error : null;
  const text = known?.message ?? "This page met a problem that it did not expect.";
  const title = known && OVER.includes(known.code) ? "There is nothing to pay." : "That did not work.";
  showProblem("authorize-problem", { title, text, code: [known?.code, known?.requestId].filter(Boolean).join(" · ") });
  if (!known) console.error(error);
}
