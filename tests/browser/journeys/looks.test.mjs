import assert from "node:assert/strict";
import { journey } from "../harness/journey.mjs";

// Google's bound for a good page (https://web.dev/articles/cls).
const STEADY = 0.1;

for (const [width, height] of [[390, 844], [1280, 900]]) {
  journey(
    `nothing jumps while the shop opens at ${width} px`,
    async (shopper) => {
      await shopper.page.addInitScript(() => {
        globalThis.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shift += entry.value;
        }).observe({ type: "layout-shift", buffered: true });
      });
      await shopper.visitShop();
      await shopper.page.locator("#apple-pay-button").waitFor();
      await shopper.page.waitForTimeout(300);
      const shift = await shopper.page.evaluate("globalThis.shift");
      assert.ok(shift < STEADY, `a layout shift of ${shift}`);
    },
    { view: { viewport: { width, height } } },
  );

  for (const colorScheme of ["light", "dark"]) {
    journey(
      `text at 200% fits at ${width} px, ${colorScheme}`,
      async (shopper, server) => {
        await shopper.context.addInitScript(() => addEventListener("DOMContentLoaded", () => (document.documentElement.style.fontSize = "200%")));
        const looks = async (what) => {
          await shopper.fits();
          await shopper.screenshot(`large-${width}-${colorScheme}-${what}`);
        };
        await shopper.visitShop();
        await shopper.page.locator("#apple-pay-button").waitFor();
        await looks("shop");
        await shopper.choose(/free trial/i);
        await looks("trial");
        await server.sandbox("POST", "faults", { method: "POST", path: "/v1/setup_intents", fault: "status", status: 500, times: 10 });
        await shopper.page.locator("#pay").click();
        await shopper.seesProblem("That did not work.");
        await shopper.page.getByText("Details").locator("visible=true").click();
        await shopper.page.getByText("Notes for the developer").click();
        await looks("problem");
        await server.sandbox("DELETE", "faults");
        await shopper.pressAmazonPay();
        await shopper.answerAmazon("close");
        await shopper.seesProblem("You left Amazon Pay before it was done.");
        await shopper.waysAreShown();
        await looks("closed");
        await shopper.subscribe();
        await shopper.page.locator("#manage").waitFor();
        await looks("subscribed");
        await shopper.page.goto(`${server.shop}/manage?link=old`);
        await shopper.sees("This link does not work any more");
        await looks("old-link");
        await shopper.page.goto(`${server.shop}/confirm`);
        await shopper.sees("This address is not valid any more");
        await looks("old-return");
      },
      { view: { viewport: { width, height }, colorScheme } },
    );
  }
}

journey(
  "without JavaScript the shop says what it needs",
  async (shopper, server) => {
    await shopper.page.goto(server.shop);
    await shopper.sees("This shop needs JavaScript");
    assert.equal(await shopper.page.getByText("Opening the shop…").isVisible(), false);
  },
  { view: { javaScriptEnabled: false } },
);

journey("what came up is the page's title", async (shopper) => {
  await shopper.visitShop();
  const shop = await shopper.page.title();
  await shopper.subscribe();
  assert.equal(await shopper.page.title(), `You are subscribed · ${shop}`);
});
