// @ts-check
/**
 * Perennial in the page of a shop: pay with a wallet, be subscribed.
 *
 * The module holds no state that matters and decides nothing about money: prices come from the
 * server's plans, the shopper from the token, and the outcome from `GET /checkouts/{checkout}`.
 * What the query of the page says after a redirect is only a reason to ask.
 *
 * ```js
 * import { createPerennial } from "./perennial.js";
 *
 * const perennial = createPerennial({ apiBase: "https://api.shop.example", token: () => session.jwt() });
 * const plan = "stock-photos-monthly";
 * amazonButton.onclick = () => perennial.startAmazonPay({ plan, returnTo: "/account" });
 * await perennial.mountApplePay({ plan, element: "#apple-pay", onOutcome: show });
 * const outcome = await perennial.resumeReturn(); // on the page that the shopper comes back to
 * ```
 *
 * It needs the folder `perennial/` beside it.
 */

import { connect, expectSuccess, PerennialError } from "./perennial/api.js";
import { checkouts } from "./perennial/checkouts.js";
import { managing } from "./perennial/manage.js";
import { redirects } from "./perennial/redirect.js";
import { repairs } from "./perennial/repair.js";
import { sheets } from "./perennial/sheet.js";
import { freeTrials } from "./perennial/trial.js";
import { walletsOf } from "./perennial/wallets.js";

export { takeAuthorizeLink, takeLinkProblem, takeRepairLink } from "./perennial/address.js";
export { PerennialError } from "./perennial/api.js";
export { managementOf } from "./perennial/wallets.js";

/** @import { Stripe } from "@stripe/stripe-js" */
/** @import { Call, Token } from "./perennial/api.js" */
/** @typedef {import("./perennial/answers.d.ts").AgainPreview} AgainPreview */
/** @typedef {import("./perennial/answers.d.ts").Discount} Discount */
/** @typedef {import("./perennial/answers.d.ts").EndPreview} EndPreview */
/** @typedef {import("./perennial/answers.d.ts").Entitlement} Entitlement */
/** @typedef {import("./perennial/answers.d.ts").First} First */
/** @typedef {import("./perennial/answers.d.ts").Feedback} Feedback */
/** @typedef {import("./perennial/answers.d.ts").GivenPlan} GivenPlan */
/** @typedef {import("./perennial/answers.d.ts").Invoice} Invoice */
/** @typedef {import("./perennial/answers.d.ts").KnownDiscount} KnownDiscount */
/** @typedef {import("./perennial/answers.d.ts").ManagedSubscription} ManagedSubscription */
/** @typedef {import("./perennial/answers.d.ts").PausePreview} PausePreview */
/** @typedef {import("./perennial/answers.d.ts").PendingChange} PendingChange */
/** @typedef {import("./perennial/answers.d.ts").Plan} Plan */
/** @typedef {import("./perennial/answers.d.ts").PlanPreview} PlanPreview */
/** @typedef {import("./perennial/answers.d.ts").SheetWallet} SheetWallet */
/** @typedef {import("./perennial/answers.d.ts").Subscription} Subscription */
/** @typedef {import("./perennial/answers.d.ts").SubscriptionDetails} SubscriptionDetails */
/** @typedef {import("./perennial/answers.d.ts").Tax} Tax */
/** @typedef {import("./perennial/answers.d.ts").WalletName} WalletName */
/** @typedef {import("./perennial/answers.d.ts").Wallets} Wallets */
/** @typedef {import("./perennial/sheet.js").Button} Button */
/** @typedef {import("./perennial/sheet.js").Payment} Payment */
/** @typedef {import("./perennial/sheet.js").PaymentOutcome} PaymentOutcome */
/** @typedef {import("./perennial/checkouts.js").Outcome} Outcome */
/** @typedef {import("./perennial/redirect.js").RedirectWallet} RedirectWallet */
/** @typedef {import("./perennial/manage.js").ActionOutcome} ActionOutcome */
/** @typedef {import("./perennial/manage.js").MethodOutcome} MethodOutcome */
/** @typedef {import("./perennial/manage.js").PreviewOutcome} PreviewOutcome */
/** @typedef {import("./perennial/manage.js").Refused} Refused */
/** @typedef {import("./perennial/answers.d.ts").RepairOffer} RepairOffer */
/** @typedef {import("./perennial/repair.js").RepairOutcome} RepairOutcome */

/**
 * @typedef {object} PerennialOptions
 * @property {string} apiBase Where the API is. Empty means the page's own origin.
 * @property {Token} token The shopper's access token; asked for before every call, so that it may be renewed.
 * @property {(publishableKey: string) => Stripe | Promise<Stripe | null>} [stripe] `Stripe` of the script tag (the default), or
 *   `loadStripe`. Asked for each button, so that one that loads the script again can mend a failure.
 */

/** The codes of a click that was about something else than what is sold now. */
const OUTDATED = ["consent_outdated", "trial_outdated", "trial_used", "quantity_not_offered", "addon_not_offered", "plan_not_available", "unknown_plan", "currency_conflict", "code_refused", "tax_outdated", "tax_changed"];

/** @param {PerennialOptions} options */
export function createPerennial({ apiBase, token, stripe = stripeOfThePage }) {
  /** @type {string | null | undefined} */
  let known;
  const api = connect(apiBase, async () => {
    const now = await token();
    if (known && now !== known) {
      forgetReturn();
      forgetMethod();
    }
    return (known = now);
  });
  /** @type {Call} */
  const call = async (method, path, options) => {
    const isCheckout = path === "/client-secret" || path === "/subscriptions";
    if (isCheckout && options?.body && "plan" in options.body) forgetReturn();
    const answer = await api(method, path, options);
    // What the page shows is not what holds by now, so the next button has to show the new text and trial.
    const code = answer.body?.error?.code ?? answer.body?.reason;
    if (OUTDATED.includes(code) || (isCheckout && code?.startsWith("code_"))) forgetWallets(true);
    return answer;
  };
  const { wallets, forgetWallets, shownOffer } = walletsOf(call, token);
  const { resumeReturn, forgetReturn, dismissReturn, pollCheckout, finish, finishApproved } = checkouts(call);
  const { startAmazonPay, startWallet, once, isUnderWay } = redirects({ call, stripe: loaded, finish: finishApproved, shownOffer });
  const { mountApplePay, mountWallet, mountPayment, paymentOf, authorize, showButton } = sheets({
    call,
    stripe: loaded,
    wallets,
    finish: finishApproved,
    isBusy: isUnderWay,
  });
  const { startTrial } = freeTrials({ call, once, finish: finishApproved, shownOffer });
  const repair = repairs({ call, stripe: loaded, once, showButton });
  const { management, forgetMethod } = managing({ call, stripe: loaded, wallets, once, showButton });

  /** @param {string} publishableKey */
  async function loaded(publishableKey) {
    const stripeJs = await stripe(publishableKey);
    if (!stripeJs) throw stripeMissing();
    return stripeJs;
  }

  /** What the shopper does with a subscription that has begun. */
  const manage = () => management;

  /**
   * What is offered, and for how much. Nobody has to be signed in.
   *
   * @returns {Promise<{ version: number, plans: Plan[] }>}
   */
  async function plans() {
    return expectSuccess(await call("GET", "/plans", { anonymous: true }));
  }

  return {
    plans,
    startAmazonPay,
    startWallet,
    startTrial,
    mountApplePay,
    mountWallet,
    mountPayment,
    paymentOf,
    authorize,
    repair,
    wallets,
    resumeReturn,
    dismissReturn,
    pollCheckout,
    finish,
    subscriptions: management.subscriptions,
    manage,
  };
}

/** @param {string} publishableKey */
function stripeOfThePage(publishableKey) {
  const constructor = globalThis.window?.Stripe;
  if (!constructor) throw stripeMissing();
  return constructor(publishableKey);
}

function stripeMissing() {
  return new PerennialError({ code: "stripe_js_missing", message: "The payment form could not be loaded." });
}
