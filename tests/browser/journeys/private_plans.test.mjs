import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";
import { askAsShop } from "../harness/shop_server.mjs";

const PARTNER = "wallpapers-partner";
const PHONE = { view: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark" } };

async function offer(server, user, offered) {
  const { status } = await askAsShop(server, "POST", "/shop/users/offer", { user, plan: PARTNER, offered });
  assert.equal(status, 200);
}

const plans = (shopper) => shopper.page.locator("#plan-list .plan-name").allInnerTexts();
const isOffered = (shopper) => shopper.page.locator(`#plan-list input[value="${PARTNER}"]`).waitFor({ state: "attached" });

async function choose(shopper, plan) {
  await shopper.page.locator(`#plan-list input[value="${plan}"]`).check({ force: true });
  await shopper.waysAreShown();
}

async function charged(server) {
  return (await server.objects("charge")).filter(({ paid }) => paid).map(({ amount }) => amount).sort((one, other) => one - other);
}

journey(
  "a private plan is shown to whom it is offered, bought with Amazon Pay, and goes on without the offer",
  async (shopper, server) => {
    const { page } = shopper;
    await offer(server, "alice", true);
    await shopper.visitShop();
    await isOffered(shopper);
    const card = page.locator(".plan", { hasText: "Wallpapers for partners" });
    assert.match(await card.innerText(), /Offered to you\s+\$3\.00 every month/);
    await shopper.fits();
    await page.locator('[data-user="bob"]').click();
    await shopper.waysAreShown();
    assert.equal((await plans(shopper)).includes("Wallpapers for partners"), false, "it is for alice alone");
    await page.locator('[data-user="alice"]').click();
    await isOffered(shopper);
    await choose(shopper, PARTNER);
    assert.match(await page.locator("#order").innerText(), /Wallpapers for partners\s+\$3\.00 every month[^]*Due today\s+\$3\.00/);
    assert.match(await page.locator("#consent").innerText(), /3\.00 USD every month/);
    await shopper.screenshot("private-plan");
    await shopper.subscribe();
    assert.deepEqual(await charged(server), [300]);
    assert.equal((await shopper.facts()).Plan, "Wallpapers for partners");

    await page.goto(`${server.shop}/operator?user=alice`);
    await page.locator("#facts", { hasText: "Private plans offered" }).waitFor();
    assert.match(await page.locator("#facts").innerText(), /Private plans offered\s+wallpapers-partner/);

    // The offer is taken back: what there is goes on, and may be left for another plan.
    await offer(server, "alice", false);
    await shopper.visitShop();
    const facts = await shopper.facts();
    assert.deepEqual([facts.Plan, facts.Price], ["Wallpapers for partners", "$3.00 every month"]);
    await page.getByRole("button", { name: "See what else there is" }).click();
    await shopper.sees("Choose your plan");
    assert.equal((await plans(shopper)).some((name) => name.startsWith("Wallpapers")), false, "nothing of its group is sold twice");
    await page.getByRole("button", { name: "Back to my subscription" }).click();
    await page.getByRole("button", { name: "Change payment method" }).click();
    await page.locator("#method-ways #apple-pay-button").waitFor();
    assert.match(await page.locator("#method-consent").innerText(), /3\.00 USD every month/);
    await page.getByRole("button", { name: "Change plan" }).click();
    await page.locator("#change-go").getByText(/^Pay \$(1\.00|0\.99) and change$/).waitFor();
    assert.deepEqual(await page.locator("#change-list .plan-name").allInnerTexts(), ["Wallpapers"]);
  },
  PHONE,
);

journey("a private plan is bought in Apple's sheet, and changed to while it is offered", async (shopper, server) => {
  const { page } = shopper;
  await shopper.visitShop();
  await choose(shopper, "wallpapers-monthly");
  await shopper.subscribe();
  await shopper.facts();
  assert.equal(await page.getByRole("button", { name: "Change plan" }).isVisible(), false, "there is no other plan for everybody");
  await offer(server, "alice", true);
  await shopper.visitShop();
  const change = page.getByRole("button", { name: "Change plan" });
  await change.click();
  await page.locator("#change-go").getByText(/^Change on /).waitFor();
  assert.match(await page.locator("#change-list").innerText(), /Wallpapers for partners\s+Offered to you/);
  assert.match(await page.locator("#change-agree").innerText(), /then you pay \$3\.00 on .*, and after that \$3\.00 every month/);
  await shopper.screenshot("private-plan-change");
  // Taken back between the look and the click: nothing is done, and it is not shown again.
  await offer(server, "alice", false);
  await page.locator("#change-go").click();
  await shopper.seesProblem("This plan is no longer offered to you.", "#account-problem");
  await shopper.isTold("account-problem-title", /no longer offered/);
  await change.waitFor({ state: "hidden" });

  await offer(server, "alice", true);
  await shopper.visitShop();
  await change.click();
  await page.locator("#change-go").getByText(/^Change on /).click();
  await shopper.isTold("note-title", /Then you have Wallpapers for partners/);
  assert.deepEqual(await charged(server), [400]);

  await offer(server, "bob", true);
  await page.locator('[data-user="bob"]').click();
  await isOffered(shopper);
  await choose(shopper, PARTNER);
  // The same between the look and the click of a checkout.
  await offer(server, "bob", false);
  await page.locator("#pay").click();
  await shopper.seesProblem("This plan is no longer offered to you.");
  assert.equal((await plans(shopper)).includes("Wallpapers for partners"), false);
  await offer(server, "bob", true);
  await shopper.visitShop();
  await isOffered(shopper);
  await choose(shopper, PARTNER);
  const { lines } = await shopper.pressApplePay();
  assert.match(lines.join(), /3\.00/);
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await shopper.facts()).Plan, "Wallpapers for partners");
  assert.deepEqual(await charged(server), [300, 400]);
});
