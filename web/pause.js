// @ts-check
/** Pausing for some time, and going on before that: what is credited and what is charged, before anybody agrees. */

import { byId, pair } from "./page.js";
import { givenUpWords, pausedWords, resumedWords } from "./account_words.js";
import { OUTDATED_PREVIEW } from "./outcome_words.js";
import { day, money } from "./words.js";

/** @import { PausePreview } from "./perennial.js" */
/** @import { Account, Desk } from "./account.js" */

/** The lengths that are offered, in days. The end is a day that the shopper reads before agreeing. */
const LENGTHS = [7, 14, 30, 60, 90, 180];
const DAY_MS = 24 * 60 * 60 * 1000;
const OPEN_END = "open";

/**
 * Asks what something would cost, of which the last question is the one that is answered.
 *
 * @param {Desk} desk
 * @param {"pause" | "resume"} name
 * @param {(preview: PausePreview | null) => void} show
 */
function asking(desk, name, show) {
  let asked = new AbortController();

  /** @param {{ pause: { until?: string } } | { resume: {} }} what */
  async function look(what) {
    stop();
    asked = new AbortController();
    const { signal } = asked;
    waiting(true);
    try {
      const outcome = await desk.management.previewPause(desk.subscription().id, { ...what, signal });
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

  function stop() {
    asked.abort();
    waiting(false);
    show(null);
  }

  /** @param {boolean} on */
  function waiting(on) {
    byId(`${name}-wait`).hidden = !on;
    byId(`${name}-preview`).setAttribute("aria-busy", String(on));
  }

  return { look, stop };
}

/** @param {Desk} desk */
export function pausePanel(desk) {
  const length = /** @type {HTMLSelectElement} */ (byId("pause-length"));
  const preview = asking(desk, "pause", draw);
  /** @type {string | undefined} */
  let until;
  let givenUp = "";

  length.addEventListener("change", look);
  byId("pause-go").addEventListener("click", () => void go());

  /** @param {Account} account */
  function open({ subscription, plans }) {
    givenUp = givenUpWords(subscription.pending_change, plans);
    const { longest_days, open_end } = subscription.actions.pause;
    const days = LENGTHS.filter((days) => longest_days === null || days <= longest_days);
    if (days.length === 0 && longest_days !== null) days.push(longest_days);
    const options = days.map((days) => new Option(`For ${days} days`, String(days)));
    if (open_end) options.push(new Option("Until I go on", OPEN_END));
    length.replaceChildren(...options);
    look();
  }

  function look() {
    const days = Number(length.value);
    until = length.value === OPEN_END ? undefined : new Date(Date.now() + days * DAY_MS).toISOString().replace(/\.\d+/, "");
    void preview.look({ pause: until === undefined ? {} : { until } });
  }

  /** @param {PausePreview | null} shown */
  function draw(shown) {
    byId("pause-go").hidden = !shown;
    byId("pause-agree").textContent = shown ? pausedWords(shown) + givenUp : "";
    const { credit, next_charge: next } = shown ?? {};
    const credited = credit && credit.amount > 0 ? pair("Kept for your next charge", `about ${money(credit.amount, credit.currency)}`) : [];
    const charged = next ? pair(`Charged on ${day(next.at)}`, `about ${money(next.amount, next.currency)}`) : [];
    byId("pause-lines").replaceChildren(...credited, ...charged);
  }

  function go() {
    const { id } = desk.subscription();
    return desk.carryOut(() => desk.management.pause(id, until === undefined ? {} : { until }));
  }

  return { open, close: preview.stop, show() {} };
}

/** @param {Desk} desk */
export function resumePanel(desk) {
  /** @type {PausePreview | null} */
  let shown = null;
  const preview = asking(desk, "resume", draw);

  byId("resume-go").addEventListener("click", () => void go());

  const open = () => void preview.look({ resume: {} });

  /** @param {PausePreview | null} now */
  function draw(now) {
    shown = now;
    byId("resume-go").hidden = !now;
    byId("resume-agree").textContent = now ? resumedWords(now) : "";
    byId("resume-lines").replaceChildren(...(now ? pair("Due now", money(now.due_now.amount, now.due_now.currency)) : []));
    if (now) byId("resume-go").textContent = now.due_now.amount > 0 ? `Go on and pay ${money(now.due_now.amount, now.due_now.currency)}` : "Go on";
  }

  async function go() {
    if (!shown) return;
    const { amount } = shown.due_now;
    const { id } = desk.subscription();
    await desk.carryOut(() => desk.management.resume(id, { dueNow: amount }), {
      refused({ code }) {
        if (code !== "preview_outdated") return false;
        desk.say({ ...OUTDATED_PREVIEW, code });
        open();
        return true;
      },
    });
  }

  return { open, close: preview.stop, show() {} };
}
