// @ts-check
/** Another plan: what it costs, to the cent, before anybody agrees to it. */

import { chosenName, drawPlans } from "./order.js";
import { byId, pair } from "./page.js";
import { agreeWords, changeButton, changedWords, dayRange, money, OUTDATED_PREVIEW } from "./words.js";

/** @import { Plan, PlanPreview } from "./perennial.js" */
/** @import { Account, Desk } from "./account.js" */

/** @param {Desk} desk */
export function changePanel(desk) {
  let asking = new AbortController();
  /** @type {PlanPreview | null} */
  let shown = null;
  /** @type {Plan[]} */
  let plans = [];

  byId("change-list").addEventListener("change", () => void look());
  byId("change-go").addEventListener("click", () => void go());

  /** @param {Account} account */
  function open({ others }) {
    plans = others;
    drawPlans("change-list", plans, null);
    void look();
  }

  function close() {
    asking.abort();
    show(null);
  }

  /** Asks what the chosen plan would cost. The last question is the one that is answered. */
  async function look() {
    const plan = chosenName("change-list");
    if (!plan) return;
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    show(null);
    waiting(true);
    try {
      const outcome = await desk.management.preview(desk.subscription().id, { plan, signal });
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
    byId("change-wait").hidden = !on;
    byId("change-preview").setAttribute("aria-busy", String(on));
  }

  /** @param {PlanPreview | null} preview */
  function show(preview) {
    shown = preview;
    byId("change-go").hidden = !preview;
    const plan = plans.find(({ name }) => name === preview?.plan);
    if (!preview || !plan) {
      byId("change-lines").replaceChildren();
      byId("change-agree").textContent = "";
      return;
    }
    const { lines, due_now, credit_left } = preview;
    const rows = lines.flatMap(({ description, amount, from, to }) => pair(`${description}, ${dayRange(from, to)}`, money(amount, due_now.currency)));
    const credit = credit_left.amount > 0 ? pair("Kept for your next invoices", money(credit_left.amount, credit_left.currency)) : [];
    byId("change-lines").replaceChildren(...rows, ...credit, ...pair("Due now", money(due_now.amount, due_now.currency)));
    byId("change-agree").textContent = agreeWords(preview, plan, desk.subscription().wallet);
    byId("change-go").textContent = changeButton(preview);
  }

  async function go() {
    const preview = shown;
    const plan = plans.find(({ name }) => name === preview?.plan);
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

  return { open, close, show() {} };
}
