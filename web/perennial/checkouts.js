// @ts-check
/** What became of a checkout: asked for, waited for, and finished. */

import { cleanReturn, returnInAddress } from "./address.js";
import { DEFAULT_RETRY_SECONDS, expectSuccess, PerennialError, sleep, unlessTransient } from "./api.js";

/** @import { Return } from "./address.js" */
/** @import { Subscription } from "./answers.d.ts" */
/** @import { Call } from "./api.js" */

/**
 * What a checkout came to. Every call below ends in one of these; only a call that could not be
 * answered at all throws, a `PerennialError`.
 *
 * `sign_in` is for a shopper who is back from the wallet while nobody is signed in (`code` is
 * `unauthorized`), or somebody else than who ordered (`unknown_checkout`). `status` is what `GET /confirm`
 * found out: with `subscribed` it is bought, and with `pending` it may be. So the page offers no payment,
 * and asks who ordered to sign in; `resumeReturn()` then gets the outcome.
 *
 * Nothing was charged with `failed` and `mayRetry`. A page that does not know a `reason` goes by that:
 * without `mayRetry` it offers no payment, since money may have been taken. With `ended_after_payment` and
 * `ended_in_trial` there was a subscription, which has ended since, and comes along.
 *
 * @typedef {{ state: "failed", checkout: string, reason: string, message: string | null, mayRetry: boolean, subscription?: Subscription }} Failed
 *
 * @typedef {{ state: "pending", checkout: string, retryAfter: number }} Pending
 *
 * @typedef {{ state: "sign_in", checkout: string, status: Return["status"], code: string }} SignIn
 *
 * @typedef {{ state: "subscribed", checkout: string, subscription: Subscription | null }
 *   | { state: "already_subscribed", subscription: Subscription | null, manage: string | null }
 *   | Pending
 *   | Failed
 *   | SignIn
 *   | { state: "redirecting", checkout: string }} Outcome
 */

/**
 * @typedef {object} PollOptions
 * @property {number} [giveUpAfter] Milliseconds; a checkout that is still pending then stays pending.
 *   `Infinity` never gives up, and asks ever more rarely, at last once a minute.
 * @property {AbortSignal} [signal] Stops the polling early, with the last answer.
 */

// A wallet answers within seconds or not at all; the webhook finishes what takes longer.
const GIVE_UP_AFTER_MS = 60_000;
const MAX_RETRY_MS = 15_000;
// What has taken long is going to take longer: each wait is this part of what has passed, up to a minute.
const PATIENCE = 0.1;
const MAX_PATIENCE_MS = 60_000;

/** @param {Call} call */
export function checkouts(call) {
  /** @type {{ checkout: string, outcome: Promise<Outcome | null> } | null} */
  let back = null;

  /**
   * On the page that `GET /confirm` sends the shopper back to: asks the API what really happened, and takes
   * `checkout`, `status` and `reason` out of the address once that is decided. Until then, and after an
   * error, the next call asks again. Calls without a `signal` share one promise; the outcome stays the
   * answer until another checkout begins or another shopper signs in.
   *
   * @param {PollOptions} [options]
   * @returns {Promise<Outcome | null>} null when the page was opened in another way.
   */
  function resumeReturn(options = {}) {
    const given = returnInAddress();
    if (back && (!given || (given.checkout === back.checkout && !options.signal))) return back.outcome;
    const mine = { checkout: given?.checkout ?? "", outcome: given ? resume(given, options) : Promise.resolve(null) };
    // Whoever passes a signal may stop the asking, and would stop it for the others.
    if (!options.signal) back = mine;
    const settled = (/** @type {boolean} */ decided) => {
      if (decided) back = mine;
      else if (back === mine) back = null;
    };
    mine.outcome.then((outcome) => settled(outcome === null || isDecided(outcome)), () => settled(false));
    return mine.outcome;
  }

  /** Another checkout or another shopper: the outcome of the return is none of theirs. */
  function forgetReturn() {
    back = null;
  }

  /** For a shopper who goes on without waiting: takes an undecided return out of the address. */
  function dismissReturn() {
    forgetReturn();
    cleanReturn();
  }

  /**
   * @param {Return} given
   * @param {PollOptions} options
   * @returns {Promise<Outcome>}
   */
  async function resume(given, options) {
    const outcome = await ask(given, options);
    // Another checkout may be in the address by now.
    if (isDecided(outcome) && returnInAddress()?.checkout === given.checkout) cleanReturn();
    return outcome;
  }

  /**
   * @param {Return} given
   * @param {PollOptions} options
   * @returns {Promise<Outcome>}
   */
  async function ask({ checkout, status, reason }, options) {
    // The address that the wallet sent the shopper to was old, or not whole. They may have paid.
    if (!checkout) return { state: "failed", checkout, reason, message: null, mayRetry: false };
    try {
      if (status === "pending") {
        const outcome = await finish(checkout).catch((error) => void unlessTransient(error));
        if (outcome && outcome.state !== "pending") return outcome;
      }
      return await pollCheckout(checkout, options);
    } catch (error) {
      const unknown = signIn(checkout, status, error);
      if (unknown) return unknown;
      throw error;
    }
  }

  /**
   * Asks until the checkout is decided, as often as the API wishes. A checkout that is still
   * pending at the end, be it that nobody could be reached, is not lost: Stripe's webhook
   * finishes it without the page.
   *
   * @param {string} checkout
   * @param {PollOptions} [options]
   * @returns {Promise<Outcome>}
   */
  async function pollCheckout(checkout, { giveUpAfter = GIVE_UP_AFTER_MS, signal } = {}) {
    const began = Date.now();
    /** @type {Outcome} */
    let outcome = { state: "pending", checkout, retryAfter: DEFAULT_RETRY_SECONDS };
    do {
      let wait = DEFAULT_RETRY_SECONDS;
      try {
        const answer = await call("GET", `/checkouts/${encodeURIComponent(checkout)}`);
        outcome = outcomeOf(checkout, expectSuccess(answer), answer.retryAfter);
        if (outcome.state !== "pending") return outcome;
        wait = outcome.retryAfter;
      } catch (error) {
        wait = unlessTransient(error).retryAfter ?? wait;
      }
      const passed = Date.now() - began;
      const milliseconds = Math.max(Math.min(wait * 1000, MAX_RETRY_MS), Math.min(passed * PATIENCE, MAX_PATIENCE_MS));
      if (passed + milliseconds > giveUpAfter) break;
      await sleep(milliseconds, signal);
    } while (!signal?.aborted);
    return outcome;
  }

  /**
   * Creates the subscription of a checkout whose payment method is set up, or gets the one that
   * somebody else has created meanwhile. Safe to repeat.
   *
   * @param {string} checkout
   * @returns {Promise<Outcome>}
   */
  async function finish(checkout) {
    const answer = await call("POST", "/subscriptions", { body: { checkout } });
    if (answer.status === 202) {
      return outcomeOf(checkout, { ...answer.body, status: "pending" }, answer.retryAfter);
    }
    const ended = endedWithout(answer.body, checkout);
    return ended ?? { state: "subscribed", checkout, subscription: expectSuccess(answer).subscription ?? null };
  }

  /**
   * The same after the wallet has agreed, and waits if it takes longer. The shopper may be charged by then,
   * so a call that gets no useful answer is no failure.
   *
   * @param {string} checkout
   * @returns {Promise<Outcome>}
   */
  async function finishApproved(checkout) {
    try {
      const outcome = await finish(checkout).catch((error) => void unlessTransient(error));
      return outcome && outcome.state !== "pending" ? outcome : await pollCheckout(checkout);
    } catch (error) {
      const unknown = signIn(checkout, "pending", error);
      if (unknown) return unknown;
      console.error(error);
      return { state: "pending", checkout, retryAfter: DEFAULT_RETRY_SECONDS };
    }
  }

  return { resumeReturn, forgetReturn, dismissReturn, pollCheckout, finish, finishApproved };
}

/** @param {Outcome} outcome */
function isDecided({ state }) {
  return state !== "pending" && state !== "sign_in";
}

/**
 * @param {string} checkout
 * @param {Return["status"]} status
 * @param {unknown} error
 * @returns {SignIn | null} if the error says that the shopper is not who ordered.
 */
function signIn(checkout, status, error) {
  const known = error instanceof PerennialError && (error.status === 401 || error.code === "unknown_checkout");
  return known ? { state: "sign_in", checkout, status, code: error.code } : null;
}

/**
 * @param {any} body of an answer that opens a checkout
 * @returns {Outcome | null} what the shopper has already, if that is why none was opened.
 */
export function alreadySubscribed(body) {
  if (body?.error?.code !== "already_subscribed") return null;
  return { state: "already_subscribed", subscription: body.subscription ?? null, manage: body.manage ?? null };
}

/**
 * A checkout that has come to an end without a subscription says whether another may not.
 *
 * @param {any} body
 * @param {string} checkout
 * @returns {Failed | null}
 */
export function endedWithout(body, checkout) {
  if (typeof body?.may_retry !== "boolean") return null;
  const { error, may_retry } = body;
  return {
    state: "failed",
    checkout,
    reason: error?.code ?? "payment_refused",
    message: error?.message ?? null,
    mayRetry: may_retry,
    ...ended(body),
  };
}

/**
 * What Stripe.js had to say against a confirmation.
 *
 * @param {string} checkout
 * @param {import("@stripe/stripe-js").StripeError} error
 * @returns {Failed}
 */
export function refusedBy(checkout, error) {
  return { state: "failed", checkout, reason: error.code ?? error.type, message: error.message ?? null, mayRetry: true };
}

/**
 * @param {string} checkout
 * @param {any} body of `GET /checkouts/{checkout}`
 * @param {number | null} retryAfter
 * @returns {Outcome}
 */
function outcomeOf(checkout, body, retryAfter) {
  switch (body.status) {
    case "subscribed":
      return { state: "subscribed", checkout, subscription: body.subscription ?? null };
    case "pending":
      return { state: "pending", checkout, retryAfter: body.retry_after ?? retryAfter ?? DEFAULT_RETRY_SECONDS };
    default:
      // A status of a later API is an end that this page does not know, and nothing to wait or to pay for.
      return {
        state: "failed",
        checkout,
        reason: body.reason ?? body.status ?? "unknown",
        message: null,
        mayRetry: body.may_retry ?? false,
        ...ended(body),
      };
  }
}

/** @param {any} body */
function ended({ subscription }) {
  return subscription ? { subscription } : {};
}
