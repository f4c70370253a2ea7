// @ts-check
/** The ways to pay for a plan: which wallets are offered, what the shopper agrees to with each, and why one is missing. */

import { PerennialError } from "./perennial.js";
import { byId } from "./page.js";
import { walletWord } from "./words.js";

/** @import { Button, Outcome, Wallets, createPerennial } from "./perennial.js" */
/** @import { First, Wallet } from "./perennial/wallets.js" */

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
  /** @type {{ plan: string, first: First, offers: Wallets, button: Button | null } | null} */
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
      if (mine !== latest || shown?.offers === offers) return;
      handlers.onOffers(offers);
      if (mine !== latest) return;
      clear();
      const button = await mountIfOffered(offers, { plan, first, returnTo });
      if (mine !== latest) return button?.unmount();
      shown = { plan, first, offers, button };
      draw(offers, button?.shown ?? false);
      byId("ways-wait").hidden = true;
    } catch (error) {
      if (mine !== latest) return;
      clear();
      showTrouble(error);
    }
  }

  function clear() {
    shown?.button?.unmount();
    shown = null;
    byId("ways").hidden = true;
    byId("ways-wait").hidden = false;
  }

  /**
   * @param {Wallets} offers
   * @param {{ plan: string, first: First, returnTo: string }} options
   */
  async function mountIfOffered(offers, options) {
    if (!offers.wallets.some(({ wallet, offer }) => wallet === "apple_pay" && offer)) return null;
    // A place of its own, so that a plan that is chosen meanwhile does not meet this one's button.
    const element = document.createElement("div");
    byId("apple-pay").replaceChildren(element);
    return perennial.mountApplePay({ ...options, element, buttonType: "plain", buttonHeight: BUTTON_HEIGHT, ...handlers });
  }

  return { show, consent: () => shown?.offers.consent.version };
}

/**
 * @param {Wallets} offers
 * @param {boolean} appleShown
 */
function draw(offers, appleShown) {
  const shown = offers.wallets.filter(({ wallet, offer }) => offer && (wallet !== "apple_pay" || appleShown)).map(({ wallet }) => wallet);
  byId("pay").hidden = !shown.includes("amazon_pay");
  byId("apple-pay").hidden = !shown.includes("apple_pay");
  byId("ways").hidden = shown.length === 0;
  const consents = shown.map((wallet) => paragraph(offers.consent.text[wallet] ?? "", `${walletWord(wallet)}:`));
  byId("consent").replaceChildren(...consents);
  const missing = offers.wallets.filter(({ wallet }) => !shown.includes(wallet)).map(whyNot);
  byId("missing").replaceChildren(...missing);
  byId("missing").hidden = missing.length === 0;
}

/** @param {Wallet} missing */
function whyNot({ wallet, offer, reasons }) {
  // The API would offer it, so it is Stripe.js that has no button; what the API has to say may explain it.
  const first = offer ? ["Stripe.js shows no button for it in this browser."] : [];
  return paragraph([...first, ...reasons.map(({ message }) => message)].join(" "), `No ${walletWord(wallet)} here.`);
}

/**
 * @param {string} text
 * @param {string} lead
 */
function paragraph(text, lead) {
  const made = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = lead;
  made.append(strong, ` ${text}`);
  return made;
}

/** @param {unknown} error */
function showTrouble(error) {
  byId("consent").replaceChildren();
  byId("missing").hidden = true;
  byId("ways-wait").hidden = true;
  byId("ways-trouble").hidden = false;
  const known = error instanceof PerennialError ? error : null;
  byId("ways-code").textContent = [known?.code, known?.requestId].filter(Boolean).join(" · ");
  if (!known) console.error(error);
}
