// @ts-check
/**
 * What the API puts into the address of the shop's page, and how it leaves it again. On a server, where
 * there is no address, nothing was put there.
 */

/** @import { Checkout } from "./answers.d.ts" */

/**
 * @typedef {object} Return
 * @property {string} checkout Empty for a return that led to none.
 * @property {Checkout["status"]} status What `GET /confirm` has found out.
 * @property {string} reason
 */

/** The codes with which `GET /confirm` sends a shopper back of whom it knows no checkout. */
const WITHOUT_CHECKOUT = ["unknown_checkout", "missing_parameter"];

/**
 * What `GET /confirm` says of a checkout. Should a page have parameters of the same names, the API's are the
 * last ones.
 *
 * @returns {Return | null} null when the page was opened in another way.
 */
export function returnInAddress() {
  const last = lastOf();
  const [checkout, status, reason] = [last("checkout"), last("status"), last("reason")];
  // Other parts of the shop may have a status in their addresses too.
  if (!checkout && !(status === "failed" && WITHOUT_CHECKOUT.includes(reason))) return null;
  return { checkout, status: status === "subscribed" || status === "failed" ? status : "pending", reason };
}

/** Takes the parameters of `GET /confirm` out of the address, so that a reload does not ask again. */
export function cleanReturn() {
  remove("checkout", "status", "reason");
}

/**
 * Takes the link of a payment that needs the shopper out of the page's address, so that it stays out of
 * bookmarks and referrers.
 *
 * @returns {string | null} null when the page was opened in another way.
 */
export function takeAuthorizeLink() {
  return take("authorize");
}

/**
 * The link of a mail to another payment method.
 *
 * @typedef {object} RepairLink
 * @property {string} link What `perennial.repair` takes.
 * @property {string | null} setupIntent What the shopper has confirmed, if they are back from a wallet's page.
 * @property {string} status What the wallet's page says of it, such as `succeeded` or `failed`; it proves nothing.
 */

/**
 * Takes the link to another payment method out of the page's address, with what a wallet's page has put beside it.
 * Nobody has to be signed in to go on with it.
 *
 * @returns {RepairLink | null} null when the page was opened in another way.
 */
export function takeRepairLink() {
  const last = lastOf();
  const link = last("repair");
  if (!link) return null;
  const [setupIntent, status] = [last("setup_intent"), last("redirect_status")];
  remove("repair", "setup_intent", "setup_intent_client_secret", "redirect_status");
  return { link, setupIntent: setupIntent || null, status };
}

/**
 * Takes out of the address what became of a signed link that opened nothing, such as an old one of a mail.
 *
 * @returns {"expired" | "unavailable" | null} `expired` for a link that is wrong or old, `unavailable` for
 *   one that may open at another try, null when the page was opened in another way.
 */
export function takeLinkProblem() {
  const problem = take("perennial_link");
  return problem === null || problem === "expired" ? problem : "unavailable";
}

/**
 * A shopper who is back from a wallet's page with another payment method.
 *
 * @typedef {object} MethodReturn
 * @property {string} subscription
 * @property {string} setupIntent
 * @property {string} status What the wallet's page says of it, such as `succeeded` or `failed`; it proves nothing.
 */

/**
 * Takes out of the address what a wallet's page has put there for another payment method. A client secret is
 * part of it, so it does not wait until the outcome is known.
 *
 * @returns {MethodReturn | null} null when the page was opened in another way.
 */
export function takeMethodReturn() {
  const last = lastOf();
  const subscription = last("perennial_subscription");
  if (!subscription) return null;
  const [setupIntent, status] = [last("setup_intent"), last("redirect_status")];
  remove("perennial_subscription", "setup_intent", "setup_intent_client_secret", "redirect_status");
  return setupIntent ? { subscription, setupIntent, status } : null;
}

/** The last value of a parameter, since a page's own of the same name come first; empty when there is none. */
function lastOf() {
  const parameters = address()?.searchParams;
  return (/** @type {string} */ name) => parameters?.getAll(name).at(-1) ?? "";
}

/** @param {string} name of a parameter */
function take(name) {
  const value = address()?.searchParams.get(name) ?? null;
  if (value !== null) remove(name);
  return value;
}

/** @param {string[]} names of parameters */
function remove(...names) {
  const here = address();
  if (!here) return;
  for (const name of names) here.searchParams.delete(name);
  globalThis.history.replaceState(globalThis.history.state, "", here);
}

function address() {
  const href = globalThis.location?.href;
  return href ? new URL(href) : null;
}
