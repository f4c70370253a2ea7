// @ts-check
/** Ending a subscription: one question with an answer in plain sight, and afterwards, for who likes, why. */

import { announce, byId } from "./page.js";
import { cancelWords, endedNowWords, endNowButton, givenBackWords, givenUpWords } from "./account_words.js";
import { OUTDATED_PREVIEW } from "./outcome_words.js";
import { day } from "./words.js";

/** @import { EndPreview, Feedback, ManagedSubscription } from "./perennial.js" */
/** @import { Account, Desk } from "./account.js" */

const WHEN = /** @type {const} */ (["period_end", "now"]);

/** @param {Desk} desk */
export function cancelPanel(desk) {
  /** @type {string | null} */
  let canceled = null;
  let asking = new AbortController();
  /** @type {EndPreview | null} */
  let shown = null;

  for (const when of WHEN) byId(`cancel-${when}`).addEventListener("click", () => void cancel(when));
  byId("why").addEventListener("submit", (event) => {
    event.preventDefault();
    void tellWhy();
  });

  /** @param {Account} account */
  function open({ subscription, plans }) {
    const { when, refund } = subscription.actions.cancel;
    byId("cancel-text").textContent = cancelWords(subscription) + givenUpWords(subscription.pending_change, plans);
    for (const each of WHEN) byId(`cancel-${each}`).hidden = !when.includes(each);
    const end = subscription.current_period_end;
    byId("cancel-period_end").textContent = end ? `End it on ${day(end)}` : "End it with this period";
    byId("cancel-now").textContent = "End it now";
    if (refund === "prorated" && when.includes("now")) void look();
  }

  function close() {
    asking.abort();
    shown = null;
    byId("cancel-refund").textContent = "";
  }

  /** Asks what an end at once gives back. Until that is known, there is no button for it. */
  async function look() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    byId("cancel-now").hidden = true;
    try {
      const outcome = await desk.management.previewEnd(desk.subscription().id, { signal });
      if (signal.aborted) return;
      if (outcome.state === "refused") return desk.refuse(outcome);
      shown = outcome.preview;
      byId("cancel-refund").textContent = givenBackWords(shown, desk.subscription().wallet);
      byId("cancel-now").textContent = endNowButton(shown);
      byId("cancel-now").hidden = false;
    } catch (error) {
      // The other end can be chosen all the same.
      if (!signal.aborted) console.info(error);
    }
  }

  /** @param {typeof WHEN[number]} when */
  function cancel(when) {
    const { id, wallet } = desk.subscription();
    const preview = when === "now" ? shown : null;
    return desk.carryOut(() => desk.management.cancel(id, preview?.preview ? { preview: preview.preview } : { when }), {
      done: () => void (canceled = id),
      ...(when === "now" ? { note: () => endedNowWords(preview, wallet) } : {}),
      refused({ code }) {
        if (code !== "preview_outdated") return false;
        desk.say({ ...OUTDATED_PREVIEW, code });
        void look();
        return true;
      },
    });
  }

  /**
   * Asks why, if it was canceled in this page and is going to end.
   *
   * @param {ManagedSubscription} subscription
   */
  function show({ id, ends_at }) {
    byId("why").hidden = canceled !== id || !ends_at;
  }

  async function tellWhy() {
    const id = canceled;
    const feedback = /** @type {Feedback | ""} */ (/** @type {HTMLSelectElement} */ (byId("why-feedback")).value);
    const comment = /** @type {HTMLTextAreaElement} */ (byId("why-comment")).value.trim();
    canceled = null;
    byId("why").hidden = true;
    byId("subscribed-title").focus();
    if (!id || (!feedback && !comment)) return;
    const why = { when: WHEN[0], ...(feedback ? { feedback } : {}), ...(comment ? { comment } : {}) };
    // A reason that is lost is nothing that the shopper has to know of.
    await desk.management.cancel(id, why).catch((error) => console.info(error));
    announce("Thank you.");
  }

  return { open, close, show };
}
