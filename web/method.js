// @ts-check
/** Another payment method: the wallets of the subscription's plan, and what came of the one that was chosen. */

import { byId, tellDeveloper } from "./page.js";
import { paragraph } from "./ways.js";
import { methodLead } from "./account_words.js";
import { heldAddons, soldAddons, soldQuantity, walletWord } from "./words.js";

/** @import { Button, RedirectWallet, SheetWallet, WalletName, Wallets, createPerennial } from "./perennial.js" */
/** @import { Account, Desk } from "./account.js" */

/** @type {WalletName[]} */
const AWAY = ["amazon_pay", "cash_app_pay"];
const BUTTON_HEIGHT = 51;

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {Desk} desk
 */
export function methodPanel(perennial, desk) {
  /** @type {Button[]} */
  let buttons = [];
  let latest = 0;

  /** @param {Account} account */
  async function open({ subscription, plan }) {
    const mine = (latest += 1);
    clear();
    byId("method-text").textContent = methodLead(subscription);
    byId("method-wait").hidden = false;
    try {
      const quantity = plan && soldQuantity(plan, subscription);
      const addons = plan && soldAddons(plan, subscription);
      const offers = await perennial.wallets(plan?.name ?? subscription.plan ?? "", { quantity, addons });
      if (mine !== latest) return;
      const there = new Set();
      for (const { wallet, offer } of offers.wallets) if (offer && (await place(wallet, offers, mine))) there.add(wallet);
      if (mine !== latest) return;
      byId("method-wait").hidden = true;
      const texts = offers.wallets.filter(({ wallet }) => there.has(wallet));
      byId("method-consent").replaceChildren(...texts.map(({ wallet }) => paragraph(` ${offers.consent.text[wallet] ?? ""}`, `${walletWord(wallet)}:`)));
    } catch (error) {
      if (mine !== latest) return;
      byId("method-wait").hidden = true;
      desk.complain(error);
    }
  }

  function close() {
    latest += 1;
    clear();
  }

  function clear() {
    for (const button of buttons) button.unmount();
    buttons = [];
    byId("method-ways").replaceChildren();
    byId("method-consent").replaceChildren();
  }

  /**
   * @param {WalletName} wallet
   * @param {Pick<Wallets, "plan" | "quantity" | "addons">} offers
   * @param {number} mine
   * @returns {Promise<boolean>} whether there is a button.
   */
  async function place(wallet, { plan, quantity, addons }, mine) {
    if (AWAY.includes(wallet)) {
      byId("method-ways").append(away(/** @type {RedirectWallet} */ (wallet)));
      return true;
    }
    const element = document.createElement("div");
    element.className = "sheet";
    byId("method-ways").append(element);
    const { id } = desk.subscription();
    try {
      const button = await perennial.manage().mountPaymentMethod({
        subscription: id,
        plan,
        ...(quantity === undefined ? {} : { quantity }),
        ...(addons === undefined ? {} : { addons: heldAddons(addons) }),
        wallet: /** @type {SheetWallet} */ (wallet),
        element,
        returnTo: location.pathname,
        buttonHeight: BUTTON_HEIGHT,
        onApprove: () => desk.wait(wallet),
        onOutcome: (outcome) => void desk.settle(outcome),
        onError: desk.complain,
      });
      if (mine !== latest) button.unmount();
      else buttons.push(button);
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
      desk.wait(wallet);
      try {
        await desk.settle(await perennial.manage().replacePaymentMethod({ subscription: desk.subscription().id, wallet, returnTo: location.pathname }));
      } catch (error) {
        desk.complain(error);
      }
    });
    return button;
  }

  return { open, close, show() {} };
}
