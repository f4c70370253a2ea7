// @ts-check
/** The ways to pay for a plan: which wallets are offered, what the shopper agrees to with each, and why one is missing. */

import { PerennialError } from "./perennial.js";
import { byId, showCode, tellDeveloper } from "./page.js";
import { walletWord } from "./words.js";

/** @import { Button, Outcome, Wallets, createPerennial } from "./perennial.js" */
/** @import { First } from "./perennial/wallets.js" */

// As high as the button beside it.
const BUTTON_HEIGHT = 51;

/**
 * @typedef {object} Handlers
 * @property {(offers: Wallets) => void} onOffers The free trial in it is the one that this shopper would get.
 * @property {() => void} onApprove
 * @property {() => void} onCancel
 * @property {(outcome: Outcome) => void} onOutcome
 * @property {(error: unknown) => void} onError
 */

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {Handlers} handlers
 */
export function waysToPay(perennial, handlers) {
  /** @type {{ plan: string, first: First, offers: Wallets, button: Button | null, failed: boolean } | null} */
  let shown = null;
  let latest = 0;

  /**
   * Shows the wallets of a plan. The plan that was asked for last is the one that is shown, and a button that still
   * holds stays, since Apple's sheet may not have left it yet.
   *
   * @param {string} plan
   * @param {{ first: First, returnTo: string }} options
   */
  async function show(plan, { first, returnTo }) {
    const mine = (latest += 1);
    if (shown?.plan !== plan || shown.first !== first) clear();
    byId("ways-trouble").hidden = true;
    try {
      const offers = await perennial.wallets(plan);
      if (mine !== latest || (shown?.offers === offers && !shown.failed)) return;
      handlers.onOffers(offers);
      if (mine !== latest) return;
      clear();
      const apple = offered(offers).includes("apple_pay");
      shown = { plan, first, offers, button: null, failed: false };
      // Amazon's button needs no Stripe.js to be there, so nobody waits for it.
      draw(offers, apple);
      if (apple) await mount({ plan, first, returnTo }, mine);
      byId("ways").setAttribute("aria-busy", "false");
    } catch (error) {
      if (mine !== latest) return;
      clear();
      byId("consent").replaceChildren();
      byId("missing").hidden = true;
      showTrouble("The ways to pay could not be loaded.", error);
    }
  }

  function clear() {
    shown?.button?.unmount();
    shown = null;
    byId("ways").hidden = true;
    byId("ways").setAttribute("aria-busy", "true");
    byId("ways-wait").hidden = false;
  }

  /**
   * @param {{ plan: string, first: First, returnTo: string }} options
   * @param {number} mine
   */
  async function mount(options, mine) {
    // A place of its own, so that a plan that is chosen meanwhile does not meet this one's button.
    const element = document.createElement("div");
    byId("apple-pay").replaceChildren(element);
    try {
      const button = await perennial.mountApplePay({ ...options, element, buttonType: "plain", buttonHeight: BUTTON_HEIGHT, ...handlers });
      if (mine !== latest || !shown) return button.unmount();
      shown.button = button;
      draw(shown.offers, button.shown);
      if (!button.shown) tellDeveloper("No Apple Pay: Stripe.js shows no button for it in this browser.");
    } catch (error) {
      if (mine !== latest || !shown) return;
      draw(shown.offers, false, "apple_pay");
      showTrouble("Apple Pay could not be loaded.", error);
      shown.failed = true;
    }
  }

  return { show, consent: () => shown?.offers.consent.version };
}

/** @param {Wallets} offers */
function offered(offers) {
  return offers.wallets.filter(({ offer }) => offer).map(({ wallet }) => wallet);
}

/**
 * @param {Wallets} offers
 * @param {boolean} apple Whether its button is there, or about to be.
 * @param {string} [failed] A wallet whose button could not be loaded, which is said elsewhere.
 */
function draw(offers, apple, failed) {
  const shown = offered(offers).filter((wallet) => wallet !== "apple_pay" || apple);
  byId("pay").hidden = !shown.includes("amazon_pay");
  byId("apple-pay").hidden = !shown.includes("apple_pay");
  byId("ways").hidden = shown.length === 0;
  byId("ways-wait").hidden = true;
  const consents = shown.map((wallet) => paragraph(` ${offers.consent.text[wallet] ?? ""}`, `${walletWord(wallet)}:`));
  byId("consent").replaceChildren(...consents);
  const missing = offers.wallets.filter(({ wallet }) => !shown.includes(wallet) && wallet !== failed);
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
function paragraph(text, lead = "") {
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
