// @ts-check
/** Another plan, another quantity, other add-ons or a promotion code: what it costs, to the cent, before anybody agrees to it. */

import { drawAddons } from "./addons.js";
import { chosenName, drawPlans, drawQuantity } from "./order.js";
import { byId, pair } from "./page.js";
import { PerennialError } from "./perennial.js";
import { codeField, placeCodeField } from "./promo.js";
import { isAboutCode } from "./ways.js";
import { agreeWords, besideLines, changeButton, changedWords, codeTakenWords, dayRange, givenUpWords } from "./account_words.js";
import { codeLost, OUTDATED_PREVIEW } from "./outcome_words.js";
import { heldAddons, many, money } from "./words.js";

/** @import { Plan, PlanPreview } from "./perennial.js" */
/** @import { Refusal } from "./promo.js" */
/** @import { Account, Desk } from "./account.js" */

/** @param {Desk} desk */
export function changePanel(desk) {
  const { look, close, offer } = agreement(desk, "change", () => {
    const plan = chosenName("change-list");
    return plan === null ? null : { plan };
  });
  byId("change-list").addEventListener("change", () => void look());

  /** @param {Account} account */
  function open({ others, plans }) {
    offer(plans);
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
  function open({ subscription, plans }) {
    offer(plans);
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
    offer(plans);
    drawAddons("addons-numbers", subscription.actions.change_addons.addons, plan, true);
    void look();
  }

  return { open, close, show() {} };
}

/** @param {Desk} desk */
export function codePanel(desk) {
  const { look, close, offer } = agreement(desk, "code", () => ({}));

  /** @param {Account} account */
  function open({ plans }) {
    offer(plans);
    void look();
  }

  return { open, close, show() {} };
}

/** The refusals of a promotion code for what there is, beside those of the first order. */
const ABOUT_CODE = ["discount_running", "change_scheduled"];

/** @typedef {{ plan: string } | { quantity: number } | { addons: Record<string, number> } | {}} Asked */

/**
 * The part of a panel that says what is asked for would cost, with the code that is taken off and the button that agrees.
 *
 * @param {Desk} desk
 * @param {"change" | "quantity" | "addons" | "code"} id of the panel
 * @param {() => Asked | null} asked Null while nothing else is asked for than there is, and empty for a code alone.
 */
function agreement(desk, id, asked) {
  let asking = new AbortController();
  /** @type {PlanPreview | null} */
  let shown = null;
  /** @type {Plan[]} */
  let plans = [];

  const place = `${id}-promo`;
  placeCodeField(`${id}-promo-part`, place);
  const field = codeField(place, {
    async check(code) {
      const preview = await request(code);
      show(preview);
      return preview && codeTakenWords(preview, planOf(preview));
    },
    onApplied() {},
    onRemoved: () => void look(),
    onRefused: () => void look(),
  });

  byId(`${id}-go`).addEventListener("click", () => void go());

  /** @param {Plan[]} offered */
  const offer = (offered) => void (plans = offered);

  function close() {
    asking.abort();
    field.drop();
    waiting(false);
    show(null);
  }

  /** Asks what it would cost; without the code, if that is not taken for it. */
  async function look() {
    try {
      const preview = await request(field.code());
      show(preview);
      if (preview?.discount) field.say(codeTakenWords(preview, planOf(preview)));
    } catch (error) {
      field.refuse(error);
      await look();
    }
  }

  /**
   * The last question is the one that is answered.
   *
   * @param {string | undefined} code
   * @returns {Promise<PlanPreview | null>} null for one before it, and for what is refused otherwise.
   * @throws {Refusal} what is wrong with the code.
   */
  async function request(code) {
    const ask = asked();
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    show(null);
    byId(`${id}-promo-part`).hidden = ask === null;
    const isAsked = ask !== null && (code !== undefined || Object.keys(ask).length > 0);
    waiting(isAsked);
    if (!isAsked) return null;
    try {
      const outcome = await desk.management.preview(desk.subscription().id, { ...ask, code, signal });
      if (signal.aborted) return null;
      waiting(false);
      if (outcome.state === "previewed") return outcome.preview;
      if (code && isWrong(outcome)) throw outcome;
      desk.refuse(outcome);
    } catch (error) {
      if (signal.aborted) return null;
      waiting(false);
      if (code && isWrong(/** @type {Refusal} */ (error))) throw error;
      if (error instanceof PerennialError && error.code === "unknown_plan") desk.refuse({ state: "refused", code: error.code, message: error.message, subscription: null });
      else desk.complain(error);
    }
    return null;
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
    if (!preview) {
      byId(`${id}-lines`).replaceChildren();
      byId(`${id}-agree`).textContent = "";
      return;
    }
    const { lines, due_now, ended_addons, replaces } = preview;
    const rows = lines.flatMap(({ description, amount, from, to }) => pair(`${description}, ${dayRange(from, to)}`, money(amount, due_now.currency)));
    const gone = ended_addons.map((name) => plans.flatMap(({ addons = [] }) => addons).find((each) => each.name === name)?.label ?? name);
    const ends = gone.length > 0 ? pair("Ends with it", gone.join(", ")) : [];
    const beside = besideLines(preview).flatMap(([term, value]) => pair(term, value));
    byId(`${id}-lines`).replaceChildren(...rows, ...beside, ...ends, ...pair("Due now", money(due_now.amount, due_now.currency)));
    byId(`${id}-agree`).textContent = agreeWords(preview, planOf(preview), desk.subscription().wallet, desk.isDiscounted()) + givenUpWords(replaces, plans, planOf(preview));
    byId(`${id}-go`).textContent = isCodeAlone() ? "Add this code" : changeButton(preview);
  }

  function isCodeAlone() {
    return Object.keys(asked() ?? {}).length === 0;
  }

  /**
   * All that the shopper gets, at the price that the plan has today; null of a plan that is not known here.
   *
   * @param {PlanPreview} preview
   */
  function planOf(preview) {
    const plan = plans.find(({ name }) => name === preview.plan);
    return plan ? many(plan, preview.quantity, heldAddons(preview.addons)) : null;
  }

  async function go() {
    const preview = shown;
    if (!preview) return;
    const plan = planOf(preview);
    const alone = isCodeAlone();
    const { id, wallet } = desk.subscription();
    await desk.carryOut(() => desk.management.change(id, preview), {
      note: () => changedWords(preview, plan, wallet, alone),
      refused(outcome) {
        const lost = preview.discount !== undefined && isWrong(outcome);
        if (!lost && outcome.code !== "preview_outdated") return false;
        if (lost) field.refuse(outcome);
        desk.say({ ...(lost ? codeLost(outcome.code) : OUTDATED_PREVIEW), code: outcome.code });
        void look();
        return true;
      },
    });
  }

  return { look, close, offer };
}

/**
 * Whether it is about the code.
 *
 * @param {Refusal} refusal
 */
function isWrong(refusal) {
  return typeof refusal?.code === "string" && (isAboutCode(refusal) || ABOUT_CODE.includes(refusal.code));
}
