import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

journey("a shopper tries it without a payment method, and gives one later", async (shopper, server) => {
  const { page } = shopper;
  await shopper.visitShop();
  await shopper.choose(/free trial/);
  const offer = page.locator("#free-trial");
  assert.match(await offer.innerText(), /14 free days, without a payment method\. If you add one by then, 15\.00 USD every month is charged/);
  await shopper.fits();
  await shopper.screenshot("free-trial");
  // The text is about this plan alone.
  await shopper.choose("Stock photos for a team");
  await offer.waitFor({ state: "hidden" });
  await shopper.choose(/free trial/);
  await page.getByRole("button", { name: "Start the free trial" }).dblclick();
  await shopper.sees("Your free trial is on");
  const [mine, ...others] = await server.objects("subscription");
  assert.deepEqual([mine.status, others], ["trialing", []]);
  assert.equal((await server.objects("charge")).length, 0);
  const account = await page.locator("main").innerText();
  const [, until] = /Every picture is yours until (.+ \d{4})\. Nothing is charged unless you give a payment method by then\./.exec(account) ?? [];
  assert.match(account, new RegExp(`Needed by\\s+${until}`));
  assert.match(account, /No payment method/);
  await shopper.fits();
  await shopper.screenshot("free-trial-runs");

  await page.locator("#pay-now").click();
  await page.getByText("Nothing is charged now. What comes after is paid with it.").waitFor();
  await page.locator("#method-ways [data-wallet=amazon_pay]").click();
  await page.waitForURL(/\/sandbox\/amazon-pay\/seti_/);
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await server.objects("charge")).length, 0);
  await server.passDays(15);
  await page.reload();
  await shopper.sees("You are subscribed");
  const charges = await server.objects("charge");
  assert.deepEqual(charges.map(({ amount, paid }) => [amount, paid]), [[1500, true]]);
});

journey("a trial that ends without a payment method is not offered again", async (shopper, server) => {
  const { page } = shopper;
  await shopper.visitShop();
  await shopper.choose(/free trial/);
  await page.getByRole("button", { name: "Start the free trial" }).click();
  await shopper.sees("Your free trial is on");
  await server.passDays(15);
  await shopper.eventuallySees("Choose your plan");
  await shopper.choose(/free trial/);
  assert.equal(await page.locator("#free-trial").isVisible(), false);
  assert.equal((await server.objects("charge")).length, 0);
});
