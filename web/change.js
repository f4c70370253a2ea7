// @ts-check
/** Another plan, another quantity, or other add-ons: what it costs, to the cent, before anybody agrees to it. */

import { drawAddons } from "./addons.js";
import { chosenName, drawPlans, drawQuantity } from "./order.js";
import { byId, pair } from "./page.js";
import { agreeWords, changeButton, changedWords, dayRange, heldAddons, many, money, OUTDATED_PREVIEW } from "./words.js";

/** @import { Plan, PlanPreview } from "./perennial.js" */
/** @import { Account, Desk } from "./account.js" */

/** @param {Desk} desk */
export function changePanel(desk) {
  const { look, close, offer } = agreement(desk, "change", () => {
    const plan = chosenName("change-list");
    return plan === null ? null : { plan };
  });
  byId("change-list").addEventListener("change", () => void look());

  /** @param {Account} account */
  function open({ others }) {
    offer(others);
    drawPlans("change-list", others, null);
    void look();
  }

  return { open, close, show() {} };
}

/** @param {Desk} desk */
export function quantityPanel(desk) {
  const { look, close, offer } = agreement(desk, "quantity", () => {
    const { quantity: now, actions } = desk.subscription();
    const quantity = drawQuantity("quantity-number", actions.change_quantity);
    return quantity === undefined || quantity === now ? null : { quantity };
  });
  byId("quantity-number").addEventListener("change", () => void look());

  /** @param {Account} account */
  function open({ subscription, plan, plans }) {
    offer(plan ? [plan, ...plans] : plans);
    drawQuantity("quantity-number", subscription.actions.change_quantity, subscription.quantity ?? 1);
    void look();
  }

  return { open, close, show() {} };
}

/** @param {Desk} desk */
export function addonsPanel(desk) {
  /** @type {Plan | undefined} */
  let own;
  const { look, close, offer } = agreement(desk, "addons", () => {
    const { addons: limits } = desk.subscription().actions.change_addons;
    const addons = drawAddons("addons-numbers", limits, own) ?? {};
    return limits.every(({ name, quantity }) => addons[name] === quantity) ? null : { addons };
  });
  byId("addons-numbers").addEventListener("change", () => void look());

  /** @param {Account} account */
  function open({ subscription, plan, plans }) {
    own = plan;
    offer(plan ? [plan, ...plans] : plans);
    drawAddons("addons-numbers", subscription.actions.change_addons.addons, plan, true);
    void look();
  }

  return { open, close, show() {} };
}

/**
 * The part of a panel that says what is asked for would cost, with the button that agrees to it.
 *
 * @param {Desk} desk
 * @param {"change" | "quantity" | "addons"} id of the panel
 * @param {() => { plan: string } | { quantity: number } | { addons: Record<string, number> } | null} asked Null while nothing else is asked for than there is.
 */
function agreement(desk, id, asked) {
  let asking = new AbortController();
  /** @type {PlanPreview | null} */
  let shown = null;
  /** @type {Plan[]} */
  let plans = [];

  byId(`${id}-go`).addEventListener("click", () => void go());

  /** @param {Plan[]} offered */
  const offer = (offered) => void (plans = offered);

  function close() {
    asking.abort();
    show(null);
  }

  /** Asks what it would cost. The last question is the one that is answered. */
  async function look() {
    const ask = asked();
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    show(null);
    waiting(ask !== null);
    if (!ask) return;
    try {
      const outcome = await desk.management.preview(desk.subscription().id, { ...ask, signal });
      if (signal.aborted) return;
      waiting(false);
      if (outcome.state === "refused") desk.refuse(outcome);
      else show(outcome.preview);
    } catch (error) {
      if (signal.aborted) return;
      waiting(false);
      desk.complain(error);
    }
  }

  /** @param {boolean} on */
  function waiting(on) {
    byId(`${id}-wait`).hidden = !on;
    byId(`${id}-preview`).setAttribute("aria-busy", String(on));
  }

  /** @param {PlanPreview | null} preview */
  function show(preview) {
    shown = preview;
    byId(`${id}-go`).hidden = !preview;
    const plan = planOf(preview);
    if (!preview || !plan) {
      byId(`${id}-lines`).replaceChildren();
      byId(`${id}-agree`).textContent = "";
      return;
    }
    const { lines, due_now, credit_left, ended_addons } = preview;
    const rows = lines.flatMap(({ description, amount, from, to }) => pair(`${description}, ${dayRange(from, to)}`, money(amount, due_now.currency)));
    const gone = ended_addons.map((name) => plans.flatMap(({ addons = [] }) => addons).find((each) => each.name === name)?.label ?? name);
    const ends = gone.length > 0 ? pair("Ends with it", gone.join(", ")) : [];
    const credit = credit_left.amount > 0 ? pair("Kept for your next invoices", money(credit_left.amount, credit_left.currency)) : [];
    byId(`${id}-lines`).replaceChildren(...rows, ...ends, ...credit, ...pair("Due now", money(due_now.amount, due_now.currency)));
    byId(`${id}-agree`).textContent = agreeWords(preview, plan, desk.subscription().wallet);
    byId(`${id}-go`).textContent = changeButton(preview);
  }

  /**
   * All that the shopper gets, at the price that the plan has today.
   *
   * @param {PlanPreview | null} preview
   */
  function planOf(preview) {
    const plan = plans.find(({ name }) => name === preview?.plan);
    return plan && preview ? many(plan, preview.quantity, heldAddons(preview.addons)) : null;
  }

  async function go() {
    const preview = shown;
    const plan = planOf(preview);
    if (!preview || !plan) return;
    const { id, wallet } = desk.subscription();
    await desk.carryOut(() => desk.management.change(id, preview), {
      note: () => changedWords(preview, plan, wallet),
      refused({ code }) {
        if (code !== "preview_outdated") return false;
        desk.say({ ...OUTDATED_PREVIEW, code });
        void look();
        return true;
      },
    });
  }

  return { look, close, offer };
}
