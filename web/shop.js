// @ts-check
/** The demo shop: what a shop's own page does around `perennial.js`. */

import { createPerennial, managementOf, PerennialError, takeAuthorizeLink } from "./perennial.js";
import { devToken } from "./dev.js";
import { scenes } from "./art.js";
import { showAuthorize } from "./authorize.js";
import { announce, attend, byId, fill, pair, photo, reveal, showProblem } from "./page.js";
import { waysToPay } from "./ways.js";
import { day, every, explain, money, payLead, pitch, price, statusWord, trialEnd, trialWord, walletWord } from "./words.js";

/** @import { Outcome, Plan, Subscription, Entitlement } from "./perennial.js" */
/** @import { Problem } from "./page.js" */

const ENDED = ["canceled", "incomplete_expired"];
const ENTITLING = ["active", "trialing", "past_due"];
const USER_KEY = "demo-user";
const PLAN_KEY = "demo-plan";

/** @type {Plan[]} */
let plans = [];
let user = localStorage.getItem(USER_KEY) ?? "alice";
/** @type {Record<string, Entitlement>} */
let entitlements = {};
let paying = false;
let waiting = new AbortController();
/** Which wallet the shopper used last, for what is said about it. */
let wallet = "amazon_pay";

const perennial = createPerennial({ apiBase: "", token: demoToken });
const ways = waysToPay(perennial, {
  onOffers: ({ plan: name, trial_days }) => {
    const plan = planNamed(name);
    if (!plan || plan.trial_days === trial_days) return;
    // This shopper has had the free trial, or the one before had.
    plan.trial_days = trial_days;
    listPlans();
    showOrder();
  },
  onApprove() {
    remember("apple_pay");
    showPaying(true);
    announce("Approved. Finishing your subscription.");
  },
  onCancel: () => announce("The sheet is closed. Nothing was charged."),
  onOutcome: (outcome) => void show(outcome),
  onError: (error) => void showTrouble(error),
});

/** A real shop has its own sign-in; on this machine the gateway hands a token to whoever has its key. */
async function demoToken() {
  try {
    return await devToken(user);
  } catch (error) {
    throw new PerennialError({ code: "sign_in_failed", message: error instanceof Error ? error.message : "Signing in did not work." });
  }
}

async function open() {
  byId("mosaic").append(...scenes.map(photo));
  for (const button of userButtons()) button.addEventListener("click", () => signIn(button.dataset.user ?? "alice"));
  byId("checkout").addEventListener("submit", pay);
  byId("plan-list").addEventListener("change", showOrder);
  byId("first").addEventListener("change", showOrder);
  byId("ways-again").addEventListener("click", showOrder);
  byId("check-again").addEventListener("click", () => lastCheckout && settle(perennial.pollCheckout(lastCheckout, patience())));
  byId("start-over").addEventListener("click", () => refresh({ focus: true }));
  // Whoever presses Back at Amazon may get this page out of the browser's cache, still busy.
  addEventListener("pageshow", (event) => event.persisted && refresh({ focus: false }));

  const response = await fetch("/dev/shop.json");
  const shop = await response.json();
  ({ plans } = await perennial.plans());
  byId("mode").textContent =
    shop.mode === "sandbox" ? "A Stripe sandbox on this machine answers. No real money moves." : "Stripe answers in test mode. No real money moves.";
  byId("pay-note").textContent =
    shop.mode === "sandbox"
      ? "The sandbox's stand-in for the wallet opens next."
      : "Amazon's test page opens next, or Apple's sheet over this page.";
  await loadScript(shop.stripe_js);
  showUser();

  const link = takeAuthorizeLink();
  const back = new URLSearchParams(location.search).has("checkout");
  if (link) await showAuthorize(perennial, link);
  else if (back) await settle(perennial.resumeReturn(patience()));
  else await refresh({ focus: false });
}

/**
 * Without the script the shop still opens, and says at the buttons what is missing.
 *
 * @param {string} address
 * @returns {Promise<void>}
 */
function loadScript(address) {
  const script = document.createElement("script");
  script.src = address;
  return new Promise((resolve) => {
    script.addEventListener("load", () => resolve());
    script.addEventListener("error", () => resolve());
    document.head.append(script);
  });
}

/** @param {string} name of a wallet */
function remember(name) {
  wallet = name;
  sessionStorage.setItem(PLAN_KEY, chosenPlan().name);
}

/** @param {string} name */
function signIn(name) {
  user = name;
  localStorage.setItem(USER_KEY, name);
  sessionStorage.removeItem(PLAN_KEY);
  showUser();
  return refresh({ focus: false });
}

/** @param {SubmitEvent} event */
async function pay(event) {
  event.preventDefault();
  // Enter submits the form even when its button is not offered.
  if (paying || byId("pay").hidden) return;
  const plan = chosenPlan();
  remember("amazon_pay");
  showPaying(true);
  announce("Taking you to Amazon Pay.");
  try {
    await show(await perennial.startAmazonPay({ plan: plan.name, returnTo: location.pathname, ...consented() }));
  } catch (error) {
    await showTrouble(error);
  }
}

/** The version of the text that stands beside the button. */
function consented() {
  const consent = ways.consent();
  return consent === undefined ? {} : { consent };
}

let lastCheckout = "";

/** A new wait ends the one before, so that an old answer cannot replace what the shopper sees now. */
function patience() {
  waiting.abort();
  waiting = new AbortController();
  return { signal: waiting.signal, giveUpAfter: 15_000 };
}

/** @param {Promise<Outcome | null>} answer */
async function settle(answer) {
  const { signal } = waiting;
  showWaiting("You are back, and we are asking whether all went well. If you left the wallet's page early, nothing was charged: go back to the plans and try again.", true);
  try {
    const outcome = await answer;
    if (signal.aborted) return;
    if (outcome) await show(outcome);
    else await refresh({ focus: true });
  } catch (error) {
    if (!signal.aborted) await showTrouble(error);
  }
}

/** @param {Outcome} outcome */
async function show(outcome) {
  switch (outcome.state) {
    case "redirecting":
      return;
    case "pending":
      lastCheckout = outcome.checkout;
      return showWaiting(
        "We could not learn yet how this ended. If you approved, your subscription appears here as soon as we hear, and you are never charged twice. If you left the wallet's page, go back to the plans and try again.",
        false,
      );
    case "subscribed":
      return refresh({ focus: true, fallback: outcome.subscription });
    case "already_subscribed":
      return refresh({ focus: true, already: true, fallback: outcome.subscription });
    case "failed": {
      if (outcome.reason === "already_subscribed") return refresh({ focus: true, already: true });
      const { title, text } = explain(outcome.reason, outcome.message, wallet);
      return refresh({ focus: true, problem: { title, text, code: outcome.reason } });
    }
  }
}

/** @param {unknown} error */
async function showTrouble(error) {
  const known = error instanceof PerennialError ? error : null;
  const code = [known?.code, known?.requestId].filter(Boolean).join(" · ");
  const text = known?.message ?? "This page met a problem that it did not expect.";
  const title = ["consent_outdated", "trial_outdated"].includes(known?.code ?? "") ? "What you agree to has changed." : "That did not work.";
  showForm({ title, text, code });
  if (!known) console.error(error);
}

/**
 * Shows what the shopper has, or else what there is to buy.
 *
 * @param {{ focus: boolean, already?: boolean, fallback?: Subscription | null, problem?: Problem }} options
 */
async function refresh({ focus, already = false, fallback = null, problem }) {
  waiting.abort();
  try {
    const answer = await perennial.subscriptions();
    entitlements = answer.entitlements;
    const live = answer.subscriptions.filter(({ status }) => !ENDED.includes(status));
    const subscription = live.find(({ plan }) => entitled(planNamed(plan))) ?? live[0] ?? fallback;
    const member = Object.values(entitlements).some(({ active }) => active);
    document.body.classList.toggle("entitled", member);
    byId("account-link").textContent = member ? "Your subscription" : "Plans";
    // A decline in one tab takes nothing away from what another has bought meanwhile.
    if (subscription && (!problem || plans.every(entitled))) showSubscribed(subscription, already, focus);
    else showForm(problem, focus);
  } catch (error) {
    await showTrouble(error);
  }
}

/**
 * @param {Problem} [problem]
 * @param {boolean} [focus]
 */
function showForm(problem, focus = true) {
  showPaying(false);
  listPlans();
  reveal("checkout");
  showProblem("problem", problem);
  showOrder();
  if (problem) byId("pay-lead").textContent = "Try again with";
  if (focus) attend(problem ? byId("problem-title") : byId("choose-title"));
}

/**
 * @param {string} text
 * @param {boolean} busy
 */
function showWaiting(text, busy) {
  showPaying(false);
  reveal("waiting");
  byId("waiting").classList.toggle("busy", busy);
  byId("waiting-title").textContent = busy ? `Waiting for ${walletWord(wallet)}` : `No word from ${walletWord(wallet)} yet`;
  byId("waiting-text").textContent = text;
  byId("check-again").hidden = busy;
  announce(text);
  attend(byId("waiting-title"));
}

/**
 * @param {Subscription} subscription
 * @param {boolean} already
 * @param {boolean} focus
 */
function showSubscribed(subscription, already, focus) {
  showPaying(false);
  reveal("subscribed");
  const good = ENTITLING.includes(subscription.status);
  const title = !good ? "Your subscription is on hold" : already ? "You are already subscribed" : "You are subscribed";
  byId("subscribed-title").textContent = title;
  byId("subscribed").classList.toggle("hold", !good);
  byId("subscribed-text").textContent = !good
    ? "A payment is outstanding, so the pictures are locked for now."
    : already
      ? "This is the subscription that you have. Nothing was charged a second time."
      : `Subscribed with ${walletWord(subscription.wallet)}. Thank you: every picture in the shop is yours to download at full size.`;
  byId("facts").replaceChildren(...facts(subscription).flatMap(([term, value]) => pair(term, value)));
  announce(title);
  if (focus) attend(byId("subscribed-title"));
  void showManagement(subscription);
}

/**
 * The same address that Apple's wallet shows beside the agreement.
 *
 * @param {Subscription} subscription
 */
async function showManagement({ plan }) {
  const link = byId("manage");
  link.hidden = true;
  if (plan === null) return;
  const offers = await perennial.wallets(plan).catch(() => null);
  const address = offers?.wallets.map(({ express_checkout }) => managementOf(express_checkout?.applePay)).find(Boolean);
  if (!address || byId("subscribed").hidden) return;
  link.setAttribute("href", address);
  link.hidden = false;
}

/**
 * @param {Subscription} subscription
 * @returns {[string, string][]}
 */
function facts(subscription) {
  const plan = planNamed(subscription.plan);
  const { trial_end, current_period_end, ends_at } = subscription;
  const trial = subscription.status === "trialing" && trial_end;
  const next = ends_at ?? current_period_end;
  /** @type {[string, string | null | false | undefined][]} */
  const rows = [
    ["Plan", plan?.label ?? subscription.plan],
    ["Price", plan && price(plan)],
    ["Status", statusWord(subscription.status)],
    ["Paid with", walletWord(subscription.wallet)],
    ["Trial ends", trial && day(trial)],
    [ends_at ? "Ends on" : trial ? "First charge" : "Next charge", next && day(next)],
    ["Reference", subscription.id],
  ];
  return rows.flatMap(([term, value]) => (value ? [[term, value]] : []));
}

function listPlans() {
  const list = byId("plan-list");
  const wanted = sessionStorage.getItem(PLAN_KEY);
  const chosen = plans.find(({ name }) => name === wanted) ?? plans[0];
  const template = byId("plan-template");
  if (!(template instanceof HTMLTemplateElement)) return;
  for (const old of list.querySelectorAll("label")) old.remove();
  for (const plan of plans) {
    const card = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const radio = /** @type {HTMLInputElement} */ (card.querySelector("input"));
    radio.value = plan.name;
    radio.checked = plan === chosen;
    radio.disabled = entitled(plan);
    fill(card, ".plan-name", plan.label);
    fill(card, ".plan-price b", money(plan.amount, plan.currency));
    fill(card, ".plan-price span", every(plan));
    fill(card, ".plan-text", pitch(plan));
    const badge = /** @type {HTMLElement} */ (card.querySelector(".badge"));
    badge.hidden = plan.trial_days === 0;
    badge.textContent = trialWord(plan);
    list.append(card);
  }
}

function showOrder() {
  const plan = chosenPlan();
  const trial = plan.trial_days > 0;
  const today = money(trial ? 0 : plan.amount, plan.currency);
  byId("order").replaceChildren(
    ...pair(plan.label, price(plan)),
    ...(trial ? pair(`First charge, ${day(trialEnd(plan))}`, money(plan.amount, plan.currency)) : []),
    ...pair("Due today", today),
  );
  byId("pay-lead").textContent = payLead(plan);
  void ways.show(plan.name, { first: chosenFirst(), returnTo: location.pathname });
}

function chosenFirst() {
  /** @type {HTMLSelectElement} */
  const select = byId("first");
  return select.value === "setup_intent" ? "setup_intent" : "subscription";
}

/** @param {boolean} busy */
function showPaying(busy) {
  paying = busy;
  const button = byId("pay");
  button.classList.toggle("busy", busy);
  button.setAttribute("aria-disabled", String(busy));
  byId("pay-label").textContent = busy ? "One moment…" : "Amazon Pay";
}

function showUser() {
  for (const button of userButtons()) button.setAttribute("aria-pressed", String(button.dataset.user === user));
}

/** @returns {NodeListOf<HTMLButtonElement>} */
function userButtons() {
  return document.querySelectorAll("button[data-user]");
}

/** @returns {Plan} */
function chosenPlan() {
  const value = new FormData(byId("checkout")).get("plan");
  const plan = planNamed(String(value)) ?? plans[0];
  if (!plan) throw new Error("The shop has no plan to sell.");
  return plan;
}

/** @param {string | null} name */
function planNamed(name) {
  return plans.find((plan) => plan.name === name);
}

/** @param {Plan} [plan] */
function entitled(plan) {
  return plan !== undefined && entitlements[plan.group]?.active === true;
}

open().catch((error) => {
  fill(document, "#loading-title", "The shop is closed.");
  byId("loading").classList.add("still");
  announce("The shop could not be opened.");
  console.error(error);
});
