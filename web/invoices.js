// @ts-check
/** What the shopper was billed: a list that grows by a page at a time. */

import { byId } from "./page.js";
import { invoiceWord } from "./account_words.js";
import { day, money } from "./words.js";

/** @import { Invoice, createPerennial } from "./perennial.js" */

/**
 * @param {ReturnType<ReturnType<typeof createPerennial>["manage"]>} management
 */
export function invoiceList(management) {
  let asking = new AbortController();

  /**
   * Shows the invoices of a subscription, the newest first.
   *
   * @param {string} subscription
   * @returns {Promise<Invoice | undefined>} the newest one that is to be paid.
   */
  async function show(subscription) {
    asking.abort();
    asking = new AbortController();
    byId("billed").hidden = true;
    return more({ subscription }, asking.signal);
  }

  /**
   * @param {{ subscription: string, after?: string }} which
   * @param {AbortSignal} signal
   */
  async function more(which, signal) {
    try {
      const { invoices, after } = await management.invoices({ ...which, signal });
      if (signal.aborted) return undefined;
      if (!which.after) byId("invoices").replaceChildren();
      const rows = invoices.map(row);
      byId("invoices").append(...rows);
      byId("invoices-missing").hidden = true;
      byId("billed").hidden = byId("invoices").childElementCount === 0;
      // Who asked for the last of them from the keyboard goes on with these.
      if (after === null && document.activeElement === byId("invoices-more")) rows[0]?.querySelector("a")?.focus();
      byId("invoices-more").hidden = after === null;
      byId("invoices-more").onclick = () => void more({ ...which, after: after ?? "" }, signal);
      return invoices.find(({ status, amount_remaining }) => status === "open" && amount_remaining > 0);
    } catch (error) {
      if (signal.aborted) return undefined;
      console.info(error);
      byId("billed").hidden = byId("invoices-missing").hidden = false;
      byId("invoices-more").hidden = true;
      return undefined;
    }
  }

  return { show };
}

/** @param {Invoice} invoice */
function row(invoice) {
  const { id, number, status, created_at, total, currency, page, pdf } = invoice;
  const item = document.createElement("li");
  const what = document.createElement("span");
  what.textContent = day(created_at);
  const state = document.createElement("span");
  state.className = `state ${status === "open" ? "open" : ""}`;
  state.textContent = invoiceWord(status, total);
  const amount = document.createElement("b");
  amount.textContent = currency ? money(Math.abs(total), currency) : "";
  const links = document.createElement("span");
  links.className = "links";
  links.append(...link(page, "View", number ?? id), ...link(pdf, "PDF", number ?? id));
  item.append(what, state, amount, links);
  return item;
}

/**
 * @param {string | null} address
 * @param {string} text
 * @param {string} of
 */
function link(address, text, of) {
  if (!address) return [];
  const made = document.createElement("a");
  made.href = address;
  made.target = "_blank";
  made.rel = "noreferrer";
  made.textContent = text;
  made.setAttribute("aria-label", `${text} of invoice ${of}, in a new tab`);
  return [made];
}
