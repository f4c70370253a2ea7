// @ts-check
/**
 * What a shopper does with a subscription that has begun: cancel it, pause it, change its plan, pay with another
 * method, read invoices. Every call may be repeated; an agreed change and an open invoice are charged once.
 */

import { takeMethodReturn } from "./address.js";
import { expectSuccess, postWhenFree, unlessTransient } from "./api.js";
import { confirmAway, mayServerConfirm } from "./redirect.js";
import { confirmSetup, isUncertain } from "./sheet.js";
import { byName } from "./wallets.js";

/** @import { Stripe } from "@stripe/stripe-js" */
/** @import { MethodReturn } from "./address.js" */
/** @import { AgainPreview, CancelWhen, ChangeWhen, EndPreview, Feedback, Invoices, ManagedSubscription, PaidInvoices, PausePreview, PlanPreview, SheetWallet, SubscriptionDetails, Wallets } from "./answers.d.ts" */
/** @import { Answer, Call } from "./api.js" */
/** @import { Confirmed, RedirectWallet } from "./redirect.js" */
/** @import { Button, ButtonOptions, sheets } from "./sheet.js" */

/**
 * What is asked for is not done, as the subscription stands, and nothing was charged. `code` is stable; the
 * `subscription` that comes along is how it stands.
 *
 * @typedef {{ state: "refused", code: string, message: string, subscription: ManagedSubscription | null }} Refused
 *
 * @typedef {{ state: "done", subscription: ManagedSubscription } | Refused} ActionOutcome
 * @typedef {{ state: "previewed", preview: PlanPreview } | Refused} PreviewOutcome
 * @typedef {{ state: "previewed", preview: EndPreview } | Refused} EndPreviewOutcome
 * @typedef {{ state: "previewed", preview: AgainPreview } | Refused} AgainPreviewOutcome
 * @typedef {{ state: "previewed", preview: PausePreview } | Refused} PausePreviewOutcome
 */

/**
 * With `pending` nobody could tell yet: `finishPaymentMethod` asks again, and Stripe's webhook finishes it without
 * the page. With `not_confirmed` nothing has changed, and the shopper may try again; `reason` is a code of
 * Stripe.js, `wallet_declined`, or `wallet_abandoned`.
 *
 * @typedef {{ state: "replaced", invoices: PaidInvoices, subscription: ManagedSubscription }
 *   | { state: "pending", subscription: string, setupIntent: string }
 *   | { state: "not_confirmed", subscription: string, setupIntent: string, reason: string | null }
 *   | { state: "redirecting" }
 *   | Refused} MethodOutcome
 */

/** @typedef {{ signal?: AbortSignal }} Signal */

/**
 * @typedef {object} MethodOptions
 * @property {string} subscription Its id.
 * @property {RedirectWallet} wallet
 * @property {string} [returnTo] The path of the shop to come back to; the API's default page otherwise.
 * @property {"client" | "server"} [confirm] As for `startWallet`.
 *
 * @typedef {object} MethodButton
 * @property {string} subscription Its id.
 * @property {string} plan The plan whose options the sheet has: the subscription's.
 * @property {number} [quantity] How many of it the subscription has, as far as the plan is sold so.
 * @property {Record<string, number>} [addons] How many of which add-on it has.
 * @property {SheetWallet} wallet
 * @property {string} [returnTo] The path of the shop to come back to, should the bank ask for a redirect.
 * @property {(outcome: MethodOutcome) => void} onOutcome
 */

/**
 * @param {object} parts
 * @param {Call} parts.call
 * @param {(publishableKey: string) => Promise<Stripe>} parts.stripe
 * @param {(plan: string, options?: { quantity?: number | undefined, addons?: Record<string, number> | undefined }) => Promise<Wallets>} parts.wallets
 * @param {<Result extends { state: string }>(about: string[], start: () => Promise<Result>) => Promise<Result>} parts.once
 * @param {ReturnType<typeof sheets>["showButton"]} parts.showButton
 */
export function managing({ call, stripe, wallets, once, showButton }) {
  /** @type {(MethodReturn & { outcome: Promise<MethodOutcome> | null }) | null} */
  let back = null;

  /**
   * What the shopper has, with what may be done to it now, its plans, and what they were given for free.
   *
   * @param {Signal} [options]
   * @returns {Promise<{ subscriptions: ManagedSubscription[], plans: import("./answers.d.ts").Plan[], grants: import("./answers.d.ts").GivenPlan[], entitlements: Record<string, import("./answers.d.ts").Entitlement> }>}
   */
  async function subscriptions(options) {
    return expectSuccess(await call("GET", "/subscriptions", options));
  }

  /**
   * One subscription, with what is charged next and to what.
   *
   * @param {string} subscription
   * @param {Signal} [options]
   * @returns {Promise<SubscriptionDetails>}
   */
  async function details(subscription, options) {
    return expectSuccess(await call("GET", `/subscriptions/${encodeURIComponent(subscription)}`, options));
  }

  /**
   * What another plan, another quantity or other add-ons would cost: as many as now without `quantity`, as far as the
   * plan is sold so, and of what it is without `plan`. `addons` says how many of which there are to be, 0 for none; those
   * that it does not name stay. `code` is a promotion code that is redeemed with it, or alone.
   *
   * @param {string} subscription
   * @param {{ plan?: string, when?: "auto" | ChangeWhen, quantity?: number, addons?: Record<string, number>, code?: string | undefined } & Signal} change
   * @returns {Promise<PreviewOutcome>}
   */
  async function preview(subscription, { signal, ...change }) {
    const answer = await post(subscription, "preview", change, signal);
    return refusalOf(answer) ?? { state: "previewed", preview: expectSuccess(answer) };
  }

  /**
   * What an end at once would give back.
   *
   * @param {string} subscription
   * @param {Signal} [options]
   * @returns {Promise<EndPreviewOutcome>}
   */
  async function previewEnd(subscription, { signal } = {}) {
    const answer = await post(subscription, "preview", { cancel: "now" }, signal);
    return refusalOf(answer) ?? { state: "previewed", preview: expectSuccess(answer) };
  }

  /**
   * What another subscription costs after one that has ended, charged to what that was paid with: where its
   * `actions.come_again.saved` says so.
   *
   * @param {string} subscription The one that has ended.
   * @param {{ plan: string, quantity?: number | undefined, addons?: Record<string, number> | undefined } & Signal} options
   * @returns {Promise<AgainPreviewOutcome>}
   */
  async function previewAgain(subscription, { plan, quantity, addons, signal }) {
    const answer = await post(subscription, "preview", { again: plan, quantity, addons }, signal);
    return refusalOf(answer) ?? { state: "previewed", preview: expectSuccess(answer) };
  }

  /**
   * Subscribes again, for what was shown or not at all. A declined payment is `refused`: sell the plan with a
   * wallet's button then.
   *
   * @param {string} subscription The one that has ended.
   * @param {Pick<AgainPreview, "again" | "due_now" | "trial_days" | "quantity" | "addons">} shown
   * @param {{ consent?: string } & Signal} [options]
   * @returns {Promise<ActionOutcome>}
   */
  async function comeAgain(subscription, { again, due_now, trial_days, quantity, addons }, { consent, signal } = {}) {
    const body = { again: subscription, plan: again, due_now: due_now.amount, trial_days, quantity, addons: byName(addons), consent };
    const answer = await postWhenFree(call, "/subscriptions", body, signal);
    return refusalOf(answer) ?? { state: "done", subscription: expectSuccess(answer).subscription };
  }

  /**
   * Carries out what a preview has shown: for that amount, or not at all.
   *
   * @param {string} subscription
   * @param {Pick<PlanPreview, "preview">} shown
   * @param {Signal} [options]
   */
  const change = (subscription, { preview }, options) => act(subscription, "change", { preview }, options);

  /**
   * Takes a change back that has not taken effect.
   *
   * @param {string} subscription
   * @param {Signal} [options]
   */
  const withdrawChange = (subscription, options) => act(subscription, "withdraw-change", {}, options);

  /**
   * Sets its end: with the period that is paid for, or at once where nothing is. `preview` ends a paid period at once,
   * for what `previewEnd` has shown.
   *
   * @param {string} subscription
   * @param {{ when?: CancelWhen, preview?: string, feedback?: Feedback, comment?: string } & Signal} [options]
   */
  const cancel = (subscription, { signal, ...why } = {}) => act(subscription, "cancel", why, { signal });

  /**
   * Takes a cancellation back that has not taken effect.
   *
   * @param {string} subscription
   * @param {Signal} [options]
   */
  const withdrawCancellation = (subscription, options) => act(subscription, "withdraw-cancellation", {}, options);

  /**
   * What a pause would credit, or what the end of one would cost.
   *
   * @param {string} subscription
   * @param {({ pause: { until?: string } } | { resume: {} }) & Signal} what
   * @returns {Promise<PausePreviewOutcome>}
   */
  async function previewPause(subscription, { signal, ...what }) {
    const answer = await post(subscription, "preview", what, signal);
    return refusalOf(answer) ?? { state: "previewed", preview: expectSuccess(answer) };
  }

  /**
   * Pauses it, until a time or until it is resumed, as `actions.pause` allows.
   *
   * @param {string} subscription
   * @param {{ until?: string } & Signal} [options]
   */
  const pause = (subscription, { signal, ...ask } = {}) => act(subscription, "pause", ask, { signal });

  /**
   * Lets a paused one go on, for the amount that was shown, in minor units, or not at all.
   *
   * @param {string} subscription
   * @param {{ dueNow?: number } & Signal} [options]
   */
  const resume = (subscription, { signal, dueNow } = {}) => act(subscription, "resume", { due_now: dueNow }, { signal });

  /**
   * Sends the shopper to a wallet that leads away, for another payment method. What is open is paid with it.
   *
   * @param {MethodOptions} options
   * @returns {Promise<MethodOutcome>}
   */
  function replacePaymentMethod(options) {
    return once([options.subscription, options.wallet], () => replace(options));
  }

  /**
   * @param {MethodOptions} options
   * @returns {Promise<MethodOutcome>}
   */
  async function replace(options) {
    const { subscription, wallet, confirm = "client" } = options;
    const answer = await openMethod(options, { confirm });
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
      if (options.confirm || !mayServerConfirm(wallet)) throw error;
      return replace({ ...options, confirm: "server" });
    }
    const confirmed = await confirmAway(stripeJs, wallet, issued);
    if (!confirmed.status && !confirmed.error) return { state: "redirecting" };
    return finishConfirmed(subscription, issued.setup_intent, confirmed);
  }

  /**
   * Shows the button of a wallet with a sheet, for another payment method.
   *
   * @param {MethodButton & ButtonOptions} options
   * @returns {Promise<Button>}
   */
  async function mountPaymentMethod({ subscription, plan, quantity, addons, wallet, returnTo, onOutcome, ...options }) {
    const { wallets: all, publishable_key } = await wallets(plan, { quantity, addons });
    const offer = all.find((each) => each.wallet === wallet);
    const elements = offer?.elements?.setup_intent;
    if (!offer?.offer || !elements) return { shown: false, reasons: offer?.reasons ?? [], unmount() {} };
    return showButton({ publishable_key, elements, express_checkout: offer.express_checkout ?? {} }, { buttonType: "plain", ...options }, async (approval) => {
      const answer = await openMethod({ subscription, wallet, returnTo });
      const refusal = refusalOf(answer);
      if (refusal) {
        approval.event.paymentFailed();
        return onOutcome(refusal);
      }
      const issued = expectSuccess(answer);
      onOutcome(await finishConfirmed(subscription, issued.setup_intent, await confirmSetup(approval, issued)));
    });
  }

  /**
   * Makes what the shopper has confirmed the payment method, and pays what is open. Safe to repeat.
   *
   * @param {string} subscription
   * @param {string} setupIntent
   * @param {Signal} [options]
   * @returns {Promise<MethodOutcome>}
   */
  async function finishPaymentMethod(subscription, setupIntent, { signal } = {}) {
    const answer = await post(subscription, "payment-method/finish", { setup_intent: setupIntent }, signal);
    const refusal = refusalOf(answer);
    if (refusal) return refusal;
    const { status, invoices, subscription: now } = expectSuccess(answer);
    if (status === "replaced") return { state: "replaced", invoices, subscription: now };
    const asked = { subscription, setupIntent };
    return status === "pending" ? { state: "pending", ...asked } : { state: "not_confirmed", ...asked, reason: null };
  }

  /**
   * What came of the wallet's page that the shopper is back from. Without a `signal`, further calls get the first
   * one's outcome; after an error or `pending`, they ask again.
   *
   * @param {Signal} [options]
   * @returns {Promise<MethodOutcome | null>} null when the page was opened in another way.
   */
  async function resumePaymentMethod(options) {
    const found = takeMethodReturn();
    if (found) back = { ...found, outcome: null };
    const mine = back;
    if (!mine) return null;
    const ask = async () => {
      const outcome = await finishPaymentMethod(mine.subscription, mine.setupIntent, options);
      if (outcome.state === "pending") mine.outcome = null;
      const declined = outcome.state === "not_confirmed" && mine.status === "failed";
      return declined ? { ...outcome, reason: "wallet_declined" } : outcome;
    };
    if (options?.signal) return ask();
    mine.outcome ??= ask();
    mine.outcome.catch(() => (mine.outcome = null));
    return mine.outcome;
  }

  /** Another shopper: the outcome of the return is none of theirs. */
  function forgetMethod() {
    back = null;
  }

  /**
   * What was billed, newest first. `after` of one page asks for the next one, and is null on the last.
   *
   * @param {{ subscription?: string, after?: string } & Signal} [options]
   * @returns {Promise<Invoices>}
   */
  async function invoices({ signal, ...which } = {}) {
    const query = new URLSearchParams(which).toString();
    return expectSuccess(await call("GET", `/invoices${query && `?${query}`}`, { signal }));
  }

  /**
   * @param {string} subscription
   * @param {string} action
   * @param {object} body
   * @param {Signal} [options]
   * @returns {Promise<ActionOutcome>}
   */
  async function act(subscription, action, body, { signal } = {}) {
    const answer = await post(subscription, action, body, signal);
    return refusalOf(answer) ?? { state: "done", subscription: expectSuccess(answer).subscription };
  }

  /**
   * @param {{ subscription: string, wallet: string, returnTo?: string }} options
   * @param {object} [more]
   */
  function openMethod({ subscription, wallet, returnTo }, more) {
    back = null;
    return post(subscription, "payment-method", { wallet, return_to: returnTo, ...more });
  }

  /**
   * @param {string} subscription
   * @param {string} action
   * @param {object} body
   * @param {AbortSignal} [signal]
   */
  function post(subscription, action, body, signal) {
    return postWhenFree(call, `/subscriptions/${encodeURIComponent(subscription)}/${action}`, body, signal);
  }

  /**
   * The wallet may have agreed by then, so a call that gets no useful answer is no failure.
   *
   * @param {string} subscription
   * @param {string} setupIntent
   * @param {Confirmed} confirmed
   * @returns {Promise<MethodOutcome>}
   */
  async function finishConfirmed(subscription, setupIntent, { status, error }) {
    const asked = { subscription, setupIntent };
    const agreed = status === "succeeded" || status === "processing" || (error && isUncertain(error));
    if (!agreed) return { state: "not_confirmed", ...asked, reason: error?.code ?? error?.type ?? "wallet_abandoned" };
    return finishPaymentMethod(subscription, setupIntent).catch((problem) => {
      unlessTransient(problem);
      return { state: "pending", ...asked };
    });
  }

  const management = {
    subscriptions,
    details,
    preview,
    previewEnd,
    previewAgain,
    comeAgain,
    change,
    withdrawChange,
    cancel,
    withdrawCancellation,
    previewPause,
    pause,
    resume,
    replacePaymentMethod,
    mountPaymentMethod,
    finishPaymentMethod,
    resumePaymentMethod,
    invoices,
  };
  return { management, forgetMethod };
}

/**
 * What the state of a subscription does not allow is an outcome; whatever else goes wrong is thrown.
 *
 * @param {Answer} answer
 * @returns {Refused | null}
 */
function refusalOf({ status, body }) {
  const { code, message } = body?.error ?? {};
  if ((status !== 402 && status !== 409) || !code || code === "busy") return null;
  return { state: "refused", code, message, subscription: body.subscription ?? null };
}
