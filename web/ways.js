// @ts-check
/** The ways to pay for a plan: which wallets are offered, what the shopper agrees to with each, and why one is missing. */

import { PerennialError } from "./perennial.js";
import { drawFreeTrial } from "./free_trial.js";
import { byId, showCode, tellDeveloper } from "./page.js";
import { walletWord } from "./words.js";

/** @import { BillingAddress } from "./perennial/wallets.js" */
/** @import { Button, First, Outcome, SheetWallet, WalletName, Wallets, createPerennial } from "./perennial.js" */

// As high as the button beside it.
const BUTTON_HEIGHT = 51;

/** @typedef {{ plan: string, quantity: number | undefined, addons: Record<string, number> | undefined, billingAddress?: BillingAddress | undefined }} Order What is bought. */

/**
 * @typedef {object} Handlers
 * @property {(offers: Wallets) => void} onOffers The free trial in it is the one that this shopper would get.
 * @property {(wallet: WalletName) => void} onApprove
 * @property {() => void} onCancel
 * @property {(outcome: Outcome) => void} onOutcome
 * @property {(error: unknown) => void} onError
 * @property {(error: PerennialError) => void} onCode The promotion code is not taken for this plan.
 * @property {(error: PerennialError) => void} onAddress Stripe does not recognize the address.
 */

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {Handlers} handlers
 */
export function waysToPay(perennial, handlers) {
  /** @type {{ order: string, first: First, code: string | undefined, offers: Wallets, buttons: Button[], failed: Set<string> } | null} */
  let shown = null;
  let latest = 0;

  /**
   * Shows the wallets of a plan. The plan that was asked for last is the one that is shown, and a button that still
   * holds stays, since Apple's sheet may not have left it yet.
   *
   * @param {Order} wanted
   * @param {{ first: First, returnTo: string, code: string | undefined }} options
   */
  async function show(wanted, { first, returnTo, code }) {
    const { plan, quantity, addons, billingAddress } = wanted;
    const order = JSON.stringify(wanted);
    const mine = (latest += 1);
    if (shown?.order !== order || shown.first !== first || shown.code !== code) clear();
    byId("ways-trouble").hidden = true;
    try {
      const offers = await perennial.wallets(plan, { quantity, addons, code, billingAddress });
      if (mine !== latest || (shown?.offers === offers && shown.failed.size === 0)) return;
      handlers.onOffers(offers);
      if (mine !== latest) return;
      clear();
      const missing = new Set();
      shown = { order, first, code, offers, buttons: [], failed: new Set() };
      drawFreeTrial(offers);
      // The buttons that lead away need no Stripe.js to be there, so nobody waits for them.
      draw(offers, missing, shown.failed);
      for (const place of sheetPlaces()) {
        if (mine === latest && !place.hidden) await mount(place, { plan, first, returnTo, ...(quantity === undefined ? {} : { quantity }), ...(addons === undefined ? {} : { addons }), ...(code ? { code } : {}), ...(billingAddress ? { billingAddress } : {}) }, missing, mine);
      }
      if (mine !== latest) return;
      byId("ways").setAttribute("aria-busy", "false");
    } catch (error) {
      if (mine !== latest) return;
      if (code && error instanceof PerennialError && isAboutCode(error)) return handlers.onCode(error);
      if (error instanceof PerennialError && error.code === "address_not_recognized") return handlers.onAddress(error);
      if (error instanceof PerennialError && error.code === "unknown_plan") return handlers.onError(error);
      clear();
      byId("consent").replaceChildren();
      byId("missing").hidden = true;
      showTrouble("The ways to pay could not be loaded.", error);
    }
  }

  /**
   * What the shopper is shown of their code and of the taxes, for this order; nothing while it is being asked for.
   *
   * @param {Order} order
   * @param {string | undefined} code
   */
  function amountsOf(order, code) {
    const { discount, tax } = shown && shown.order === JSON.stringify(order) && shown.code === code ? shown.offers : {};
    return { discount: discount ?? null, tax: tax ?? null };
  }

  /** Shows nothing, as long as it is not known where the shopper is. */
  function wait() {
    latest += 1;
    clear();
    byId("ways-trouble").hidden = true;
    byId("ways-wait").hidden = true;
    byId("missing").hidden = true;
  }

  function clear() {
    shown?.buttons.forEach((button) => button.unmount());
    shown = null;
    drawFreeTrial(null);
    byId("ways").hidden = true;
    byId("ways").setAttribute("aria-busy", "true");
    byId("ways-wait").hidden = false;
  }

  /**
   * @param {HTMLElement} place Where the button of a wallet with a sheet goes.
   * @param {{ plan: string, first: First, returnTo: string, quantity?: number, addons?: Record<string, number>, code?: string, billingAddress?: BillingAddress }} options
   * @param {Set<string>} missing The wallets whose buttons are not there.
   * @param {number} mine
   */
  async function mount(place, options, missing, mine) {
    const wallet = /** @type {SheetWallet} */ (place.dataset.wallet);
    const name = walletWord(wallet);
    // A place of its own, so that a plan that is chosen meanwhile does not meet this one's button.
    const element = document.createElement("div");
    place.replaceChildren(element);
    const onApprove = () => handlers.onApprove(wallet);
    try {
      const button = await perennial.mountWallet({ ...options, element, wallet, buttonType: "plain", buttonHeight: BUTTON_HEIGHT, ...handlers, onApprove });
      if (mine !== latest || !shown) return button.unmount();
      shown.buttons.push(button);
      if (!button.shown) missing.add(wallet);
      draw(shown.offers, missing, shown.failed);
      if (!button.shown) tellDeveloper(`No ${name}: Stripe.js shows no button for it in this browser.`);
    } catch (error) {
      if (mine !== latest || !shown) return;
      missing.add(wallet);
      shown.failed.add(wallet);
      draw(shown.offers, missing, shown.failed);
      showTrouble(`${name} could not be loaded.`, error);
    }
  }

  return { show, consent: () => shown?.offers.consent.version, amountsOf, wait };
}

/** @param {{ code: string }} error */
export function isAboutCode({ code }) {
  return code === "unknown_code" || code === "too_many_codes" || code.startsWith("code_");
}

/** @param {Wallets} offers */
function offered(offers) {
  return offers.wallets.filter(({ offer }) => offer).map(({ wallet }) => wallet);
}

/** @returns {NodeListOf<HTMLElement>} where the buttons of the wallets with a sheet go. */
export function sheetPlaces() {
  return document.querySelectorAll("#ways .sheet");
}

/**
 * @param {Wallets} offers
 * @param {Set<string>} missingButtons The wallets with a sheet that this browser has no button for.
 * @param {Set<string>} failed Those of them whose button could not be loaded, which is said elsewhere.
 */
function draw(offers, missingButtons, failed) {
  const shown = offered(offers).filter((wallet) => !missingButtons.has(wallet));
  /** @type {NodeListOf<HTMLElement>} */
  const places = document.querySelectorAll("#ways [data-wallet]");
  for (const place of places) place.hidden = !shown.some((wallet) => wallet === place.dataset.wallet);
  byId("ways").hidden = shown.length === 0;
  byId("ways-wait").hidden = true;
  const consents = shown.map((wallet) => paragraph(` ${offers.consent.text[wallet] ?? ""}`, `${walletWord(wallet)}:`));
  byId("consent").replaceChildren(...consents);
  const missing = offers.wallets.filter(({ wallet }) => !shown.includes(wallet) && !failed.has(wallet));
  byId("missing").replaceChildren(...missing.map(({ wallet }) => paragraph(`${walletWord(wallet)} is not available here.`)));
  byId("missing").hidden = missing.length === 0;
  for (const { wallet, reasons } of missing) {
    for (const { message } of reasons) tellDeveloper(`No ${walletWord(wallet)}: ${message}`);
  }
}

/**
 * @param {string} text
 * @param {string} [lead]
 */
export function paragraph(text, lead = "") {
  const made = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = lead;
  made.append(strong, text);
  return made;
}

/**
 * @param {string} text
 * @param {unknown} error
 */
function showTrouble(text, error) {
  const known = error instanceof PerennialError ? error : null;
  byId("ways-wait").hidden = true;
  byId("ways").setAttribute("aria-busy", "false");
  byId("ways-trouble").hidden = false;
  byId("ways-trouble-text").textContent = text;
  showCode("ways-trouble", [known?.code, known?.requestId].filter(Boolean).join(" · "));
  if (known) tellDeveloper(`${known.code}: ${known.message}`);
  else console.error(error);
}
