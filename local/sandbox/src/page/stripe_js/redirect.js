// Amazon Pay and Cash App Pay: the shopper leaves the page, for the sandbox's page in place of the wallet's.

const redirectMethod = ({ caller, type }, given) => {
  if (given === undefined) return { payment_method_data: { type } };
  if (typeof given === "string") return { payment_method: given };
  if (!isObject(given)) throw new IntegrationError(`Invalid value for ${caller}: payment_method should be an id or an object.`);
  refuseUnknown(given, [type, "billing_details"], `${caller}: payment_method`);
  return { payment_method_data: { type, billing_details: given.billing_details } };
};

/** Where each `next_action` leads a shopper on a phone. The code that Cash App Pay shows elsewhere is not simulated. */
const awayOf = (action) => action?.redirect_to_url?.url ?? action?.cashapp_handle_redirect_or_display_qr_code?.mobile_auth_url;

/** Resolves only when something is wrong or nothing is left to do; otherwise the browser leaves the page. */
const confirmRedirectSetup = async (key, wallet, clientSecret, data, options) => {
  const { caller } = wallet;
  const intent = intentOf(clientSecret, "seti", caller);
  if (!isObject(data) || !isObject(options)) throw new IntegrationError(`Invalid value for ${caller}: data should be an object.`);
  refuseUnknown(data, ["payment_method", "return_url", "mandate_data"], caller);
  refuseUnknown(options, ["handleActions"], `${caller} options`);
  if (typeof data.return_url !== "string" || !/^https?:\/\//.test(data.return_url)) {
    throw new IntegrationError(`Invalid value for ${caller}: return_url should be an absolute http or https address.`);
  }
  const params = {
    client_secret: clientSecret,
    return_url: data.return_url,
    mandate_data: data.mandate_data,
    use_stripe_sdk: true,
    ...redirectMethod(wallet, data.payment_method),
  };
  const result = await call(key, "POST", `/v1/setup_intents/${intent}/confirm`, params, "setupIntent");
  const redirect = awayOf(result.setupIntent?.next_action);
  if (!redirect || options.handleActions === false) return result;
  window.location.assign(redirect);
  return new Promise(() => {});
};
