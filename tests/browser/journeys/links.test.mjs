import assert from "node:assert/strict";
import { journey, Shopper } from "../harness/journey.mjs";
import { askAsShop } from "../harness/shop_server.mjs";

/** A charge without the shopper that the bank wants to hear about from them. Answers where it sends them. */
async function chargeThatNeeds(shopper, server) {
  await shopper.visitShop();
  await shopper.pressApplePay();
  await shopper.answerApple("approve");
  await shopper.sees("You are subscribed");
  const [subscription] = await server.objects("subscription");
  const wallet = subscription.default_payment_method;
  await server.sandbox("POST", `payment_methods/${wallet}/behaviour`, { charge: "authentication_required" });
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
  await reader.page.goto(address);
  await reader.sees("One payment needs you");
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
  await reader.screenshot("authorized");
  assert.equal(await statusOf(server, payment), "succeeded");

  await reader.page.goto(address);
  await reader.seesProblem("This payment has been made already", "#authorize-problem");
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
});

journey("a link that nobody has signed is refused in words", async (shopper, server) => {
  await shopper.page.goto(`${server.shop}/?authorize=made-up`);
  assert.match(await shopper.seesProblem("That did not work.", "#authorize-problem"), /Code: \w*link/);
  await shopper.screenshot("authorize-refused");
  assert.equal(await shopper.page.locator("#apple-pay-button").count(), 0);
});
