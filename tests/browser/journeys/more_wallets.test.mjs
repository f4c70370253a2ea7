import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

// The demo's plan with a free trial names all wallets.
const TRIAL = /free trial/i;

journey("a plan that does not name them shows neither Google Pay nor Cash App Pay", async (shopper) => {
  await shopper.visitShop();
  await shopper.page.locator("#apple-pay-button").waitFor();
  assert.equal(await shopper.page.locator("#google-pay").isVisible(), false);
  assert.equal(await shopper.page.locator("#cash-app-pay").isVisible(), false);
  assert.equal(await shopper.page.locator("#missing").isVisible(), false);
});

journey("a shopper approves in Google's sheet and is subscribed without leaving the page", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.choose(TRIAL);
  await shopper.fits();
  await shopper.screenshot("four-wallets");
  await shopper.page.locator("#google-pay-button").click();
  await shopper.page.locator("#google-cancel").click();
  await shopper.page.locator("#google-title").waitFor({ state: "detached" });
  await shopper.page.locator("#google-pay-button").click();
  assert.equal(await shopper.page.locator("#google-due").innerText(), "$0.00");
  await shopper.page.locator("#google-approve").click();
  await shopper.sees("You are subscribed");
  assert.equal((await shopper.facts())["Paid with"], "Google Pay");
  const [subscription] = await server.objects("subscription");
  const wallet = (await server.objects("payment_method")).find(({ id }) => id === subscription.default_payment_method);
  assert.equal(wallet?.card?.wallet?.type, "google_pay");
});

for (const [answer, words] of [
  ["decline", "Cash App Pay said no."],
  ["close", "You left Cash App Pay before it was done."],
]) {
  journey(`a shopper who chooses ${answer} in Cash App reads why, and can pay after all`, async (shopper, server) => {
    await shopper.visitShop();
    await shopper.choose(TRIAL);
    const press = async (choice) => {
      await shopper.page.locator("#cash-app-pay").click();
      await shopper.page.waitForURL(/\/sandbox\/cash-app\/seti_/);
      await shopper.answerAmazon(choice);
    };
    await press(answer);
    await shopper.seesProblem(words);
    await shopper.waysAreShown();
    await press("approve");
    await shopper.sees("You are subscribed");
    assert.equal((await shopper.facts())["Paid with"], "Cash App Pay");
    const [subscription, ...others] = await server.objects("subscription");
    assert.deepEqual([subscription.status, others.length], ["trialing", 0]);
  });
}
