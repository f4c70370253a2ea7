// @ts-check
/** Amazon Pay and Cash App Pay: a click, a redirect, and a way back. */

import { expectSuccess, PerennialError, postWhenFree } from "./api.js";
import { alreadySubscribed, refusedBy } from "./checkouts.js";
import { agreedTo, taxedAt } from "./wallets.js";

/** @import { ConfirmAmazonPaySetupData, SetupIntent, SetupIntentResult, Stripe, StripeError } from "@stripe/stripe-js" */
/** @import { Discount, SheetWallet, Tax, WalletName } from "./answers.d.ts" */
/** @import { Call } from "./api.js" */
/** @import { Outcome } from "./checkouts.js" */
/** @import { BillingAddress } from "./wallets.js" */

/** @typedef {Exclude<WalletName, SheetWallet>} RedirectWallet */
/** @typedef {{ status: SetupIntent.Status | undefined, error: StripeError | undefined }} Confirmed What Stripe.js says of a confirmation. */

/**
 * What Stripe.js has for each wallet that leads away, and whether the API can confirm in its place.
 *
 * @type {Record<RedirectWallet, {
 *   confirm: (stripeJs: Stripe, clientSecret: string, data: ConfirmAmazonPaySetupData) => Promise<SetupIntentResult>,
 *   byServer: boolean,
 * }>}
 */
const WALLETS = {
  amazon_pay: { confirm: (stripeJs, clientSecret, data) => stripeJs.confirmAmazonPaySetup(clientSecret, data), byServer: true },
  // On a phone it opens Cash App, and elsewhere it shows a code to scan over the page.
  cash_app_pay: { confirm: (stripeJs, clientSecret, data) => stripeJs.confirmCashappSetup(clientSecret, data), byServer: false },
};

/**
 * @typedef {object} StartOptions
 * @property {string} plan
 * @property {number} [quantity] How many of it; those of the last `wallets(plan)` otherwise.
 * @property {Record<string, number>} [addons] How many of which add-on; those of the last `wallets(plan)` otherwise.
 * @property {string} [returnTo] The path of the shop to come back to; the API's default page otherwise.
 * @property {"client" | "server"} [confirm] Who confirms the SetupIntent. With `client`,
 *   Stripe.js records the shopper's consent; with `server`, which Amazon Pay alone knows, the API does, and the page
 *   needs no Stripe.js. By default the client does, or the server where it may and Stripe.js could not be loaded.
 * @property {string} [consent] The version of the text that the shopper was shown, from `wallets(plan)`.
 * @property {number} [trialDays] The free days that the shopper was told of; those of the last `wallets(plan)` otherwise.
 * @property {Pick<Discount, "promotion_code" | "amount"> | null} [discount] What the shopper was shown of their promotion code,
 *   from `wallets(plan, { code })`.
 * @property {BillingAddress | null} [billingAddress] Where the shopper is, for a plan with taxes.
 * @property {Pick<Tax, "amount"> | null} [tax] What they were shown of the taxes, from `wallets(plan, { billingAddress })`.
 *
 * @typedef {StartOptions & { wallet: RedirectWallet }} WalletOptions
 */

/**
 * @param {object} parts
 * @param {Call} parts.call
 * @param {(publishableKey: string) => Promise<Stripe>} parts.stripe
 * @param {(checkout: string) => Promise<Outcome>} parts.finish
 * @param {(plan: string) => Partial<import("./wallets.js").Shown>} parts.shownOffer
 */
export function redirects({ call, stripe, finish, shownOffer }) {
  const { once, isUnderWay } = oneAtATime();

  /**
   * Sends the shopper to the wallet. Further clicks while this is under way get the first one's outcome.
   *
   * @param {WalletOptions} options
   * @returns {Promise<Outcome>}
   */
  function startWallet(options) {
    return once([options.plan, options.wallet, String(options.quantity), JSON.stringify(options.addons)], () => start(options));
  }

  /**
   * @param {StartOptions} options
   * @returns {Promise<Outcome>}
   */
  const startAmazonPay = (options) => startWallet({ ...options, wallet: "amazon_pay" });

  /**
   * @param {WalletOptions} options
   * @returns {Promise<Outcome>}
   */
  async function start(options) {
    const shown = shownOffer(options.plan);
    const { plan, wallet, returnTo, confirm = "client", consent, discount, billingAddress, tax, trialDays = shown.trialDays, quantity = shown.quantity, addons = shown.addons } = options;
    const answer = await postWhenFree(call, "/client-secret", {
      plan,
      wallet,
      confirm,
      ...(returnTo === undefined ? {} : { return_to: returnTo }),
      ...(consent === undefined ? {} : { consent }),
      ...(trialDays === undefined ? {} : { trial_days: trialDays }),
      ...(quantity === undefined ? {} : { quantity }),
      ...(addons === undefined ? {} : { addons }),
      ...agreedTo(discount),
      ...taxedAt(tax, billingAddress),
    });
    const has = alreadySubscribed(answer.body);
    if (has) return has;
    const issued = expectSuccess(answer);
    if (issued.status === "succeeded" || issued.status === "processing") {
      return finish(issued.checkout);
    }
    if (issued.redirect_url) {
      globalThis.location.assign(issued.redirect_url);
      return { state: "redirecting", checkout: issued.checkout };
    }
    /** @type {Stripe} */
    let stripeJs;
    try {
      stripeJs = await stripe(issued.publishable_key);
    } catch (error) {
      if (options.confirm || !mayServerConfirm(wallet)) throw error;
      // The API closes this checkout, of which nobody was asked anything, for one that it confirms itself.
      return start({ ...options, confirm: "server" });
    }
    return confirmInPage(stripeJs, wallet, issued);
  }

  /**
   * @param {Stripe} stripeJs
   * @param {RedirectWallet} wallet
   * @param {Away & { checkout: string }} issued
   * @returns {Promise<Outcome>}
   */
  async function confirmInPage(stripeJs, wallet, issued) {
    const { checkout } = issued;
    const { status, error } = await confirmAway(stripeJs, wallet, issued);
    if (status === "succeeded" || status === "processing") return finish(checkout);
    if (!error) return status === "requires_action" ? abandoned(checkout) : { state: "redirecting", checkout };
    return refusedBy(checkout, error);
  }

  return { startAmazonPay, startWallet, once, isUnderWay };
}

/** @typedef {{ client_secret: string, return_url: string }} Away What the API has opened for a wallet that leads away. */

/**
 * Has the shopper confirm a SetupIntent at the wallet.
 *
 * @param {Stripe} stripeJs
 * @param {RedirectWallet} wallet
 * @param {Away} issued
 * @returns {Promise<Confirmed>} without a status when the browser is leaving the page.
 */
export async function confirmAway(stripeJs, wallet, { client_secret, return_url }) {
  const { error, setupIntent } = await WALLETS[wallet].confirm(stripeJs, client_secret, {
    return_url,
    // Stripe.js fills in the address and the browser itself, so nobody can claim another's.
    mandate_data: { customer_acceptance: { type: "online", online: { infer_from_client: true } } },
  });
  return { status: setupIntent?.status ?? error?.setup_intent?.status, error };
}

/** @param {RedirectWallet} wallet */
export function mayServerConfirm(wallet) {
  return WALLETS[wallet].byServer;
}

/** Lets one click be under way; the same click again gets the outcome of the first. */
function oneAtATime() {
  /** @type {{ what: string, outcome: Promise<any> } | null} */
  let underWay = null;

  // A page that the browser kept while the shopper was at the wallet comes back with its variables.
  globalThis.addEventListener?.("pageshow", (event) => {
    if (event.persisted) underWay = null;
  });

  /**
   * @template {{ state: string }} Result
   * @param {string[]} about What the click is about.
   * @param {() => Promise<Result>} start
   * @returns {Promise<Result>}
   */
  function once(about, start) {
    const what = about.join("\n");
    if (underWay?.what === what) return underWay.outcome;
    if (underWay) {
      return Promise.reject(
        new PerennialError({ code: "checkout_under_way", message: "Another checkout is under way in this page." }),
      );
    }
    const outcome = start();
    underWay = { what, outcome };
    const done = () => {
      underWay = null;
    };
    // Somebody who is being redirected must not be able to start again in the page's last moments.
    outcome.then(({ state }) => state !== "redirecting" && done(), done);
    return outcome;
  }

  return { once, isUnderWay: () => underWay !== null };
}

/**
 * The shopper has closed what Stripe.js showed over the page. Should they agree in the wallet after all, the webhook
 * finishes the checkout.
 *
 * @param {string} checkout
 * @returns {Outcome}
 */
function abandoned(checkout) {
  return { state: "failed", checkout, reason: "wallet_abandoned", message: null, mayRetry: true };
}
