import assert from "node:assert/strict";
import { dayIn, journey } from "../harness/journey.mjs";

const PHONE = { view: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } };

const LINES = "#change-lines";
const NOTE = "#change-promo-note";

/** A promotion code of the shop, for a coupon that takes a fifth off the payments of three months unless told otherwise. */
async function make(server, code, more = {}, coupon = { duration: "repeating", duration_in_months: "3" }) {
  const { id } = await server.stripe("POST", "coupons", { percent_off: "20", ...coupon });
  return server.stripe("POST", "promotion_codes", { "promotion[type]": "coupon", "promotion[coupon]": id, code, ...more });
}

/** Types a code in and presses Enter, as a shopper with a keyboard does. */
async function type(page, code, panel = "change") {
  await page.locator(`#${panel}-promo-code`).fill(code);
  await page.locator(`#${panel}-promo-code`).press("Enter");
}

const isSaid = (page, words, note = NOTE) => page.locator(note, { hasText: words }).waitFor();
const isShown = (page, words) => page.locator("#change-agree", { hasText: words }).waitFor();
const focused = (page) => page.evaluate(() => document.activeElement?.id);

async function charged(server) {
  const paid = (await server.objects("charge")).filter(({ paid }) => paid);
  return paid.sort((one, other) => one.created - other.created).map(({ amount }) => amount);
}

journey(
  "a code is checked with another plan, shown in each amount, taken off again, and charged as shown",
  async (shopper, server) => {
    const { page } = shopper;
    await make(server, "LATE", { expires_at: String(Math.floor(Date.now() / 1000) + 3_600) });
    await make(server, "NEWCOMER", { "restrictions[first_time_transaction]": "true" });
    await make(server, "BIGSPENDER", { "restrictions[minimum_amount]": "1000", "restrictions[minimum_amount_currency]": "usd" });
    await make(server, "JUSTONCE", {}, { duration: "once" });
    const ended = await make(server, "ENDED");
    await server.stripe("POST", `promotion_codes/${ended.id}`, { active: "false" });
    await shopper.visitShop();
    await shopper.subscribe();
    await server.passDays(1);
    await page.reload();
    await shopper.sees("You are subscribed");

    await page.getByRole("button", { name: "Change plan" }).click();
    await page.locator('#change-list input[value="stock-photos-team"]').check({ force: true });
    await isShown(page, "$29.00 every month");
    const without = await page.locator(LINES).innerText();
    await page.getByLabel("Add promotion code").locator("visible=true").focus();
    await page.keyboard.press("Enter");
    await isSaid(page, "Please type in your code first.");
    for (const [code, words] of [
      ["nobodys", "do not know this code"],
      ["LATE", "no longer valid"],
      ["ENDED", "no longer valid"],
      ["NEWCOMER", "for a first order only"],
      ["BIGSPENDER", "for a new subscription only"],
      ["JUSTONCE", "not taken off a change like this"],
    ]) {
      await type(page, code);
      await isSaid(page, words);
      assert.equal(await focused(page), "change-promo-code", code);
      assert.equal(await page.locator("#change-promo-code").getAttribute("aria-invalid"), "true", code);
      await isShown(page, "$29.00 every month");
      assert.equal(await page.locator("#change-go").isVisible(), true, "the change can be made without it");
    }
    assert.equal(await page.locator(LINES).innerText(), without);
    await shopper.fits();
    await shopper.screenshot("change-code-refused");

    await type(page, "welcome20");
    const until = dayIn({ days: 1, months: 3 });
    await isSaid(page, `you pay $23.20 each time until ${until}`);
    assert.equal(await focused(page), "change-promo-remove");
    const [, due] = /^Pay \$(\d+\.\d\d) and change$/.exec(await page.locator("#change-go").innerText());
    assert.match(await page.locator("#change-agree").innerText(), new RegExp(`You pay \\$${due} now with Amazon Pay\\. Then you pay \\$23\\.20 on .*, \\$23\\.20 every month until ${until}, and after that \\$29\\.00 every month`));
    await shopper.fits();
    await shopper.screenshot("change-code");
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    await shopper.fits();
    await shopper.screenshot("change-code-large");
    await page.evaluate(() => (document.documentElement.style.fontSize = ""));

    await page.keyboard.press("Enter");
    await shopper.announces("The code was taken away.");
    assert.equal(await focused(page), "change-promo-code");
    await isShown(page, "$29.00 every month");
    assert.equal(await page.locator(LINES).innerText(), without);

    // Another plan with the same code.
    await type(page, "WELCOME20");
    await isSaid(page, "$23.20");
    await page.locator('#change-list input[value="stock-photos-yearly"]').check({ force: true });
    await isSaid(page, "you pay $120.00 for one period");
    await isShown(page, "$150.00 every year");
    await page.locator('#change-list input[value="stock-photos-team"]').check({ force: true });
    await isSaid(page, "$23.20");

    // The price is another by now: the new one is shown, with the code.
    await shopper.context.route(/\/change$/, (route) => route.fulfill({ status: 409, json: { error: { code: "preview_outdated", message: "For the developer." } } }), { times: 1 });
    await page.locator("#change-go").click();
    await shopper.seesProblem("The amount has changed.", "#account-problem");
    await isShown(page, "$23.20");
    // The code ends between its check and the click.
    const welcome = (await server.objects("promotion_code")).find(({ code }) => code === "WELCOME20");
    await server.stripe("POST", `promotion_codes/${welcome.id}`, { active: "false" });
    await page.locator("#change-go").click();
    const problem = await shopper.seesProblem("Your code could not be used.", "#account-problem");
    assert.match(problem, /Nothing was changed or charged/);
    await isShown(page, "$29.00 every month");
    assert.equal(await page.locator(LINES).innerText(), without);
    assert.deepEqual(await charged(server), [1_500]);

    await server.stripe("POST", `promotion_codes/${welcome.id}`, { active: "true" });
    await type(page, "WELCOME20");
    await isSaid(page, "$23.20");
    await page.locator("#change-go", { hasText: `$${due}` }).click();
    await shopper.sees("Your plan is changed");
    assert.deepEqual(await charged(server), [1_500, Math.round(Number(due) * 100)], "what was shown, once");
    assert.match((await shopper.facts())["Next charge"], /^\$23\.20 on /);
    assert.equal(await page.locator("#code-open").isVisible(), false, "one discount counts already");
    await shopper.screenshot("change-code-counts");
  },
  PHONE,
);

journey("a code is added by itself, and taken off the next charge", async (shopper, server) => {
  const { page } = shopper;
  await make(server, "JUSTONCE", {}, { duration: "once" });
  await shopper.visitShop();
  await shopper.subscribe();
  await page.locator("#code-open").focus();
  await page.keyboard.press("Enter");
  await shopper.isTold("code-title", /Add a code/);
  assert.equal(await page.locator("#code-go").isVisible(), false);
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "code-promo-code");
  await page.keyboard.type("justonce");
  await page.keyboard.press("Enter");
  await isSaid(page, "you pay $12.00 for one period", "#code-promo-note");
  const next = dayIn({ months: 1 });
  assert.match(await page.locator("#code-agree").innerText(), new RegExp(`Nothing to pay now\\. Then you pay \\$12\\.00 on ${next}, and after that \\$15\\.00 every month`));
  await shopper.screenshot("code-alone");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "code-go");
  await page.keyboard.press("Enter");
  await shopper.isTold("note-title", /Your code is added/);
  await shopper.announces(`Your code is added. Nothing was charged. Your next charge is $12.00 on ${next}.`);
  assert.equal((await shopper.facts())["Next charge"], `$12.00 on ${next}`);
  assert.equal(await page.locator("#code-open").isVisible(), false);

  await page.getByRole("button", { name: "Change plan" }).click();
  await page.locator('#change-list input[value="stock-photos-team"]').check({ force: true });
  await type(page, "WELCOME20");
  await isSaid(page, "A discount counts for your subscription already");
  assert.deepEqual(await charged(server), [1_500]);
});
