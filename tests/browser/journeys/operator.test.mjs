import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

const visit = async (shopper, query = "") => {
  await shopper.page.goto(`${shopper.server.shop}/operator${query}`);
  await shopper.page.locator("#who, #problem").locator("visible=true").first().waitFor();
};
const titles = (shopper) => shopper.page.locator("#timeline strong").allInnerTexts();

/** Looks until the story has it: what happened a second ago may be missing. */
const eventually = async (shopper, text) => {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await titles(shopper)).some((title) => title.includes(text))) return;
    await shopper.page.waitForTimeout(250);
    await shopper.page.getByRole("button", { name: "Look" }).click();
  }
  assert.fail(`no ${text} in ${await titles(shopper)}`);
};

journey("the shop's people see what happened to a subscriber, and why", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.subscribe();
  await visit(shopper);
  await eventually(shopper, "subscription.activated");
  const { page } = shopper;
  assert.equal(await page.locator("#who").innerText(), "alice");
  const facts = await page.locator("#facts").innerText();
  assert.match(facts, /cus_/);
  assert.match(facts, /Entitled to stock-photos\s+Yes until .*because: active/);
  const [subscription] = await server.objects("subscription");
  const card = page.locator(".kept");
  assert.match(await card.innerText(), /stock-photos-monthly\s+Active/);
  assert.ok((await card.innerText()).includes(subscription.id));
  await card.getByText("What may be done").click();
  assert.match(await card.innerText(), /resume: no, not paused/);
  const all = await titles(shopper);
  assert.ok(all.some((title) => title === "Checkout of stock-photos-monthly with Amazon Pay: subscribed"), all.join());
  await eventually(shopper, "Stripe: invoice.paid");

  await server.stripe("POST", `subscriptions/${subscription.id}`, { cancel_at_period_end: "true" });
  await eventually(shopper, "subscription.cancellation_scheduled");
  assert.match(await page.locator(".kept").innerText(), /Why\s+ends with its period; canceled on/);

  await page.getByRole("radio", { name: "Payments" }).check();
  const payments = await titles(shopper);
  assert.ok(payments.length > 0 && payments.every((title) => /^Stripe: (charge|invoice|payment_intent)\./.test(title)), payments.join());
  await page.waitForFunction((count) => document.querySelector("#announcement").textContent === `${count} entries in the timeline.`, payments.length);
  await page.getByRole("radio", { name: "Told to your application" }).check();
  assert.ok((await titles(shopper)).every((title) => title.startsWith("Your application was told ")));
});

journey("the page is used with the keyboard alone, and says what came up", async (shopper) => {
  await shopper.visitShop();
  await shopper.subscribe();
  await visit(shopper, "?user=alice");
  const { page } = shopper;
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the user");
  await page.locator("#user").focus();
  await page.locator("#user").fill("nobody at all");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#announcement").textContent.startsWith("nobody at all: 0 subscriptions, 0 entries"));
  assert.ok(await page.getByText("None, and none that has ended.").isVisible());
  assert.equal(new URL(page.url()).searchParams.get("user"), "nobody at all");
  await page.locator("#kinds input").first().focus();
  await page.keyboard.press("ArrowRight");
  assert.ok(await page.getByRole("radio", { name: "Checkouts" }).isChecked());
  await page.locator("#user").fill("ärger");
  await page.keyboard.press("Enter");
  await page.getByText("Nothing can be shown.").waitFor();
  assert.match(await page.locator("#problem").innerText(), /printable ASCII/);
});

journey("who has not the key sees nothing of a user", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.subscribe();
  await shopper.context.addInitScript(() => localStorage.removeItem("perennial-dev-key"));
  await visit(shopper);
  assert.match(await shopper.page.locator("#problem").innerText(), /address that `cargo dev` prints/);
  assert.equal(await shopper.page.locator("#story").isVisible(), false);
  const answer = await fetch(`${server.shop}/dev/user?user=alice`);
  assert.equal(answer.status, 401);
});

for (const width of [360, 1280]) {
  for (const colorScheme of ["light", "dark"]) {
    journey(
      `the operator's page fits at ${width} px, ${colorScheme}, with text at 200% too`,
      async (shopper, server) => {
        await shopper.visitShop();
        await shopper.subscribe();
        await visit(shopper);
        await eventually(shopper, "Stripe: invoice.paid");
        await shopper.page.getByText("What may be done").click();
        await shopper.fits();
        await shopper.screenshot(`operator-${width}-${colorScheme}`);
        const method = (await server.objects("subscription"))[0].default_payment_method;
        await server.stripe("POST", `payment_methods/${method}/detach`);
        await eventually(shopper, "subscription.payment_method_required");
        assert.match(await shopper.page.locator(".kept").innerText(), /payment method required: method detached/);
        await shopper.screenshot(`operator-${width}-${colorScheme}-ill`);
        await shopper.page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
        await shopper.fits();
        await shopper.screenshot(`operator-${width}-${colorScheme}-large`);
        await shopper.page.locator("#user").fill("nobody");
        await shopper.page.getByRole("button", { name: "Look" }).click();
        await shopper.page.getByText("None, and none that has ended.").waitFor();
        await shopper.screenshot(`operator-${width}-${colorScheme}-nobody`);
      },
      { view: { viewport: { width, height: 800 }, colorScheme } },
    );
  }
}
