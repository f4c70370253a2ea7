/** The page's use of Stripe.js, against the types that Stripe publishes for it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { stripeOfThePage } from "../harness/page.js";
import { awayToAmazon, inSandbox, RETURN_URL } from "../harness/journey.js";
import { judge } from "../referee/referee.js";
import { judgePage, MODULES, WEB } from "../referee/page.js";

test("every module of the page is typed, and Stripe.js is used as Stripe says", () => {
  for (const name of ["perennial.js", "shop.js", "perennial/sheet.js", "perennial/redirect.js"]) assert.ok(MODULES.includes(name), MODULES.join());
  for (const module of MODULES) assert.match(readFileSync(resolve(WEB, module), "utf8"), /^\/\/ @ts-check$/m, module);
  assert.deepEqual(judgePage(), []);
});

const AWAY = "perennial/redirect.js";
const SHEET = "perennial/sheet.js";
const SETTLED = 'status === "succeeded" || status === "processing") return finish(checkout);\n    if (!error)';
const MANAGE = "perennial/manage.js";

test("each planted mistake in the page is reported", () => {
  const mistakes: [module: string, right: string, wrong: string, complaint: RegExp][] = [
    [AWAY, "stripeJs.confirmAmazonPaySetup(", "stripeJs.confirmAmazonpaySetup(", /confirmAmazonpaySetup/],
    [AWAY, "    return_url,\n    // Stripe.js", "    returnUrl: return_url,\n    // Stripe.js", /returnUrl/],
    [AWAY, "stripeJs.confirmAmazonPaySetup(clientSecret,", "stripeJs.confirmAmazonPaySetup(42,", /number/],
    [AWAY, "stripeJs.confirmCashappSetup(", "stripeJs.confirmCashAppSetup(", /confirmCashAppSetup/],
    [AWAY, "setupIntent?.status", "setupIntent?.state", /state/],
    [AWAY, SETTLED, SETTLED.replace("succeeded", "success"), /no overlap/],
    [AWAY, "error?.setup_intent?.status", "error?.setupIntent?.status", /setupIntent/],
    [SHEET, 'elements.create("expressCheckout"', 'elements.create("paymentRequestButton"', /overload/],
    [SHEET, "stripeJs.elements(told)", 'stripeJs.elements({ mode: "setup", paymentMethodTypes: ["card"] })', /overload|paymentMethodTypes/],
    [SHEET, "stripeJs.elements(told)", 'stripeJs.elements({ mode: "subscription", currency: "usd" })', /overload|amount/],
    [SHEET, 'button.on("confirm"', 'button.on("confirmed"', /overload|confirmed/],
    [SHEET, "event.resolve()", "event.accept()", /accept/],
    [SHEET, "availablePaymentMethods?.applePay", "availablePaymentMethods?.apple_pay", /apple_pay/],
    [SHEET, "event.paymentFailed();\n        onError", 'event.paymentFailed({ reason: "declined" });\n        onError', /declined/],
    [SHEET, "stripeJs.confirmSetup({", "stripeJs.confirmCardSetup({", /Argument|string/],
    [SHEET, 'redirect: "if_required"', 'redirect: "if_needed"', /overload|if_needed/],
    [SHEET, "clientSecret: client_secret", "secret: client_secret", /overload|secret/],
    [SHEET, "error?.payment_intent?.status", "error?.paymentIntent?.status", /paymentIntent/],
    [SHEET, "buttonType: { applePay: buttonType }", 'buttonType: { applePay: "subscription" }', /subscription|overload/],
    [SHEET, "express_checkout: offer.express_checkout ?? {}", 'express_checkout: { applePay: { recurringPaymentRequest: { paymentDescription: "p", managementURL: "m", regularBilling: { amount: 1, label: "l", recurringPaymentIntervalUnit: "week" } } } }', /week/],
    [SHEET, "express_checkout: offer.express_checkout ?? {}", 'express_checkout: { applePay: { automaticReloadPaymentRequest: { paymentDescription: "p", managementURL: "m", regularBilling: { amount: 1, label: "l" } } } }', /regularBilling|automaticReload/],
    [MANAGE, "confirmAway(stripeJs, wallet, issued)", "confirmAway(wallet, stripeJs, issued)", /Argument|Stripe/],
    [MANAGE, 'status === "processing" ||', 'status === "process" ||', /process|comparable/],
    ["change.js", "{ ...ask, code, signal }", "{ ...ask, code, abort: signal }", /abort/],
    ["change.js", "{ ...ask, code, signal }", "{ ...ask, promo: code, signal }", /promo/],
    ["shop.js", "startWallet({ plan: plan.name,", "startWallet({ name: plan.name,", /plan|name/],
    ["ways.js", "perennial.mountWallet({ ...options, element,", "perennial.mountWallet({ ...options, where: element,", /element|where/],
  ];
  for (const [module, right, wrong, complaint] of mistakes) {
    assert.ok(readFileSync(resolve(WEB, module), "utf8").includes(right), `${module} no longer has ${right}`);
    const found = judgePage((text, name) => (name === module ? text.replace(right, wrong) : text));
    assert.ok(found.some((each) => each.startsWith(`${module}:`) && complaint.test(each)), `${wrong} was not reported:\n${found.join("\n")}`);
  }
});

test("what the stand-in for Stripe.js gives a page after Amazon Pay is of Stripe.js's types", () =>
  inSandbox(async ({ control }, stripe) => {
    const customer = await stripe.customers.create();
    const created = await stripe.setupIntents.create({ customer: customer.id, usage: "off_session", allowed_payment_method_types: ["amazon_pay"] });
    const secret = created.client_secret ?? "";
    const left = new Promise<string>(async (leave) => {
      void (await stripeOfThePage(control.url, leave))("pk_test_contract").confirmAmazonPaySetup(secret, {
        return_url: RETURN_URL,
        mandate_data: { customer_acceptance: { type: "online", online: { infer_from_client: true } } },
      });
    });
    const to = new URL(await left);
    assert.equal(to.origin, control.url);
    await control.choose(created.id, "decline");

    const page = (await stripeOfThePage(control.url, assert.fail))("pk_test_contract");
    const declined = await page.retrieveSetupIntent(secret);
    assert.equal(declined.setupIntent?.status, "requires_payment_method");
    const again = await awayToAmazon(stripe, customer.id);
    const waiting = await page.retrieveSetupIntent(again.client_secret ?? "");
    await control.choose(again.id, "approve");
    const settled = await page.retrieveSetupIntent(again.client_secret ?? "");
    assert.equal(settled.setupIntent?.status, "succeeded");
    const wrong = await page.retrieveSetupIntent(`${again.client_secret}0`);
    assert.ok(wrong.error);

    const setupIntents = [declined, waiting, settled].map(({ setupIntent }) => ({ what: "retrieveSetupIntent", type: "PageSetupIntent", value: setupIntent }));
    assert.deepEqual(judge([...setupIntents, { what: "its error", type: "StripeJs.StripeError", value: wrong.error }]), []);
    const planted = { ...settled.setupIntent, status: "done" };
    assert.notDeepEqual(judge([{ what: "it", type: "PageSetupIntent", value: planted }]), []);
  }));
