import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";
import { askAsShop } from "../harness/shop_server.mjs";

const DAY = 86_400_000;
const inDays = (days) => new Date(Date.now() + days * DAY).toISOString().replace(/\.\d+/, "");

/** Shows the button for a payment, as the shop's page would; answers with the outcome once the shopper has approved. */
async function mount(shopper, payment) {
  await shopper.visitShop();
  await shopper.page.evaluate(async (made) => {
    const { createPerennial } = await import("/perennial.js");
    const place = document.createElement("div");
    place.id = "payment";
    document.body.prepend(place);
    globalThis.outcomes = [];
    const perennial = createPerennial({ apiBase: "", token: () => "" });
    await perennial.mountPayment(made, { element: place, onOutcome: (outcome) => globalThis.outcomes.push(outcome) });
  }, payment);
}

async function pay(shopper, payment) {
  await mount(shopper, payment);
  await shopper.page.locator("#payment #apple-pay-button").click();
  const sheet = await shopper.onSheet();
  await shopper.answerApple("approve");
  await shopper.page.waitForFunction(() => globalThis.outcomes.length > 0);
  return { sheet, outcome: await shopper.page.evaluate(() => globalThis.outcomes[0]) };
}

journey("a hotel stay is approved in the sheet, and captured by the shop later", async (shopper, server) => {
  const stay = {
    user: "alice",
    amount: 24000,
    currency: "usd",
    wallet: "apple_pay",
    capture: "manual",
    kind: "deferred",
    apple_pay: { label: "Two nights", date: inDays(30), free_cancellation: { until: inDays(20), time_zone: "America/Los_Angeles" }, agreement: "The stay is charged when you leave." },
  };
  const made = await askAsShop(server, "POST", "/payments", stay);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { sheet, outcome } = await pay(shopper, made.body);
  assert.equal(sheet.due, "$240.00");
  assert.equal(sheet.agreement, stay.apple_pay.agreement);
  assert.match(sheet.lines.join(), /Two nights\s+\$240\.00.*Free cancellation.*America\/Los_Angeles/s);
  assert.deepEqual(outcome, { state: "paid", payment: made.body.id, status: "requires_capture" });

  const captured = await askAsShop(server, "POST", `/payments/${made.body.id}/capture`, { amount: 20000 });
  assert.equal(captured.status, 200, JSON.stringify(captured.body));
  assert.deepEqual([captured.body.status, captured.body.amount_received], ["succeeded", 20000]);
});

journey("a wallet that is saved while the shopper pays is charged without them later", async (shopper, server) => {
  const credit = {
    user: "alice",
    amount: 2500,
    currency: "usd",
    wallet: "apple_pay",
    save: true,
    kind: "reload",
    apple_pay: { label: "Credit", threshold: 500, agreement: "Your credit is filled up whenever it runs low." },
  };
  const made = await askAsShop(server, "POST", "/payments", credit);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { sheet, outcome } = await pay(shopper, made.body);
  assert.match(sheet.lines.join(), /Credit\s+\$25\.00.*when the balance falls below \$5\.00/s);
  assert.equal(outcome.status, "succeeded");

  const { body: paid } = await askAsShop(server, "GET", `/payments/${made.body.id}`);
  const charge = { user: "alice", payment_method: paid.payment_method, amount: 2500, currency: "usd", off_session: true };
  const charged = await askAsShop(server, "POST", "/payments", charge);
  assert.equal(charged.status, 201, JSON.stringify(charged.body));
  assert.equal(charged.body.status, "succeeded");
});
