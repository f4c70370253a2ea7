// @ts-check
/** Calls to the API of Perennial, and what is thrown when one gets no useful answer. */

/**
 * @typedef {{ status: number, body: any, retryAfter: number | null }} Answer
 *
 * @typedef {object} CallOptions
 * @property {object} [body]
 * @property {boolean} [anonymous] For routes whose signed link is the proof; no token is asked for.
 * @property {AbortSignal} [signal] Ends the call; what it throws then is the signal's reason.
 *
 * @typedef {(method: "GET" | "POST", path: string, options?: CallOptions) => Promise<Answer>} Call
 */

// API Gateway gives up after 30 seconds, so no answer can come later than this.
const REQUEST_TIMEOUT_MS = 35_000;
// Another tab, or an earlier click that got lost, holds the shopper's checkout for less than this.
const BUSY_FOR_MS = 20_000;
export const DEFAULT_RETRY_SECONDS = 2;
const SIGN_IN = "Please sign in again.";

/**
 * A call that got no useful answer. `code` is stable, and what a page chooses its own words by; `message` is
 * for the shop's developer.
 */
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

/**
 * The shopper's access token; nothing while nobody is signed in.
 *
 * @typedef {() => string | null | undefined | Promise<string | null | undefined>} Token
 */

/**
 * @param {string} apiBase
 * @param {Token} token
 * @returns {Call}
 */
export function connect(apiBase, token) {
  const base = apiBase.replace(/\/+$/, "");
  return async (method, path, { body, anonymous = false, signal } = {}) => {
    /** @type {Record<string, string>} */
    const headers = { accept: "application/json" };
    if (!anonymous) {
      const bearer = await token();
      if (!bearer) throw new PerennialError({ code: "unauthorized", message: SIGN_IN, status: 401 });
      headers.authorization = `Bearer ${bearer}`;
    }
    if (body) headers["content-type"] = "application/json";
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    try {
      const response = await fetch(base + path, {
        method,
        headers,
        body: body ? JSON.stringify(body) : null,
        cache: "no-store",
        credentials: "omit",
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      const text = await response.text();
      return { status: response.status, body: parse(text), retryAfter: seconds(response.headers.get("retry-after")) };
    } catch (cause) {
      signal?.throwIfAborted();
      throw new PerennialError({ code: "network", message: "The shop could not be reached.", cause });
    }
  };
}

/**
 * A call that another one of the same shopper, or Stripe, may hold up for a moment.
 *
 * @param {Call} call
 * @param {string} path
 * @param {object} body
 * @param {AbortSignal} [signal]
 */
export async function postWhenFree(call, path, body, signal) {
  const deadline = Date.now() + BUSY_FOR_MS;
  for (;;) {
    const answer = await call("POST", path, { body, ...(signal ? { signal } : {}) });
    const undecided = answer.body?.error?.code === "busy" || answer.status === 202;
    if (!undecided || Date.now() > deadline) return answer;
    await sleep((answer.retryAfter ?? DEFAULT_RETRY_SECONDS) * 1000, signal);
  }
}

/**
 * @param {Answer} answer
 * @returns {any} the body
 */
export function expectSuccess({ status, body, retryAfter }) {
  if (status >= 200 && status < 300 && body) return body;
  // API Gateway refuses a bad token by itself, without the envelope.
  const [code, message] =
    status === 401
      ? ["unauthorized", SIGN_IN]
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
 * @param {unknown} error
 * @returns {PerennialError} an error that may pass by itself; any other is thrown again.
 */
export function unlessTransient(error) {
  if (error instanceof PerennialError && (error.status === 0 || error.status === 429 || error.status >= 500)) {
    return error;
  }
  throw error;
}

/**
 * Waits, though not while there is somebody to tell: the wait ends early when the page is looked at again.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} [signal] Ends the wait early.
 * @returns {Promise<void>}
 */
export function sleep(milliseconds, signal) {
  const page = globalThis.document;
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      page?.removeEventListener("visibilitychange", look);
      resolve();
    };
    const look = () => void (page.visibilityState === "visible" && end());
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end);
    page?.addEventListener("visibilitychange", look);
  });
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
