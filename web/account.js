// @ts-check
/** "My subscription": how it stands, what may be done about it, and what was billed. */

import { managementOf, PerennialError } from "./perennial.js";
import { cancelPanel } from "./cancel.js";
import { addonsPanel, changePanel, codePanel, quantityPanel } from "./change.js";
import { invoiceList } from "./invoices.js";
import { methodPanel } from "./method.js";
import { announce, attend, byId, entitle, pair, reveal, showProblem, spoken, tellDeveloper } from "./page.js";
import { pausePanel, resumePanel } from "./pause.js";
import { facts, standing } from "./standing.js";
import { methodWords, pendingWords } from "./account_words.js";
import { explainError, methodProblem, refusalWords } from "./outcome_words.js";
import { day, money, walletWord } from "./words.js";

/** @import { ActionOutcome, Entitlement, ManagedSubscription, MethodOutcome, Plan, Refused, SubscriptionDetails, WalletName, createPerennial } from "./perennial.js" */
/** @import { Problem } from "./page.js" */
/** @import { Words } from "./words.js" */

/**
 * @typedef {object} Account
 * @property {string} user Whose it is.
 * @property {ManagedSubscription} subscription
 * @property {ManagedSubscription[]} owned All that the shopper has.
 * @property {Plan} [plan] Its plan, if it is offered.
 * @property {Plan[]} plans What is offered.
 * @property {Plan[]} others The plans that it may be changed to.
 * @property {boolean} beside Whether something is offered that may be had beside it.
 * @property {Entitlement} [entitlement] Of its plan group.
 * @property {boolean} already Whether the shopper wanted to buy what they have.
 * @property {boolean} focus
 * @property {boolean} [discounted] Whether a discount counts, once that is known.
 * @property {string | null} manage The address of the portal, if it came along.
 * @property {Problem} [trouble] What went wrong with what the shopper wanted of it.
 */

/**
 * What the panels have in common.
 *
 * @typedef {object} Desk
 * @property {ReturnType<ReturnType<typeof createPerennial>["manage"]>} management
 * @property {() => ManagedSubscription} subscription The one that is shown.
 * @property {() => boolean} isDiscounted Whether a discount counts for it, as far as that is known.
 * @property {(work: () => Promise<ActionOutcome>, then?: { done?: () => void, note?: () => Words, refused?: (outcome: Refused) => boolean }) => Promise<void>} carryOut
 *   Does one thing at a time, and shows how the subscription stands then. `refused` says whether it has dealt with it.
 * @property {(outcome: Refused) => void} refuse
 * @property {(outcome: MethodOutcome) => Promise<void>} settle
 * @property {(wallet: WalletName) => void} wait While a wallet is asked.
 * @property {(error: unknown) => void} complain
 * @property {(problem: Problem) => void} say
 */

/** @typedef {{ focus: boolean, now?: ManagedSubscription | null, note?: Words | undefined, trouble?: Problem | undefined }} Again
 *  `now` is what an action has answered, which the list may show a moment later.
 */

const CLOSED = { open: false, reason: null };
/** @type {ManagedSubscription["actions"]} */
const NOTHING = { cancel: { ...CLOSED, when: [], refund: "none" }, withdraw_cancellation: CLOSED, change_plan: CLOSED, change_quantity: { ...CLOSED, minimum: null, maximum: null }, change_addons: { ...CLOSED, addons: [] }, withdraw_change: CLOSED, replace_payment_method: CLOSED, pause: { ...CLOSED, longest_days: null, open_end: false }, resume: CLOSED, come_again: { ...CLOSED, saved: false } };
const PANELS = /** @type {const} */ (["change", "quantity", "addons", "code", "method", "pause", "resume", "cancel"]);

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {object} shop
 * @param {(again: Again) => Promise<void>} shop.refresh Asks again what the shopper has, and shows it.
 * @param {(wallet: WalletName, ask: () => Promise<MethodOutcome>) => void} shop.waitFor For a wallet that has not answered yet.
 * @param {(subscription: string) => void} shop.choose
 * @param {(offered: Plan[], account: Account) => Pick<Account, "plans" | "others" | "beside"> | null} shop.learn
 *   Takes note of the private plans that are offered to the shopper, and answers what that changes.
 */
export function accountOf(perennial, { refresh, waitFor, choose, learn }) {
  const management = perennial.manage();
  /** @type {Account | null} */
  let shown = null;
  let busy = false;

  /** @type {Desk} */
  const desk = { management, subscription, isDiscounted: () => shown?.discounted === true, carryOut, refuse, settle, wait, complain, say };
  const panels = { change: changePanel(desk), quantity: quantityPanel(desk), addons: addonsPanel(desk), code: codePanel(desk), method: methodPanel(perennial, desk), pause: pausePanel(desk), resume: resumePanel(desk), cancel: cancelPanel(desk) };
  const invoices = invoiceList(management);

  for (const name of PANELS) {
    byId(`${name}-open`).addEventListener("click", () => open(name));
    byId(`${name}-close`).addEventListener("click", () => (close(), openerOf(name).focus()));
  }
  byId("pay-now").addEventListener("click", () => open("method"));
  byId("keep").addEventListener("click", () => void carryOut(() => management.withdrawCancellation(subscription().id)));
  byId("keep-plan").addEventListener("click", () => void carryOut(() => management.withdrawChange(subscription().id)));

  /** @param {Account} account */
  async function show(account) {
    shown = account;
    close();
    free();
    reveal("subscribed");
    const { subscription, entitlement, already, focus, trouble } = account;
    const stands = standing(subscription, entitlement);
    const asked = already && stands.good;
    const title = asked ? "You are already subscribed" : stands.title;
    const text = asked ? "This is the subscription that you have. Nothing was charged a second time." : stands.text;
    byId("subscribed-title").textContent = title;
    byId("subscribed-text").textContent = text;
    byId("subscribed").classList.toggle("hold", !stands.good);
    drawFacts(account);
    entitle(title);
    drawOwned(account);
    byId("due-text").textContent = "";
    drawDeeds(account);
    panels.cancel.show(subscription);
    showProblem("account-problem", trouble);
    if (focus && trouble) attend(byId("account-problem-title"), spoken(trouble));
    else if (focus) attend(byId("subscribed-title"), spoken({ title, text }));
    await Promise.all([showDetails(account), showDue(account), showPortal(account)]);
  }

  /**
   * @param {Account} account
   * @param {SubscriptionDetails} [details]
   */
  function drawFacts({ subscription, plans, entitlement }, details) {
    const rows = facts(subscription, plans, entitlement, details).flatMap(([term, value]) => pair(term, value));
    byId("facts").replaceChildren(...rows);
  }

  /** @param {Account} account */
  async function showDetails(account) {
    byId("facts").setAttribute("aria-busy", "true");
    const details = await management.details(account.subscription.id).catch((error) => void console.info(error));
    if (shown !== account) return;
    if (details) {
      drawFacts(account, details);
      const more = learn(details.offered_plans ?? [], account);
      drawDeeds(Object.assign(account, { discounted: details.discounted }, more));
    }
    byId("facts").setAttribute("aria-busy", "false");
  }

  /** @param {Account} account */
  function drawDeeds({ subscription, plan, others, plans, beside, entitlement, discounted }) {
    const { pending_change: pending } = subscription;
    const stands = standing(subscription, entitlement);
    const needed = stands.needed ? stands.way : null;
    byId("beside").hidden = !beside;
    // What a checkout answers with tells nothing of it.
    const actions = subscription.actions ?? NOTHING;
    // Without its plan nobody knows which wallets it may be paid with; the portal does.
    const payable = actions.replace_payment_method.open && plan !== undefined;
    byId("change-open").hidden = !actions.change_plan.open || others.length === 0;
    byId("quantity-open").hidden = !actions.change_quantity.open;
    byId("addons-open").hidden = !actions.change_addons.open;
    byId("code-open").hidden = !actions.change_plan.open || pending !== null || discounted === true;
    byId("method-open").hidden = !payable || needed !== null;
    byId("pause-open").hidden = !actions.pause.open;
    byId("resume-open").hidden = !actions.resume.open;
    byId("cancel-open").hidden = !actions.cancel.open;
    byId("due").hidden = !needed || !payable;
    byId("pay-now").textContent = needed;
    byId("kept").hidden = !actions.withdraw_cancellation.open;
    byId("pending").hidden = !pending;
    byId("keep-plan").hidden = !actions.withdraw_change.open;
    if (pending) byId("pending-text").textContent = pendingWords(pending, plans.find(({ name }) => name === pending.plan));
  }

  /** @param {Account} account */
  function drawOwned({ owned, plans, subscription }) {
    byId("owned").hidden = owned.length < 2;
    const buttons = owned.map(({ id, plan }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.setAttribute("aria-pressed", String(id === subscription.id));
      button.textContent = plans.find(({ name }) => name === plan)?.label ?? plan ?? id;
      button.addEventListener("click", () => choose(id));
      return button;
    });
    byId("owned").replaceChildren(...buttons);
  }

  /** @param {Account} account */
  async function showDue(account) {
    const due = await invoices.show(account.subscription.id);
    if (shown === account && due?.currency) byId("due-text").textContent = `${money(due.amount_remaining, due.currency)} is due, billed on ${day(due.created_at)}.`;
  }

  /**
   * The same address that Apple's wallet shows beside the agreement. It is that of the shopper, whichever the
   * plan and the wallet.
   *
   * @param {Account} account
   */
  async function showPortal(account) {
    const { manage, subscription, plans } = account;
    const link = byId("manage");
    link.hidden = true;
    const plan = subscription.plan ?? plans[0]?.name;
    const offers = manage || plan === undefined ? null : await perennial.wallets(plan).catch(() => null);
    const address = manage ?? offers?.wallets.map(({ express_checkout }) => managementOf(express_checkout?.applePay)).find(Boolean);
    if (shown !== account) return;
    link.hidden = !address;
    if (address) link.setAttribute("href", address);
  }

  function subscription() {
    if (!shown) throw new Error("No subscription is shown.");
    return shown.subscription;
  }

  /** @param {typeof PANELS[number]} name */
  function openerOf(name) {
    const openers = [byId(`${name}-open`), byId("pay-now")];
    return openers.find((opener) => opener.checkVisibility()) ?? byId("subscribed-title");
  }

  /** @param {typeof PANELS[number]} name */
  function open(name) {
    if (!shown || busy) return;
    const account = shown;
    close();
    showProblem("account-problem");
    byId(name).hidden = false;
    byId(`${name}-open`).setAttribute("aria-expanded", "true");
    void panels[name].open(account);
    attend(byId(`${name}-title`), byId(`${name}-title`).textContent ?? "");
  }

  function close() {
    for (const name of PANELS) {
      panels[name].close();
      byId(name).hidden = true;
      byId(`${name}-open`).setAttribute("aria-expanded", "false");
    }
  }

  /** @type {Desk["carryOut"]} */
  async function carryOut(work, { done, note, refused } = {}) {
    if (busy) return;
    hold();
    const account = shown;
    try {
      const outcome = await work();
      // Somebody else may be signed in by now.
      if (shown !== account) return;
      free();
      if (outcome.state === "refused") return refused?.(outcome) ? undefined : refuse(outcome);
      done?.();
      await refresh({ focus: true, now: outcome.subscription, note: note?.() });
    } catch (error) {
      if (shown === account) complain(error);
    }
  }

  function hold() {
    busy = true;
    byId("subscribed").setAttribute("aria-busy", "true");
    announce("One moment.");
  }

  function free() {
    busy = false;
    byId("subscribed").setAttribute("aria-busy", "false");
    for (const button of document.querySelectorAll("#method-ways .busy")) button.classList.remove("busy");
  }

  /** @param {WalletName} wallet */
  function wait(wallet) {
    hold();
    showProblem("account-problem");
    document.querySelector(`#method-ways [data-wallet=${wallet}]`)?.classList.add("busy");
  }

  /** @param {Refused} outcome */
  function refuse({ code, message, subscription: now }) {
    tellDeveloper(`${code}: ${message}`);
    void refresh({ focus: true, now, trouble: { ...refusalWords(code), code } });
  }

  /** @param {unknown} error */
  function complain(error) {
    free();
    const known = error instanceof PerennialError ? error : null;
    if (known) tellDeveloper(`${known.code}: ${known.message}`);
    else console.error(error);
    say({ ...explainError(known?.code ?? ""), code: [known?.code, known?.requestId].filter(Boolean).join(" · ") });
  }

  /** @param {Problem} problem */
  function say(problem) {
    showProblem("account-problem", problem);
    attend(byId("account-problem-title"), spoken(problem));
  }

  /** @type {Desk["settle"]} */
  async function settle(outcome) {
    if (outcome.state === "redirecting") return;
    free();
    const wallet = shown?.subscription.wallet ?? null;
    switch (outcome.state) {
      case "refused":
        return refuse(outcome);
      case "pending":
        return waitFor(wallet ?? "amazon_pay", () => management.finishPaymentMethod(outcome.subscription, outcome.setupIntent));
      case "not_confirmed":
        return refresh({ focus: true, trouble: { ...methodProblem(outcome.reason), code: outcome.reason ?? "" } });
      case "replaced": {
        const { invoices, subscription: now } = outcome;
        if (invoices.status !== "declined") return refresh({ focus: true, now, note: methodWords(invoices.status, walletWord(now.wallet)) });
        const code = invoices.decline_code ?? invoices.code ?? "";
        return refresh({ focus: true, now, trouble: { ...methodProblem("still_declined"), code } });
      }
    }
  }

  return { show, settle };
}
