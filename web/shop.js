// @ts-check
/** The demo shop: what a shop's own page does around `perennial.js`. */

import { addresses } from "./address.js";
import { createPerennial, PerennialError, takeAuthorizeLink, takeLinkProblem, takeRepairLink } from "./perennial.js";
import { accountOf } from "./account.js";
import { againOffer } from "./again.js";
import { devToken } from "./dev.js";
import { scenes } from "./art.js";
import { showAuthorize } from "./authorize.js";
import { freeTrial } from "./free_trial.js";
import { showGiven, showNote, showNotice } from "./notice.js";
import { drawAddons } from "./addons.js";
import { chosenName, drawOrder, drawPlans, drawQuantity, forgetChoice } from "./order.js";
import { announce, attend, byId, entitle, fill, photo, reveal, showProblem, spoken, tellDeveloper } from "./page.js";
import { codeField } from "./promo.js";
import { showRepair } from "./repair.js";
import { onSale } from "./sale.js";
import { stripeFrom } from "./stripe_js.js";
import { isAboutCode, sheetPlaces, waysToPay } from "./ways.js";
import { methodWaiting } from "./account_words.js";
import { BOUGHT, CLOSED, ENDED_OTHERWISE, endedWords, explain, explainError, linkWords, NOT_CONFIRMED, NOT_LOADED, OLD_RETURN, signInWords, waitingWords } from "./outcome_words.js";
import { discountWords, many, price, walletWord } from "./words.js";

/** @import { Entitlement, ManagedSubscription, MethodOutcome, Outcome, Plan, RedirectWallet, Subscription, WalletName } from "./perennial.js" */
/** @import { PollOptions } from "./perennial/checkouts.js" */
/** @import { Problem } from "./page.js" */
/** @import { Words } from "./words.js" */

const ENDED = ["canceled", "incomplete_expired"];
const USER_KEY = "demo-user";
const PLAN_KEY = "demo-plan";
const WALLET_KEY = "demo-wallet";
// Most returns are decided by then, and nobody has to read that theirs may not be.
const DOUBT_AFTER_MS = 3_000;
const SLOW_AFTER_MS = 15_000;

const sale = onSale();
let user = localStorage.getItem(USER_KEY) ?? "alice";
/** @type {Record<string, Entitlement>} */
let entitlements = {};
/** The wallet that is paying, while one is. @type {WalletName | null} */
let paying = null;
let waiting = new AbortController();
/** Which wallet the shopper used last, for what is said about it. @type {WalletName} */
let wallet = /** @type {WalletName} */ (sessionStorage.getItem(WALLET_KEY) ?? "amazon_pay");
/** Which of their subscriptions the shopper looks at. @type {string | null} */
let looksAt = null;
/** The groups of which the shopper has a subscription. @type {Set<string>} */
let had = new Set();
/** One that has ended, and whose payment method may be charged again. @type {ManagedSubscription | null} */
let ended = null;
/** Asks once more for what the shopper waits for. */
let askAgain = () => {};

const settings = fetch("/dev/shop.json").then((response) => response.json());
const perennial = createPerennial({ apiBase: "", token: demoToken, stripe: stripeFrom(async () => (await settings).stripe_js) });
const ways = waysToPay(perennial, {
  onOffers: ({ plan: name, trial_days, discount, tax, offered_plans }) => {
    const plan = sale.named(name);
    if (!plan) return;
    if (discount || tax) drawOrder(plan, chosenQuantity(), discount, chosenAddons(), tax);
    // What was said of the code was about the order before.
    if (discount) promo.say(discountWords(discount));
    const isNew = sale.learn(offered_plans);
    if (plan.trial_days === trial_days && !isNew) return;
    // This shopper has had the free trial, or the one before had.
    plan.trial_days = trial_days;
    listPlans();
    showOrder();
  },
  onApprove(wallet) {
    remember(wallet);
    showPaying(wallet);
    announce("Approved. Finishing your subscription.");
  },
  onCancel: () => announce("The sheet is closed. Nothing was charged."),
  onOutcome: (outcome) => void show(outcome),
  onError: showTrouble,
  onCode(error) {
    promo.refuse(error);
    showOrder();
  },
  onAddress(error) {
    address.refuse(error);
    showOrder();
  },
});

const address = addresses({ onChange: showOrder });

const promo = codeField("promo", {
  async check(code) {
    const { plan, quantity, addons, billingAddress } = orderOf(chosenPlan());
    const { discount } = await perennial.wallets(plan, { quantity, addons, code, billingAddress });
    if (!discount) throw new Error("There is a code, and no discount.");
    return discountWords(discount);
  },
  onApplied: showOrder,
  onRemoved: showOrder,
});

const account = accountOf(perennial, {
  refresh,
  waitFor: (wallet, ask) => void settleMethod(wallet, ask),
  choose(subscription) {
    looksAt = subscription;
    void refresh({ focus: true });
  },
  learn: (plans, { subscription, user: whose }) => (whose === user && sale.learn(plans) ? besideAndInPlaceOf(subscription) : null),
});

const again = againOffer(perennial.manage(), {
  consent: () => ways.consent(),
  onDone: (subscription) => void refresh({ focus: true, fallback: subscription, bought: true }),
  onRefused(code) {
    if (code === "already_subscribed") return void refresh({ focus: true, already: true });
    showForm({ problem: { ...(explain(code, "amazon_pay") ?? explainError(code)), code } });
  },
  onError: showTrouble,
});

freeTrial({
  begin() {
    const plan = chosenPlan();
    sessionStorage.setItem(PLAN_KEY, plan.name);
    const order = orderOf(plan);
    const { quantity, addons, billingAddress } = order;
    const { tax } = ways.amountsOf(order, promo.code());
    return perennial.startTrial({ plan: plan.name, tax, ...(billingAddress ? { billingAddress } : {}), ...(quantity === undefined ? {} : { quantity }), ...(addons === undefined ? {} : { addons }) });
  },
  onOutcome: (outcome) => void show(outcome),
  onError: showTrouble,
});

/** A real shop has its own sign-in; on this machine the gateway hands a token to whoever has its key. */
async function demoToken() {
  try {
    return await devToken(user);
  } catch (error) {
    tellDeveloper(error instanceof Error ? error.message : "Signing in did not work.");
    return null;
  }
}

async function open() {
  byId("mosaic").append(...scenes.map(photo));
  for (const button of userButtons()) button.addEventListener("click", () => signIn(button.dataset.user ?? "alice"));
  for (const button of redirectButtons()) button.addEventListener("click", () => pay(button));
  byId("plan-list").addEventListener("change", chooseAnew);
  byId("first").addEventListener("change", showOrder);
  for (const field of ["quantity-order", "addons-order"]) byId(field).addEventListener("change", announceOrder);
  byId("ways-again").addEventListener("click", showOrder);
  byId("check-again").addEventListener("click", () => askAgain());
  byId("start-over").addEventListener("click", goOn);
  byId("beside").addEventListener("click", () => showForm({}));
  byId("back-to-mine").addEventListener("click", () => refresh({ focus: true }));
  // Whoever presses Back at Amazon may get this page out of the browser's cache, still busy.
  addEventListener("pageshow", (event) => event.persisted && refresh({ focus: false }));
  showUser();

  // What a return came to does not wait for what the shop sells.
  const offered = perennial.plans().then(({ plans: all }) => {
    sale.offer(all);
  });
  offered.catch(() => {});
  const { mode } = await settings;
  byId("mode").textContent =
    mode === "sandbox" ? "A Stripe sandbox on this machine answers. No real money moves." : "Stripe answers in test mode. No real money moves.";
  byId("pay-note").textContent =
    mode === "sandbox" ? "The sandbox's stand-in for the wallet opens next." : "The wallet's test page opens next, or its sheet over this page.";
  await offered.catch(report);

  const problem = takeLinkProblem();
  const link = takeAuthorizeLink();
  const repair = takeRepairLink();
  if (link) await showAuthorize(perennial, link);
  else if (repair) await showRepair(perennial, repair);
  else if (problem) await refresh({ focus: true, note: linkWords(problem) });
  else await arrive();
}

/** Somebody who is back from a wallet, or else anybody. */
async function arrive() {
  const query = new URLSearchParams(location.search);
  if (query.has("checkout") || query.has("status")) await settle((options) => perennial.resumeReturn(options));
  else if (query.has("perennial_subscription")) await settleMethod(wallet, () => perennial.manage().resumePaymentMethod());
  else await refresh({ focus: false });
}

/** @param {WalletName} name */
function remember(name) {
  wallet = name;
  sessionStorage.setItem(WALLET_KEY, name);
  sessionStorage.setItem(PLAN_KEY, chosenPlan().name);
}

/** @param {string} name */
function signIn(name) {
  if (paying) return;
  user = name;
  localStorage.setItem(USER_KEY, name);
  sessionStorage.removeItem(PLAN_KEY);
  looksAt = null;
  // What is still on its way is for who was here before.
  ways.wait();
  sale.forget();
  forgetChoice("plan-list");
  promo.drop();
  address.drop();
  showUser();
  // Whoever came back as somebody else gets their outcome now.
  return arrive();
}

/** For a shopper who has read how it stands, and goes on. */
function goOn() {
  perennial.dismissReturn();
  return refresh({ focus: true });
}

/** @param {HTMLElement} button */
async function pay(button) {
  if (paying) return;
  const plan = chosenPlan();
  const name = /** @type {RedirectWallet} */ (button.dataset.wallet);
  remember(name);
  showPaying(name);
  announce(`Taking you to ${walletWord(name)}.`);
  try {
    const order = orderOf(plan);
    const { quantity, addons, billingAddress } = order;
    const { discount, tax } = ways.amountsOf(order, promo.code());
    await show(await perennial.startWallet({ plan: plan.name, wallet: name, returnTo: location.pathname, consent: ways.consent(), discount, tax, ...(billingAddress ? { billingAddress } : {}), ...(quantity === undefined ? {} : { quantity }), ...(addons === undefined ? {} : { addons }) }));
  } catch (error) {
    showTrouble(error);
  }
}

/**
 * Waits for an outcome, for as long as it takes: nobody is asked to look again by themselves. A new wait ends
 * the one before, so that an old answer cannot replace what the shopper sees now.
 *
 * @param {(options: PollOptions) => Promise<Outcome | null>} ask
 * @param {boolean} [slow] Whether it has taken long already.
 */
async function settle(ask, slow = false) {
  waiting.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  askAgain = () => void settle(ask);
  const still = () => showWaiting(waitingWords(wallet, "still"));
  const timers = slow ? [] : [setTimeout(doubt, DOUBT_AFTER_MS), setTimeout(still, SLOW_AFTER_MS)];
  signal.addEventListener("abort", () => timers.forEach(clearTimeout));
  if (slow) still();
  else showWaiting(waitingWords(wallet, "asking"), { busy: true });
  try {
    const outcome = await ask({ signal, giveUpAfter: Infinity });
    if (signal.aborted) return;
    if (outcome) await show(outcome);
    else await refresh({ focus: true });
  } catch (error) {
    if (!signal.aborted) showLost(error, askAgain);
  } finally {
    timers.forEach(clearTimeout);
  }
}

/**
 * The same for another payment method.
 *
 * @param {WalletName} asked
 * @param {() => Promise<MethodOutcome | null>} ask
 */
async function settleMethod(asked, ask) {
  waiting.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  askAgain = () => void settleMethod(asked, ask);
  showWaiting(methodWaiting(asked, false), { busy: true });
  try {
    const outcome = await ask();
    if (signal.aborted) return;
    if (outcome?.state === "pending") showWaiting(methodWaiting(asked, true));
    else if (outcome) await account.settle(outcome);
    else await refresh({ focus: true });
  } catch (error) {
    if (!signal.aborted) showLost(error, askAgain);
  }
}

function doubt() {
  fill(document, "#waiting-text", waitingWords(wallet, "slow").text);
}

/** @param {Outcome} outcome */
async function show(outcome) {
  switch (outcome.state) {
    case "redirecting":
      return;
    case "pending":
      return settle((options) => perennial.pollCheckout(outcome.checkout, options), true);
    case "subscribed":
      return refresh({ focus: true, fallback: outcome.subscription, bought: true });
    case "already_subscribed":
      return refresh({ focus: true, already: true, fallback: outcome.subscription, manage: outcome.manage });
    case "sign_in":
      return showWaiting(signInWords(outcome), { again: false });
    case "failed": {
      const { reason, checkout, message, mayRetry, subscription } = outcome;
      if (message) tellDeveloper(`${reason}: ${message}`);
      if (reason === "code_refused") promo.drop();
      if (reason === "already_subscribed") return refresh({ focus: true, already: true });
      if (!checkout && !mayRetry) return showWaiting(OLD_RETURN, { again: false, code: reason });
      if (reason === "ended_after_payment") return showWaiting(endedWords(subscription), { again: false, code: subscription?.id });
      const words = explain(reason, wallet);
      // Without a word for it and without leave to try again, nobody knows that nothing was charged.
      if (!words && !mayRetry) return showWaiting(ENDED_OTHERWISE, { again: false, code: `${reason} · ${checkout}` });
      return refresh({ focus: true, problem: { ...(words ?? explainError(reason)), code: reason } });
    }
  }
}

/**
 * A call before anything was paid got no useful answer.
 *
 * @param {unknown} error
 */
function showTrouble(error) {
  report(error);
  const code = error instanceof PerennialError ? error.code : "";
  if (error instanceof PerennialError && isAboutCode(error)) promo.refuse(error);
  if (code === "unknown_plan") sale.withdraw(chosenPlan().name);
  showForm({ problem: { ...explainError(code), code: codeOf(error) } });
}

/**
 * Nobody could be asked what the shopper has, so nothing is sold to them meanwhile.
 *
 * @param {unknown} error
 * @param {() => void} again
 * @param {boolean} [bought]
 */
function showLost(error, again, bought = false) {
  if (error) report(error);
  askAgain = again;
  showWaiting(bought ? BOUGHT : NOT_LOADED, { code: codeOf(error) });
}

/** @param {unknown} error */
function report(error) {
  if (error instanceof PerennialError) tellDeveloper(`${error.code}: ${error.message}`);
  else console.error(error);
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof PerennialError ? [error.code, error.requestId].filter(Boolean).join(" · ") : "";
}

/**
 * @typedef {object} Refreshed
 * @property {boolean} focus
 * @property {boolean} [already] Whether the shopper wanted to buy what they have.
 * @property {Subscription | null} [fallback] What they have, should the list not show it yet.
 * @property {boolean} [bought] Whether that is certain.
 * @property {string | null} [manage]
 * @property {Problem} [problem]
 * @property {ManagedSubscription | null} [now] How one of their subscriptions stands now, should the list not show it yet.
 * @property {Words | undefined} [note] Something to read above it all.
 * @property {Problem | undefined} [trouble] What went wrong with a subscription that they have.
 */

/**
 * Shows what the shopper has, or else what there is to buy.
 *
 * @param {Refreshed} options
 */
async function refresh({ focus, already = false, fallback = null, bought = false, manage = null, problem, now = null, note, trouble }) {
  waiting.abort();
  const asked = user;
  /** @type {Awaited<ReturnType<typeof perennial.subscriptions>>} */
  let answer;
  try {
    answer = await perennial.subscriptions();
  } catch (error) {
    if (asked !== user) return;
    if (!fallback) return showLost(error, () => void refresh({ focus: true, bought }), bought);
    report(error);
    answer = { subscriptions: [], plans: [], grants: [], entitlements };
  }
  if (asked !== user) return;
  entitlements = answer.entitlements;
  sale.hold(answer.plans);
  showGiven(answer.grants);
  const newest = answer.subscriptions.map((each) => (now?.id === each.id ? now : each));
  const live = newest.filter(({ status }) => !ENDED.includes(status));
  ended = newest.find(({ actions }) => actions?.come_again.saved) ?? null;
  const owned = live.filter(({ payment }) => payment.state !== "action_required");
  had = new Set(owned.flatMap(({ plan }) => sale.named(plan)?.group ?? []));
  if (fallback && bought) looksAt = fallback.id;
  // The code was for what is bought now.
  if (bought) promo.drop();
  const subscription =
    owned.find(({ id }) => id === looksAt) ?? owned.find(({ plan }) => entitled(sale.named(plan))) ?? owned[0] ?? /** @type {ManagedSubscription | null} */ (fallback);
  const member = Object.values(entitlements).some(({ active }) => active);
  document.body.classList.toggle("entitled", member);
  byId("account-link").textContent = member || subscription ? "My subscription" : "Plans";
  // A decline in one tab takes nothing away from what another has bought meanwhile.
  const tried = sale.named(sessionStorage.getItem(PLAN_KEY)) ?? sale.all()[0];
  if (subscription && (!problem || !tried || has(tried))) {
    showPaying(null);
    const plan = sale.named(subscription.plan);
    const entitlement = plan && entitlements[plan.group];
    void account.show({ user, subscription, owned, plan, ...besideAndInPlaceOf(subscription), entitlement, already, focus: focus && !note, manage, ...(trouble ? { trouble } : {}) });
  } else if (bought && !problem) {
    showLost(null, () => void refresh({ focus: true, bought }), true);
  } else {
    const begun = live.length > 0 ? { ...NOT_CONFIRMED, code: "" } : undefined;
    showForm({ problem: problem ?? begun, focus: focus && !note });
  }
  showNote(note, focus);
}

/**
 * What a subscription may be changed to, and whether there is something to be had beside it.
 *
 * @param {ManagedSubscription} subscription
 */
function besideAndInPlaceOf({ plan: name, wallet }) {
  const own = sale.named(name);
  const others = sale.all().filter((other) => other.group === own?.group && other.name !== name && !sale.hasTrial(other) && fits(other, wallet));
  return { plans: sale.known(), others, beside: sale.all().some((other) => !has(other)) };
}

/** @param {{ problem?: Problem, focus?: boolean }} options */
function showForm({ problem, focus = true }) {
  showPaying(null);
  if (sale.all().length === 0) return showClosed();
  listPlans();
  reveal("checkout");
  if (!focus) entitle();
  byId("back-to-mine").hidden = had.size === 0;
  showProblem("problem", problem);
  showOrder();
  if (problem) byId("pay-lead").textContent = "Try again with";
  if (!focus) return;
  if (problem) attend(byId("problem-title"), spoken(problem));
  else attend(byId("choose-title"), "Choose your plan");
}

function showClosed() {
  askAgain = () => location.reload();
  showWaiting(CLOSED);
}

/**
 * A card without anything to buy.
 *
 * @param {Words} words
 * @param {{ busy?: boolean, again?: boolean, code?: string }} [options]
 */
function showWaiting(words, options) {
  showPaying(null);
  byId("start-over").hidden = sale.all().length === 0;
  showNotice(words, options);
}

function listPlans() {
  // What may be bought beside what the shopper has.
  const left = sale.all().filter((plan) => !has(plan));
  drawPlans("plan-list", left.length > 0 ? left : sale.all(), chosenName("plan-list") ?? sessionStorage.getItem(PLAN_KEY));
}

/** What went wrong before is not about this plan. */
function chooseAnew() {
  showProblem("problem");
  showOrder();
}

function showOrder() {
  const plan = chosenPlan();
  const order = orderOf(plan);
  const { quantity, addons } = order;
  const code = promo.code();
  const { discount, tax } = ways.amountsOf(order, code);
  drawOrder(plan, quantity, discount, addons, tax);
  // Coming again takes no code.
  void again.show(code ? null : ended, plan, quantity, addons);
  if (plan.tax && !order.billingAddress) {
    if (code) promo.say("What your code takes off is shown once we know where you are.");
    return ways.wait();
  }
  void ways.show(order, { first: chosenFirst(), returnTo: location.pathname, code });
}

/**
 * What is asked for on the screen; without an address as long as there is none.
 *
 * @param {Plan} plan
 * @returns {import("./ways.js").Order}
 */
function orderOf(plan) {
  return { plan: plan.name, quantity: chosenQuantity(), addons: chosenAddons(), billingAddress: address.of(plan) ?? undefined };
}

/** The shopper has chosen how many. */
function announceOrder() {
  chooseAnew();
  const plan = many(chosenPlan(), chosenQuantity() ?? 1, chosenAddons());
  announce(`${plan.label}, ${price(plan)}.`);
}

/** How many of the plan, if it is sold so. */
function chosenQuantity() {
  return drawQuantity("quantity-order", chosenPlan().quantity);
}

/** How many of each add-on of the plan, if it has some. */
function chosenAddons() {
  const plan = chosenPlan();
  return drawAddons("addons-order", plan.addons ?? [], plan);
}

function chosenFirst() {
  /** @type {HTMLSelectElement} */
  const select = byId("first");
  return select.value === "setup_intent" ? "setup_intent" : "subscription";
}

/**
 * While a wallet is paying, the order on the screen is the one that it is paying.
 *
 * @param {WalletName | null} by
 */
function showPaying(by) {
  paying = by;
  if (by) showProblem("problem");
  if (by) showNote();
  for (const control of document.querySelectorAll("#plan-list, #first, #quantity-order, #addons-order input, #promo-fields, #address-fields, button[data-user]")) control.toggleAttribute("disabled", by !== null);
  const buttons = [...redirectButtons()];
  const leaves = buttons.some(({ dataset }) => dataset.wallet === by);
  for (const button of buttons) {
    const mine = button.dataset.wallet === by;
    button.classList.toggle("busy", mine);
    button.setAttribute("aria-disabled", String(by !== null));
    byId(`${button.id}-label`).textContent = mine ? "One moment…" : walletWord(button.dataset.wallet ?? null);
  }
  for (const sheet of sheetPlaces()) sheet.inert = leaves;
  byId("finishing").hidden = by === null || leaves;
}

/** @returns {NodeListOf<HTMLButtonElement>} those of the wallets that lead away. */
function redirectButtons() {
  return document.querySelectorAll("#ways button.wallet");
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
  const plan = sale.named(chosenName("plan-list")) ?? sale.all()[0];
  if (!plan) throw new Error("The shop has no plan to sell.");
  return plan;
}

/** @param {Plan} [plan] */
function entitled(plan) {
  return plan !== undefined && entitlements[plan.group]?.active === true;
}

/**
 * Whether the shopper has it, or another plan in its place.
 *
 * @param {Plan} plan
 */
function has(plan) {
  // What was given for free may be bought all the same.
  return had.has(plan.group) || (entitled(plan) && entitlements[plan.group]?.because !== "granted");
}

/**
 * @param {Plan} plan
 * @param {WalletName | null} by
 */
function fits({ wallets }, by) {
  return by === null || wallets.includes(by);
}

open().catch((error) => {
  showClosed();
  console.error(error);
});
