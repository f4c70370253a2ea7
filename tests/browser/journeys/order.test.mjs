import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

/** Holds a call back until it is let go. Answers with what lets it go. */
async function hold(shopper, method, path) {
  let letGo;
  const gone = new Promise((resolve) => (letGo = resolve));
  await shopper.context.route(`**${path}`, async (route) => {
    if (route.request().method() === method) await gone;
    await route.fallback();
  });
  return letGo;
}

journey("the order on the screen is the one that is paid, until it is paid", async (shopper, server) => {
  await shopper.visitShop();
  const letGo = await hold(shopper, "POST", "/client-secret");
  await shopper.page.locator("#pay").click();
  await shopper.page.locator("#pay", { hasText: "One moment…" }).waitFor();
  for (const control of ["#plan-list input >> nth=0", "#plan-list input >> nth=1", "button[data-user=bob]", "#first"]) {
    assert.ok(await shopper.page.locator(control).isDisabled(), `${control} can be changed`);
  }
  await shopper.page.getByText("Stock photos with a free trial").click({ force: true });
  await shopper.page.locator("button[data-user=bob]").click({ force: true });
  assert.match(await shopper.page.locator("#order").innerText(), /Due today\s+\$15\.00/);
  assert.ok(await shopper.page.locator("#apple-pay[inert]").isVisible(), "one wallet at a time");
  await shopper.screenshot("paying-amazon");
  letGo();
  await shopper.onAmazon();
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await shopper.facts()).Status, "Active");
  assert.equal((await server.objects("customer")).length, 1);

  await shopper.page.getByRole("button", { name: "bob" }).click();
  await shopper.sees("Choose your plan");
  assert.ok(await shopper.page.locator("#first").isEnabled());
});

journey("the wallet that is paying is the one that says so", async (shopper) => {
  await shopper.visitShop();
  const letGo = await hold(shopper, "POST", "/subscriptions");
  await shopper.pressApplePay();
  await shopper.page.locator("#apple-approve").click();
  await shopper.page.locator("#finishing").waitFor();
  assert.equal(await shopper.page.locator("#pay .spinner").isVisible(), false);
  assert.equal(await shopper.page.locator("#pay-label").innerText(), "Amazon Pay");
  assert.equal(await shopper.page.locator("#pay").getAttribute("aria-disabled"), "true");
  assert.ok(await shopper.page.locator("button[data-user=bob]").isDisabled());
  letGo();
  await shopper.sees("You are subscribed");
});

journey("Enter on a plan chooses, and pays nothing", async (shopper, server) => {
  await shopper.visitShop();
  const radio = shopper.page.getByRole("radio", { name: /free trial/i });
  await radio.check();
  await shopper.waysAreShown();
  await radio.press("Enter");
  await shopper.page.waitForTimeout(500);
  assert.deepEqual(shopper.calls.filter((call) => call.startsWith("POST /client-secret")), []);
  assert.equal(shopper.page.url(), `${server.shop}/`);
});

journey("what went wrong is not said of the next order", async (shopper, server) => {
  await shopper.visitShop();
  await server.sandbox("POST", "faults", { method: "POST", path: "/v1/setup_intents", fault: "status", status: 500, times: 10 });
  const problem = shopper.page.locator("#problem");
  await shopper.page.locator("#pay").click();
  await shopper.seesProblem("That did not work.");
  await shopper.choose(/free trial/i);
  await problem.waitFor({ state: "hidden" });
  await shopper.page.locator("#pay").click();
  await shopper.seesProblem("That did not work.");
  await server.sandbox("DELETE", "faults");
  const letGo = await hold(shopper, "POST", "/client-secret");
  await shopper.page.locator("#pay").click();
  await problem.waitFor({ state: "hidden" });
  letGo();
  await shopper.onAmazon();
});

journey("without Stripe.js Amazon Pay goes on, and Apple Pay can be tried again", async (shopper, server) => {
  const blocked = (route) => route.abort();
  await shopper.context.route("**/stripe.js", blocked);
  await shopper.visitShop();
  await shopper.page.getByText("Apple Pay could not be loaded.").waitFor();
  assert.ok(await shopper.page.locator("#pay").isVisible());
  await shopper.screenshot("without-stripe-js");
  await shopper.page.getByRole("button", { name: "Try again" }).click();
  await shopper.page.getByText("Apple Pay could not be loaded.").waitFor();
  await shopper.context.unroute("**/stripe.js", blocked);
  await shopper.page.getByRole("button", { name: "Try again" }).click();
  await shopper.page.locator("#apple-pay-button").waitFor();
  await shopper.page.getByText("Apple Pay could not be loaded.").waitFor({ state: "hidden" });

  await shopper.context.route("**/stripe.js", blocked);
  await shopper.page.reload();
  await shopper.page.getByText("Apple Pay could not be loaded.").waitFor();
  await shopper.pressAmazonPay();
  await shopper.answerAmazon("approve");
  await shopper.sees("You are subscribed");
  assert.equal((await shopper.facts())["Paid with"], "Amazon Pay");
  assert.equal((await server.objects("subscription")).length, 1);
  shopper.complaints = shopper.complaints.filter((complaint) => !complaint.includes("net::ERR_FAILED"));
});
