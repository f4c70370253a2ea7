import assert from "node:assert/strict";
import { dayIn, journey } from "../harness/journey.mjs";

journey("a shopper approves in Apple's sheet and is subscribed without leaving the page", async (shopper, server) => {
  await shopper.visitShop();
  const before = shopper.calls.length;
  const sheet = await shopper.pressApplePay();
  assert.deepEqual(shopper.calls.slice(before), [], "nothing may be fetched between the click and the sheet");
  assert.match(sheet.lines.join(), /^Stock photos\s+\$15\.00 every month/);
  assert.equal(sheet.due, "$15.00");
  assert.match(sheet.agreement, /15\.00.* every month/);
  assert.ok((await shopper.page.locator("#consent").innerText()).includes(sheet.agreement), "the page and the sheet say the same");
  assert.ok(sheet.management.includes("/manage?link="), sheet.management);
  await shopper.screenshot("apple-sheet", { fullPage: false });
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  await shopper.isTold("subscribed-title", /You are subscribed/);
  await shopper.screenshot("apple-subscribed");

  const [subscription, ...others] = await server.objects("subscription");
  assert.deepEqual(others, []);
  assert.equal(subscription.status, "active");
  assert.deepEqual(await shopper.facts(), {
    Plan: "Stock photos",
    Price: "$15.00 every month",
    Status: "Active",
    "Paid with": "Apple Pay",
    Card: "Visa ending in 4242",
    "Next charge": `$15.00 on ${dayIn({ months: 1 })}`,
    Reference: subscription.id,
  });
  assert.match(await shopper.page.locator("#subscribed-text").innerText(), /^Subscribed with Apple Pay\./);
  const wallet = (await server.objects("payment_method")).find(({ id }) => id === subscription.default_payment_method);
  assert.equal(wallet?.card?.wallet?.type, "apple_pay", "the wallet is saved on the subscription");
  assert.deepEqual(shopper.calls.filter((call) => call.endsWith("/confirm") && call.startsWith("GET")), [], "there is no redirect");
  await shopper.page.locator("#manage").waitFor();
  assert.ok((await shopper.page.locator("#manage").getAttribute("href"))?.includes("/manage?link="));
  await shopper.page.reload();
  await shopper.sees("You are subscribed");
});

journey("a free trial with Apple Pay charges nothing, and spends the cryptogram at once", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.choose(/free trial/i);
  const sheet = await shopper.pressApplePay();
  assert.equal(sheet.due, "$0.00");
  assert.equal(sheet.lines.length, 2, sheet.lines.join());
  assert.match(sheet.lines[0], new RegExp(`\\$0\\.00.*until ${dayIn({ days: 14 })}`, "s"));
  assert.match(sheet.lines[1], new RegExp(`\\$15\\.00 every month.*from ${dayIn({ days: 14 })}`, "s"));
  await shopper.screenshot("apple-trial", { fullPage: false });
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  const facts = await shopper.facts();
  assert.equal(facts.Status, "Free trial");
  assert.equal(facts["Trial ends"], dayIn({ days: 14 }));
  assert.deepEqual((await server.objects("charge")).map(({ amount }) => amount), []);
  const [subscription] = await server.objects("subscription");
  const setup = (await server.objects("setup_intent")).find(({ status }) => status === "succeeded");
  assert.equal(setup?.payment_method, subscription.default_payment_method, "the trial's own setup was confirmed");
});

for (const [plan, status] of [
  [/^Stock photos \$/, "Active"],
  [/free trial/i, "Free trial"],
]) {
  journey(`with the setup first Apple Pay leads to "${status}" too`, async (shopper, server) => {
    await shopper.visitShop();
    await shopper.choose(plan);
    await shopper.beginWith("setup_intent");
    const sheet = await shopper.pressApplePay();
    assert.equal(sheet.due, "Amount pending");
    await shopper.answerApple("approve");
    await shopper.sees("You are subscribed");
    assert.equal((await shopper.facts()).Status, status);
    assert.equal(shopper.calls.filter((call) => call === "POST /client-secret").length, 1);
    assert.equal((await server.objects("subscription")).length, 1);
  });
}

journey("closing Apple's sheet costs nothing, and the next click opens it again", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.pressApplePay();
  await shopper.answerApple("cancel");
  await shopper.pressApplePay();
  await shopper.page.keyboard.press("Escape");
  await shopper.sheetIsGone();
  assert.deepEqual(shopper.calls.filter((call) => /^POST \/(subscriptions|client-secret)/.test(call)), []);
  assert.deepEqual(await server.objects("subscription"), []);
  await shopper.pressApplePay();
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
});

for (const first of ["subscription", "setup_intent"]) {
  journey(`a card that is declined in the sheet is explained, and another one is taken (${first} first)`, async (shopper, server) => {
    await shopper.visitShop();
    await shopper.beginWith(first);
    await shopper.pressApplePay();
    await shopper.answerApple("decline");
    for (let times = 0; times < 2; times += 1) {
      const problem = await shopper.seesProblem("The card was declined.");
      assert.match(problem, /Nothing was charged/);
      // The same words are said again, each time.
      await shopper.isTold("problem-title", /The card was declined\. Nothing was charged/);
      if (times > 0) break;
      await shopper.pressApplePay();
      await shopper.answerApple("decline");
    }
    if (first === "subscription") await shopper.screenshot("apple-declined");
    assert.deepEqual((await server.objects("charge")).filter(({ paid }) => paid), []);

    await shopper.pressApplePay();
    await shopper.answerApple("approve");
    await shopper.sees("You are subscribed");
    assert.equal((await server.objects("subscription")).length, 1, "the first try is gone on with, not doubled");
    assert.deepEqual((await server.objects("charge")).filter(({ paid }) => paid).map(({ amount }) => amount), [1500]);
  });
}

journey("a double click opens one sheet and makes one subscription", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.page.locator("#apple-pay-button").dblclick();
  await shopper.onSheet();
  assert.equal(await shopper.page.locator("#apple-title").count(), 1);
  await shopper.page.locator("#apple-approve").dblclick();
  await shopper.sees("You are subscribed");
  assert.equal((await server.objects("subscription")).length, 1);
  assert.equal((await server.objects("charge")).length, 1);
});

journey("who has subscribed in another tab is not charged again", async (shopper, server) => {
  await shopper.visitShop();
  const second = await shopper.anotherTab();
  await second.visitShop();
  await shopper.subscribe();

  await second.pressApplePay();
  await second.answerApple("approve");
  await second.sees("You are already subscribed");
  await second.isTold("subscribed-title", /You are already subscribed/);
  assert.equal((await second.facts())["Paid with"], "Amazon Pay");
  assert.equal((await server.objects("subscription")).length, 1);
});

journey("when Stripe refuses, the sheet does not hang, and the next try succeeds", async (shopper, server) => {
  await shopper.visitShop();
  await server.sandbox("POST", "faults", { method: "POST", path: "/v1/subscriptions", fault: "status", status: 402, times: 1 });
  await shopper.pressApplePay();
  await shopper.page.locator("#apple-approve").click();
  await shopper.page.getByText("Payment not completed").waitFor();
  await shopper.sheetIsGone();
  await shopper.seesProblem("The first payment was refused.");
  await shopper.pressApplePay();
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await server.objects("subscription")).length, 1);
});

journey("an approval outlives a Stripe that stumbles for a moment", async (shopper, server) => {
  await shopper.visitShop();
  await server.sandbox("POST", "faults", { method: "POST", path: "/v1/subscriptions", fault: "status", status: 500, times: 3 });
  await shopper.pressApplePay();
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await server.objects("subscription")).length, 1);
  assert.deepEqual((await server.objects("charge")).map(({ amount }) => amount), [1500]);
});

for (const [what, account, why] of [
  ["without cards", { card: false }, /card/],
  ["without Apple Pay", { apple_pay: false }, /Stripe\.js shows no button/],
]) {
  journey(`a shop whose account is ${what} tells its developer why, and still has Amazon Pay`, async (shopper, server) => {
    await server.sandbox("POST", "account", account);
    await shopper.visitShop();
    const missing = shopper.page.locator("#missing");
    await missing.getByText("Apple Pay is not available here.").waitFor();
    assert.equal(await missing.innerText(), "Apple Pay is not available here.");
    assert.match(await shopper.page.locator("#notes-list").textContent(), why, "why is for the developer");
    await shopper.screenshot(`apple-not-offered-${what.replaceAll(" ", "-")}`);
    assert.equal(await shopper.page.locator("#apple-pay-button").count(), 0);
    assert.doesNotMatch(await shopper.page.locator("#consent").innerText(), /Apple Pay/);
    await shopper.subscribe();
  });
}

journey("Apple Pay works from the keyboard", async (shopper) => {
  await shopper.visitShop();
  await shopper.page.locator("#apple-pay-button").waitFor();
  await shopper.page.locator("#pay").focus();
  await shopper.page.keyboard.press("Tab");
  assert.equal(await shopper.page.evaluate("document.activeElement.shadowRoot.activeElement.id"), "apple-pay-button");
  await shopper.page.keyboard.press("Enter");
  await shopper.onSheet();
  await shopper.page.locator("#apple-approve").focus();
  await shopper.page.keyboard.press("Enter");
  await shopper.sees("You are subscribed");
});

journey(
  "a phone shows Apple's sheet with its buttons in view",
  async (shopper) => {
    await shopper.visitShop();
    await shopper.choose(/free trial/i);
    await shopper.pressApplePay();
    const { y, height } = await shopper.page.locator("#apple-cancel").boundingBox();
    assert.ok(y + height <= 740, `the last button ends at ${y + height}`);
    const { width } = await shopper.page.locator("#apple-title").boundingBox();
    assert.ok(width <= 360, `${width} px of title`);
    await shopper.screenshot("phone-apple-sheet", { fullPage: false });
    await shopper.answerApple("approve");
    await shopper.sees("You are subscribed");
  },
  { view: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark" } },
);
