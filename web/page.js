// @ts-check
/** The page itself: its elements, its sections, and what is said aloud. */

import { draw } from "./art.js";

/** @typedef {{ title: string, text: string, code: string }} Problem */

const SECTIONS = ["loading", "waiting", "subscribed", "checkout", "authorize"];

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
  byId(`${id}-title`).textContent = problem?.title ?? "";
  byId(`${id}-text`).textContent = problem?.text ?? "";
  byId(`${id}-code`).textContent = problem?.code ? `Code: ${problem.code}` : "";
}

/** @param {HTMLElement} element */
export function attend(element) {
  element.focus({ preventScroll: true });
  byId("plans").scrollIntoView({ block: "start" });
}

/** @param {string} text */
export function announce(text) {
  byId("announcement").textContent = text;
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
