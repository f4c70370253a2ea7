// @ts-check
/** A free trial that begins without a payment method: one click, and nobody is asked for anything. */

import { expectSuccess, postWhenFree } from "./api.js";
import { alreadySubscribed, endedWithout } from "./checkouts.js";
import { taxedAt } from "./wallets.js";

/** @import { Tax } from "./answers.d.ts" */
/** @import { Call } from "./api.js" */
/** @import { Outcome } from "./checkouts.js" */
/** @import { BillingAddress } from "./wallets.js" */

/**
 * @typedef {object} TrialOptions
 * @property {string} plan One for which `wallets(plan)` has `without_payment_method` with `offer`.
 * @property {number} [quantity] How many of it; those of the last `wallets(plan)` otherwise.
 * @property {Record<string, number>} [addons] How many of which add-on; those of the last `wallets(plan)` otherwise.
 * @property {number} [trialDays] The free days that the shopper was told of; those of the last `wallets(plan)` otherwise.
 * @property {BillingAddress | null} [billingAddress] Where the shopper is, for a plan with taxes.
 * @property {Pick<Tax, "amount"> | null} [tax] What they were shown of the taxes, from `wallets(plan, { billingAddress })`.
 */

/**
 * @param {object} parts
 * @param {Call} parts.call
 * @param {(about: string[], start: () => Promise<Outcome>) => Promise<Outcome>} parts.once
 * @param {(checkout: string) => Promise<Outcome>} parts.finish
 * @param {(plan: string) => Partial<import("./wallets.js").Shown>} parts.shownOffer
 */
export function freeTrials({ call, once, finish, shownOffer }) {
  /**
   * Begins the trial. Further clicks while this is under way get the first one's outcome.
   *
   * @param {TrialOptions} options
   * @returns {Promise<Outcome>}
   */
  function startTrial(options) {
    return once([options.plan, "", String(options.quantity), JSON.stringify(options.addons)], () => start(options));
  }

  /**
   * @param {TrialOptions} options
   * @returns {Promise<Outcome>}
   */
  async function start(options) {
    const shown = shownOffer(options.plan);
    const { plan, billingAddress, tax, trialDays = shown.trialDays, quantity = shown.quantity, addons = shown.addons } = options;
    const answer = await postWhenFree(call, "/subscriptions", {
      plan,
      without_payment_method: true,
      ...(trialDays === undefined ? {} : { trial_days: trialDays }),
      ...(quantity === undefined ? {} : { quantity }),
      ...(addons === undefined ? {} : { addons }),
      ...taxedAt(tax, billingAddress),
    });
    const has = alreadySubscribed(answer.body);
    if (has) return has;
    // Stripe has not answered yet.
    if (answer.status === 202) return finish(answer.body.checkout);
    const ended = endedWithout(answer.body, answer.body?.checkout ?? "");
    return ended ?? { state: "subscribed", checkout: "", subscription: expectSuccess(answer).subscription };
  }

  return { startTrial };
}
