// @ts-check
/** What became of a checkout: asked for, waited for, and finished. */

import { DEFAULT_RETRY_SECONDS, expectSuccess, sleep, unlessTransient } from "./api.js";

/** @import { Call } from "./api.js" */

/**
 * @typedef {object} Subscription
 * @property {string} id
 * @property {string} status Stripe's word: `trialing`, `active`, `past_due`, ...
 * @property {string | null} plan The plan's name in the configuration of the API, if it is one of its plans.
 * @property {string | null} price
 * @property {string[]} [prices] All prices that are charged.
 * @property {{ plan: string, price: string | null } | null} sold_as What the checkout sold.
 * @property {string | null} wallet
 * @property {string | null} current_period_start RFC 3339, as all times here.
 * @property {string | null} current_period_end
 * @property {string | null} paid_until
 * @property {string | null} trial_end
 * @property {string | null} ends_at When it is going to end, or has ended.
 * @property {boolean} cancel_at_period_end
 * @property {{ reason: string, resumes_at: string | null } | null} pause
 * @property {string | null} latest_invoice_status
 * @property {string | null} latest_paid_invoice
 * @property {number} payment_attempts
 * @property {string | null} next_payment_attempt
 * @property {{ invoice: string, amount: number, paid: number, currency: string | null }[]} refunds
 * @property {{ state: string, reason: string | null }} payment
 */

/**
 * @typedef {object} Entitlement
 * @property {boolean} active
 * @property {string | null} until
 * @property {string} because The status of the subscription that decided it, `lapsed`, or `none`.
 */

/**
 * What a checkout came to. Every call below ends in one of these; only a call that could not be
 * answered at all throws, a `PerennialError`.
 *
 * @typedef {{ state: "failed", checkout: string, reason: string, message: string | null, mayRetry: boolean }} Failed
 *
 * @typedef {{ state: "subscribed", checkout: string, subscription: Subscription | null }
 *   | { state: "already_subscribed", subscription: Subscription | null }
 *   | { state: "pending", checkout: string, retryAfter: number }
 *   | Failed
 *   | { state: "redirecting", checkout: string }} Outcome
 */

/**
 * @typedef {object} PollOptions
 * @property {number} [giveUpAfter] Milliseconds; a checkout that is still pending then stays pending.
 * @property {AbortSignal} [signal] Stops the polling early, with the last answer.
 */

// A wallet answers within seconds or not at all; the webhook finishes what takes longer.
const GIVE_UP_AFTER_MS = 60_000;
const MAX_RETRY_SECONDS = 15;

/** @param {Call} call */
export function checkouts(call) {
  /**
   * On the page that `GET /confirm` sends the shopper back to: takes `checkout`, `status` and
   * `reason` out of the address, and asks the API what really happened.
   *
   * @param {PollOptions} [options]
   * @returns {Promise<Outcome | null>} null when the page was opened in another way.
   */
  async function resumeReturn(options) {
    const back = takeReturnFromAddress();
    if (!back) return null;
    if (!back.checkout) {
      // The address that the wallet sent the shopper to was old, or not whole.
      return { state: "failed", checkout: "", reason: back.reason, message: null, mayRetry: true };
    }
    if (back.status !== "pending") return pollCheckout(back.checkout, options);
    const outcome = await finish(back.checkout).catch((error) => void unlessTransient(error));
    if (outcome && outcome.state !== "pending") return outcome;
    return pollCheckout(back.checkout, options);
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
    const deadline = Date.now() + giveUpAfter;
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
      const milliseconds = Math.min(wait, MAX_RETRY_SECONDS) * 1000;
      if (Date.now() + milliseconds > deadline) break;
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
   * The same, and waits if it takes longer. The wallet has agreed by then, so a call that gets no
   * answer takes nothing away.
   *
   * @param {string} checkout
   * @returns {Promise<Outcome>}
   */
  async function finishPatiently(checkout) {
    const outcome = await finish(checkout).catch((error) => void unlessTransient(error));
    return outcome && outcome.state !== "pending" ? outcome : pollCheckout(checkout);
  }

  return { resumeReturn, pollCheckout, finish, finishPatiently };
}

/**
 * @param {any} body of an answer that opens a checkout
 * @returns {Outcome | null} what the shopper has already, if that is why none was opened.
 */
export function alreadySubscribed(body) {
  if (body?.error?.code !== "already_subscribed") return null;
  return { state: "already_subscribed", subscription: body.subscription ?? null };
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
    case "failed":
      return {
        state: "failed",
        checkout,
        reason: body.reason ?? "unknown",
        message: null,
        mayRetry: body.may_retry ?? true,
      };
    default:
      return { state: "pending", checkout, retryAfter: body.retry_after ?? retryAfter ?? DEFAULT_RETRY_SECONDS };
  }
}

/** The codes with which `GET /confirm` sends a shopper back of whom it knows no checkout. */
const WITHOUT_CHECKOUT = ["unknown_checkout", "missing_parameter"];

/**
 * Takes the parameters of `GET /confirm` out of the address, so that a reload does not repeat them. Should a
 * page have parameters of the same names, the API's are the last ones.
 */
function takeReturnFromAddress() {
  const address = new URL(globalThis.location.href);
  const last = (/** @type {string} */ name) => address.searchParams.getAll(name).at(-1) ?? null;
  const [checkout, status, reason] = [last("checkout"), last("status"), last("reason") ?? ""];
  // Other parts of the shop may have a status in their addresses too.
  if (!checkout && !(status === "failed" && WITHOUT_CHECKOUT.includes(reason))) return null;
  for (const name of ["checkout", "status", "reason"]) address.searchParams.delete(name);
  globalThis.history.replaceState(globalThis.history.state, "", address);
  return { checkout, status, reason };
}
