// `confirmSetup` and `confirmPayment`: what the shopper approved in the sheet meets the intent.

const INTENTS = {
  setup: { caller: "confirmSetup", kind: "seti", path: "/v1/setup_intents", name: "setupIntent", query: "setup_intent" },
  payment: { caller: "confirmPayment", kind: "pi", path: "/v1/payment_intents", name: "paymentIntent", query: "payment_intent" },
};
const CONFIRM_PARAMS = {
  setup: ["return_url", "mandate_data", "payment_method_data", "expand"],
  payment: ["return_url", "mandate_data", "payment_method_data", "expand", "receipt_email", "shipping", "save_payment_method"],
};

const checkConfirm = ({ caller }, which, options) => {
  if (!isObject(options)) throw new IntegrationError(`Invalid value for ${caller}: options should be an object.`);
  refuseUnknown(options, ["elements", "clientSecret", "confirmParams", "redirect"], caller);
  if (!(options.elements instanceof Elements)) throw new IntegrationError(`Missing value for ${caller}: elements should be an instance of Elements.`);
  if (options.redirect !== undefined) oneOf(options.redirect, ["always", "if_required"], `${caller}: redirect`);
  const params = options.confirmParams ?? {};
  refuseUnknown(params, CONFIRM_PARAMS[which], `${caller}: confirmParams`);
  const address = params.return_url;
  if (address === undefined && options.redirect !== "if_required") throw new IntegrationError(`Missing value for ${caller}: confirmParams.return_url is required.`);
  if (address !== undefined && !/^https?:\/\//.test(address)) throw new IntegrationError(`Invalid value for ${caller}: return_url should be an absolute address.`);
};

const mismatch = (what, told, wanted) => ({
  type: "invalid_request_error",
  message: `The ${what} of Elements (${told}) is not that of the intent (${wanted}). Confirm an intent with the same parameters as Elements.`,
});

/** What Elements were told has to be what the server's intent says, or else the shopper approved something different. */
const disagreement = (which, told, intent) => {
  if (which === "setup") {
    if (told.mode === "payment") return mismatch("mode", told.mode, "setup");
    return told.setupFutureUsage === intent.usage ? null : mismatch("setup_future_usage", told.setupFutureUsage, intent.usage);
  }
  if (told.mode === "setup") return mismatch("mode", told.mode, "payment");
  if (told.currency !== intent.currency) return mismatch("currency", told.currency, intent.currency);
  if (told.amount !== intent.amount) return mismatch("amount", told.amount, intent.amount);
  if (told.setupFutureUsage !== intent.setup_future_usage) return mismatch("setup_future_usage", told.setupFutureUsage, intent.setup_future_usage);
  const manual = told.captureMethod === "manual";
  return manual === (intent.capture_method === "manual") ? null : mismatch("capture_method", told.captureMethod ?? "automatic", intent.capture_method);
};

/** Confirms with the card that the token stands for. */
const confirmWith = async (key, which, { elements, clientSecret, confirmParams = {} }, token) => {
  const { caller, kind, path, name } = INTENTS[which];
  const address = `${path}/${intentOf(clientSecret, kind, caller)}`;
  const found = await call(key, "GET", address, { client_secret: clientSecret }, name);
  if (found.error) return found;
  const error = disagreement(which, elements.told, found[name]);
  if (error) return { error };
  const method = await call(key, "POST", "/v1/payment_methods", { type: "card", card: { token } }, "paymentMethod");
  if (method.error) return method;
  const { return_url, mandate_data } = confirmParams;
  const params = { client_secret: clientSecret, payment_method: method.paymentMethod.id, return_url, mandate_data, use_stripe_sdk: true };
  return call(key, "POST", `${address}/confirm`, params, name);
};

const confirmIntent = async (key, which, options) => {
  const intent = INTENTS[which];
  checkConfirm(intent, which, options);
  intentOf(options.clientSecret, intent.kind, intent.caller);
  const { elements } = options;
  const { submitted } = elements;
  if (!submitted) throw new IntegrationError(`Call elements.submit() before stripe.${intent.caller}(), and before any work that takes time.`);
  elements.submitted = null;
  const result = await confirmWith(key, which, options, submitted.token);
  submitted.settle(result.error ? "Payment not completed" : "Done", Boolean(result.error));
  if (result.error) return result;
  const settled = result[intent.name];
  const onward = settled.next_action?.redirect_to_url?.url;
  if (!onward && options.redirect === "if_required") return result;
  window.location.assign(onward ?? wayBack(intent, options, settled.status));
  return new Promise(() => {});
};

const wayBack = ({ query }, { clientSecret, confirmParams }, status) => {
  const address = new URL(confirmParams.return_url);
  address.searchParams.set(query, clientSecret.split("_secret_")[0]);
  address.searchParams.set(`${query}_client_secret`, clientSecret);
  address.searchParams.set("redirect_status", status === "succeeded" ? "succeeded" : "pending");
  return address.href;
};
