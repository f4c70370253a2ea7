/** The stand-in for Stripe.js as Apple Pay uses it: what it gives a page, and what it refuses as Stripe's types do. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stripe as StripeJs, StripeElements, StripeElementsOptionsMode, StripeExpressCheckoutElement, StripeExpressCheckoutElementOptions } from "@stripe/stripe-js";
import { inSandbox, until } from "../harness/journey.js";
import { openPage, PageElement, type Page } from "../harness/page.js";
import { Sandbox } from "../harness/sandbox.js";
import { judge, type Claim } from "../referee/referee.js";

const SETUP: StripeElementsOptionsMode = { mode: "setup", currency: "usd", setupFutureUsage: "off_session", allowedPaymentMethodTypes: ["card"] };
const PAYMENT: StripeElementsOptionsMode = { mode: "payment", amount: 1500, currency: "usd", setupFutureUsage: "off_session", allowedPaymentMethodTypes: ["card"] };
const TERMS = { paymentDescription: "Stock photos", managementURL: "https://shop.example/manage", billingAgreement: "You allow later charges." };
const START = new Date("2027-01-09T12:00:00Z");
const REGULAR = { amount: 1500, label: "Each month", recurringPaymentStartDate: START, recurringPaymentIntervalUnit: "month" as const, recurringPaymentIntervalCount: 1 };
const RECURRING: StripeExpressCheckoutElementOptions = {
  paymentMethods: { applePay: "always", amazonPay: "never", googlePay: "never", link: "never", paypal: "never", klarna: "never" },
  applePay: { recurringPaymentRequest: { ...TERMS, regularBilling: REGULAR, trialBilling: { amount: 0, label: "Free trial", recurringPaymentEndDate: START } } },
};

/** A page that asks the API for nothing needs a sandbox all the same, for the script. */
async function besideSandbox(steps: (url: string) => Promise<void>): Promise<void> {
  const { control, program } = await Sandbox.start();
  try {
    await steps(control.url);
  } finally {
    await program.stop();
  }
}

/** A page with Apple's button on it, and what its element told. */
class Shop {
  readonly claims: Claim[] = [];
  private constructor(
    readonly page: Page,
    readonly stripe: StripeJs,
    readonly elements: StripeElements,
    readonly button: StripeExpressCheckoutElement,
  ) {}

  static async open(sandbox: string, told: StripeElementsOptionsMode, options = RECURRING): Promise<Shop> {
    const page = await openPage(sandbox, assert.fail);
    const stripe = page.Stripe("pk_test_contract");
    const elements = stripe.elements(told);
    const button = elements.create("expressCheckout", options);
    const shop = new Shop(page, stripe, elements, button);
    await new Promise<void>((ready) => {
      button.on("ready", (event) => {
        shop.claims.push({ what: "ready", type: "StripeJs.StripeExpressCheckoutElementReadyEvent", value: event });
        ready();
      });
      button.mount(page.body as unknown as HTMLElement);
    });
    return shop;
  }

  find(id: string): PageElement {
    const found = this.page.body.getElementById(id);
    if (!found) throw new Error(`The page shows no ${id}.`);
    return found;
  }

  /** The shopper clicks the button and answers in the sheet; `use` is what the page does with it. */
  async answer<Result>(choice: "apple-approve" | "apple-decline", use: () => Promise<Result>): Promise<Result> {
    const used = new Promise<Result>((done, fail) => {
      this.button.once("confirm", async ({ paymentFailed, ...event }) => {
        this.claims.push({ what: "confirm", type: 'Omit<StripeJs.StripeExpressCheckoutElementConfirmEvent, "paymentFailed">', value: event });
        const submitted = await this.elements.submit();
        this.claims.push({ what: "submit", type: "{ selectedPaymentMethod: string }", value: submitted });
        use().then(done, fail);
      });
    });
    this.find("apple-pay-button").click();
    await until("the sheet is open", async () => this.page.body.getElementById(choice) !== null);
    this.find(choice).click();
    return used;
  }

  /** Waits until the sheet is gone, so that the next click opens another. */
  async closed(): Promise<void> {
    await until("the sheet is closed", async () => this.page.body.getElementById("apple-approve") === null);
  }
}

test("a setup through the sheet gives the page what Stripe's types say", () =>
  inSandbox(async ({ control }, stripe) => {
    const { id: customer } = await stripe.customers.create();
    const { client_secret } = await stripe.setupIntents.create({ customer, usage: "off_session", allowed_payment_method_types: ["card"] });
    const clientSecret = client_secret ?? "";
    const shop = await Shop.open(control.url, SETUP);
    shop.button.on("click", (event) => {
      const { resolve, reject: _, ...told } = event;
      shop.claims.push({ what: "click", type: 'Omit<StripeJs.StripeExpressCheckoutElementClickEvent, "resolve" | "reject">', value: told });
      resolve();
    });
    const confirm = () => shop.stripe.confirmSetup({ elements: shop.elements, clientSecret, confirmParams: {}, redirect: "if_required" });
    const declined = await shop.answer("apple-decline", confirm);
    await shop.closed();
    const approved = await shop.answer("apple-approve", confirm);
    assert.equal(approved.setupIntent?.status, "succeeded", JSON.stringify(approved.error));
    shop.claims.push({ what: "the decline", type: "PageError", value: declined.error });
    shop.claims.push({ what: "the setup", type: "PageSetupIntent", value: approved.setupIntent });
    assert.deepEqual(shop.page.errors, []);
    assert.deepEqual(judge(shop.claims), []);
    assert.deepEqual(["ready", "click", "confirm", "submit"].filter((name) => !shop.claims.some(({ what }) => what === name)), []);
  }));

test("a payment through the sheet gives the page what Stripe's types say", () =>
  inSandbox(async ({ control }, stripe) => {
    const { id: customer } = await stripe.customers.create();
    const { client_secret } = await stripe.paymentIntents.create({ customer, amount: 1500, currency: "usd", setup_future_usage: "off_session", allowed_payment_method_types: ["card"] });
    const clientSecret = client_secret ?? "";
    const shop = await Shop.open(control.url, PAYMENT);
    const confirm = () => shop.stripe.confirmPayment({ elements: shop.elements, clientSecret, confirmParams: {}, redirect: "if_required" });
    const declined = await shop.answer("apple-decline", confirm);
    assert.equal(declined.error?.code, "card_declined");
    await shop.closed();
    const approved = await shop.answer("apple-approve", confirm);
    assert.equal(approved.paymentIntent?.status, "succeeded", JSON.stringify(approved.error));
    const again = await shop.stripe.retrievePaymentIntent(clientSecret);
    assert.equal(again.paymentIntent?.status, "succeeded");
    for (const [what, { paymentIntent }] of Object.entries({ approved, again })) shop.claims.push({ what, type: "PagePaymentIntent", value: paymentIntent });
    shop.claims.push({ what: "the decline", type: "PageError", value: declined.error });
    assert.deepEqual(judge(shop.claims), []);
    assert.notDeepEqual(judge([{ what: "it", type: "PagePaymentIntent", value: { ...approved.paymentIntent, status: "paid" } }]), []);
  }));

test("what Elements were told has to be what the intent says", () =>
  inSandbox(async ({ control }, stripe) => {
    const { id: customer } = await stripe.customers.create();
    const { client_secret } = await stripe.paymentIntents.create({ customer, amount: 1500, currency: "usd", setup_future_usage: "off_session", allowed_payment_method_types: ["card"] });
    const clientSecret = client_secret ?? "";
    const wrong: [what: string, told: StripeElementsOptionsMode][] = [
      ["amount", { ...PAYMENT, amount: 1499 }],
      ["currency", { ...PAYMENT, currency: "eur" }],
      ["setup_future_usage", { mode: "payment", amount: 1500, currency: "usd" }],
      ["capture_method", { ...PAYMENT, captureMethod: "manual" }],
      ["mode", SETUP],
    ];
    for (const [what, told] of wrong) {
      const shop = await Shop.open(control.url, told);
      const { error } = await shop.answer("apple-approve", () => shop.stripe.confirmPayment({ elements: shop.elements, clientSecret, confirmParams: {}, redirect: "if_required" }));
      assert.equal(error?.type, "invalid_request_error", what);
      assert.ok(error?.message?.startsWith(`The ${what} of Elements`), `${what}: ${error?.message}`);
    }
    const { paymentIntent } = await (await openPage(control.url, assert.fail)).Stripe("pk_test_contract").retrievePaymentIntent(clientSecret);
    assert.equal(paymentIntent?.status, "requires_payment_method", "none of them may charge");
  }));

test("the sheet says what each kind of request says", () =>
  besideSandbox(async (url) => {
    const recurring: StripeElementsOptionsMode = { ...PAYMENT, mode: "subscription", amount: 0 };
    const deferred = {
      deferredPaymentRequest: {
        ...TERMS,
        deferredBilling: { amount: 24000, label: "Two nights", deferredPaymentDate: START },
        freeCancellationDate: new Date("2027-01-05T04:00:00Z"),
        freeCancellationDateTimeZone: "America/Los_Angeles",
      },
    };
    const reload = { automaticReloadPaymentRequest: { ...TERMS, automaticReloadBilling: { amount: 2500, label: "Credit", automaticReloadPaymentThresholdAmount: 500 } } };
    const kinds: [told: StripeElementsOptionsMode, options: StripeExpressCheckoutElementOptions, due: string, lines: string[]][] = [
      [recurring, RECURRING, "$0.00", ["Free trial", "until January 9, 2027", "Each month", "$15.00 every month", "from January 9, 2027"]],
      [SETUP, RECURRING, "Amount pending", ["Free trial", "Each month"]],
      // The day is the one where the hotel is.
      [PAYMENT, { applePay: deferred }, "$15.00", ["Two nights", "$240.00", "on January 9, 2027", "Free cancellation", "until January 4, 2027", "America/Los_Angeles"]],
      [PAYMENT, { applePay: reload }, "$15.00", ["Credit", "$25.00", "when the balance falls below $5.00"]],
    ];
    for (const [told, options, due, words] of kinds) {
      const shop = await Shop.open(url, told, options);
      shop.find("apple-pay-button").click();
      await until("the sheet is open", async () => shop.page.body.getElementById("apple-approve") !== null);
      const lines = shop.find("apple-lines").text;
      for (const word of words) assert.ok(lines.includes(word), `${word} is not in ${lines}`);
      assert.equal(shop.find("apple-title").text, TERMS.paymentDescription);
      assert.equal(shop.find("apple-agreement").text, TERMS.billingAgreement);
      assert.equal((shop.find("apple-management") as PageElement & { href: string }).href, TERMS.managementURL);
      assert.equal(shop.find("apple-due").text, due);
    }
  }));

test("there is no button without Apple Pay and Google Pay, whoever does without them", () =>
  besideSandbox(async (url) => {
    const without: [why: string, options: StripeExpressCheckoutElementOptions, told: StripeElementsOptionsMode, account: object][] = [
      ["the page", { paymentMethods: { applePay: "never", googlePay: "never" } }, PAYMENT, {}],
      ["the intent", {}, { ...PAYMENT, allowedPaymentMethodTypes: ["amazon_pay"] }, {}],
      ["the account", {}, PAYMENT, { apple_pay: false, google_pay: false }],
    ];
    for (const [why, options, told, account] of without) {
      await fetch(`${url}/_sandbox/account`, { method: "POST", headers: { authorization: "Bearer sk_test_contract", "content-type": "application/json" }, body: JSON.stringify(account) });
      const shop = await Shop.open(url, told, options);
      assert.equal(shop.page.body.getElementById("apple-pay-button"), null, why);
      const [ready] = shop.claims;
      assert.equal((ready?.value as { availablePaymentMethods?: object }).availablePaymentMethods, undefined, why);
    }
  }));

test("the sheet does not open when the click is not resolved within a second", () =>
  besideSandbox(async (url) => {
    const shop = await Shop.open(url, SETUP);
    shop.button.on("click", () => {});
    shop.find("apple-pay-button").click();
    await until("it is logged", async () => shop.page.errors.length > 0);
    assert.match(shop.page.errors.join(), /not resolved within 1 second/);
    assert.equal(shop.page.body.getElementById("apple-approve"), null);
  }));

/** What Stripe's types refuse, as the compiler confirms with each comment, the stand-in refuses too. */
test("the stand-in refuses what Stripe's types do not allow", () =>
  besideSandbox(async (url) => {
    const { Stripe } = await openPage(url, assert.fail);
    const stripe = Stripe("pk_test_contract");
    const create = (options: StripeExpressCheckoutElementOptions): StripeExpressCheckoutElement => stripe.elements(PAYMENT).create("expressCheckout", options);
    const { billingAgreement: _, ...terms } = TERMS;
    const refused: [what: RegExp, call: () => unknown][] = [
      // @ts-expect-error The parameter of API versions before endive.
      [/paymentMethodTypes/, () => stripe.elements({ ...SETUP, paymentMethodTypes: ["card"] })],
      // @ts-expect-error A payment needs its amount.
      [/amount/, () => stripe.elements({ mode: "payment", currency: "usd" })],
      // @ts-expect-error So does a subscription need its currency.
      [/currency/, () => stripe.elements({ mode: "subscription", amount: 1500 })],
      // @ts-expect-error There is no such mode.
      [/mode/, () => stripe.elements({ mode: "subscribe", amount: 1500, currency: "usd" })],
      // @ts-expect-error It is misspelt.
      [/setupFutureUse/, () => stripe.elements({ ...PAYMENT, setupFutureUse: "off_session" })],
      // @ts-expect-error It is gone with endive.
      [/paymentRequestButton/, () => stripe.elements(PAYMENT).create("paymentRequestButton")],
      // @ts-expect-error Only Apple Pay and Google Pay know `always`.
      [/amazonPay/, () => create({ paymentMethods: { amazonPay: "always" } })],
      // @ts-expect-error A week is seven days.
      [/recurringPaymentIntervalUnit/, () => create({ applePay: { recurringPaymentRequest: { ...terms, regularBilling: { ...REGULAR, recurringPaymentIntervalUnit: "week" } } } })],
      // @ts-expect-error Dates are dates.
      [/recurringPaymentStartDate/, () => create({ applePay: { recurringPaymentRequest: { ...terms, regularBilling: { ...REGULAR, recurringPaymentStartDate: "2027-01-09" } } } })],
      // @ts-expect-error A reload has a billing of its own.
      [/regularBilling/, () => create({ applePay: { automaticReloadPaymentRequest: { ...terms, regularBilling: REGULAR } } })],
      // @ts-expect-error The threshold is what makes it a reload.
      [/Threshold/, () => create({ applePay: { automaticReloadPaymentRequest: { ...terms, automaticReloadBilling: { amount: 1, label: "l" } } } })],
      // @ts-expect-error It has to say when.
      [/deferredPaymentDate/, () => create({ applePay: { deferredPaymentRequest: { ...terms, deferredBilling: { amount: 1, label: "l" } } } })],
      // @ts-expect-error Nobody can manage it.
      [/managementURL/, () => create({ applePay: { recurringPaymentRequest: { paymentDescription: "p", regularBilling: REGULAR } } })],
      [
        /only one of/,
        () =>
          create({
            applePay: {
              recurringPaymentRequest: { ...terms, regularBilling: REGULAR },
              // @ts-expect-error One request at a time.
              deferredPaymentRequest: { ...terms, deferredBilling: { amount: 1, label: "l", deferredPaymentDate: START } },
            },
          }),
      ],
      // @ts-expect-error There is no such event.
      [/event name/, () => create({}).on("confirmed", () => {})],
    ];
    for (const [what, call] of refused) {
      assert.throws(call, (error: Error) => error.name === "IntegrationError" && what.test(error.message), `${what} was not refused`);
    }
  }));
