// @ts-check
/**
 * The page of the demo shop's own people: all that is kept of a user, as `GET /shop/users` answers it. A real shop's
 * server signs that request for IAM; here `cargo dev` does, for whoever has its key.
 */

import { devUser } from "./dev.js";
import { money, statusWord, walletWord } from "./words.js";

/** @import { Action, Entitlement, GivenPlan, ManagedSubscription } from "./perennial/answers.d.ts" */

/**
 * @typedef {{ at: string, kind: "checkout", checkout: string, state: string, plan: string, wallet: string,
 *   reason: string | null, subscription: string | null, setup_intent: string | null, payment_intent: string | null }} CheckoutOf
 * @typedef {{ at: string, kind: "stripe_event", event: string, type: string, object: string | null,
 *   subscription: string | null, status: string, error: string | null, received_at: string }} StripeEventOf
 * @typedef {{ at: string, kind: "shop_event", event: string, type: string, sequence: number | null }} ShopEventOf
 * @typedef {CheckoutOf | StripeEventOf | ShopEventOf} Happening
 *
 * @typedef {object} Story
 * @property {string} user
 * @property {string | null} customer
 * @property {ManagedSubscription[]} subscriptions
 * @property {GivenPlan[]} grants
 * @property {Record<string, Entitlement>} entitlements
 * @property {string[]} offers
 * @property {{ group: string, checkouts: string[] }[]} trials
 * @property {Happening[]} timeline
 * @property {boolean} complete
 */

/** What the timeline can be narrowed to, in this order. @type {Record<string, string>} */
const KINDS = {
  all: "Everything",
  checkouts: "Checkouts",
  payments: "Payments",
  stripe: "Other events of Stripe",
  told: "Told to your application",
};
const PAYMENTS = /^(charge|credit_note|invoice|payment_intent|refund)\./;
const GOOD = ["active", "trialing"];
const ENDED = ["canceled", "incomplete_expired"];

/** @type {Happening[]} */
let timeline = [];
let asked = 0;

/** @param {string} id */
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element ${id}.`);
  return element;
}

/**
 * @param {string} name
 * @param {Partial<{ text: string, className: string }>} [content]
 * @param {(Node | string)[]} children
 */
function make(name, { text = "", className = "" } = {}, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(text, ...children);
  return element;
}

/** @param {string | null} time */
function moment(time) {
  if (!time) return "";
  return new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "medium" }).format(new Date(time));
}

/** @param {string} word */
function plain(word) {
  return word.replaceAll("_", " ");
}

/** @param {[term: string, value: string | null][]} rows of which those without a value are left out */
function list(rows) {
  return rows
    .filter(([, value]) => value)
    .map(([term, value]) => make("div", {}, make("dt", { text: term }), make("dd", { text: value ?? "" })));
}

/** @param {Story} story */
function who({ user, customer, grants, entitlements, offers, trials }) {
  byId("who").textContent = user;
  const groups = Object.entries(entitlements).map(([group, { active, until, because }]) => {
    const end = until ? ` until ${moment(until)}` : "";
    return /** @type {[string, string]} */ ([`Entitled to ${group}`, `${active ? `Yes${end}` : "No"}, because: ${plain(because)}`]);
  });
  const given = grants.map(({ plan, until, quantity }) => `${quantity ? `${quantity} × ` : ""}${plan}${until ? ` until ${moment(until)}` : ", without an end"}`);
  const had = trials.map(({ group, checkouts }) => `${group} (${checkouts.join(", ")})`);
  byId("facts").replaceChildren(
    ...list([["Customer at Stripe", customer ?? "None yet"], ...groups, ["Given for free", given.join("; ")], ["Private plans offered", offers.join(", ")], ["Free trials that were had", had.join("; ")]]),
  );
}

/** @param {ManagedSubscription} subscription */
function why({ payment, pause, ends_at, cancel_at_period_end, canceled_at, pending_change }) {
  const reasons = [];
  if (payment.state !== "ok") reasons.push(`payment ${plain(payment.state)}: ${plain(payment.reason ?? "unknown")}`);
  if (pause) reasons.push(`${plain(pause.reason)}${pause.resumes_at ? `, until ${moment(pause.resumes_at)}` : ""}`);
  if (cancel_at_period_end) reasons.push("ends with its period");
  else if (ends_at) reasons.push(`ends, or has ended, on ${moment(ends_at)}`);
  if (canceled_at) reasons.push(`canceled on ${moment(canceled_at)}`);
  if (pending_change) reasons.push(`changes to ${pending_change.plan ?? pending_change.price} on ${moment(pending_change.at)}`);
  return reasons.join("; ");
}

/** @param {ManagedSubscription} subscription */
function card(subscription) {
  const { id, plan, price, status, wallet, payment, actions, refunds } = subscription;
  const bad = payment.state === "method_required" || ENDED.includes(status);
  const level = GOOD.includes(status) && payment.state === "ok" ? "mark" : bad ? "mark bad" : "mark warn";
  const heading = make("h3", {}, make("span", { text: plan ?? price ?? "No known plan" }), make("span", { text: statusWord(status), className: level }));
  const facts = make("dl", { className: "facts" });
  facts.append(
    ...list([
      ["Why", why(subscription)],
      ["Subscription", id],
      ["Paid with", [wallet && walletWord(wallet), subscription.payment_method].filter(Boolean).join(", ")],
      ["Period", `${moment(subscription.current_period_start)} to ${moment(subscription.current_period_end)}`],
      ["Paid until", moment(subscription.paid_until)],
      ["Trial ends", moment(subscription.trial_end)],
      ["Quantity", subscription.quantity === 1 ? null : String(subscription.quantity ?? "")],
      ["Add-ons", subscription.addons.map(({ name, price, quantity }) => `${quantity ?? "?"} × ${name ?? price}`).join(", ")],
      ["Newest invoice", subscription.latest_invoice_status],
      ["Newest paid invoice", subscription.latest_paid_invoice],
      ["Tries of the newest invoice", subscription.payment_attempts ? String(subscription.payment_attempts) : null],
      ["Next try", moment(subscription.next_payment_attempt)],
      ["Given back", refunds.map(({ invoice, amount, currency }) => `${currency ? money(amount, currency) : amount} of ${invoice}`).join("; ")],
    ]),
  );
  /** @type {[string, Action][]} */
  const may = Object.entries(actions);
  const items = may.map(([name, { open, reason }]) => make("li", { text: `${plain(name)}: ${open ? "yes" : `no, ${plain(reason ?? "not now")}`}` }));
  const details = make("details", {}, make("summary", { text: "What may be done" }), make("ul", {}, ...items));
  return make("article", { className: "kept" }, heading, facts, details);
}

/** @param {Happening} happening */
function kindOf(happening) {
  if (happening.kind === "checkout") return "checkouts";
  if (happening.kind === "shop_event") return "told";
  return PAYMENTS.test(happening.type) ? "payments" : "stripe";
}

/** @param {Happening} it @returns {[title: string, detail: (string | null)[]]} */
function words(it) {
  if (it.kind === "checkout") {
    const title = `Checkout of ${it.plan} with ${walletWord(it.wallet)}: ${it.state}${it.reason ? `, ${plain(it.reason)}` : ""}`;
    return [title, [it.checkout, it.setup_intent, it.payment_intent, it.subscription]];
  }
  if (it.kind === "shop_event") return [`Your application was told ${it.type}`, [it.event]];
  const outcome = it.error ? `${it.status}: ${it.error}` : it.status;
  return [`Stripe: ${it.type}`, [outcome, it.event, it.object, it.subscription === it.object ? null : it.subscription]];
}

/** @param {Happening} happening */
function entry(happening) {
  const time = document.createElement("time");
  time.dateTime = happening.at;
  time.textContent = moment(happening.at);
  const [title, detail] = words(happening);
  const line = detail.filter(Boolean).join(" · ");
  const item = make("li", {}, time, make("div", {}, make("strong", { text: title }), make("small", { text: line })));
  item.dataset.kind = kindOf(happening);
  return item;
}

function chosen() {
  return document.querySelector("#kinds input:checked")?.getAttribute("value") ?? "all";
}

function showTimeline() {
  const kind = chosen();
  const shown = timeline.filter((happening) => kind === "all" || kindOf(happening) === kind);
  byId("timeline").replaceChildren(...shown.map(entry));
  byId("no-timeline").hidden = shown.length > 0;
  return shown.length;
}

/** @param {Story} story */
function show(story) {
  who(story);
  byId("subscriptions").replaceChildren(...story.subscriptions.map(card));
  byId("no-subscriptions").hidden = story.subscriptions.length > 0;
  timeline = story.timeline;
  byId("incomplete").hidden = story.complete;
  const entries = showTimeline();
  byId("story").hidden = false;
  announce(`${story.user}: ${story.subscriptions.length} subscriptions, ${entries} entries in the timeline.`);
}

/** @param {string} text */
function announce(text) {
  byId("announcement").textContent = text;
}

/** @param {string} user */
async function look(user) {
  asked += 1;
  const mine = asked;
  byId("problem").hidden = true;
  byId("story").setAttribute("aria-busy", "true");
  try {
    const story = await devUser(user);
    // Another user was asked for meanwhile.
    if (mine === asked) show(/** @type {Story} */ (story));
  } catch (error) {
    if (mine !== asked) return;
    byId("story").hidden = true;
    byId("problem-title").textContent = "Nothing can be shown.";
    byId("problem-text").textContent = error instanceof Error ? error.message : String(error);
    byId("problem").hidden = false;
  } finally {
    if (mine === asked) byId("story").setAttribute("aria-busy", "false");
  }
}

for (const [value, label] of Object.entries(KINDS)) {
  const input = document.createElement("input");
  input.type = "radio";
  input.name = "kind";
  input.value = value;
  input.checked = value === "all";
  byId("kinds").append(make("label", {}, input, label));
}
byId("kinds").addEventListener("change", () => announce(`${showTimeline()} entries in the timeline.`));

const field = /** @type {HTMLInputElement} */ (byId("user"));
field.value = new URLSearchParams(location.search).get("user") ?? field.value;
byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = field.value.trim();
  history.replaceState(history.state, "", `?${new URLSearchParams({ user })}`);
  void look(user);
});
void look(field.value);
