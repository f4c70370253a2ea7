import assert from "node:assert/strict";
import { dayIn, journey } from "../harness/journey.mjs";

journey("a shopper approves at Amazon and is subscribed", async (shopper, server) => {
  await shopper.visitShop();
  const consent = await shopper.page.locator("#consent").innerText();
  assert.match(consent, /Amazon Pay: By continuing, you allow .*15\.00.* every month/);
  assert.match(consent, /Apple Pay: By continuing, you allow .*15\.00.* every month/);
  await shopper.screenshot("shop");
  await shopper.picture();

  await shopper.pressAmazonPay();
  await shopper.screenshot("amazon");
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
  await shopper.screenshot("subscribed");

  const [subscription] = await server.objects("subscription");
  assert.deepEqual(await shopper.facts(), {
    Plan: "Stock photos",
    Price: "$15.00 every month",
    Status: "Active",
    "Paid with": "Amazon Pay",
    "Next charge": `$15.00 on ${dayIn({ months: 1 })}`,
    Reference: subscription.id,
  });
  assert.equal(shopper.page.url(), `${server.shop}/`, "the address is clean, so that a reload repeats nothing");
  await shopper.page.reload();
  await shopper.sees("You are subscribed");
});

journey("a plan with a free trial charges nothing until the trial ends", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.choose(/free trial/i);
  const order = await shopper.page.locator("#order").innerText();
  assert.match(order, /Due today\s+\$0\.00/);
  await shopper.screenshot("trial");
  await shopper.subscribe();
  await shopper.screenshot("trial-subscribed");

  const facts = await shopper.facts();
  assert.equal(facts.Status, "Free trial");
  assert.equal(facts["Trial ends"], dayIn({ days: 14 }));
  assert.equal(facts["First charge"], `$15.00 on ${dayIn({ days: 14 })}`);
  const charges = (await server.objects("payment_intent")).filter(({ amount }) => amount > 0);
  assert.deepEqual(charges, []);
});

journey("a double click makes one subscription", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.page.locator("#pay").dblclick();
  await shopper.onAmazon();
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");

  assert.equal(shopper.calls.filter((call) => call === "POST /client-secret").length, 1);
  assert.equal((await server.objects("setup_intent")).length, 1);
  assert.equal((await server.objects("subscription")).length, 1);
});

journey("two tabs make one subscription, and the second one says so", async (shopper, server) => {
  await shopper.visitShop();
  const second = await shopper.anotherTab();
  await second.visitShop();
  await shopper.subscribe();

  await second.page.locator("#pay").click();
  await second.sees("You are already subscribed");
  await second.screenshot("already-subscribed");
  assert.equal((await second.facts()).Status, "Active");
  assert.equal((await server.objects("subscription")).length, 1);
});

journey("one shopper's subscription is not another's", async (shopper) => {
  await shopper.visitShop();
  await shopper.subscribe();
  await shopper.page.getByRole("button", { name: "bob" }).click();
  await shopper.sees("Choose your plan");
  await shopper.page.getByRole("button", { name: "alice" }).click();
  await shopper.sees("You are subscribed");
});

journey("the whole journey works from the keyboard", async (shopper) => {
  await shopper.visitShop();
  await shopper.page.getByRole("radio", { name: /^Stock photos \$/ }).focus();
  for (const plan of [/for a team/, /free trial/i]) {
    await shopper.page.keyboard.press("ArrowDown");
    await shopper.page.getByRole("radio", { name: plan, checked: true }).waitFor();
  }
  await shopper.waysAreShown();
  for (const next of ["promo-code", "promo-apply", "free-trial-go", "pay"]) {
    await shopper.page.keyboard.press("Tab");
    assert.equal(await focused(shopper), next);
  }
  await shopper.page.keyboard.press("Enter");
  await shopper.onAmazon();
  await shopper.page.locator("#approve").focus();
  await shopper.page.keyboard.press("Enter");
  await shopper.sees("You are subscribed");
  await shopper.isTold("subscribed-title", /You are subscribed/);
});

journey(
  "a phone shows the whole shop without scrolling sideways",
  async (shopper) => {
    await shopper.visitShop();
    await shopper.fits();
    await shopper.screenshot("phone-shop");
    await shopper.pressAmazonPay();
    await shopper.fits();
    await shopper.screenshot("phone-amazon");
    await shopper.answerAmazon("approve");
    await shopper.sees("You are subscribed");
    await shopper.fits();
    await shopper.screenshot("phone-subscribed");
  },
  { view: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark" } },
);

/** @param {import("../harness/journey.mjs").Shopper} shopper */
function focused(shopper) {
  return shopper.page.evaluate("document.activeElement.id");
}
