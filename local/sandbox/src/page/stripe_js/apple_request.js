// The three requests of Apple Pay that ask for a merchant token: what they may hold, and how Apple's sheet puts them.

const APPLE_UNITS = ["year", "month", "day", "hour", "minute"];

const appleText = (value, where) => {
  if (typeof value !== "string" || value === "") throw new IntegrationError(`Invalid value for ${where}: it should be a text that is not empty.`);
};
const appleAddress = (value, where) => {
  if (typeof value !== "string" || !/^https?:\/\/[^/]/.test(value)) throw new IntegrationError(`Invalid value for ${where}: it should be an absolute address.`);
};
const appleAmount = (value, where) => {
  if (!Number.isInteger(value) || value < 0) throw new IntegrationError(`Invalid value for ${where}: it should be an integer of the currency's smallest unit.`);
};
const appleCount = (value, where) => {
  if (!Number.isInteger(value) || value < 1) throw new IntegrationError(`Invalid value for ${where}: it should be a positive integer.`);
};
const appleDate = (value, where) => {
  const isDate = Object.prototype.toString.call(value) === "[object Date]";
  if (!isDate || Number.isNaN(value.getTime())) throw new IntegrationError(`Invalid value for ${where}: it should be a Date.`);
};
const appleFuture = (value, where) => {
  appleDate(value, where);
  if (value.getTime() <= Date.now()) throw new IntegrationError(`Invalid value for ${where}: it should be in the future.`);
};
const appleUnit = (value, where) => oneOf(value, APPLE_UNITS, where);
const required = (check) => Object.assign((value, where) => check(value, where), { required: true });
const appleShape = (members) => (value, where) => {
  if (!isObject(value)) throw new IntegrationError(`Invalid value for ${where}: it should be an object.`);
  refuseUnknown(value, Object.keys(members), where);
  for (const [name, check] of Object.entries(members)) {
    if (value[name] !== undefined) check(value[name], `${where}.${name}`);
    else if (check.required) throw new IntegrationError(`Missing value for ${where}: ${name} is required.`);
  }
};

const LINE = { amount: required(appleAmount), label: required(appleText) };
const BILLING = appleShape({
  ...LINE,
  recurringPaymentStartDate: appleDate,
  recurringPaymentEndDate: appleDate,
  recurringPaymentIntervalUnit: appleUnit,
  recurringPaymentIntervalCount: appleCount,
});
const COMMON = { paymentDescription: required(appleText), managementURL: required(appleAddress), billingAgreement: appleText };
const APPLE_REQUESTS = {
  recurringPaymentRequest: appleShape({ ...COMMON, regularBilling: required(BILLING), trialBilling: BILLING }),
  deferredPaymentRequest: appleShape({
    ...COMMON,
    deferredBilling: required(appleShape({ ...LINE, deferredPaymentDate: required(appleFuture) })),
    freeCancellationDate: appleDate,
    freeCancellationDateTimeZone: appleText,
  }),
  automaticReloadPaymentRequest: appleShape({
    ...COMMON,
    automaticReloadBilling: required(appleShape({ ...LINE, automaticReloadPaymentThresholdAmount: required(appleAmount) })),
  }),
};

/** Refuses what Stripe's types do not allow in the option `applePay`. */
const checkApplePay = (option, where) => {
  if (option === undefined) return;
  if (!isObject(option)) throw new IntegrationError(`Invalid value for ${where}: it should be an object.`);
  refuseUnknown(option, Object.keys(APPLE_REQUESTS), where);
  const given = Object.keys(option).filter((name) => option[name] !== undefined && option[name] !== null);
  if (given.length > 1) throw new IntegrationError(`Invalid value for ${where}: only one of ${given.join(", ")} may be given.`);
  for (const name of given) APPLE_REQUESTS[name](option[name], `${where}.${name}`);
};

const appleMoney = (amount, currency) => {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
};
const appleDay = (date, timeZone) => new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeZone }).format(date);
const appleEvery = ({ recurringPaymentIntervalUnit: unit, recurringPaymentIntervalCount: count = 1 }) =>
  unit === undefined ? "" : count === 1 ? ` every ${unit}` : ` every ${count} ${unit}s`;

const billingLine = (billing, currency) => {
  const { label, amount, recurringPaymentStartDate: start, recurringPaymentEndDate: end } = billing;
  const dates = [start && `from ${appleDay(start)}`, end && `until ${appleDay(end)}`].filter(Boolean).join(" ");
  return { label, value: appleMoney(amount, currency) + appleEvery(billing), note: dates };
};

/** What Apple's sheet would say about a request, line by line. */
const appleLines = (option, currency) => {
  const { recurringPaymentRequest: recurring, deferredPaymentRequest: deferred, automaticReloadPaymentRequest: reload } = option ?? {};
  const request = recurring ?? deferred ?? reload;
  if (!request) return { description: "", agreement: "", management: "", lines: [] };
  const lines = [];
  if (recurring?.trialBilling) lines.push(billingLine(recurring.trialBilling, currency));
  if (recurring) lines.push(billingLine(recurring.regularBilling, currency));
  if (deferred) {
    const { label, amount, deferredPaymentDate } = deferred.deferredBilling;
    lines.push({ label, value: appleMoney(amount, currency), note: `on ${appleDay(deferredPaymentDate)}` });
    const { freeCancellationDate: free, freeCancellationDateTimeZone: zone } = deferred;
    if (free) lines.push({ label: "Free cancellation", value: `until ${appleDay(free, zone)}`, note: zone ?? "" });
  }
  if (reload) {
    const { label, amount, automaticReloadPaymentThresholdAmount: threshold } = reload.automaticReloadBilling;
    lines.push({ label, value: appleMoney(amount, currency), note: `when the balance falls below ${appleMoney(threshold, currency)}` });
  }
  return { description: request.paymentDescription, agreement: request.billingAgreement ?? "", management: request.managementURL, lines };
};
