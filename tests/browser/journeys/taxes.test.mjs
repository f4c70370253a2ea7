import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

const order = (shopper) => shopper.page.locator("#order").innerText();

async function choose(shopper, plan) {
  await shopper.page.locator(`input[value="${plan}"]`).check({ force: true });
}

async function isAt(shopper, country, code) {
  await shopper.page.locator("#address-country").selectOption(country);
  await shopper.page.locator("#address-code").fill(code);
  await shopper.page.locator("#address-code").press("Enter");
}

journey("a plan with taxes asks where the shopper is, and charges what is shown there", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.waysAreShown();
  assert.equal(await shopper.page.locator("#address").isVisible(), false);
  await choose(shopper, "video-clips-monthly");
  await shopper.page.locator("#address").waitFor();
  assert.match(await order(shopper), /Tell us where you are/);
  assert.equal(await shopper.page.locator("#ways").isVisible(), false);
  await shopper.isAccessible("an order that asks for the address");

  await isAt(shopper, "US", "12");
  assert.match(await shopper.page.locator("#address-note").innerText(), /five digits/);
  await isAt(shopper, "US", "00117");
  await shopper.page.locator("#address-note", { hasText: "do not know this place" }).waitFor();
  await isAt(shopper, "US", "94103");
  await shopper.page.locator("#order", { hasText: "$9.65" }).waitFor();
  await isAt(shopper, "DE", "10115");
  await shopper.page.locator("#order", { hasText: "$10.71" }).waitFor();
  await shopper.waysAreShown();
  assert.match(await order(shopper), /Taxes, each time\s+\$1\.71/);
  assert.match(await shopper.page.locator("#consent").innerText(), /10\.71 USD every month/);
  await shopper.isAccessible("an order with taxes");
  await shopper.fits();

  await shopper.pressAmazonPay();
  await shopper.onAmazon();
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
  const [charge] = await server.objects("charge");
  assert.equal(charge.amount, 1071);
  const facts = await shopper.facts();
  assert.equal(facts.Price, "$9.00 every month plus any taxes");
  assert.match(facts["Next charge"], /^\$10\.71 on /);
});
