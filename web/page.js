// @ts-check
/** The page itself: its elements, its sections, what has the focus and what is said aloud. */

import { draw } from "./art.js";

/** @import { Words } from "./words.js" */

/** @typedef {Words & { code: string }} Problem `code` is for the shop's support, behind "Details". */

const SECTIONS = ["loading", "waiting", "subscribed", "checkout", "authorize", "repair"];
const SHOP = document.title;
const LOOK_AGAIN_MS = 100;
// Apple gives the focus back to its button up to a second after the outcome; and ends a sheet after half a minute.
const STEADY_MS = 1_200;
const GIVE_UP_MS = 35_000;

/**
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @returns {Kind}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element ${id}.`);
  return /** @type {Kind} */ (element);
}

/** @param {string[]} ids of the sections that are shown; the others are hidden. */
export function reveal(...ids) {
  for (const id of SECTIONS) byId(id).hidden = !ids.includes(id);
}

/**
 * @param {string} id of the element that shows it
 * @param {Problem} [problem]
 */
export function showProblem(id, problem) {
  byId(id).hidden = !problem;
  byId(id).classList.toggle("calm", problem?.calm === true);
  byId(`${id}-title`).textContent = problem?.title ?? "";
  byId(`${id}-text`).textContent = problem?.text ?? "";
  showCode(id, problem?.code ?? "");
}

/**
 * @param {string} id of the element that shows it
 * @param {string} code
 */
export function showCode(id, code) {
  byId(`${id}-details`).hidden = code === "";
  byId(`${id}-code`).textContent = code ? `Code: ${code}` : "";
}

/**
 * Names the page by what is on it.
 *
 * @param {string | null} [what]
 */
export function entitle(what) {
  document.title = what ? `${what} · ${SHOP}` : SHOP;
}

let attending = 0;

/**
 * Puts the focus on what has come up, and says it. Neither works while Apple's sheet is open, and when it
 * closes it gives the focus back to what had it before; so the focus is looked after until it has stayed, or
 * the shopper has moved it.
 *
 * @param {HTMLElement} element
 * @param {string} words
 */
export function attend(element, words) {
  clearInterval(attending);
  entitle(element.textContent);
  (element.closest(".panel, .card") ?? element).scrollIntoView({ block: "start" });
  const began = Date.now();
  let since = 0;
  const look = () => {
    const there = document.activeElement === element;
    if (since > 0 && !there && isOwn(document.activeElement)) return clearInterval(attending);
    if (!there) {
      since = 0;
      element.focus({ preventScroll: true });
    }
    if (document.activeElement === element && since === 0) {
      since = Date.now();
      announce(words);
    }
    const steady = since > 0 && Date.now() - since > STEADY_MS;
    if (steady || Date.now() - began > GIVE_UP_MS) clearInterval(attending);
  };
  attending = setInterval(look, LOOK_AGAIN_MS);
  look();
}

/**
 * Whether it is a control of the page, which only the shopper moves the focus to.
 *
 * @param {Element | null} element
 */
function isOwn(element) {
  return element?.matches("a, button, input, select, summary, textarea") === true;
}

/**
 * A title and what belongs to it, as they are said.
 *
 * @param {Words} words
 */
export function spoken({ title, text }) {
  return `${title}${/[.?!…]$/.test(title) ? "" : "."} ${text}`;
}

let speaking = 0;

/**
 * Emptied first, so that the same words are said again.
 *
 * @param {string} text
 */
export function announce(text) {
  clearTimeout(speaking);
  byId("announcement").textContent = "";
  speaking = setTimeout(() => (byId("announcement").textContent = text), LOOK_AGAIN_MS);
}

/**
 * What a shopper has no use for: it goes into the demo's own bar.
 *
 * @param {string} text
 */
export function tellDeveloper(text) {
  console.info(text);
  const line = document.createElement("li");
  line.textContent = text;
  const known = [...byId("notes-list").children].some(({ textContent }) => textContent === text);
  if (!known) byId("notes-list").append(line);
  byId("notes").hidden = false;
}

/**
 * @param {ParentNode} parent
 * @param {string} selector
 * @param {string} text
 */
export function fill(parent, selector, text) {
  const element = parent.querySelector(selector);
  if (element) element.textContent = text;
}

/**
 * @param {string} term
 * @param {string} value
 */
export function pair(term, value) {
  const row = document.createElement("div");
  const name = document.createElement("dt");
  const text = document.createElement("dd");
  name.textContent = term;
  text.textContent = value;
  row.append(name, text);
  return [row];
}

/** @param {import("./art.js").Scene} scene */
export function photo(scene) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = scene.title;
  figure.append(draw(scene), caption);
  return figure;
}
