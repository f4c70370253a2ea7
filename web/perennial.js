// @ts-check
/**
 * Perennial in the page of a shop: press Amazon Pay, come back, be subscribed.
 *
 * The module holds no state that matters and decides nothing about money: prices come from the
 * server's plans, the shopper from the token, and the outcome from `GET /checkouts/{checkout}`.
 * What the query of the page says after the redirect is only a reason to ask.
 *
 * ```js
 * import { createPerennial } from "./perennial.js";
 *
 * const perennial = createPerennial({ apiBase: "https://api.shop.example", token: () => session.jwt() });
 * button.onclick = () => perennial.startAmazonPay({ plan: "stock-photos-monthly", returnTo: "/account" });
 * const outcome = await perennial.resumeReturn(); // on the page that the shopper comes back to
 * ```
 */

/** @import { Stripe } from "@stripe/stripe-js" */

/**
 * @typedef {object} PerennialOptions
 * @property {string} apiBase Where the API is, without a trailing slash. Empty means the page's own origin.
 * @property {() => string | Promise<string>} token The shopper's access token; asked for before every call, so that it may be renewed.
 * @property {(publishableKey: string) => Stripe | Promise<Stripe | null>} [stripe] `Stripe` of the script tag (the default), or `loadStripe`.
 */

/**
 * @typedef {object} Subscription
 * @property {string} id
 * @property {string} status Stripe's word: `trialing`, `active`, `past_due`, ...
 * @property {string | null} plan The plan's name in the configuration of the API, if it is one of its plans.
 * @property {string | null} price
 * @property {string | null} wallet
 * @property {string | null} current_period_start RFC 3339, as all times here.
 * @property {string | null} current_period_end
 * @property {string | null} trial_end
 * @property {boolean} cancel_at_period_end
 * @property {string | null} latest_invoice_status
 */

/**
 * @typedef {object} Entitlement
 * @property {boolean} active
 * @property {string | null} until
 * @property {string} because The status of the subscription that decided it, or `none`.
 */

/**
 * What a checkout came to. Every call below ends in one of these; only a call that could not be
 * answered at all throws, a {@link PerennialError}.
 *
 * @typedef {{ state: "subscribed", checkout: string, subscription: Subscription | null }
 *   | { state: "already_subscribed", subscription: Subscription | null }
 *   | { state: "pending", checkout: string, retryAfter: number }
 *   | { state: "failed", checkout: string, reason: string, message: string | null, mayRetry: boolean }
 *   | { state: "redirecting", checkout: string }} Outcome
 */

/**
 * @typedef {object} StartOptions
 * @property {string} plan
 * @property {string} [returnTo] The path of the shop to come back to; the API's default page otherwise.
 * @property {"client" | "server"} [confirm] Who confirms the SetupIntent. With `client`, the default,
 *   Stripe.js records the shopper's consent; with `server`, the API does, and the page needs no Stripe.js.
 */

/**
 * @typedef {object} PollOptions
 * @property {number} [giveUpAfter] Milliseconds; a checkout that is still pending then stays pending.
 * @property {AbortSignal} [signal] Stops the polling early, with the last answer.
 */

// API Gateway gives up after 30 seconds, so no answer can come later than this.
const REQUEST_TIMEOUT_MS = 35_000;
// Amazon answers within seconds or not at all; the webhook finishes what takes longer.
const GIVE_UP_AFTER_MS = 60_000;
// Another tab, or an earlier click that got lost, holds the shopper's checkout for less than this.
const BUSY_FOR_MS = 20_000;
const DEFAULT_RETRY_SECONDS = 2;
const MAX_RETRY_SECONDS = 15;

/** A call that got no useful answer. `code` is stable, `message` may be shown to the shopper. */
export class PerennialError extends Error {
  /** @param {{ code: string, message: string, status?: number, requestId?: string | null, retryAfter?: number | null, cause?: unknown }} fields */
  constructor({ code, message, status = 0, requestId = null, retryAfter = null, cause }) {
    super(message, { cause });
    this.name = "PerennialError";
    this.code = code;
    /** The HTTP status, or 0 when there was no answer. */
    this.status = status;
    /** To be quoted to the shop's support; the same id is in the API's log. */
    this.requestId = requestId;
    /** Seconds, when the API said how long to wait. */
    this.retryAfter = retryAfter;
  }
}

/** @param {PerennialOptions} options */
export function createPerennial({ apiBase, token, stripe = stripeOfThePage }) {
  const call = connect(apiBase, token);
  /** @type {{ plan: string, outcome: Promise<Outcome> } | null} */
  let underWay = null;

  // A page that the browser kept while the shopper was at Amazon comes back with its variables.
  globalThis.addEventListener?.("pageshow", (event) => {
    if (event.persisted) underWay = null;
  });

  /**
   * Sends the shopper to Amazon. Further clicks while this is under way get the first one's outcome.
   *
   * @param {StartOptions} options
   * @returns {Promise<Outcome>}
   */
  function startAmazonPay(options) {
    if (underWay?.plan === options.plan) return underWay.outcome;
    if (underWay) {
      return Promise.reject(
        new PerennialError({ code: "checkout_under_way", message: "Another checkout is under way in this page." }),
      );
    }
    const outcome = start(options);
    underWay = { plan: options.plan, outcome };
    const done = () => {
      underWay = null;
    };
    // Somebody who is being redirected must not be able to start again in the page's last moments.
    outcome.then(({ state }) => state !== "redirecting" && done(), done);
    return outcome;
  }

  /**
   * @param {StartOptions} options
   * @returns {Promise<Outcome>}
   */
  async function start({ plan, returnTo, confirm = "client" }) {
    const answer = await issue({
      plan,
      wallet: "amazon_pay",
      confirm,
      ...(returnTo === undefined ? {} : { return_to: returnTo }),
    });
    if (answer.status === 409 && answer.body?.error?.code === "already_subscribed") {
      return { state: "already_subscribed", subscription: answer.body.subscription ?? null };
    }
    const issued = expectSuccess(answer);
    if (issued.status === "succeeded" || issued.status === "processing") {
      return finish(issued.checkout);
    }
    if (issued.redirect_url) {
      globalThis.location.assign(issued.redirect_url);
      return { state: "redirecting", checkout: issued.checkout };
    }
    return confirmInPage(issued);
  }

  /** @param {object} body */
  async function issue(body) {
    const deadline = Date.now() + BUSY_FOR_MS;
    for (;;) {
      const answer = await call("POST", "/client-secret", body);
      if (answer.body?.error?.code !== "busy" || Date.now() > deadline) return answer;
      await sleep((answer.retryAfter ?? DEFAULT_RETRY_SECONDS) * 1000);
    }
  }

  /**
   * @param {{ checkout: string, client_secret: string, publishable_key: string, return_url: string }} issued
   * @returns {Promise<Outcome>}
   */
  async function confirmInPage({ checkout, client_secret, publishable_key, return_url }) {
    const stripeJs = await stripe(publishable_key);
    if (!stripeJs) throw stripeMissing();
    const { error, setupIntent } = await stripeJs.confirmAmazonPaySetup(client_secret, {
      return_url,
      // Stripe.js fills in the address and the browser itself, so nobody can claim another's.
      mandate_data: { customer_acceptance: { type: "online", online: { infer_from_client: true } } },
    });
    const status = setupIntent?.status ?? error?.setup_intent?.status;
    if (status === "succeeded" || status === "processing") return finish(checkout);
    if (!error) return { state: "redirecting", checkout };
    return {
      state: "failed",
      checkout,
      reason: error.code ?? error.type,
      message: error.message ?? null,
      mayRetry: true,
    };
  }

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
    const answer = await call("POST", "/subscriptions", { checkout });
    if (answer.status === 202) {
      return outcomeOf(checkout, { ...answer.body, status: "pending" }, answer.retryAfter);
    }
    // A checkout that has come to an end without a subscription says whether another may not.
    const { error, may_retry } = answer.body ?? {};
    if (typeof may_retry === "boolean") {
      return {
        state: "failed",
        checkout,
        reason: error?.code ?? "payment_refused",
        message: error?.message ?? null,
        mayRetry: may_retry,
      };
    }
    return { state: "subscribed", checkout, subscription: expectSuccess(answer).subscription ?? null };
  }

  /**
   * What the shopper has, and what that entitles them to, by plan group.
   *
   * @returns {Promise<{ subscriptions: Subscription[], entitlements: Record<string, Entitlement> }>}
   */
  async function subscriptions() {
    return expectSuccess(await call("GET", "/subscriptions"));
  }

  return { startAmazonPay, resumeReturn, pollCheckout, finish, subscriptions };
}

/**
 * @typedef {{ status: number, body: any, retryAfter: number | null }} Answer
 *
 * @param {string} apiBase
 * @param {PerennialOptions["token"]} token
 * @returns {(method: "GET" | "POST", path: string, body?: object) => Promise<Answer>}
 */
function connect(apiBase, token) {
  return async (method, path, body) => {
    /** @type {Record<string, string>} */
    const headers = { accept: "application/json", authorization: `Bearer ${await token()}` };
    if (body) headers["content-type"] = "application/json";
    try {
      const response = await fetch(apiBase + path, {
        method,
        headers,
        body: body ? JSON.stringify(body) : null,
        cache: "no-store",
        credentials: "omit",
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await response.text();
      return { status: response.status, body: parse(text), retryAfter: seconds(response.headers.get("retry-after")) };
    } catch (cause) {
      throw new PerennialError({ code: "network", message: "The shop could not be reached.", cause });
    }
  };
}

/**
 * @param {Answer} answer
 * @returns {any} the body
 */
function expectSuccess({ status, body, retryAfter }) {
  if (status >= 200 && status < 300 && body) return body;
  // API Gateway refuses a bad token by itself, without the envelope.
  const [code, message] =
    status === 401
      ? ["unauthorized", "Please sign in again."]
      : ["unexpected_answer", "The shop gave an answer that this page does not understand."];
  throw new PerennialError({
    code: body?.error?.code ?? code,
    message: body?.error?.message ?? message,
    status,
    requestId: body?.error?.request_id ?? null,
    retryAfter,
  });
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

/** Takes the parameters of `GET /confirm` out of the address, so that a reload does not repeat them. */
function takeReturnFromAddress() {
  const address = new URL(globalThis.location.href);
  const checkout = address.searchParams.get("checkout");
  if (!checkout) return null;
  const status = address.searchParams.get("status");
  for (const name of ["checkout", "status", "reason"]) address.searchParams.delete(name);
  globalThis.history.replaceState(globalThis.history.state, "", address);
  return { checkout, status };
}

/**
 * @param {unknown} error
 * @returns {PerennialError} an error that may pass by itself; any other is thrown again.
 */
function unlessTransient(error) {
  if (error instanceof PerennialError && (error.status === 0 || error.status === 429 || error.status >= 500)) {
    return error;
  }
  throw error;
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

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {string | null} header */
function seconds(header) {
  const value = Number.parseInt(header ?? "", 10);
  return Number.isNaN(value) ? null : value;
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
