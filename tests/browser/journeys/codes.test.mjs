import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

const PHONE = { view: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } };

/** Types a code in and presses Enter, as a shopper with a keyboard does. */
async function type(shopper, code) {
  await shopper.page.getByLabel("Promotion code").last().fill(code);
  await shopper.page.locator("#promo-code").press("Enter");
}

/** Waits until it is said beside the field, which is a live region. */
async function isSaid(shopper, words) {
  await shopper.page.locator("#promo-note", { hasText: words }).waitFor();
}

const order = (shopper) => shopper.page.locator("#order").innerText();

async function hasOrder(shopper, words) {
  await shopper.page.locator("#order", { hasText: words }).waitFor();
}

journey(
  "a code is typed in, shown everywhere before the click, and charged as shown",
  async (shopper, server) => {
    await shopper.visitShop();
    await shopper.waysAreShown();
    await type(shopper, "nobodys");
    await isSaid(shopper, /do not know this code/);
    assert.equal(await shopper.page.locator("#promo-code").getAttribute("aria-invalid"), "true");
    assert.match(await order(shopper), /Due today\s+\$15\.00/);

    await type(shopper, "welcome20");
    await isSaid(shopper, /you pay \$12\.00 for each of the first 3 payments, and \$15\.00 after that/);
    await hasOrder(shopper, "$12.00");
    assert.match(await order(shopper), /Due today\s+\$12\.00/);
    await shopper.waysAreShown();
    assert.match(await shopper.page.locator("#consent").innerText(), /12\.00 USD every month for the first 3 payments, then 15\.00 USD every month/);
    assert.equal(await shopper.page.evaluate(() => document.activeElement?.id), "promo-remove");
    await shopper.isAccessible("an order with a code");
    await shopper.fits();
    await shopper.screenshot("code-applied");

    await shopper.pressAmazonPay();
    await shopper.onAmazon();
    await shopper.answerAmazon("approve");
    await shopper.sees("You are subscribed");
    const [charge] = await server.objects("charge");
    assert.equal(charge.amount, 1200);
  },
  PHONE,
);

journey("Apple's sheet has the discounted price, and a code that is free for once needs no payment", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.waysAreShown();
  await type(shopper, "FIRSTFREE");
  await isSaid(shopper, /you pay \$0\.00 for the first payment, and \$15\.00 after that/);
  await shopper.waysAreShown();
  await shopper.pressApplePay();
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await server.objects("charge")).length, 0);
  const [subscription] = await server.objects("subscription");
  assert.equal(subscription.status, "active");
  // The code was for that order, and not for the next one.
  await shopper.page.getByRole("button", { name: "See what else there is" }).click();
  await shopper.sees("Choose your plan");
  assert.equal(await shopper.page.locator("#promo-applied").isVisible(), false);
  assert.equal(await shopper.page.locator("#promo-note").innerText(), "");
});

journey("a code is taken away again, and ends between check and click without a charge", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.waysAreShown();
  await type(shopper, "WELCOME20");
  await hasOrder(shopper, "$12.00");
  await shopper.page.getByRole("button", { name: "Remove" }).click();
  await hasOrder(shopper, "$15.00");
  assert.doesNotMatch(await order(shopper), /12\.00/);

  await type(shopper, "WELCOME20");
  await hasOrder(shopper, "$12.00");
  await shopper.waysAreShown();
  const codes = await server.objects("promotion_code");
  const welcome = codes.find(({ code }) => code === "WELCOME20");
  await server.stripe("POST", `promotion_codes/${welcome.id}`, { active: "false" });
  await shopper.page.locator("#pay").click();
  await isSaid(shopper, /no longer valid/);
  await shopper.seesProblem("Your code could not be used.");
  await hasOrder(shopper, "$15.00");
  assert.equal((await server.objects("setup_intent")).length, 0);
});
