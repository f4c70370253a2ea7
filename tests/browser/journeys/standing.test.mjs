import assert from "node:assert/strict";
import { dayIn, journey } from "../harness/journey.mjs";

async function subscribe(shopper, server, wallet = "amazon") {
  await shopper.visitShop();
  if (wallet === "amazon") await shopper.subscribe();
  else {
    await shopper.pressApplePay();
    await shopper.answerApple("approve");
    await shopper.sees("You are subscribed");
  }
  const [subscription] = await server.objects("subscription");
  return subscription;
}

/** Fails unless the page is honest about it, and offers what mends it. Answers with what it says. */
async function isLedToMendIt(shopper, heading, picture) {
  await shopper.eventuallySees(heading);
  const said = { text: await shopper.page.locator("#subscribed-text").innerText(), facts: await shopper.facts() };
  await shopper.page.locator("#pay-now").waitFor();
  await shopper.screenshot(picture);
  assert.doesNotMatch(await shopper.page.locator("#subscribed").innerText(), /You are subscribed|Next charge/);
  assert.equal(await shopper.page.locator(".tick").isVisible(), false);
  await shopper.seesNoWayToPay();
  await shopper.page.locator("#pay-now").click();
  await shopper.page.locator("#method-ways [data-wallet=amazon_pay]").waitFor();
  await shopper.page.locator("#method-ways #apple-pay-button").waitFor();
  return said;
}

journey("a subscriber whose payment method is gone is told so, and led to give another", async (shopper, server) => {
  const subscription = await subscribe(shopper, server);
  await server.stripe("POST", `payment_methods/${subscription.default_payment_method}/detach`);
  const { text, facts } = await isLedToMendIt(shopper, "Your subscription needs a payment method", "method-gone");
  assert.equal(facts["Paid with"], "No payment method");
  assert.equal(facts["Needed by"], dayIn({ months: 1 }));
  assert.match(text, /taken away.*Every picture is yours until/);
});

journey("a renewal that is tried again says when, and one that is not says what to do", async (shopper, server) => {
  await server.sandbox("POST", "account", { after_retries: "unpaid" });
  const subscription = await subscribe(shopper, server, "apple");
  await server.sandbox("POST", `payment_methods/${subscription.default_payment_method}/behavior`, { charge: "decline" });
  await server.passDays(32);
  const late = await isLedToMendIt(shopper, "Your last payment is late", "late");
  assert.match(late.text, new RegExp(`tried again on ${late.facts["Tried again"]}`));
  const { page } = shopper;
  await page.locator("#cancel-open").click();
  assert.match(await page.locator("#cancel-text").innerText(), /^If you end it now, nothing more is charged\. If you end it on .*, what is due is still to be paid\.$/);

  await server.passDays(20);
  const { text, facts } = await isLedToMendIt(shopper, "Your subscription needs another payment method", "unpaid");
  assert.equal(facts.Status, "Unpaid");
  assert.match(text, /not tried again with this payment method\. The pictures are locked/);
  await page.locator("#cancel-open").click();
  await page.locator("#cancel-now").click();
  await shopper.isTold("note-title", /^Your subscription has ended\. Nothing more is charged\.$/);
});

journey("a first payment that was not confirmed is gone on with", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.pressApplePay();
  await shopper.answerApple("decline");
  await shopper.seesProblem("The card was declined.");
  await shopper.page.reload();
  await shopper.seesProblem("Your first payment is not confirmed yet.");
  await shopper.waysAreShown();
  await shopper.screenshot("not-confirmed");
  await shopper.pressApplePay();
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await server.objects("subscription")).length, 1);
});
