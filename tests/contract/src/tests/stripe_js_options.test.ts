/** The options of Stripe.js that Perennial makes, against the types that Stripe publishes for them. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { judge, type Claim } from "../referee/referee.js";

const program = process.env["STRIPE_JS_OPTIONS"];
if (!program) throw new Error("Set STRIPE_JS_OPTIONS to the program, or start these tests with ./run.");

const claims: Claim[] = execFileSync(program, { encoding: "utf8" })
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Claim);

test("every option that is made for a plan or a payment is one that Stripe.js takes", () => {
  const text = JSON.stringify(claims);
  for (const member of ["recurringPaymentRequest", "deferredPaymentRequest", "automaticReloadPaymentRequest", "trialBilling", '"mode":"payment"']) {
    assert.ok(text.includes(member), `There is no ${member} among the options.`);
  }
  assert.ok(claims.length > 300, `${claims.length} options`);
  assert.deepEqual(judge(claims), []);
});

/** The first option with this text in it, with one thing changed. */
function planted(right: string, wrong: string): Claim {
  const claim = claims.find(({ value }) => JSON.stringify(value).includes(right));
  if (!claim) throw new Error(`No option has ${right}.`);
  return { ...claim, what: `${right} → ${wrong}`, value: JSON.parse(JSON.stringify(claim.value).replace(right, wrong)) };
}

test("each planted option that the types do not allow is reported", () => {
  const deferred = '{"paymentDescription":"","managementURL":"","deferredBilling":{"label":"","amount":1,"deferredPaymentDate":"2026-12-25T00:00:00Z"}}';
  const mistakes: [right: string, wrong: string][] = [
    ['"mode":"subscription"', '"mode":"subscribe"'],
    ['"amount":1500,"currency":"usd","mode":"subscription"', '"currency":"usd","mode":"subscription"'],
    ['"mode":"payment"', '"mode":"setup"'],
    ['"currency":', '"curency":'],
    ['"setupFutureUsage":"off_session"', '"setupFutureUsage":"always"'],
    ['"captureMethod":"manual"', '"captureMethod":"later"'],
    ['"allowedPaymentMethodTypes":["card"]', '"allowedPaymentMethodTypes":"card"'],
    ['"allowedPaymentMethodTypes"', '"paymentMethodTypes"'],
    ['"recurringPaymentIntervalUnit":"day"', '"recurringPaymentIntervalUnit":"week"'],
    ['"recurringPaymentIntervalCount":1', '"recurringPaymentIntervalCount":"1"'],
    ['"recurringPaymentStartDate":"', '"recurringPaymentStartDate":"on '],
    ['"managementURL"', '"managementUrl"'],
    ['"regularBilling"', '"trialBilling"'],
    ['"amount":0,"label":"Free trial"', '"label":"Free trial"'],
    ['"recurringPaymentRequest":', `"deferredPaymentRequest":${deferred},"recurringPaymentRequest":`],
    ['"deferredPaymentDate"', '"deferredDate"'],
    ['"freeCancellationDateTimeZone":"', '"freeCancellationTimeZone":"'],
    ['"automaticReloadPaymentThresholdAmount":0', '"automaticReloadPaymentThresholdAmount":null'],
    ['"automaticReloadBilling"', '"regularBilling"'],
    ['"amazonPay":"never"', '"amazonPay":"always"'],
    ['"applePay":"always"', '"applePay":"sometimes"'],
  ];
  for (const [right, wrong] of mistakes) {
    assert.notDeepEqual(judge([planted(right, wrong)]), [], `${wrong} was not reported.`);
  }
});
