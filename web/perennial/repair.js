// @ts-check
/**
 * Another payment method for a subscription whose payment failed, by the link of a mail. The link is the proof, so
 * nobody has to be signed in, and it permits nothing else. Every call may be repeated; an open invoice is paid once.
 */

import { expectSuccess, postWhenFree, unlessTransient } from "./api.js";
import { confirmAway, mayServerConfirm } from "./redirect.js";
import { confirmSetup, isUncertain } from "./sheet.js";
import { withDates } from "./wallets.js";

/** @import { Stripe } from "@stripe/stripe-js" */
/** @import { PaidInvoices, RepairOffer, SheetWallet } from "./answers.d.ts" */
/** @import { Answer, Call } from "./api.js" */
/** @import { Confirmed, RedirectWallet } from "./redirect.js" */
/** @import { Button, ButtonOptions, sheets } from "./sheet.js" */

/**
 * With `pending` nobody could tell yet: `finish` asks again, and Stripe's webhook finishes it without the page. With
 * `not_confirmed` nothing has changed; `reason` is a code of Stripe.js, `wallet_declined`, or `wallet_abandoned`. With
 * `replaced` it is paid, unless `invoices` says otherwise or `needsPaymentMethod` is true. With `refused` nothing was
 * charged: `nothing_to_repair`, `subscription_ended`, or another stable `code`.
 *
 * @typedef {{ state: "replaced", invoices: PaidInvoices, needsPaymentMethod: boolean }
 *   | { state: "pending", setupIntent: string }
 *   | { state: "not_confirmed", setupIntent: string, reason: string | null }
 *   | { state: "redirecting" }
 *   | { state: "refused", code: string, message: string }} RepairOutcome
 *
 * @typedef {{ state: "open", offer: RepairOffer } | Extract<RepairOutcome, { state: "refused" }>} RepairState
 */

/**
 * @typedef {object} RepairOptions
 * @property {RedirectWallet} wallet
 * @property {string} [returnTo] The path of the shop to come back to; the API's default page otherwise.
 * @property {"client" | "server"} [confirm] As for `startWallet`.
 *
 * @typedef {object} RepairButton
 * @property {RepairOffer} offer What `look` has found.
 * @property {SheetWallet} wallet
 * @property {string} [returnTo] The path of the shop to come back to, should the bank ask for a redirect.
 * @property {(outcome: RepairOutcome) => void} onOutcome
 *
 * @typedef {{ signal?: AbortSignal }} Signal
 */

/**
 * @param {object} parts
 * @param {Call} parts.call
 * @param {(publishableKey: string) => Promise<Stripe>} parts.stripe
 * @param {<Result extends { state: string }>(about: string[], start: () => Promise<Result>) => Promise<Result>} parts.once
 * @param {ReturnType<typeof sheets>["showButton"]} parts.showButton
 */
export function repairs({ call, stripe, once, showButton }) {
  /** @type {Call} */
  const anonymous = (method, path, options) => call(method, path, { ...options, anonymous: true });

  /**
   * @param {string} link What `takeRepairLink` has found.
   */
  function repair(link) {
    /**
     * What is open, and with which wallets it may be paid.
     *
     * @param {Signal} [options]
     * @returns {Promise<RepairState>}
     */
    async function look(options) {
      const answer = await anonymous("GET", `/repair?link=${encodeURIComponent(link)}`, options);
      return refusalOf(answer) ?? { state: "open", offer: withDates(expectSuccess(answer)) };
    }

    /**
     * Sends the shopper to a wallet that leads away. They come back to a page with the same link in its address.
     *
     * @param {RepairOptions} options
     * @returns {Promise<RepairOutcome>}
     */
    function start(options) {
      return once(["repair", options.wallet], () => leave(options));
    }

    /**
     * @param {RepairOptions} options
     * @returns {Promise<RepairOutcome>}
     */
    async function leave({ wallet, returnTo, confirm }) {
      const answer = await open(wallet, returnTo, confirm);
      const refusal = refusalOf(answer);
      if (refusal) return refusal;
      const issued = expectSuccess(answer);
      if (issued.redirect_url) {
        globalThis.location.assign(issued.redirect_url);
        return { state: "redirecting" };
      }
      /** @type {Stripe} */
      let stripeJs;
      try {
        stripeJs = await stripe(issued.publishable_key);
      } catch (error) {
        if (confirm || !mayServerConfirm(wallet)) throw error;
        return leave({ wallet, ...(returnTo === undefined ? {} : { returnTo }), confirm: "server" });
      }
      const confirmed = await confirmAway(stripeJs, wallet, issued);
      if (!confirmed.status && !confirmed.error) return { state: "redirecting" };
      return finishConfirmed(issued.setup_intent, confirmed);
    }

    /**
     * Shows the button of a wallet with a sheet.
     *
     * @param {RepairButton & ButtonOptions} options
     * @returns {Promise<Button>}
     */
    async function mount({ offer, wallet, returnTo, onOutcome, ...options }) {
      const told = offer.wallets.find((each) => each.wallet === wallet);
      if (!told?.elements) return { shown: false, reasons: [], unmount() {} };
      const { publishable_key } = offer;
      return showButton({ publishable_key, elements: told.elements, express_checkout: told.express_checkout ?? {} }, { buttonType: "plain", ...options }, async (approval) => {
        const answer = await open(wallet, returnTo);
        const refusal = refusalOf(answer);
        if (refusal) {
          approval.event.paymentFailed();
          return onOutcome(refusal);
        }
        const issued = expectSuccess(answer);
        onOutcome(await finishConfirmed(issued.setup_intent, await confirmSetup(approval, issued)));
      });
    }

    /**
     * Makes what the shopper has confirmed the payment method, and pays what is open. Safe to repeat.
     *
     * @param {string} setupIntent What `takeRepairLink` has found, or an outcome says.
     * @param {Signal} [options]
     * @returns {Promise<RepairOutcome>}
     */
    async function finish(setupIntent, { signal } = {}) {
      const answer = await postWhenFree(anonymous, "/repair/finish", { link, setup_intent: setupIntent }, signal);
      const refusal = refusalOf(answer);
      if (refusal) return refusal;
      const { status, invoices, needs_payment_method } = expectSuccess(answer);
      if (status === "replaced") return { state: "replaced", invoices, needsPaymentMethod: needs_payment_method };
      return status === "pending" ? { state: "pending", setupIntent } : { state: "not_confirmed", setupIntent, reason: null };
    }

    /**
     * @param {string} wallet
     * @param {string} [returnTo]
     * @param {string} [confirm]
     */
    function open(wallet, returnTo, confirm) {
      return postWhenFree(anonymous, "/repair", { link, wallet, return_to: returnTo, confirm });
    }

    /**
     * The wallet may have agreed by then, so a call that gets no useful answer is no failure.
     *
     * @param {string} setupIntent
     * @param {Confirmed} confirmed
     * @returns {Promise<RepairOutcome>}
     */
    async function finishConfirmed(setupIntent, { status, error }) {
      const agreed = status === "succeeded" || status === "processing" || (error && isUncertain(error));
      if (!agreed) return { state: "not_confirmed", setupIntent, reason: error?.code ?? error?.type ?? "wallet_abandoned" };
      return finish(setupIntent).catch((problem) => {
        unlessTransient(problem);
        return { state: "pending", setupIntent };
      });
    }

    return { look, start, mount, finish };
  }

  return repair;
}

/**
 * What the state of the subscription does not allow is an outcome; whatever else goes wrong is thrown.
 *
 * @param {Answer} answer
 * @returns {Extract<RepairOutcome, { state: "refused" }> | null}
 */
function refusalOf({ status, body }) {
  const { code, message } = body?.error ?? {};
  return status === 409 && code && code !== "busy" ? { state: "refused", code, message } : null;
}
