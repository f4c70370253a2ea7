import assert from "node:assert/strict";
import { dayIn, journey, Shopper } from "../harness/journey.mjs";
import { askAsShop } from "../harness/shop_server.mjs";

const VIEWS = [
  ["phone-dark", { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark" }],
  ["desk-light", { viewport: { width: 1280, height: 900 } }],
];

/** A subscription of alice's, and the link of a kind that the shop's server gets for her mail. */
async function linkOf(shopper, server, kind) {
  const [subscription] = await server.objects("subscription");
  const asked = await askAsShop(server, "POST", `/shop/subscriptions/${subscription.id}/links`, { user: "alice", kind });
  assert.equal(asked.status, 200, JSON.stringify(asked.body));
  return asked.body.url;
}

async function endOf(server) {
  const [subscription] = await server.objects("subscription");
  return subscription.cancel_at_period_end;
}

/** The renewal is declined, which Amazon Pay never tries again. */
async function fallBehind(server) {
  const [{ default_payment_method: amazon }] = await server.objects("subscription");
  await server.sandbox("POST", `payment_methods/${amazon}/behavior`, { charge: "decline" });
  await server.passDays(32);
}

/** The link of the event about it, as the shop's program gets it. */
async function linkOfEvent(server) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await fetch(`${server.shop}/dev/events`, { headers: { authorization: `Bearer ${server.addresses.key}` } });
    const { events } = await answer.json();
    const event = events.find(({ type }) => type === "subscription.payment_method_required");
    if (event) return event.data.links.repair;
    assert.ok(Date.now() < deadline, "the event never came");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

for (const [where, view] of VIEWS) {
  journey(`a mail's link cancels and takes it back, signed in nowhere (${where})`, async (shopper, server) => {
    await shopper.visitShop();
    await shopper.subscribe();
    const link = await linkOf(shopper, server, "cancel");
    const reader = await Shopper.arrive(server, view);
    const { page } = reader;
    await page.goto(link);
    await reader.sees("Cancel your subscription");
    const written = new Date(`${dayIn({ months: 1 })} UTC`).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
    assert.match(await page.locator("dl").innerText(), new RegExp(`Ends\\s+${written}`));
    assert.equal(await page.locator("button").count(), 1);
    await reader.fits();
    await reader.screenshot(`mail-cancel-${where}`);
    assert.equal(await endOf(server), false, "opening it changes nothing");
    await page.getByRole("button", { name: "Cancel now" }).click();
    await reader.sees("Your cancellation is confirmed");
    assert.match(await page.locator("dl").innerText(), /Received\s+\d/);
    assert.equal(await endOf(server), true);
    await reader.fits();
    await reader.screenshot(`mail-canceled-${where}`);
    await page.goto(link);
    await reader.sees("Your cancellation is confirmed");
    await page.getByRole("button", { name: "Take the cancellation back" }).click();
    await reader.sees("The cancellation is taken back");
    assert.equal(await endOf(server), false);
    await page.getByRole("link", { name: "Back to the shop" }).click();
    await page.waitForURL(`${server.shop}/**`);
    assert.deepEqual(reader.complaints, []);
    await reader.leave();
  });
}

journey("the page to cancel works without a script, from the keyboard, and in German", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.subscribe();
  const link = await linkOf(shopper, server, "cancel");
  const reader = await Shopper.arrive(server, { javaScriptEnabled: false, locale: "de-AT" });
  await reader.page.goto(link);
  await reader.sees("Abonnement kündigen");
  await reader.page.keyboard.press("Tab");
  await reader.page.keyboard.press("Enter");
  await reader.sees("Ihre Kündigung ist bestätigt");
  assert.equal(await endOf(server), true);
  await reader.page.goto(`${link}x`);
  await reader.sees("Dieser Link ist nicht gültig");
  await reader.leave();
});

journey("the link of a failed payment leads to a page that pays it, signed in nowhere", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.subscribe();
  await fallBehind(server);
  const link = await linkOfEvent(server);
  const reader = await Shopper.arrive(server);
  // This browser has no key of the developer's, so nobody could be signed in.
  await reader.context.addInitScript(() => localStorage.removeItem("perennial-dev-key"));
  const { page } = reader;
  await page.goto(link);
  await reader.isTold("repair-title", /A payment did not go through/);
  assert.equal(page.url(), `${server.shop}/`, "the link stays out of the address");
  assert.match(await page.locator("#repair-facts").innerText(), /\$15\.00/);
  await page.locator("#repair-ways #apple-pay-button").waitFor();
  assert.match(await page.locator("#repair-consent").innerText(), /Amazon Pay/);
  await reader.fits();
  await reader.screenshot("repair");

  await page.locator("#repair-ways [data-wallet=amazon_pay]").click();
  await reader.onAmazon();
  await reader.answerAmazon("decline");
  await reader.seesProblem("The wallet said no.", "#repair-problem");
  await page.locator("#repair-ways [data-wallet=amazon_pay]").click();
  await reader.onAmazon();
  await reader.answerAmazon("approve");
  await reader.sees("Thank you. It is paid.");
  await reader.isTold("repair-title", /What was open is paid/);
  assert.equal(page.url(), `${server.shop}/`, "the address is clean");
  await reader.screenshot("repaired");
  const charges = (await server.objects("charge")).filter(({ paid }) => paid);
  assert.equal(charges.length, 2, "the first one, and what was open");
  assert.equal((await server.objects("subscription"))[0].status, "active");

  await page.goto(link);
  await reader.sees("There is nothing left to pay.");
  await page.goto(`${server.shop}/?repair=made-up`);
  await reader.seesProblem("This link does not work any more.", "#repair-problem");
  await reader.isTold("repair-problem-title", /ask the shop/);
  assert.deepEqual(reader.calls.filter((call) => call.includes("/dev/token")), [], "no token was asked for");
  assert.deepEqual(reader.complaints, []);
  await reader.leave();
});

journey("Apple's sheet pays a failed payment by its link", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.subscribe();
  await fallBehind(server);
  const link = await linkOfEvent(server);
  const reader = await Shopper.arrive(server);
  await reader.page.goto(link);
  await reader.page.locator("#repair-ways #apple-pay-button").click();
  const { management } = await reader.onSheet();
  assert.equal(management, `${server.shop}/`, "the link is no way into the portal");
  await reader.answerApple("approve");
  await reader.sees("Thank you. It is paid.");
  assert.equal((await server.objects("subscription"))[0].status, "active");
  assert.deepEqual(reader.complaints, []);
  await reader.leave();
});
