// @ts-check
/**
 * Perennial in the page of a shop: pay with Amazon Pay or Apple Pay, be subscribed.
 *
 * The module holds no state that matters and decides nothing about money: prices come from the
 * server's plans, the shopper from the token, and the outcome from `GET /checkouts/{checkout}`.
 * What the query of the page says after a redirect is only a reason to ask.
 *
 * ```js
 * import { createPerennial } from "./perennial.js";
 *
 * const perennial = createPerennial({ apiBase: "https://api.shop.example", token: () => session.jwt() });
 * const plan = "stock-photos-monthly";
 * amazonButton.onclick = () => perennial.startAmazonPay({ plan, returnTo: "/account" });
 * await perennial.mountApplePay({ plan, element: "#apple-pay", onOutcome: show });
 * const outcome = await perennial.resumeReturn(); // on the page that the shopper comes back to
 * ```
 *
 * It needs the folder `perennial/` beside it.
 */

import { amazonPay } from "./perennial/amazon_pay.js";
import { applePay } from "./perennial/apple_pay.js";
import { connect, expectSuccess, PerennialError } from "./perennial/api.js";
import { checkouts } from "./perennial/checkouts.js";
import { walletsOf } from "./perennial/wallets.js";

export { PerennialError } from "./perennial/api.js";
export { takeAuthorizeLink } from "./perennial/apple_pay.js";
export { managementOf } from "./perennial/wallets.js";

/** @import { Stripe } from "@stripe/stripe-js" */
/** @import { Call } from "./perennial/api.js" */
/** @typedef {import("./perennial/apple_pay.js").Button} Button */
/** @typedef {import("./perennial/apple_pay.js").Payment} Payment */
/** @typedef {import("./perennial/apple_pay.js").PaymentOutcome} PaymentOutcome */
/** @typedef {import("./perennial/checkouts.js").Entitlement} Entitlement */
/** @typedef {import("./perennial/checkouts.js").Outcome} Outcome */
/** @typedef {import("./perennial/checkouts.js").Subscription} Subscription */
/** @typedef {import("./perennial/wallets.js").Wallets} Wallets */

/**
 * @typedef {object} PerennialOptions
 * @property {string} apiBase Where the API is, without a trailing slash. Empty means the page's own origin.
 * @property {() => string | Promise<string>} token The shopper's access token; asked for before every call, so that it may be renewed.
 * @property {(publishableKey: string) => Stripe | Promise<Stripe | null>} [stripe] `Stripe` of the script tag (the default), or `loadStripe`.
 */

/** @param {PerennialOptions} options */
export function createPerennial({ apiBase, token, stripe = stripeOfThePage }) {
  const api = connect(apiBase, token);
  /** @type {Call} */
  const call = async (...request) => {
    const answer = await api(...request);
    // The text on the page is not the one that holds by now, so the next button has to show the new one.
    if (answer.body?.error?.code === "consent_outdated") forgetWallets(true);
    return answer;
  };
  const { wallets, forgetWallets } = walletsOf(call, token);
  const { resumeReturn, pollCheckout, finish, finishPatiently } = checkouts(call);
  const { startAmazonPay, isUnderWay } = amazonPay({ call, stripe: loaded, finish });
  const { mountApplePay, mountPayment, paymentOf, authorize } = applePay({
    call,
    stripe: loaded,
    wallets,
    finish: finishPatiently,
    isBusy: isUnderWay,
  });

  /** @param {string} publishableKey */
  async function loaded(publishableKey) {
    const stripeJs = await stripe(publishableKey);
    if (!stripeJs) throw stripeMissing();
    return stripeJs;
  }

  /**
   * What the shopper has, and what that entitles them to, by plan group.
   *
   * @returns {Promise<{ subscriptions: Subscription[], entitlements: Record<string, Entitlement> }>}
   */
  async function subscriptions() {
    return expectSuccess(await call("GET", "/subscriptions"));
  }

  return {
    startAmazonPay,
    mountApplePay,
    mountPayment,
    paymentOf,
    authorize,
    wallets,
    resumeReturn,
    pollCheckout,
    finish,
    subscriptions,
  };
}

/** @param {string} publishableKey */
function stripeOfThePage(publishableKey) {
  const constructor = globalThis.window?.Stripe;
  if (!constructor) throw stripeMissing();
  return constructor(publishableKey);
}

function stripeMissing() {
  return new PerennialError({ code: "stripe_js_missing", message: "The payment form could not be loaded." });
}
