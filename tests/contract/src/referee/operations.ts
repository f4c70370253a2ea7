/** What the SDK's types call the parameters and the answer of each operation of the API. */

import type { Claim } from "./referee.js";

interface Operation {
  readonly params: string;
  readonly answer: string;
}

const list = (name: string): string => `Stripe.ApiList<Stripe.${name}>`;

/** The usual five operations of a resource. */
function resource(path: string, name: string, { deleted = `Stripe.Deleted${name}`, retrieved = `Stripe.${name}` } = {}): Record<string, Operation> {
  return {
    [`POST ${path}`]: { params: `Stripe.${name}CreateParams`, answer: `Stripe.${name}` },
    [`GET ${path}`]: { params: `Stripe.${name}ListParams`, answer: list(name) },
    [`GET ${path}/{id}`]: { params: `Stripe.${name}RetrieveParams`, answer: retrieved },
    [`POST ${path}/{id}`]: { params: `Stripe.${name}UpdateParams`, answer: `Stripe.${name}` },
    [`DELETE ${path}/{id}`]: { params: `Stripe.${name}DeleteParams`, answer: deleted },
  };
}

function action(path: string, name: string, verb: string): Record<string, Operation> {
  return { [`POST ${path}/{id}/${verb.toLowerCase()}`]: { params: `Stripe.${name}${verb}Params`, answer: `Stripe.${name}` } };
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...resource("/v1/customers", "Customer", { retrieved: "Stripe.Customer | Stripe.DeletedCustomer" }),
  "GET /v1/customers/{id}/payment_methods": { params: "Stripe.CustomerListPaymentMethodsParams", answer: list("PaymentMethod") },
  "DELETE /v1/customers/{id}/discount": { params: "Stripe.CustomerDeleteDiscountParams", answer: "Stripe.DeletedDiscount" },
  "DELETE /v1/subscriptions/{id}/discount": { params: "Stripe.SubscriptionDeleteDiscountParams", answer: "Stripe.DeletedDiscount" },
  "POST /v1/customers/{id}/tax_ids": { params: "Stripe.CustomerCreateTaxIdParams", answer: "Stripe.TaxId" },
  "GET /v1/customers/{id}/tax_ids": { params: "Stripe.CustomerListTaxIdsParams", answer: list("TaxId") },
  "DELETE /v1/customers/{id}/tax_ids/{id}": { params: "Stripe.CustomerDeleteTaxIdParams", answer: "Stripe.DeletedTaxId" },
  "POST /v1/customers/{id}/balance_transactions": { params: "Stripe.CustomerCreateBalanceTransactionParams", answer: "Stripe.CustomerBalanceTransaction" },
  "GET /v1/customers/{id}/balance_transactions": { params: "Stripe.CustomerListBalanceTransactionsParams", answer: list("CustomerBalanceTransaction") },
  ...resource("/v1/coupons", "Coupon"),
  ...resource("/v1/promotion_codes", "PromotionCode"),
  ...resource("/v1/tax_rates", "TaxRate"),
  ...resource("/v1/products", "Product"),
  ...resource("/v1/prices", "Price"),
  ...resource("/v1/setup_intents", "SetupIntent"),
  ...action("/v1/setup_intents", "SetupIntent", "Confirm"),
  ...action("/v1/setup_intents", "SetupIntent", "Cancel"),
  "GET /v1/setup_attempts": { params: "Stripe.SetupAttemptListParams", answer: list("SetupAttempt") },
  "GET /v1/mandates/{id}": { params: "Stripe.MandateRetrieveParams", answer: "Stripe.Mandate" },
  ...resource("/v1/payment_methods", "PaymentMethod"),
  ...action("/v1/payment_methods", "PaymentMethod", "Attach"),
  ...action("/v1/payment_methods", "PaymentMethod", "Detach"),
  ...resource("/v1/payment_method_domains", "PaymentMethodDomain"),
  ...action("/v1/payment_method_domains", "PaymentMethodDomain", "Validate"),
  ...resource("/v1/subscriptions", "Subscription"),
  ...resource("/v1/subscription_schedules", "SubscriptionSchedule"),
  ...action("/v1/subscription_schedules", "SubscriptionSchedule", "Release"),
  ...action("/v1/subscription_schedules", "SubscriptionSchedule", "Cancel"),
  "DELETE /v1/subscriptions/{id}": { params: "Stripe.SubscriptionCancelParams", answer: "Stripe.Subscription" },
  ...action("/v1/subscriptions", "Subscription", "Migrate"),
  ...action("/v1/subscriptions", "Subscription", "Pause"),
  ...action("/v1/subscriptions", "Subscription", "Resume"),
  "POST /v1/invoices/create_preview": { params: "Stripe.InvoiceCreatePreviewParams", answer: "Stripe.Invoice" },
  ...resource("/v1/invoices", "Invoice"),
  ...action("/v1/invoices", "Invoice", "Pay"),
  "POST /v1/invoices/{id}/void": { params: "Stripe.InvoiceVoidInvoiceParams", answer: "Stripe.Invoice" },
  "POST /v1/invoices/{id}/finalize": { params: "Stripe.InvoiceFinalizeInvoiceParams", answer: "Stripe.Invoice" },
  "POST /v1/invoices/{id}/mark_uncollectible": { params: "Stripe.InvoiceMarkUncollectibleParams", answer: "Stripe.Invoice" },
  "GET /v1/invoices/{id}/lines": { params: "Stripe.InvoiceListLineItemsParams", answer: list("InvoiceLineItem") },
  ...resource("/v1/invoiceitems", "InvoiceItem"),
  ...resource("/v1/invoice_payments", "InvoicePayment"),
  "GET /v1/credit_notes/preview": { params: "Stripe.CreditNotePreviewParams", answer: "Stripe.CreditNote" },
  "GET /v1/credit_notes/preview/lines": { params: "Stripe.CreditNoteListPreviewLineItemsParams", answer: list("CreditNoteLineItem") },
  ...resource("/v1/credit_notes", "CreditNote"),
  "POST /v1/credit_notes/{id}/void": { params: "Stripe.CreditNoteVoidCreditNoteParams", answer: "Stripe.CreditNote" },
  "GET /v1/credit_notes/{id}/lines": { params: "Stripe.CreditNoteListLineItemsParams", answer: list("CreditNoteLineItem") },
  ...resource("/v1/payment_intents", "PaymentIntent"),
  ...action("/v1/payment_intents", "PaymentIntent", "Confirm"),
  ...action("/v1/payment_intents", "PaymentIntent", "Cancel"),
  ...action("/v1/payment_intents", "PaymentIntent", "Capture"),
  "POST /v1/payment_intents/{id}/increment_authorization": { params: "Stripe.PaymentIntentIncrementAuthorizationParams", answer: "Stripe.PaymentIntent" },
  ...resource("/v1/charges", "Charge"),
  "GET /v1/tokens/{id}": { params: "Stripe.TokenRetrieveParams", answer: "Stripe.Token" },
  ...resource("/v1/refunds", "Refund"),
  ...resource("/v1/disputes", "Dispute"),
  "GET /v1/radar/early_fraud_warnings/{id}": { params: "Stripe.Radar.EarlyFraudWarningRetrieveParams", answer: "Stripe.Radar.EarlyFraudWarning" },
  ...resource("/v1/subscription_items", "SubscriptionItem"),
  ...resource("/v1/billing_portal/configurations", "BillingPortal.Configuration", { deleted: "never" }),
  "POST /v1/billing_portal/sessions": { params: "Stripe.BillingPortal.SessionCreateParams", answer: "Stripe.BillingPortal.Session" },
  "GET /v1/account": { params: "Stripe.AccountRetrieveCurrentParams", answer: "Stripe.Account" },
  ...resource("/v1/events", "Event"),
  ...resource("/v1/webhook_endpoints", "WebhookEndpoint"),
  ...resource("/v1/test_helpers/test_clocks", "TestHelpers.TestClock", { deleted: "Stripe.TestHelpers.DeletedTestClock" }),
  "POST /v1/test_helpers/test_clocks/{id}/advance": { params: "Stripe.TestHelpers.TestClockAdvanceParams", answer: "Stripe.TestHelpers.TestClock" },
};

/** The name of a request's operation. One that is not listed is a mistake of whoever sent it, or of this table. */
export function operationNamed(method: string, path: string): string {
  const given = path.split("/");
  const found = Object.keys(OPERATIONS).find((name) => {
    const [wantedMethod, wantedPath = ""] = name.split(" ");
    const wanted = wantedPath.split("/");
    return wantedMethod === method && wanted.length === given.length && wanted.every((part, index) => part === "{id}" || part === given[index]);
  });
  if (found === undefined) throw new Error(`${method} ${path} is not an operation that the referee knows.`);
  return found;
}

/** The types of a request's operation. */
export function operationOf(method: string, path: string): Operation {
  return OPERATIONS[operationNamed(method, path)] as Operation;
}

/** The type of an object by its `object` field, for objects that come without a request. */
export function typeOfObject(object: { object?: unknown; type?: unknown; deleted?: unknown }): string {
  const name = String(object.object);
  if (name === "event") return eventOf(String(object.type));
  const names: Record<string, string> = {
    "billing_portal.configuration": "Stripe.BillingPortal.Configuration",
    "billing_portal.session": "Stripe.BillingPortal.Session",
    invoiceitem: "Stripe.InvoiceItem",
    "radar.early_fraud_warning": "Stripe.Radar.EarlyFraudWarning",
    "test_helpers.test_clock": "Stripe.TestHelpers.TestClock",
    customer: object.deleted ? "Stripe.DeletedCustomer" : "Stripe.Customer",
    discount: object.deleted ? "Stripe.DeletedDiscount" : "Stripe.Discount",
  };
  return names[name] ?? `Stripe.${name.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase())}`;
}

/** One type of event, so that a complaint is not about all two hundred of them. */
function eventOf(type: string): string {
  return `Sent<Extract<Stripe.Event, { type: ${JSON.stringify(type)} }>>`;
}

/** What an answer has to be, with each event of a list as a claim of its own. */
export function claimsOfAnswer(method: string, path: string, status: number, body: unknown): Claim[] {
  const what = `${method} ${path} ${status}`;
  if (status >= 400) return [{ what, type: "StripeFailure", value: body }];
  if (path !== "/v1/events") {
    const isEvent = path.startsWith("/v1/events/");
    return [{ what, type: isEvent ? typeOfObject(body as object) : operationOf(method, path).answer, value: body }];
  }
  const { data, ...page } = body as { data: { type?: unknown }[] };
  return [
    { what, type: "Stripe.ApiList<never>", value: { ...page, data: [] } },
    ...data.map((event, index) => ({ what: `${what}.data[${index}]`, type: eventOf(String(event.type)), value: event })),
  ];
}
