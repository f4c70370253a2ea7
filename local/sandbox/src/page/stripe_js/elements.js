// `stripe.elements()`: what is to be paid, told before there is an intent. The intent has to agree with it later.

const MODES = ["payment", "setup", "subscription"];
const GROUP_OPTIONS = [
  "mode", "amount", "currency", "setupFutureUsage", "captureMethod", "onBehalfOf", "allowedPaymentMethodTypes", "excludedPaymentMethodTypes",
  "paymentMethodConfiguration", "paymentMethodOptions", "paymentMethodCreation", "externalPaymentMethodTypes", "adaptivePricing", "fonts", "locale",
  "appearance", "loader", "customerOptions", "customerSessionClientSecret", "customPaymentMethods", "syncAddressCheckbox",
];
const EXCLUSIVE = ["allowedPaymentMethodTypes", "excludedPaymentMethodTypes", "paymentMethodConfiguration"];

const checkGroup = (options) => {
  if (!isObject(options)) throw new IntegrationError("Invalid value for elements(): options should be an object.");
  for (const name of ["paymentMethodTypes", "payment_method_types"]) {
    if (options[name] !== undefined) {
      throw new IntegrationError(`Invalid parameter for elements(): ${name} is no longer supported. Use allowedPaymentMethodTypes instead.`);
    }
  }
  if (options.clientSecret !== undefined) throw new IntegrationError("The sandbox's stand-in for Stripe.js only has Elements without a clientSecret.");
  refuseUnknown(options, GROUP_OPTIONS, "elements()");
  oneOf(options.mode, MODES, "elements(): mode");
  checkMoney(options);
  if (options.setupFutureUsage !== undefined) oneOf(options.setupFutureUsage, ["off_session", "on_session", null], "elements(): setupFutureUsage");
  if (options.captureMethod !== undefined) oneOf(options.captureMethod, ["manual", "automatic", "automatic_async"], "elements(): captureMethod");
  const exclusive = EXCLUSIVE.filter((name) => options[name] !== undefined);
  if (exclusive.length > 1) throw new IntegrationError(`Invalid parameters for elements(): only one of ${exclusive.join(", ")} may be given.`);
  for (const name of ["allowedPaymentMethodTypes", "excludedPaymentMethodTypes"]) {
    const types = options[name];
    if (types !== undefined && !(Array.isArray(types) && types.every((type) => typeof type === "string"))) {
      throw new IntegrationError(`Invalid value for elements(): ${name} should be a list of texts.`);
    }
  }
};

const checkMoney = ({ mode, amount, currency }) => {
  const needed = mode !== "setup";
  if (!needed && amount !== undefined) throw new IntegrationError("Invalid parameter for elements(): amount is not accepted with mode setup.");
  // A subscription that begins with a free trial has nothing to pay today.
  const least = mode === "subscription" ? 0 : 1;
  if (needed && (!Number.isInteger(amount) || amount < least)) {
    throw new IntegrationError(`Invalid value for elements(): amount should be an integer of at least ${least} in the currency's smallest unit.`);
  }
  if ((needed || currency !== undefined) && !(typeof currency === "string" && /^[a-z]{3}$/.test(currency))) {
    throw new IntegrationError("Invalid value for elements(): currency should be a three-letter code in lower case.");
  }
};

class Elements {
  /** The page's publishable key. */
  key;
  /** What `submit` has taken from the wallet, until a confirmation uses it. */
  submitted = null;
  #options;
  #wallet = null;

  constructor(key, options) {
    checkGroup(options);
    this.key = key;
    this.#options = { ...options };
  }

  /** What was told about the payment, with Stripe.js's own defaults. */
  get told() {
    const { mode, setupFutureUsage } = this.#options;
    return { ...this.#options, setupFutureUsage: setupFutureUsage ?? (mode === "payment" ? null : "off_session") };
  }

  create(type, options = {}) {
    if (type === "paymentRequestButton") throw new IntegrationError("The paymentRequestButton Element is no longer supported. Use expressCheckout instead.");
    if (type !== "expressCheckout") throw new IntegrationError(`The sandbox's stand-in for Stripe.js has no Element ${type}.`);
    if (this.#wallet) throw new IntegrationError("Can only create one Element of type expressCheckout through this instance of Elements.");
    this.#wallet = new ExpressCheckout(this, options, () => {
      this.#wallet = null;
    });
    return this.#wallet;
  }

  getElement(type) {
    return type === "expressCheckout" ? this.#wallet : null;
  }

  async update(options) {
    if (!isObject(options)) throw new IntegrationError("Invalid value for elements.update(): options should be an object.");
    const changed = { ...this.#options, ...options };
    checkGroup(changed);
    this.#options = changed;
  }

  async submit() {
    const approved = this.#wallet?.approved;
    if (!approved) return { error: { type: "validation_error", code: "incomplete_payment_details", message: "Approve the payment in your wallet first." } };
    this.submitted = approved;
    return { selectedPaymentMethod: approved.type };
  }
}
