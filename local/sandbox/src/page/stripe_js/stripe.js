// `Stripe(key)`, and what it can do.

class Stripe {
  #key;

  constructor(key) {
    this.#key = key;
  }

  elements(options) {
    return new Elements(this.#key, options);
  }

  async confirmAmazonPaySetup(clientSecret, data = {}, options = {}) {
    return confirmRedirectSetup(this.#key, { caller: "confirmAmazonPaySetup", type: "amazon_pay" }, clientSecret, data, options);
  }

  async confirmCashappSetup(clientSecret, data = {}, options = {}) {
    return confirmRedirectSetup(this.#key, { caller: "confirmCashappSetup", type: "cashapp" }, clientSecret, data, options);
  }

  async confirmSetup(options) {
    return confirmIntent(this.#key, "setup", options);
  }

  async confirmPayment(options) {
    return confirmIntent(this.#key, "payment", options);
  }

  async retrieveSetupIntent(clientSecret) {
    const intent = intentOf(clientSecret, "seti", "retrieveSetupIntent");
    return call(this.#key, "GET", `/v1/setup_intents/${intent}`, { client_secret: clientSecret }, "setupIntent");
  }

  async retrievePaymentIntent(clientSecret) {
    const intent = intentOf(clientSecret, "pi", "retrievePaymentIntent");
    return call(this.#key, "GET", `/v1/payment_intents/${intent}`, { client_secret: clientSecret }, "paymentIntent");
  }
}

window.Stripe = Object.assign(
  (key) => {
    if (typeof key !== "string" || key === "") throw new IntegrationError("Missing value for Stripe(): apiKey should be a string.");
    if (/^(sk|rk)_/.test(key)) {
      throw new IntegrationError("You should not use your secret key with Stripe.js. Please pass a publishable key instead.");
    }
    if (!key.startsWith("pk_")) throw new IntegrationError("Invalid value for Stripe(): apiKey should be a publishable key.");
    return new Stripe(key);
  },
  { version: "sandbox" },
);
