/** The page's use of Stripe.js, against the types that Stripe publishes for it. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { stripeOfThePage } from "../harness/gateway.js";
import { awayToAmazon, inSandbox, RETURN_URL } from "../harness/journey.js";
import { judge } from "../referee/referee.js";
import { judgePage, WEB } from "../referee/page.js";

const modules = readdirSync(WEB).filter((name) => name.endsWith(".js"));

test("every module of the page is typed, and Stripe.js is used as Stripe says", () => {
  assert.ok(modules.includes("perennial.js") && modules.includes("shop.js"), modules.join());
  for (const module of modules) assert.match(readFileSync(resolve(WEB, module), "utf8"), /^\/\/ @ts-check$/m, module);
  assert.deepEqual(judgePage(modules), []);
});

const SETTLED = 'status === "succeeded" || status === "processing") return finish(checkout);\n    if (!error)';

test("each planted mistake in the page is reported", () => {
  const mistakes: [module: string, right: string, wrong: string, complaint: RegExp][] = [
    ["perennial.js", "stripeJs.confirmAmazonPaySetup(", "stripeJs.confirmAmazonpaySetup(", /confirmAmazonpaySetup/],
    ["perennial.js", "      return_url,\n      // Stripe.js", "      returnUrl: return_url,\n      // Stripe.js", /returnUrl/],
    ["perennial.js", "confirmAmazonPaySetup(client_secret, {", "confirmAmazonPaySetup(42, {", /number/],
    ["perennial.js", "setupIntent?.status", "setupIntent?.state", /state/],
    ["perennial.js", SETTLED, SETTLED.replace("succeeded", "success"), /no overlap/],
    ["perennial.js", "error?.setup_intent?.status", "error?.setupIntent?.status", /setupIntent/],
    ["shop.js", "startAmazonPay({ plan: plan.name,", "startAmazonPay({ name: plan.name,", /plan|name/],
  ];
  for (const [module, right, wrong, complaint] of mistakes) {
    assert.ok(readFileSync(resolve(WEB, module), "utf8").includes(right), `${module} no longer has ${right}`);
    const found = judgePage(modules, (text, name) => (name === module ? text.replace(right, wrong) : text));
    assert.ok(found.some((each) => each.startsWith(`${module}:`) && complaint.test(each)), `${wrong} was not reported:\n${found.join("\n")}`);
  }
});

test("what the stand-in for Stripe.js gives a page is of Stripe.js's types", () =>
  inSandbox(async ({ control }, stripe) => {
    const customer = await stripe.customers.create();
    const created = await stripe.setupIntents.create({ customer: customer.id, usage: "off_session", allowed_payment_method_types: ["amazon_pay"] });
    const secret = created.client_secret ?? "";
    const left = new Promise<string>((leave) => {
      void stripeOfThePage(control.url, leave)("pk_test_contract").confirmAmazonPaySetup(secret, {
        return_url: RETURN_URL,
        mandate_data: { customer_acceptance: { type: "online", online: { infer_from_client: true } } },
      });
    });
    const to = new URL(await left);
    assert.equal(to.origin, control.url);
    await control.choose(created.id, "decline");

    const page = stripeOfThePage(control.url, assert.fail)("pk_test_contract");
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
