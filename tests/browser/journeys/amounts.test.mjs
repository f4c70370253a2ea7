import assert from "node:assert/strict";
import { dayIn, journey } from "../harness/journey.mjs";

/** The amounts of a list, in cents, by their terms. */
async function rows(page, list) {
  const found = await page.locator(`${list} > div`).evaluateAll((all) => all.map((row) => [...row.children].map(({ textContent }) => textContent)));
  return found.map(([term, value]) => [term, /^-?\$[\d,.]+$/.test(value) ? Math.round(Number(value.replaceAll(/[$,]/g, "")) * 100) : value]);
}

/** Fails unless what leads to the last row of a list comes to what that says. */
async function addsUp(page, list) {
  const all = await rows(page, list);
  const [due, due_now] = all.pop();
  assert.equal(due, "Due now");
  const sum = all.reduce((sum, [term, value]) => (typeof value === "number" ? sum + (term.startsWith("Kept") ? -value : value) : sum), 0);
  // What is kept is what is left below nothing.
  const kept = all.find(([term]) => term.startsWith("Kept"))?.[1] ?? 0;
  assert.equal(sum + 2 * kept, due_now, JSON.stringify(all));
  return due_now;
}

async function set(page, field, value) {
  await page.locator(field).fill(String(value));
  await page.locator(field).press("Tab");
}

journey("what is shown of an order with taxes and a code is one sum each", async (shopper) => {
  const { page } = shopper;
  await shopper.visitShop();
  await page.locator("#promo-code").fill("WELCOME20");
  await page.locator("#promo-code").press("Enter");
  await page.locator("#promo-note", { hasText: "$12.00" }).waitFor();
  // What was said of another order is not left standing.
  await shopper.choose("Stock photos for a team");
  await page.locator("#promo-note", { hasText: "you pay $23.20 for each of the first 3 payments, and $29.00 after that" }).waitFor();
  await page.locator('#plan-list input[value="video-clips-monthly"]').check({ force: true });
  await page.locator("#promo-note", { hasText: "shown once we know where you are" }).waitFor();
  await page.locator("#address-country").selectOption("DE");
  await page.locator("#address-apply").click();
  await page.locator("#promo-note", { hasText: "you pay $8.57" }).waitFor();
  assert.deepEqual(await rows(page, "#order"), [
    ["Video clips", "$9.00 every month"],
    ["With your code, first 3 payments, with taxes", 857],
    ["After that, with taxes", 1_071],
    ["Due today", 857],
  ]);
  await shopper.screenshot("tax-and-code");
});

journey("a change of what was bought with everything adds up, and says what it gives up", async (shopper, server) => {
  const { page } = shopper;
  const month = dayIn({ months: 1 });
  await shopper.visitShop();
  await shopper.choose("Stock photos for a team");
  await set(page, "#quantity-order", 3);
  await set(page, "#addons-order-extra-storage", 2);
  await page.locator("#promo-code").fill("WELCOME20");
  await page.locator("#promo-code").press("Enter");
  await page.locator("#order", { hasText: "$77.60" }).waitFor();
  await shopper.waysAreShown();
  await shopper.subscribe();
  const facts = await shopper.facts();
  assert.deepEqual([facts.Price, facts.Discount, facts["Next charge"]], ["$97.00 every month", `20% off until ${dayIn({ months: 3 })}`, `$77.60 on ${month}`]);

  await page.locator("#addons-open").click();
  await set(page, "#addons-numbers-extra-storage", 0);
  await page.locator("#addons-go").getByText(/^Change on /).click();
  await shopper.isTold("note-title", /Then you have 3 × Stock photos for a team\./);

  // The add-on goes on with a change that does not name it, which is said before anybody agrees.
  const given = `From ${month} you were going to have 3 × Stock photos for a team. That does not happen then`;
  await page.locator("#quantity-open").click();
  await set(page, "#quantity-number", 5);
  await page.locator("#quantity-go").getByText(/^Pay /).waitFor();
  const agree = await page.locator("#quantity-agree").innerText();
  assert.ok(agree.endsWith(`${given}: you have 5 × Stock photos for a team + 2 × Extra storage instead.`), agree);
  assert.match(agree, /and after that \$155\.00 every month, less your discount as long as it counts/);
  const due = await addsUp(page, "#quantity-lines");
  for (const panel of ["pause", "cancel"]) {
    await page.locator(`#${panel}-open`).click();
    await page.locator(`#${panel}`, { hasText: `${given}.` }).waitFor();
  }
  await page.locator("#change-open").click();
  await page.locator('#change-list input[value="stock-photos-yearly"]').check({ force: true });
  await page.locator("#change-go").getByText(/^Pay /).waitFor();
  await addsUp(page, "#change-lines");
  assert.match(await page.locator("#change-lines").innerText(), /Discounts and credit\s+-\$30\.00\s+Ends with it\s+Extra storage/);
  await shopper.screenshot("change-gives-up");

  await page.locator("#quantity-open").click();
  await set(page, "#quantity-number", 5);
  await page.locator("#quantity-go").getByText(/^Pay /).click();
  await shopper.sees("Your plan is changed");
  assert.equal((await server.objects("charge")).filter(({ amount }) => amount === due).length, 1);
  assert.equal(await page.locator("#pending").isVisible(), false);
  assert.equal((await shopper.facts())["Add-ons"], "2 × Extra storage");

  // More comes back than the new plan costs: a credit, which an invoice of less than nothing tells.
  await page.locator("#change-open").click();
  await page.locator('#change-list input[value="stock-photos-yearly"]').check({ force: true });
  await page.locator("#change-go").getByText("Change now").waitFor();
  assert.equal(await addsUp(page, "#change-lines"), 0);
  assert.match(await page.locator("#change-lines").innerText(), /Kept for your next invoices\s+\$4\.00/);
  await page.locator("#change-go").click();
  await shopper.sees("Your plan is changed");
  await page.locator("#invoices li", { hasText: "Credited" }).waitFor();
  assert.match(await page.locator("#invoices li").first().innerText(), /Credited\s+\$4\.00/);
  await page.locator("#cancel-open").click();
  await page.locator("#cancel-now").getByText("End it now").click();
  await shopper.isTold("note-title", /^Your subscription has ended\. \$120\.00 is on its way back to Amazon Pay/);
});
