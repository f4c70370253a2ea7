import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

const DESK = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, colorScheme: "dark" };

async function charged(server) {
  const paid = (await server.objects("charge")).filter(({ paid }) => paid);
  return paid.sort((one, other) => one.created - other.created).map(({ amount }) => amount);
}

/** The first amount of dollars in a text, in cents. */
function cents(text) {
  const [, dollars, rest] = /\$(\d+)\.(\d\d)/.exec(text);
  return Number(dollars + rest);
}

for (const [where, view] of [["desk", DESK], ["phone", PHONE]]) {
  journey(
    `a shopper pauses, reads when it goes on, and goes on earlier for what is shown (${where})`,
    async (shopper, server) => {
      const { page } = shopper;
      await shopper.visitShop();
      await shopper.subscribe();
      // The page goes by the clock of the browser, so a week from it has to be ahead of Stripe's.
      await server.passDays(2);
      await page.reload();
      await shopper.sees("You are subscribed");

      await page.getByRole("button", { name: "Pause subscription" }).click();
      await shopper.isTold("pause-title", /Pause your subscription/);
      assert.deepEqual(await page.locator("#pause-length option").allInnerTexts(), ["For 7 days", "For 14 days", "For 30 days", "For 60 days", "For 90 days"]);
      const length = page.getByLabel("How long");
      await length.focus();
      await length.selectOption("60");
      const go = page.locator("#pause-go");
      await go.waitFor();
      assert.match(await page.locator("#pause-lines").innerText(), /Kept for your next charge\s+about \$(13|14)\.\d\d/);
      assert.match(await page.locator("#pause-agree").innerText(), /the pictures are locked and nothing is charged\. On .* it goes on by itself, and you are charged/);
      assert.deepEqual(await charged(server), [1_500]);
      await shopper.fits();
      await shopper.screenshot(`pause-${where}`);
      // As somebody does who has no mouse.
      await go.focus();
      await page.keyboard.press("Enter");

      await shopper.sees("Your subscription is paused");
      await shopper.isTold("subscribed-title", /Nothing is charged meanwhile\. The pictures are locked for now\. It resumes on /);
      const [paused] = await server.objects("subscription");
      assert.equal(paused.status, "paused");
      const facts = await shopper.facts();
      assert.ok(facts["Resumes on"], JSON.stringify(facts));
      assert.equal(await page.locator("#pause-open").isVisible(), false);
      await shopper.fits();
      await shopper.screenshot(`paused-${where}`);

      await page.reload();
      await shopper.sees("Your subscription is paused");
      await page.getByRole("button", { name: "Go on with it" }).click();
      await shopper.isTold("resume-title", /Go on with your subscription/);
      const pay = page.locator("#resume-go");
      await pay.getByText(/^Go on and pay \$\d+\.\d\d$/).waitFor();
      const due = cents(await pay.innerText());
      assert.ok(due > 50 && due < 200, `${due} cents: the price less what was credited`);
      assert.match(await page.locator("#resume-agree").innerText(), /is charged now, and \$15\.00 on /);
      await shopper.fits();
      await shopper.screenshot(`resume-${where}`);
      await pay.click();
      await shopper.sees("You are subscribed");
      assert.deepEqual(await charged(server), [1_500, due], "what was shown, once");
    },
    { view },
  );
}
