// Stands for Stripe.js where the Stripe sandbox stands for Stripe. It has the two calls that an Amazon Pay checkout
// makes, refuses what the real one refuses, and sends the browser to the sandbox's page in place of Amazon's.
(() => {
  "use strict";

  const api = new URL(document.currentScript.src).origin;

  class IntegrationError extends Error {
    constructor(message) {
      super(message);
      this.name = "IntegrationError";
    }
  }

  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

  const intentOf = (clientSecret, caller) => {
    const match = typeof clientSecret === "string" && /^(seti_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(clientSecret);
    if (!match) {
      throw new IntegrationError(
        `Invalid value for ${caller} intent secret: value should be a client secret of the form \${id}_secret_\${secret}.`,
      );
    }
    return match[1];
  };

  const refuseUnknown = (given, known, where) => {
    for (const name of Object.keys(given)) {
      if (!known.includes(name)) throw new IntegrationError(`Invalid parameter for ${where}: ${name} is not an accepted parameter.`);
    }
  };

  const encode = (value, name, into) => {
    if (value === undefined) return;
    if (isObject(value)) {
      for (const [key, inner] of Object.entries(value)) encode(inner, name ? `${name}[${key}]` : key, into);
    } else {
      into.append(name, value === null ? "" : String(value));
    }
  };

  const call = async (key, method, path, params) => {
    const form = new URLSearchParams();
    encode(params, "", form);
    const inQuery = method === "GET" ? `?${form}` : "";
    try {
      const response = await fetch(`${api}${path}${inQuery}`, {
        method,
        headers: { authorization: `Bearer ${key}` },
        body: method === "GET" ? undefined : form,
      });
      const answer = await response.json();
      return response.ok ? { setupIntent: answer } : { error: answer.error };
    } catch {
      return { error: { type: "api_connection_error", message: "We are experiencing issues connecting to our payments provider." } };
    }
  };

  const paymentMethod = (given) => {
    if (given === undefined) return { payment_method_data: { type: "amazon_pay" } };
    if (typeof given === "string") return { payment_method: given };
    if (!isObject(given)) throw new IntegrationError("Invalid value for confirmAmazonPaySetup: payment_method should be an id or an object.");
    refuseUnknown(given, ["amazon_pay", "billing_details"], "confirmAmazonPaySetup: payment_method");
    return { payment_method_data: { type: "amazon_pay", billing_details: given.billing_details } };
  };

  class Stripe {
    #key;

    constructor(key) {
      this.#key = key;
    }

    // Resolves only when something is wrong or nothing is left to do; otherwise the browser leaves the page.
    async confirmAmazonPaySetup(clientSecret, data = {}, options = {}) {
      const intent = intentOf(clientSecret, "confirmAmazonPaySetup");
      if (!isObject(data) || !isObject(options)) throw new IntegrationError("Invalid value for confirmAmazonPaySetup: data should be an object.");
      refuseUnknown(data, ["payment_method", "return_url", "mandate_data"], "confirmAmazonPaySetup");
      refuseUnknown(options, ["handleActions"], "confirmAmazonPaySetup options");
      if (typeof data.return_url !== "string" || !/^https?:\/\//.test(data.return_url)) {
        throw new IntegrationError("Invalid value for confirmAmazonPaySetup: return_url should be an absolute http or https address.");
      }
      const result = await call(this.#key, "POST", `/v1/setup_intents/${intent}/confirm`, {
        client_secret: clientSecret,
        return_url: data.return_url,
        mandate_data: data.mandate_data,
        use_stripe_sdk: true,
        ...paymentMethod(data.payment_method),
      });
      const redirect = result.setupIntent?.next_action?.redirect_to_url?.url;
      if (redirect && options.handleActions !== false) {
        window.location.assign(redirect);
        return new Promise(() => {});
      }
      return result;
    }

    async retrieveSetupIntent(clientSecret) {
      const intent = intentOf(clientSecret, "retrieveSetupIntent");
      return call(this.#key, "GET", `/v1/setup_intents/${intent}`, { client_secret: clientSecret });
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
})();
