// @ts-check
/** Cards with words alone: what is waited for, what came of it, and what stands above the shop. */

import { attend, byId, reveal, showCode, spoken } from "./page.js";
import { givenWords } from "./words.js";

/** @import { GivenPlan } from "./perennial.js" */
/** @import { Words } from "./words.js" */

/**
 * A card in place of what is sold.
 *
 * @param {Words} words
 * @param {{ busy?: boolean, again?: boolean, code?: string }} [options] Whether something is under way, whether the shopper
 *   may ask again, and what their shop's support wants to know.
 */
export function showNotice({ title, text }, { busy = false, again = !busy, code = "" } = {}) {
  reveal("waiting");
  byId("waiting").classList.toggle("busy", busy);
  byId("waiting-title").textContent = title;
  byId("waiting-text").textContent = text;
  byId("check-again").hidden = !again;
  showCode("waiting", code);
  attend(byId("waiting-title"), spoken({ title, text }));
}

/**
 * A card above whatever else is shown; none without words.
 *
 * @param {Words} [note]
 * @param {boolean} [focus]
 */
export function showNote(note, focus = false) {
  byId("note").hidden = !note;
  byId("note-title").textContent = note?.title ?? "";
  byId("note-text").textContent = note?.text ?? "";
  if (note && focus) attend(byId("note-title"), spoken(note));
}

/**
 * A line above what is sold, or had.
 *
 * @param {GivenPlan[]} grants What the shopper was given for free.
 */
export function showGiven(grants) {
  byId("given").hidden = grants.length === 0;
  byId("given").textContent = givenWords(grants);
}
