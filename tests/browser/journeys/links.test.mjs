import assert from "node:assert/strict";
import { dayIn, journey, Shopper } from "../harness/journey.mjs";
import { askAsShop } from "../harness/shop_server.mjs";

/** A charge without the shopper that the bank wants to hear about from them. Answers where it sends them. */
async function chargeThatNeeds(shopper, server) {
  await shopper.visitShop();
  await shopper.pressApplePay();
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  const [subscription] = await server.objects("subscription");
  const wallet = subscription.default_payment_method;
  await server.sandbox("POST", `payment_methods/${wallet}/behavior`, { charge: "authentication_required" });
  const charge = { user: "alice", payment_method: wallet, amount: 2500, currency: "usd", off_session: true };
  const { status, body } = await askAsShop(server, "POST", "/payments", charge);
  assert.equal(status, 402, JSON.stringify(body));
  assert.equal(body.error.code, "authentication_required");
  return { payment: body.payment.id, address: body.payment.failure.next.authorize_url };
}

const statusOf = async (server, payment) => (await server.objects("payment_intent")).find(({ id }) => id === payment)?.status;

journey("a payment that the bank wants the shopper for is approved through its link", async (shopper, server) => {
  const { payment, address } = await chargeThatNeeds(shopper, server);
  // The link comes by mail, to a browser in which nobody is signed in.
  const reader = await Shopper.arrive(server);
  await reader.context.route("**/stripe.js", (route) => route.abort());
  await reader.page.goto(address);
  await reader.seesProblem("That did not work.", "#authorize-problem");
  reader.complaints = reader.complaints.filter((complaint) => !complaint.includes("net::ERR_FAILED"));
  await reader.context.unroute("**/stripe.js");
  await reader.page.getByRole("button", { name: "Try again" }).click();
  await reader.page.locator("#apple-pay-button").waitFor();
  await reader.isTold("authorize-title", /One payment needs you/);
  assert.ok(!reader.page.url().includes("authorize"), "the link stays out of the address");
  const facts = await reader.page.locator("#authorize-facts").innerText();
  assert.match(facts, /\$25\.00/);
  await reader.screenshot("authorize");

  await reader.page.locator("#apple-pay-button").click();
  await reader.page.locator("#apple-approve").waitFor();
  assert.equal(await reader.page.locator("#apple-due").innerText(), "$25.00");
  await reader.answerApple("decline");
  await reader.seesProblem("The card was declined.", "#authorize-problem");
  assert.equal(await statusOf(server, payment), "requires_payment_method");

  await reader.page.locator("#apple-pay-button").click();
  await reader.answerApple("approve");
  await reader.sees("Thank you. The payment is confirmed.");
  await reader.isTold("authorize-title", /Thank you/);
  await reader.screenshot("authorized");
  assert.equal(await statusOf(server, payment), "succeeded");

  await reader.page.goto(address);
  await reader.seesProblem("There is nothing left to pay.", "#authorize-problem");
  await reader.isTold("authorize-problem-title", /This payment has been made already/);
  assert.equal(await reader.page.locator("#apple-pay-button").count(), 0);
  assert.deepEqual(reader.complaints, []);
  await reader.leave();
});

journey("what Apple's wallet links to leads to the portal, where the shopper cancels", async (shopper, server) => {
  await shopper.visitShop();
  const { management } = await shopper.pressApplePay();
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  await shopper.page.locator("#manage").waitFor();
  assert.equal(await shopper.page.locator("#manage").getAttribute("href"), management, "the shop and Apple link to the same page");
  await shopper.page.locator("#manage").click();
  await shopper.sees("Your subscriptions");
  await shopper.screenshot("portal");
  await shopper.page.getByRole("button", { name: /cancel/i }).click();
  await shopper.page.getByRole("link", { name: /back|return/i }).click();
  await shopper.page.waitForURL(`${server.shop}/**`);
  const [subscription] = await server.objects("subscription");
  assert.ok(subscription.cancel_at || subscription.status === "canceled", subscription.status);
  const end = dayIn({ months: 1 });
  await shopper.eventuallySees(`Your subscription ends on ${end}`);
  assert.equal((await shopper.facts())["Ends on"], end);
  await shopper.screenshot("ends");
});

journey("an old link of a mail or of Apple's wallet leads to the shop, which says so", async (shopper, server) => {
  for (const path of ["/manage?link=old", "/authorize?link=old", "/manage"]) {
    await shopper.page.goto(`${server.shop}${path}`);
    await shopper.sees("This link does not work any more");
    await shopper.isTold("note-title", /This link does not work any more/);
    assert.equal(shopper.page.url(), `${server.shop}/`, "the address is clean");
  }
  await shopper.screenshot("old-link");
  await shopper.subscribe();
  await shopper.page.locator("#manage").waitFor();
  await server.sandbox("POST", "faults", { method: "POST", path: "/v1/billing_portal/sessions", fault: "status", status: 500, times: 10 });
  await shopper.page.locator("#manage").click();
  await shopper.sees("This link could not be opened just now");
  await shopper.sees("You are subscribed");
  await shopper.seesNoWayToPay();
});

journey("a return whose address is old or not whole claims nothing, and offers no payment", async (shopper, server) => {
  await shopper.page.goto(`${server.shop}/confirm?checkout=chk_1`);
  await shopper.sees("This address is not valid any more");
  await shopper.isTold("waiting-title", /If you have approved, your subscription is made all the same/);
  await shopper.seesNoWayToPay();
  assert.equal(shopper.page.url(), `${server.shop}/`, "the address is clean");
  await shopper.screenshot("old-return");
  await shopper.page.getByRole("button", { name: "Back to the plans" }).click();
  await shopper.sees("Choose your plan");
});

journey("a link that nobody has signed is refused in words", async (shopper, server) => {
  await shopper.page.goto(`${server.shop}/?authorize=made-up`);
  assert.match(await shopper.seesProblem("This link does not work any more.", "#authorize-problem"), /ask the shop/);
  await shopper.isTold("authorize-problem-title", /This link does not work any more/);
  await shopper.screenshot("authorize-refused");
  assert.equal(await shopper.page.locator("#apple-pay-button").count(), 0);
});
