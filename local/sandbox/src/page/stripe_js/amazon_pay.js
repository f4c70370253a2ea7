// Amazon Pay: the shopper leaves the page, for the sandbox's page in place of Amazon's.

const amazonPaymentMethod = (given) => {
  if (given === undefined) return { payment_method_data: { type: "amazon_pay" } };
  if (typeof given === "string") return { payment_method: given };
  if (!isObject(given)) throw new IntegrationError("Invalid value for confirmAmazonPaySetup: payment_method should be an id or an object.");
  refuseUnknown(given, ["amazon_pay", "billing_details"], "confirmAmazonPaySetup: payment_method");
  return { payment_method_data: { type: "amazon_pay", billing_details: given.billing_details } };
};

/** Resolves only when something is wrong or nothing is left to do; otherwise the browser leaves the page. */
const confirmAmazonPaySetup = async (key, clientSecret, data, options) => {
  const intent = intentOf(clientSecret, "seti", "confirmAmazonPaySetup");
  if (!isObject(data) || !isObject(options)) throw new IntegrationError("Invalid value for confirmAmazonPaySetup: data should be an object.");
  refuseUnknown(data, ["payment_method", "return_url", "mandate_data"], "confirmAmazonPaySetup");
  refuseUnknown(options, ["handleActions"], "confirmAmazonPaySetup options");
  if (typeof data.return_url !== "string" || !/^https?:\/\//.test(data.return_url)) {
    throw new IntegrationError("Invalid value for confirmAmazonPaySetup: return_url should be an absolute http or https address.");
  }
  const params = {
    client_secret: clientSecret,
    return_url: data.return_url,
    mandate_data: data.mandate_data,
    use_stripe_sdk: true,
    ...amazonPaymentMethod(data.payment_method),
  };
  const result = await call(key, "POST", `/v1/setup_intents/${intent}/confirm`, params, "setupIntent");
  const redirect = result.setupIntent?.next_action?.redirect_to_url?.url;
  if (!redirect || options.handleActions === false) return result;
  window.location.assign(redirect);
  return new Promise(() => {});
};
