import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

journey("a decline is explained, and the next try succeeds", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.pressAmazonPay();
  await shopper.answerAmazon("decline");
  const problem = await shopper.seesProblem("Amazon Pay said no.");
  assert.match(problem, /Nothing was charged/);
  assert.doesNotMatch(problem, /wallet_declined/, "a code is for the shop's support");
  assert.match(await shopper.page.locator("#problem-code").textContent(), /wallet_declined/);
  await shopper.isTold("problem-title", /Amazon Pay said no\. .*Nothing was charged/);
  await shopper.screenshot("declined");
  assert.deepEqual(await server.objects("subscription"), []);

  await shopper.page.getByRole("button", { name: "Try again with Amazon Pay" }).click();
  await shopper.onAmazon();
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await server.objects("subscription")).length, 1);
});

journey("leaving Amazon's page is explained, and the next try succeeds", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.choose(/free trial/i);
  await shopper.pressAmazonPay();
  await shopper.answerAmazon("close");
  const problem = await shopper.seesProblem("You left Amazon Pay before it was done.");
  assert.match(problem, /Nothing was charged/);
  assert.ok(await shopper.page.locator("#problem.calm").isVisible(), "to close a wallet is no error");
  await shopper.isTold("problem-title", /You left Amazon Pay before it was done\./);
  await shopper.screenshot("closed");
  assert.deepEqual(await server.objects("subscription"), []);
  assert.ok(await shopper.page.getByRole("radio", { name: /free trial/i }).isChecked(), "the choice is kept");

  await shopper.page.getByRole("button", { name: "Try again with Amazon Pay" }).click();
  await shopper.onAmazon();
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
});

journey("Back from Amazon's page leads to a shop that still works", async (shopper) => {
  await shopper.visitShop();
  await shopper.pressAmazonPay();
  await shopper.page.goBack();
  await shopper.sees("Choose your plan");
  await shopper.subscribe();
});

journey("a first payment that is refused leaves no subscription that counts", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.pressAmazonPay();
  await server.sandbox("POST", "faults", {
    method: "POST",
    path: "/v1/subscriptions",
    fault: "status",
    status: 402,
    times: 1,
  });
  await shopper.answerAmazon("approve");
  await shopper.seesProblem("The first payment was refused.");
  await shopper.screenshot("payment-declined");
  assert.deepEqual(await server.objects("subscription"), []);
});

journey("Stripe being away is said as it is, and the next try succeeds", async (shopper, server) => {
  await shopper.visitShop();
  await server.sandbox("POST", "faults", { method: "POST", path: "/v1/setup_intents", fault: "status", status: 500, times: 10 });
  await shopper.page.locator("#pay").click();
  const problem = await shopper.seesProblem("That did not work.");
  assert.doesNotMatch(problem, /Stripe/, "what the API says is for the developer");
  assert.match(await shopper.page.locator("#notes-list").textContent(), /stripe_unavailable: Stripe/);
  await shopper.isTold("problem-title", /That did not work\./);
  await shopper.screenshot("stripe-away");
  await server.sandbox("DELETE", "faults");
  await shopper.page.getByRole("button", { name: "Try again with Amazon Pay" }).click();
  await shopper.onAmazon();
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
});
