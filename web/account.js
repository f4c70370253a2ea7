// @ts-check
/** What the shopper has: how their subscription stands, and the way to the portal. */

import { managementOf } from "./perennial.js";
import { attend, byId, pair, reveal } from "./page.js";
import { facts, standing } from "./standing.js";

/** @import { Entitlement, Plan, Subscription, createPerennial } from "./perennial.js" */

/**
 * @typedef {object} Account
 * @property {Subscription} subscription
 * @property {Plan} [plan] Its plan, if it is offered.
 * @property {Entitlement} [entitlement] Of its plan group.
 * @property {boolean} already Whether the shopper wanted to buy what they have.
 * @property {boolean} focus
 * @property {string | null} manage The address of the portal, if it came along.
 * @property {string | undefined} offered The name of any plan that is offered.
 */

/**
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {Account} account
 */
export async function showAccount(perennial, { subscription, plan, entitlement, already, focus, manage, offered }) {
  const stands = standing(subscription, entitlement);
  reveal("subscribed");
  const asked = already && stands.good;
  const title = asked ? "You are already subscribed" : stands.title;
  const text = asked ? "This is the subscription that you have. Nothing was charged a second time." : stands.text;
  byId("subscribed-title").textContent = title;
  byId("subscribed-text").textContent = text;
  byId("subscribed").classList.toggle("hold", !stands.good);
  byId("facts").replaceChildren(...facts(subscription, plan, entitlement).flatMap(([term, value]) => pair(term, value)));
  if (focus) attend(byId("subscribed-title"), `${title}. ${text}`);

  const link = byId("manage");
  link.textContent = stands.way;
  link.classList.toggle("needed", stands.needed);
  link.hidden = byId("manage-missing").hidden = true;
  const address = manage ?? (await portal(perennial, subscription.plan ?? offered));
  // Somebody else may be signed in by now.
  if (byId("subscribed-title").textContent !== title) return;
  link.hidden = !address;
  byId("manage-missing").hidden = Boolean(address) || !stands.needed;
  if (address) link.setAttribute("href", address);
}

/**
 * The same address that Apple's wallet shows beside the agreement. It is that of the shopper, whichever the
 * plan and the wallet.
 *
 * @param {ReturnType<typeof createPerennial>} perennial
 * @param {string} [plan]
 */
async function portal(perennial, plan) {
  const offers = plan === undefined ? null : await perennial.wallets(plan).catch(() => null);
  return offers?.wallets.map(({ express_checkout }) => managementOf(express_checkout?.applePay)).find(Boolean) ?? null;
}
