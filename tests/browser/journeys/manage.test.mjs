import assert from "node:assert/strict";
import { dayIn, journey } from "../harness/journey.mjs";

const DESK = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark" };

/** What was charged, in cents, the first first. */
async function charged(server) {
  const paid = (await server.objects("charge")).filter(({ paid }) => paid);
  return paid.sort((one, other) => one.created - other.created).map(({ amount }) => amount);
}

async function subscription(server) {
  const [only, ...others] = await server.objects("subscription");
  assert.deepEqual(others, []);
  return only;
}

async function looks(shopper, name) {
  await shopper.fits();
  await shopper.screenshot(name);
}

for (const [where, view] of [["desk", DESK], ["phone", PHONE]]) {
  journey(
    `a shopper cancels with two clicks, says why, and takes it back (${where})`,
    async (shopper, server) => {
      const { page } = shopper;
      await shopper.visitShop();
      await shopper.subscribe();
      await shopper.facts();
      await looks(shopper, `mine-${where}`);
      const shop = (await page.title()).replace(/^.* · (Fern)/, "$1");

      await page.getByRole("button", { name: "Cancel subscription" }).click();
      await shopper.isTold("cancel-title", /Cancel your subscription/);
      assert.equal(await page.title(), `Cancel your subscription · ${shop}`);
      const end = dayIn({ months: 1 });
      assert.match(await page.locator("#cancel-text").innerText(), new RegExp(`until ${end}`));
      assert.equal(await page.locator("#cancel-now").isVisible(), false, "what is paid for is kept");
      await looks(shopper, `cancel-${where}`);
      await page.getByRole("button", { name: `End it on ${end}` }).click();

      await shopper.sees(`Your subscription ends on ${end}`);
      await shopper.isTold("subscribed-title", new RegExp(`ends on ${end}`));
      assert.equal(await page.title(), `Your subscription ends on ${end} · ${shop}`);
      assert.equal((await subscription(server)).cancel_at_period_end, true);
      assert.equal((await shopper.facts())["Ends on"], end);
      await looks(shopper, `canceled-${where}`);
      await page.getByLabel("Reason").selectOption("unused");
      await page.getByLabel("In your words").fill("I take my own pictures now.");
      await page.getByRole("button", { name: "Send" }).click();
      await page.locator("#why").waitFor({ state: "hidden" });
      await shopper.announces("Thank you.");
      const { feedback, comment } = (await subscription(server)).cancellation_details;
      assert.deepEqual([feedback, comment], ["unused", "I take my own pictures now."]);

      await page.reload();
      await shopper.sees(`Your subscription ends on ${end}`);
      assert.equal(await page.locator("#why").isVisible(), false, "asked once");
      await page.getByRole("button", { name: "Keep my subscription" }).click();
      await shopper.sees("You are subscribed");
      await shopper.isTold("subscribed-title", /You are subscribed/);
      assert.equal((await subscription(server)).cancel_at_period_end, false);
      assert.equal((await shopper.facts())["Next charge"], `$15.00 on ${end}`);
    },
    { view },
  );

  journey(
    `a shopper sees what a dearer plan costs, and pays that (${where})`,
    async (shopper, server) => {
      const { page } = shopper;
      await shopper.visitShop();
      await shopper.subscribe();
      await server.passDays(10);
      await page.reload();
      await shopper.sees("You are subscribed");
      await page.getByRole("button", { name: "Change plan" }).click();
      await shopper.isTold("change-title", /Change your plan/);
      await page.getByRole("radio", { name: /for a team/ }).check();
      const go = page.locator("#change-go");
      await go.getByText(/^Pay \$\d+\.\d\d and change$/).waitFor();
      const shown = /\$(\d+)\.(\d\d)/.exec(await go.innerText());
      const cents = Number(shown[1] + shown[2]);
      // Twenty or so days of a month are left of the difference of $14.00.
      assert.ok(cents > 800 && cents < 1_100, `${cents} cents`);
      const due = new RegExp(`Due now\\s+\\$${shown[1]}\\.${shown[2]}`);
      assert.match(await page.locator("#change-lines").innerText(), due);
      assert.match(await page.locator("#change-agree").innerText(), new RegExp(`You pay \\$${shown[1]}\\.${shown[2]} now with Amazon Pay.*\\$29\\.00`));
      assert.deepEqual(await charged(server), [1_500], "nothing is charged before it is agreed to");
      await looks(shopper, `change-${where}`);
      await go.click();
      await shopper.sees("Your plan is changed");
      await shopper.isTold("note-title", /\$\d+\.\d\d was charged with Amazon Pay/);
      assert.deepEqual(await charged(server), [1_500, cents], "what was shown, once");
      assert.equal((await shopper.facts()).Plan, "Stock photos for a team");
      await looks(shopper, `changed-${where}`);
    },
    { view },
  );

  journey(
    `a shopper whose renewal was declined pays it with another wallet (${where})`,
    async (shopper, server) => {
      const { page } = shopper;
      await shopper.visitShop();
      await shopper.subscribe();
      const { default_payment_method: amazon } = await subscription(server);
      await server.sandbox("POST", `payment_methods/${amazon}/behavior`, { charge: "decline" });
      await server.passDays(32);
      await shopper.eventuallySees("Your subscription needs another payment method");
      await page.getByText(/^\$15\.00 is due/).waitFor();
      await looks(shopper, `due-${where}`);

      await page.getByRole("button", { name: "Pay now" }).click();
      await shopper.isTold("method-title", /Pay with another method/);
      await page.locator("#method-ways #apple-pay-button").waitFor();
      assert.match(await page.locator("#method-consent").innerText(), /Apple Pay: By continuing, you allow .*15\.00/);
      await looks(shopper, `method-${where}`);
      await page.locator("#method-ways [data-wallet=amazon_pay]").click();
      await shopper.onAmazon();
      await shopper.answerAmazon("decline");
      await shopper.seesProblem("The wallet said no.", "#account-problem");
      assert.equal(page.url(), `${server.shop}/`, "the address is clean");
      assert.deepEqual(await charged(server), [1_500]);
      await looks(shopper, `method-refused-${where}`);

      await page.getByRole("button", { name: "Pay now" }).click();
      await page.locator("#method-ways #apple-pay-button").click();
      await shopper.onSheet();
      await shopper.answerApple("approve");
      await shopper.sees("Your payment method is changed");
      await shopper.sees("You are subscribed");
      await shopper.isTold("note-title", /Whatever was due is paid\. From now on you pay with Apple Pay/);
      assert.deepEqual(await charged(server), [1_500, 1_500], "what was due, once");
      const facts = await shopper.facts();
      assert.deepEqual([facts.Status, facts["Paid with"]], ["Active", "Apple Pay"]);
      await looks(shopper, `repaired-${where}`);
    },
    { view },
  );
}

for (const [where, view] of [["desk", DESK], ["phone", PHONE]]) {
  journey(
    `a team buys three, has five for what is shown, and two from the next period on (${where})`,
    async (shopper, server) => {
      const { page } = shopper;
      await shopper.visitShop();
      assert.equal(await page.locator("#quantity-order").isVisible(), false, "the first plan is sold once");
      await shopper.choose(/for a team/);
      await page.locator("#quantity-order").fill("3");
      await page.locator("#quantity-order").press("Tab");
      await page.locator("#order").getByText("3 × Stock photos for a team").waitFor();
      await page.locator("#consent").getByText(/87\.00 USD every month/).first().waitFor();
      await shopper.announces("3 × Stock photos for a team, $87.00 every month.");
      await looks(shopper, `seats-order-${where}`);
      await shopper.subscribe();
      assert.deepEqual(await charged(server), [8_700]);
      assert.equal((await shopper.facts()).Quantity, "3");

      await page.getByRole("button", { name: "Change how many" }).click();
      await shopper.isTold("quantity-title", /How many you have/);
      const field = page.locator("#quantity-number");
      assert.equal(await field.inputValue(), "3");
      const go = page.locator("#quantity-go");
      assert.equal(await go.isVisible(), false, "nothing else is asked for");
      await field.fill("99");
      await field.press("Tab");
      assert.equal(await field.inputValue(), "50", "no more are sold");
      await field.fill("5");
      await field.press("Tab");
      await go.getByText(/^Pay \$5\d\.\d\d and change$/).waitFor();
      assert.match(await page.locator("#quantity-agree").innerText(), /\$145\.00/);
      await looks(shopper, `seats-${where}`);
      await go.click();
      await shopper.sees("Your plan is changed");
      assert.equal((await shopper.facts()).Quantity, "5");

      await page.getByRole("button", { name: "Change how many" }).click();
      await field.fill("2");
      await field.press("Tab");
      await go.getByText(/^Change on /).waitFor();
      await go.click();
      await page.getByText(/^From .* you have 2 × Stock photos for a team, for \$58\.00 every month/).waitFor();
      assert.equal((await shopper.facts()).Quantity, "5", "they are paid for");
      await looks(shopper, `seats-pending-${where}`);
      assert.equal((await charged(server)).length, 2);
    },
    { view },
  );

  journey(
    `a team buys an add-on, has more of it for what is shown, and none from the next period on (${where})`,
    async (shopper, server) => {
      const { page } = shopper;
      await shopper.visitShop();
      assert.equal(await page.locator("#addons-order").isVisible(), false, "the first plan has none");
      await shopper.choose(/for a team/);
      const wanted = page.locator("#addons-order-extra-storage");
      await wanted.fill("1");
      await wanted.press("Tab");
      await page.locator("#order").getByText("Stock photos for a team + Extra storage").waitFor();
      await page.locator("#consent").getByText(/34\.00 USD every month/).first().waitFor();
      await shopper.announces("Stock photos for a team + Extra storage, $34.00 every month.");
      await looks(shopper, `addons-order-${where}`);
      await shopper.subscribe();
      assert.deepEqual(await charged(server), [3_400]);
      const facts = await shopper.facts();
      assert.deepEqual([facts["Add-ons"], facts.Price], ["1 × Extra storage", "$34.00 every month"]);

      await page.getByRole("button", { name: "Change add-ons" }).click();
      await shopper.isTold("addons-title", /Your add-ons/);
      const field = page.locator("#addons-numbers-extra-storage");
      assert.equal(await field.inputValue(), "1");
      const go = page.locator("#addons-go");
      assert.equal(await go.isVisible(), false, "nothing else is asked for");
      await field.fill("99");
      await field.press("Tab");
      assert.equal(await field.inputValue(), "10", "no more are sold");
      await field.fill("3");
      await field.press("Tab");
      await go.getByText(/^Pay \$(10\.00|9\.9\d) and change$/).waitFor();
      assert.match(await page.locator("#addons-agree").innerText(), /\$44\.00/);
      await looks(shopper, `addons-${where}`);
      await go.click();
      await shopper.sees("Your plan is changed");
      assert.equal((await shopper.facts())["Add-ons"], "3 × Extra storage");

      await page.getByRole("button", { name: "Change add-ons" }).click();
      await field.fill("0");
      await field.press("Tab");
      await go.getByText(/^Change on /).waitFor();
      await page.locator("#addons-lines").getByText("Ends with it").waitFor();
      await go.click();
      await page.getByText(/^From .* you have Stock photos for a team, for \$29\.00 every month/).waitFor();
      assert.equal((await shopper.facts())["Add-ons"], "3 × Extra storage", "they are paid for");
      assert.equal((await charged(server)).length, 2);
    },
    { view },
  );

  journey(
    `a cheaper plan waits for the end of the period, and is taken back (${where})`,
    async (shopper, server) => {
      const { page } = shopper;
      await shopper.visitShop();
      await shopper.choose(/for a team/);
      await shopper.subscribe();
      await page.getByRole("button", { name: "Change plan" }).click();
      await page.getByRole("radio", { name: /^Stock photos \$/ }).check();
      const go = page.locator("#change-go");
      await go.getByText(/^Change on /).waitFor();
      assert.match(await page.locator("#change-lines").innerText(), /Due now\s+\$0\.00/);
      assert.match(await page.locator("#change-agree").innerText(), /Nothing to pay now\. You keep your plan until .* then you pay \$15\.00/);
      await looks(shopper, `cheaper-${where}`);
      await go.click();
      await shopper.isTold("note-title", /Your plan changes on .*Then you have Stock photos/);
      await page.getByText(/^From .* you have Stock photos, for \$15\.00 every month/).waitFor();
      assert.equal((await shopper.facts()).Plan, "Stock photos for a team");
      await looks(shopper, `pending-${where}`);
      await page.getByRole("button", { name: "Keep my present plan" }).click();
      await page.locator("#pending").waitFor({ state: "hidden" });
      await shopper.isTold("subscribed-title", /You are subscribed/);
      assert.deepEqual(await charged(server), [2_900]);
      await server.passDays(32);
      await shopper.eventuallySees("You are subscribed");
      assert.deepEqual(await charged(server), [2_900, 2_900], "it renews as it was");
    },
    { view },
  );
}

journey("what a shopper wanted and does not get is said in words, and nothing is charged", async (shopper, server) => {
  const { page } = shopper;
  await shopper.visitShop();
  await shopper.subscribe();
  const { default_payment_method: amazon } = await subscription(server);
  await server.sandbox("POST", `payment_methods/${amazon}/behavior`, { charge: "decline" });
  const agree = async () => {
    await page.getByRole("button", { name: "Change plan" }).click();
    await page.getByRole("radio", { name: /for a team/ }).check();
    await page.locator("#change-go").getByText(/^Pay /).click();
  };
  await agree();
  await shopper.seesProblem("The difference could not be charged.", "#account-problem");
  await shopper.isTold("account-problem-title", /So you keep your plan/);
  assert.equal((await shopper.facts()).Plan, "Stock photos");
  await looks(shopper, "change-declined");

  await shopper.context.route(/\/change$/, (route) => route.fulfill({ status: 409, json: { error: { code: "preview_outdated", message: "For the developer." } } }));
  await agree();
  await shopper.seesProblem("The amount has changed.", "#account-problem");
  await page.locator("#change-go").getByText(/^Pay /).waitFor();
  assert.deepEqual(await charged(server), [1_500]);
});

journey("another payment method at Amazon's page comes back to the subscription", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.subscribe();
  const before = (await subscription(server)).default_payment_method;
  await shopper.page.getByRole("button", { name: "Change payment method" }).click();
  await shopper.page.locator("#method-ways [data-wallet=amazon_pay]").click();
  await shopper.onAmazon();
  await shopper.answerAmazon("approve");
  await shopper.sees("Your payment method is changed");
  await shopper.isTold("note-title", /From now on you pay with Amazon Pay/);
  assert.equal(shopper.page.url(), `${server.shop}/`, "the address is clean");
  assert.notEqual((await subscription(server)).default_payment_method, before);
  assert.deepEqual(await charged(server), [1_500]);
});

journey("another group's plan is bought beside what the shopper has", async (shopper, server) => {
  const { page } = shopper;
  await shopper.visitShop();
  await shopper.subscribe();
  await page.getByRole("button", { name: "See what else there is" }).click();
  await shopper.sees("Choose your plan");
  assert.deepEqual(await page.locator("#plan-list .plan-name").allInnerTexts(), ["Video clips", "Wallpapers"]);
  await page.locator('input[value="wallpapers-monthly"]').check({ force: true });
  await shopper.waysAreShown();
  await looks(shopper, "beside");
  await shopper.pressAmazonPay();
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await shopper.facts()).Plan, "Wallpapers");
  await looks(shopper, "two");
  await page.locator("#owned").getByRole("button", { name: "Stock photos" }).click();
  await page.locator("#facts").getByText("$15.00 every month").waitFor();
  assert.equal((await shopper.facts()).Plan, "Stock photos");
  assert.deepEqual(await charged(server), [1_500, 400]);
});

journey("managing works from the keyboard", async (shopper, server) => {
  const { page } = shopper;
  await shopper.visitShop();
  await shopper.subscribe();
  await page.locator("#cancel-open").focus();
  await page.keyboard.press("Enter");
  await shopper.isTold("cancel-title", /Cancel/);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.id"), "cancel-period_end");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.id"), "cancel-close");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate("document.activeElement.id"), "cancel-open", "the focus is back where it was");
  assert.equal((await subscription(server)).cancel_at_period_end, false);
});
