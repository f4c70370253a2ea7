// @ts-check
/** Stripe.js, loaded when the first button needs it, and again when that has failed. */

/** @import { Stripe } from "@stripe/stripe-js" */

/** @type {Promise<void> | null} */
let loading = null;

/**
 * The option `stripe` of `createPerennial`.
 *
 * @param {() => Promise<string>} address Where the script is.
 * @returns {(publishableKey: string) => Promise<Stripe | null>} null when it could not be loaded.
 */
export function stripeFrom(address) {
  return async (publishableKey) => {
    loading ??= address().then(load);
    await loading;
    if (!window.Stripe) loading = null;
    return window.Stripe?.(publishableKey) ?? null;
  };
}

/**
 * @param {string} address
 * @returns {Promise<void>} once it is there, or cannot be loaded.
 */
function load(address) {
  const script = document.createElement("script");
  script.src = address;
  return new Promise((resolve) => {
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => (script.remove(), resolve()));
    document.head.append(script);
  });
}
