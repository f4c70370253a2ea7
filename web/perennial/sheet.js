// @ts-check
/**
 * Apple Pay and Google Pay: a button, the wallet's sheet over the page, and no redirect.
 *
 * Apple opens the sheet only right after a click, and closes it when nothing comes of it in time. So all that
 * the button needs is fetched before it is shown, and every way out of an approval either confirms or calls
 * `paymentFailed()`.
 */

import { DEFAULT_RETRY_SECONDS, expectSuccess, PerennialError, postWhenFree } from "./api.js";
import { alreadySubscribed, endedWithout, refusedBy } from "./checkouts.js";
import { agreedTo, byName, taxedAt, withDates } from "./wallets.js";

/**
 * @import { ApplePayButtonTheme, ApplePayButtonType, GooglePayButtonTheme, GooglePayButtonType, Stripe, StripeElements, StripeElementsOptionsMode,
 *   StripeExpressCheckoutElementConfirmEvent, StripeExpressCheckoutElementOptions } from "@stripe/stripe-js"
 */
/** @import { First, SheetWallet, Wallets } from "./answers.d.ts" */
/** @import { Answer, Call } from "./api.js" */
/** @import { Outcome } from "./checkouts.js" */

/**
 * @typedef {object} ButtonOptions
 * @property {string | HTMLElement} element Where the button goes: a selector or an element.
 * @property {() => void} [onApprove] The shopper has approved in the sheet; an outcome follows.
 * @property {() => void} [onCancel] The shopper has closed the sheet. Nothing was charged.
 * @property {(error: unknown) => void} [onError] A call got no useful answer, usually a `PerennialError`; the shopper may try again.
 * @property {ApplePayButtonType} [buttonType] Google Pay has `book`, `buy`, `donate`, `order`, `plain` and `subscribe` of these.
 * @property {ApplePayButtonTheme} [buttonTheme] Google Pay has no `white-outline`.
 * @property {number} [buttonHeight] Pixels, 40 to 55.
 */

/**
 * @typedef {object} PlanOptions
 * @property {string} plan
 * @property {number} [quantity] How many of it; the least that is sold otherwise.
 * @property {Record<string, number>} [addons] How many of which add-on; none otherwise.
 * @property {First} [first] What is made first. By default the subscription, so that the shopper's own
 *   payment is the first one. With a code that asks for it, the SetupIntent comes first whatever is said here.
 * @property {string} [code] A promotion code that the shopper has typed in, and that `wallets(plan, { code })` has taken.
 * @property {import("./wallets.js").BillingAddress} [billingAddress] Where the shopper is, for a plan with taxes.
 * @property {string} [returnTo] The path of the shop to come back to, should the bank ask for a redirect.
 * @property {(outcome: Outcome) => void} onOutcome
 *
 * @typedef {ButtonOptions & PlanOptions} PlanButtonOptions
 * @typedef {PlanButtonOptions & { wallet: SheetWallet }} WalletButtonOptions
 */

/**
 * @typedef {object} Button
 * @property {boolean} shown Whether there is a button. Not every device has the wallet, and not every plan may offer it.
 * @property {{ code: string, message: string }[]} reasons Why the plan may not offer it.
 * @property {() => void} unmount Takes the button away. Once the shopper has approved, their outcome still comes.
 */

/**
 * A payment that the shop's server has made, or found again: the answer of `POST /payments` or `GET /authorize`.
 *
 * @typedef {object} Payment
 * @property {string} [id] `pi_...`, in the answer of `POST /payments`.
 * @property {string} [payment] The same, in that of `GET /authorize`.
 * @property {string} client_secret
 * @property {string} publishable_key
 * @property {number} amount In the currency's minor unit.
 * @property {string} currency
 * @property {StripeElementsOptionsMode} elements
 * @property {StripeExpressCheckoutElementOptions} express_checkout
 * @property {string} [return_url]
 */

/**
 * @typedef {{ state: "paid", payment: string, status: string }
 *   | { state: "pending", payment: string }
 *   | { state: "failed", payment: string, reason: string, message: string | null, mayRetry: boolean }} PaymentOutcome
 *   `status` is Stripe's: `succeeded`, `processing`, or `requires_capture` for one that the shop captures later.
 *   With `pending` nobody could tell, and it may be paid: ask `GET /authorize`, or your server `GET /payments/{payment}`.
 *
 * @typedef {ButtonOptions & { onOutcome: (outcome: PaymentOutcome) => void }} PaymentOptions
 */

/**
 * What was approved, on its way to Stripe.
 *
 * @typedef {object} Approval
 * @property {Stripe} stripeJs
 * @property {StripeElements} elements
 * @property {StripeExpressCheckoutElementConfirmEvent} event
 */

/** @typedef {{ client_secret: string, return_url?: string }} Confirmable */

const SETTLED = ["succeeded", "processing", "requires_capture"];

/**
 * @param {object} parts
 * @param {Call} parts.call
 * @param {(publishableKey: string) => Promise<Stripe>} parts.stripe
 * @param {(plan: string, options?: { quantity?: number | undefined, addons?: Record<string, number> | undefined, code?: string | undefined, billingAddress?: import("./wallets.js").BillingAddress | undefined }) => Promise<Wallets>} parts.wallets
 * @param {(checkout: string) => Promise<Outcome>} parts.finish
 * @param {() => boolean} parts.isBusy Whether another checkout is under way in the page.
 */
export function sheets({ call, stripe, wallets, finish, isBusy }) {
  /**
   * Shows the button of a plan in the page.
   *
   * @param {WalletButtonOptions} options
   * @returns {Promise<Button>}
   */
  async function mountWallet({ wallet: name, plan, quantity, addons, code, billingAddress, first, returnTo, onOutcome, ...options }) {
    const offers = await wallets(plan, { quantity, addons, code, billingAddress });
    const offer = offers.wallets.find(({ wallet }) => wallet === name);
    if (!offer?.offer) return { shown: false, reasons: offer?.reasons ?? [], unmount() {} };
    const wanted = first ?? "subscription";
    const chosen = offer.first.includes(wanted) ? wanted : "setup_intent";
    const told = offer.elements?.[chosen];
    if (!told) throw new PerennialError({ code: "first_not_supported", message: `${name} cannot begin with ${chosen} for this plan.` });
    /** @type {{ path: string, body: object }} */
    const request = chosen === "subscription" ? { path: "/subscriptions", body: { first: chosen } } : { path: "/client-secret", body: {} };
    const body = {
      plan,
      wallet: name,
      ...request.body,
      consent: offers.consent.version,
      trial_days: offers.trial_days,
      ...(offers.quantity === undefined ? {} : { quantity: offers.quantity }),
      ...(offers.addons === undefined ? {} : { addons: byName(offers.addons) }),
      ...agreedTo(offers.discount),
      ...taxedAt(offers.tax, offers.tax && billingAddress),
      ...(returnTo === undefined ? {} : { return_to: returnTo }),
    };

    /** @param {Approval} approval */
    const subscribe = async (approval) => {
      const answer = await postWhenFree(call, request.path, body);
      const decided = alreadySubscribed(answer.body) ?? endedWithout(answer.body, answer.body?.checkout ?? "") ?? stillPending(answer);
      if (decided) {
        approval.event.paymentFailed();
        return onOutcome(decided);
      }
      const issued = expectSuccess(answer);
      const { checkout, confirm = "setup" } = issued;
      // Another tab or an earlier click has confirmed it; what was approved just now stays unused.
      if (!issued.client_secret || (confirm === "setup" && issued.status === "succeeded")) approval.event.paymentFailed();
      else {
        const { status, error } = await (confirm === "payment" ? confirmPayment : confirmSetup)(approval, issued);
        if (error && !isSettled(status) && !isUncertain(error)) return onOutcome(refusedBy(checkout, error));
      }
      onOutcome(await finish(checkout));
    };

    const { publishable_key } = offers;
    return showButton({ publishable_key, elements: told, express_checkout: offer.express_checkout ?? {} }, { buttonType: "subscribe", ...options }, subscribe);
  }

  /**
   * @param {PlanButtonOptions} options
   * @returns {Promise<Button>}
   */
  const mountApplePay = (options) => mountWallet({ ...options, wallet: "apple_pay" });

  /**
   * Shows the button for a payment that the shop's server has created.
   *
   * @param {Payment} payment
   * @param {PaymentOptions} options
   * @returns {Promise<Button>}
   */
  function mountPayment(payment, { onOutcome, ...options }) {
    const id = payment.payment ?? payment.id ?? "";
    /** @param {Approval} approval */
    const pay = async (approval) => {
      const { status, error } = await confirmPayment(approval, payment);
      if (isSettled(status)) return onOutcome({ state: "paid", payment: id, status });
      if (error && isUncertain(error)) return onOutcome(await lookAt(approval.stripeJs, payment.client_secret, id));
      const reason = error?.code ?? error?.type ?? "not_paid";
      onOutcome({ state: "failed", payment: id, reason, message: error?.message ?? null, mayRetry: true });
    };
    return showButton(withDates(payment), { buttonType: "plain", ...options }, pay);
  }

  /**
   * The payment that a link is about, which could not be charged without the shopper. The link itself
   * is the proof, so nobody has to be signed in.
   *
   * @param {string} link What `authorize` holds in the page's address.
   * @returns {Promise<Payment>}
   */
  async function paymentOf(link) {
    return expectSuccess(await call("GET", `/authorize?link=${encodeURIComponent(link)}`, { anonymous: true }));
  }

  /**
   * Shows the button for the payment of a link.
   *
   * @param {string} link
   * @param {PaymentOptions} options
   * @returns {Promise<Button & { payment: Payment }>}
   */
  async function authorize(link, options) {
    const payment = await paymentOf(link);
    return { ...(await mountPayment(payment, options)), payment };
  }

  /**
   * @param {Pick<Payment, "publishable_key" | "elements" | "express_checkout">} offer
   * @param {ButtonOptions} options
   * @param {(approval: Approval) => Promise<void>} use Confirms what was approved, and tells the outcome.
   * @returns {Promise<Button>}
   */
  async function showButton({ publishable_key, elements: told, express_checkout }, options, use) {
    const { element, buttonType, buttonTheme, buttonHeight, onApprove, onCancel, onError = report } = options;
    const stripeJs = await stripe(publishable_key);
    const elements = stripeJs.elements(told);
    // The options name one wallet, and hide all others.
    const google = (express_checkout.paymentMethods?.googlePay ?? "never") !== "never";
    const button = elements.create("expressCheckout", {
      ...express_checkout,
      ...(buttonType && !google ? { buttonType: { applePay: buttonType } } : {}),
      ...(buttonTheme && !google ? { buttonTheme: { applePay: buttonTheme } } : {}),
      ...(buttonType && google ? { buttonType: { googlePay: /** @type {GooglePayButtonType} */ (buttonType) } } : {}),
      ...(buttonTheme && google ? { buttonTheme: { googlePay: /** @type {GooglePayButtonTheme} */ (buttonTheme) } } : {}),
      ...(buttonHeight ? { buttonHeight } : {}),
    });
    // Stripe.js gives a second, and Apple less: there is no time for a call here.
    button.on("click", (event) => (isBusy() ? event.reject() : event.resolve()));
    button.on("cancel", () => onCancel?.());
    button.on("confirm", async (event) => {
      onApprove?.();
      try {
        const { error } = await elements.submit();
        if (error) throw new PerennialError({ code: error.code ?? error.type, message: error.message ?? "The approval could not be used." });
        await use({ stripeJs, elements, event });
      } catch (error) {
        // After a confirmation this does nothing; before it, the sheet would wait for ever.
        event.paymentFailed();
        onError(error);
      }
    });
    return new Promise((resolve, reject) => {
      button.on("ready", ({ availablePaymentMethods }) => {
        const there = google ? availablePaymentMethods?.googlePay : availablePaymentMethods?.applePay;
        resolve({ shown: there === true, reasons: [], unmount: () => button.destroy() });
      });
      button.on("loaderror", ({ error }) => {
        reject(new PerennialError({ code: "button_not_loaded", message: "The wallet's button could not be loaded.", cause: error }));
      });
      button.mount(element);
    });
  }

  return { mountApplePay, mountWallet, mountPayment, paymentOf, authorize, showButton };
}

/**
 * @param {Answer} answer
 * @returns {Outcome | null} that nobody can tell yet whether there is something to confirm.
 */
function stillPending({ status, body, retryAfter }) {
  if (status !== 202) return null;
  return { state: "pending", checkout: body?.checkout ?? "", retryAfter: retryAfter ?? DEFAULT_RETRY_SECONDS };
}

/**
 * @param {Approval} approval
 * @param {Confirmable} intent
 */
export async function confirmSetup({ stripeJs, elements }, { client_secret, return_url }) {
  const { setupIntent, error } = await stripeJs.confirmSetup({
    elements,
    clientSecret: client_secret,
    confirmParams: return_url ? { return_url } : {},
    redirect: "if_required",
  });
  return { status: setupIntent?.status ?? error?.setup_intent?.status, error };
}

/**
 * @param {Approval} approval
 * @param {Confirmable} intent
 */
async function confirmPayment({ stripeJs, elements }, { client_secret, return_url }) {
  const { paymentIntent, error } = await stripeJs.confirmPayment({
    elements,
    clientSecret: client_secret,
    confirmParams: return_url ? { return_url } : {},
    redirect: "if_required",
  });
  return { status: paymentIntent?.status ?? error?.payment_intent?.status, error };
}

/**
 * Asks for a payment of whose confirmation nothing was heard.
 *
 * @param {Stripe} stripeJs
 * @param {string} clientSecret
 * @param {string} payment
 * @returns {Promise<PaymentOutcome>}
 */
async function lookAt(stripeJs, clientSecret, payment) {
  const { paymentIntent, error } = await stripeJs.retrievePaymentIntent(clientSecret);
  if (isSettled(paymentIntent?.status)) return { state: "paid", payment, status: paymentIntent.status };
  const declined = paymentIntent?.status === "requires_payment_method";
  if (error || !declined) return { state: "pending", payment };
  const { code, message } = paymentIntent.last_payment_error ?? {};
  return { state: "failed", payment, reason: code ?? "not_paid", message: message ?? null, mayRetry: true };
}

/**
 * Whether Stripe may have carried out what it gave this answer to, or none.
 *
 * @param {import("@stripe/stripe-js").StripeError} error
 */
export function isUncertain({ type }) {
  return type === "api_connection_error" || type === "api_error";
}

/**
 * @param {string | undefined} status
 * @returns {status is string}
 */
function isSettled(status) {
  return status !== undefined && SETTLED.includes(status);
}

/** @param {unknown} error */
function report(error) {
  console.error(error);
}
