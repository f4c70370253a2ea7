// @ts-check
/** The page of a payment that could not be charged without the shopper: they approve it again, in person. */

import { PerennialError } from "./perennial.js";
import { announce, attend, byId, pair, reveal, showProblem, spoken, tellDeveloper } from "./page.js";
import { explain, explainError } from "./outcome_words.js";
import { money } from "./words.js";

/** @import { Payment, PaymentOutcome, createPerennial } from "./perennial.js" */
/** @import { Words } from "./words.js" */

/** What the API says of a payment or a link that no other try changes. */
const OVER = ["payment_already_made", "payment_canceled", "unknown_link"];

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {string} link What `authorize` held in the address.
 */
export async function showAuthorize(perennial, link) {
  const again = byId("authorize-again");
  const look = () => void showAuthorize(perennial, link);
  again.onclick = look;
  again.hidden = true;
  byId("authorize-text").hidden = false;
  showProblem("authorize-problem");
  try {
    const { payment, shown } = await perennial.authorize(link, {
      element: "#authorize-pay",
      onCancel: () => announce("The sheet is closed. Nothing was charged."),
      onOutcome: (outcome) => showOutcome(payment, outcome),
      onError: showTrouble,
    });
    byId("authorize-facts").replaceChildren(...pair("Amount", money(payment.amount, payment.currency)), ...pair("Reference", payment.payment ?? ""));
    reveal("authorize");
    if (!shown) showWords({ title: "This browser has no Apple Pay.", text: "Open the link on a device that has it." });
    else attend(byId("authorize-title"), `${byId("authorize-title").textContent}. ${byId("authorize-text").textContent}`);
  } catch (error) {
    reveal("authorize");
    byId("authorize-text").hidden = true;
    again.hidden = showTrouble(error);
  }
}

/**
 * @param {Payment} payment
 * @param {PaymentOutcome} outcome
 */
function showOutcome(payment, outcome) {
  const amount = money(payment.amount, payment.currency);
  if (outcome.state === "failed") {
    if (outcome.message) tellDeveloper(`${outcome.reason}: ${outcome.message}`);
    return showWords(explain(outcome.reason, "apple_pay") ?? explainError(outcome.reason), outcome.reason);
  }
  byId("authorize-pay").replaceChildren();
  if (outcome.state === "pending") {
    byId("authorize-again").hidden = false;
    return showWords({ title: "No word yet.", text: `Whether ${amount} was paid could not be learned. Look again in a moment; you never pay it twice.`, calm: true });
  }
  showProblem("authorize-problem");
  const title = "Thank you. The payment is confirmed.";
  const text = `${amount} was approved with Apple Pay. You can close this page.`;
  byId("authorize-title").textContent = title;
  byId("authorize-text").textContent = text;
  attend(byId("authorize-title"), spoken({ title, text }));
}

/**
 * @param {Words} words
 * @param {string} [code]
 */
function showWords(words, code = "") {
  showProblem("authorize-problem", { ...words, code });
  attend(byId("authorize-problem-title"), spoken(words));
}

/**
 * @param {unknown} error
 * @returns {boolean} whether another try is of no use.
 */
function showTrouble(error) {
  const known = error instanceof PerennialError ? error : null;
  showWords(explainError(known?.code ?? ""), [known?.code, known?.requestId].filter(Boolean).join(" · "));
  if (known) tellDeveloper(`${known.code}: ${known.message}`);
  else console.error(error);
  return known !== null && OVER.includes(known.code);
}
