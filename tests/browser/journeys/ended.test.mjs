import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

/** What was charged and what went back, in cents. */
async function money(server) {
  const charges = (await server.objects("charge")).filter(({ paid }) => paid);
  const sum = (of) => charges.reduce((all, charge) => all + of(charge), 0);
  return { charged: sum(({ amount }) => amount), refunded: sum(({ amount_refunded }) => amount_refunded) };
}

async function live(server) {
  return (await server.objects("subscription")).filter(({ status }) => status === "active");
}

/** Subscribes for a year, and lets some of it pass. */
async function subscribeForAYear(shopper, server) {
  await shopper.visitShop();
  await shopper.page.getByRole("radio", { name: /for a year/ }).check();
  await shopper.subscribe();
  await server.passDays(30);
  await shopper.page.reload();
  await shopper.sees("You are subscribed");
}

/** Ends it for the amount that the button says, in cents. */
async function endNow(shopper) {
  const { page } = shopper;
  await page.getByRole("button", { name: "Cancel subscription" }).click();
  await shopper.isTold("cancel-title", /Cancel your subscription/);
  const go = page.locator("#cancel-now");
  await go.getByText(/^End it now, and get \$\d+\.\d\d back$/).waitFor();
  const [, dollars, cents] = /\$(\d+)\.(\d\d)/.exec(await go.innerText());
  assert.match(await page.locator("#cancel-refund").innerText(), new RegExp(`\\$${dollars}\\.${cents} goes back to Amazon Pay`));
  await shopper.fits();
  await shopper.screenshot("end-now");
  await go.click();
  await page.getByText("Your subscription has ended.", { exact: true }).waitFor();
  return Number(dollars + cents);
}

journey("a shopper ends a year that is paid for, and gets the rest back", async (shopper, server) => {
  await subscribeForAYear(shopper, server);
  const shown = await endNow(shopper);
  assert.ok(shown > 13_000 && shown < 14_500, `${shown} cents of 150 dollars`);
  assert.deepEqual(await money(server), { charged: 15_000, refunded: shown });
  assert.deepEqual(await live(server), []);
});

journey("a shopper comes again, without the wallet's page", async (shopper, server) => {
  const { page } = shopper;
  await subscribeForAYear(shopper, server);
  await endNow(shopper);
  await page.reload();
  await page.locator("#plan-list input[value=stock-photos-monthly]").check();
  const go = page.locator("#again-go");
  await go.getByText("Subscribe again for $15.00", { exact: true }).waitFor();
  assert.match(await page.locator("#again-text").innerText(), /\$15\.00 now, and then \$15\.00 every month/);
  await shopper.fits();
  await shopper.screenshot("come-again");
  await go.click();
  await shopper.sees("You are subscribed");
  const [mine, ...others] = await live(server);
  assert.deepEqual(others, []);
  assert.equal(mine.items.data[0].price.unit_amount, 1500);
  assert.equal((await money(server)).charged, 16_500);
});
