// @ts-check
/** The page of a mail's link: a subscription whose payment failed is paid with another method, without signing in. */

import { PerennialError } from "./perennial.js";
import { announce, attend, byId, pair, reveal, showProblem, spoken, tellDeveloper } from "./page.js";
import { paragraph } from "./ways.js";
import { explainError, methodProblem, repairWords } from "./outcome_words.js";
import { money, walletWord } from "./words.js";

/** @import { Button, RedirectWallet, RepairOffer, RepairOutcome, SheetWallet, WalletName, createPerennial } from "./perennial.js" */
/** @import { RepairLink } from "./perennial/address.js" */
/** @import { Words } from "./words.js" */

/** @type {WalletName[]} */
const AWAY = ["amazon_pay", "cash_app_pay"];
const BUTTON_HEIGHT = 51;

/** @type {Button[]} */
let buttons = [];

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {RepairLink} found What was in the address.
 */
export async function showRepair(perennial, { link, setupIntent, status }) {
  const repair = perennial.repair(link);
  byId("repair-again").onclick = () => void open();
  if (setupIntent) await back(setupIntent);
  else await open();

  /** What is open, and the buttons to pay it with. */
  async function open() {
    clear();
    showProblem("repair-problem");
    byId("repair-again").hidden = true;
    try {
      const state = await repair.look();
      reveal("repair");
      if (state.state === "refused") return over(repairWords(state.code));
      await showOffer(state.offer);
      attend(byId("repair-title"), `${byId("repair-title").textContent}. ${byId("repair-text").textContent}`);
    } catch (error) {
      reveal("repair");
      trouble(error);
    }
  }

  /**
   * The shopper is back from a wallet's page, in whichever browser.
   *
   * @param {string} setupIntent
   */
  async function back(setupIntent) {
    reveal("repair");
    byId("repair-text").textContent = "We are asking whether all went well. One moment…";
    try {
      const outcome = await repair.finish(setupIntent);
      const declined = outcome.state === "not_confirmed" && status === "failed";
      await settle(declined ? { ...outcome, reason: "wallet_declined" } : outcome);
    } catch (error) {
      trouble(error);
    }
  }

  /** @param {RepairOffer} offer */
  async function showOffer(offer) {
    const { label, due } = offer;
    const facts = [...(label ? pair("Subscription", label) : []), ...(due ? pair("To be paid", money(due.amount, due.currency)) : [])];
    byId("repair-facts").replaceChildren(...facts);
    byId("repair-text").textContent = "Your last payment did not go through. Pay it here, and what comes after is paid the same way.";
    /** @type {WalletName[]} */
    const shown = [];
    for (const { wallet } of offer.wallets) if (await place(offer, wallet)) shown.push(wallet);
    byId("repair-consent").replaceChildren(...shown.map((wallet) => paragraph(` ${offer.consent.text[wallet] ?? ""}`, `${walletWord(wallet)}:`)));
  }

  /**
   * @param {RepairOffer} offer
   * @param {WalletName} wallet
   * @returns {Promise<boolean>} whether there is a button.
   */
  async function place(offer, wallet) {
    if (AWAY.includes(wallet)) {
      byId("repair-ways").append(away(/** @type {RedirectWallet} */ (wallet)));
      return true;
    }
    const element = document.createElement("div");
    element.className = "sheet";
    byId("repair-ways").append(element);
    try {
      const button = await repair.mount({
        offer,
        wallet: /** @type {SheetWallet} */ (wallet),
        element,
        buttonHeight: BUTTON_HEIGHT,
        onApprove: () => announce("Approved. One moment."),
        onOutcome: (outcome) => void settle(outcome),
        onError: trouble,
      });
      buttons.push(button);
      if (!button.shown) element.remove();
      return button.shown;
    } catch (error) {
      element.remove();
      tellDeveloper(`${walletWord(wallet)} could not be loaded.`);
      console.info(error);
      return false;
    }
  }

  /** @param {RedirectWallet} wallet */
  function away(wallet) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "wallet";
    button.dataset.wallet = wallet;
    button.textContent = walletWord(wallet);
    button.addEventListener("click", async () => {
      button.classList.add("busy");
      try {
        await settle(await repair.start({ wallet, returnTo: location.pathname }));
      } catch (error) {
        trouble(error);
      }
    });
    return button;
  }

  /** @param {RepairOutcome} outcome */
  async function settle(outcome) {
    switch (outcome.state) {
      case "redirecting":
        return;
      case "refused":
        return over(repairWords(outcome.code));
      case "replaced":
        if (outcome.invoices.status !== "declined" && !outcome.needsPaymentMethod) return over(repairWords(outcome.invoices.status));
        await open();
        return problem(methodProblem("still_declined"), outcome.invoices.decline_code ?? outcome.invoices.code ?? "");
      case "pending":
        byId("repair-again").hidden = false;
        byId("repair-again").onclick = () => void back(outcome.setupIntent);
        return problem(repairWords("pending"));
      case "not_confirmed":
        await open();
        return problem(methodProblem(outcome.reason), outcome.reason ?? "");
    }
  }

  /** @param {Words} words */
  function over({ title, text }) {
    clear();
    showProblem("repair-problem");
    byId("repair-facts").replaceChildren();
    byId("repair-title").textContent = title;
    byId("repair-text").textContent = text;
    attend(byId("repair-title"), spoken({ title, text }));
  }

  /**
   * @param {Words} words
   * @param {string} [code]
   */
  function problem(words, code = "") {
    showProblem("repair-problem", { ...words, code });
    attend(byId("repair-problem-title"), spoken(words));
  }

  /** @param {unknown} error */
  function trouble(error) {
    const known = error instanceof PerennialError ? error : null;
    for (const button of document.querySelectorAll("#repair-ways .busy")) button.classList.remove("busy");
    if (known?.code === "unknown_link") {
      byId("repair-text").textContent = "";
      clear();
    } else byId("repair-again").hidden = false;
    problem(explainError(known?.code ?? ""), [known?.code, known?.requestId].filter(Boolean).join(" · "));
    if (known) tellDeveloper(`${known.code}: ${known.message}`);
    else console.error(error);
  }

  function clear() {
    for (const button of buttons) button.unmount();
    buttons = [];
    byId("repair-ways").replaceChildren();
    byId("repair-consent").replaceChildren();
  }
}
