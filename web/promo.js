// @ts-check
/** A promotion code, in the order and in a change of what there is: typed in, checked, taken off, or taken back. */

import { PerennialError } from "./perennial.js";
import { announce, byId, tellDeveloper } from "./page.js";
import { codeWords } from "./outcome_words.js";

/** @typedef {{ code: string, message: string }} Refusal What the API says of a code that is not taken. */

/**
 * @param {string} id With which the ids of the field's parts begin.
 * @param {object} handlers
 * @param {(code: string) => Promise<string | null>} handlers.check Answers what is said beside a code that is taken, and
 *   throws for one that is not. Null for a question that another one has taken the place of.
 * @param {() => void} handlers.onApplied
 * @param {() => void} handlers.onRemoved The shopper goes on without it.
 * @param {() => void} [handlers.onRefused]
 */
export function codeField(id, { check, onApplied, onRemoved, onRefused = () => {} }) {
  const form = byId(id);
  /** @type {HTMLInputElement} */
  const input = byId(`${id}-code`);
  /** The code that is taken off, as it was typed in. */
  let applied = "";

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void apply(input.value.trim());
  });
  byId(`${id}-remove`).addEventListener("click", () => {
    drop();
    onRemoved();
    announce("The code was taken away.");
    input.focus();
  });

  /** @param {string} code */
  async function apply(code) {
    if (form.getAttribute("aria-busy") === "true") return;
    if (!code) {
      say("Please type in your code first.", true);
      return input.focus();
    }
    busy(true);
    try {
      const words = await check(code);
      if (words === null) return;
      applied = code;
      show();
      say(words);
      onApplied();
      byId(`${id}-remove`).focus();
    } catch (error) {
      refuse(error);
      onRefused();
      input.focus();
    } finally {
      busy(false);
    }
  }

  /**
   * A code that is not taken, be it for what was chosen since.
   *
   * @param {unknown} error
   */
  function refuse(error) {
    const known = isRefusal(error) ? error : null;
    drop();
    say(codeWords(known?.code ?? ""), true);
    if (known) tellDeveloper(`${known.code}: ${known.message}`);
    else console.error(error);
  }

  /** For another order, or another shopper. */
  function drop() {
    applied = "";
    input.value = "";
    show();
    say("");
  }

  function show() {
    byId(`${id}-entry`).hidden = applied !== "";
    byId(`${id}-applied`).hidden = applied === "";
    byId(`${id}-name`).textContent = applied;
  }

  /**
   * @param {string} text
   * @param {boolean} [wrong]
   */
  function say(text, wrong = false) {
    // What stands there already is not read aloud once more.
    if (byId(`${id}-note`).textContent !== text) byId(`${id}-note`).textContent = text;
    byId(`${id}-note`).classList.toggle("wrong", wrong);
    input.setAttribute("aria-invalid", String(wrong));
  }

  /** @param {boolean} is */
  function busy(is) {
    form.setAttribute("aria-busy", String(is));
    byId(`${id}-apply`).setAttribute("aria-disabled", String(is));
  }

  return {
    drop,
    refuse,
    say,
    /** The code that counts, if there is one. */
    code: () => applied || undefined,
  };
}

/**
 * A field as that of the order, with ids of its own.
 *
 * @param {string} place
 * @param {string} id
 */
export function placeCodeField(place, id) {
  const field = /** @type {HTMLElement} */ (byId("promo").cloneNode(true));
  for (const part of [field, ...field.querySelectorAll("[id]")]) part.id = part.id.replace(/^promo/, id);
  /** @type {HTMLLabelElement | null} */
  const label = field.querySelector("label");
  if (label) Object.assign(label, { htmlFor: `${id}-code`, textContent: "Add promotion code" });
  field.querySelector("input")?.setAttribute("aria-describedby", `${id}-note`);
  byId(place).append(field);
}

/**
 * @param {unknown} error
 * @returns {error is Refusal}
 */
function isRefusal(error) {
  return error instanceof PerennialError || (typeof error === "object" && error !== null && "state" in error && error.state === "refused");
}
