import assert from "node:assert/strict";
import { journey, Shopper } from "../harness/journey.mjs";
import { serveReact } from "../harness/react_page.mjs";

/** A shopper called alice approves at Amazon, and does not come back in this browser. Answers with the address to come back at. */
async function approvedElsewhere(shopper, server) {
  await shopper.visitShop();
  await shopper.pressAmazonPay();
  const setupIntent = await shopper.onAmazon();
  const { redirect_url: address } = await server.sandbox("POST", `setup_intents/${setupIntent}/approve`);
  return address;
}

/** Another profile, or another person's, in which this user is signed in. */
async function arriveAs(server, user, view) {
  const other = await Shopper.arrive(server, view);
  await other.context.addInitScript((name) => localStorage.getItem("demo-user") ?? localStorage.setItem("demo-user", name), user);
  return other;
}

async function saysNothingBad(shopper) {
  await shopper.seesNoWayToPay();
  assert.doesNotMatch(await shopper.page.locator("main").innerText(), /did not work|failed|declined|nothing was charged/i);
}

for (const [how, colorScheme, prepare] of [
  ["subscribed", "light", () => {}],
  ["pending", "dark", (server) => server.sandbox("POST", "faults", { method: "GET", path: "/v1/setup_intents/{id}", fault: "status", status: 500, times: 1000 })],
]) {
  journey(`who paid and comes back as another user is asked to sign in, and pays nothing again (${how})`, async (shopper, server) => {
    const address = await approvedElsewhere(shopper, server);
    await server.sandbox("POST", "webhooks/hold");
    await prepare(server);
    const other = await arriveAs(server, "bob", { viewport: { width: 390, height: 844 }, colorScheme });
    await other.page.goto(address);
    const title = how === "subscribed" ? "Approved, and subscribed" : "Your order is on its way";
    await other.sees(title);
    await other.isTold("waiting-title", /ordered with another account: please sign in as who ordered/);
    await saysNothingBad(other);
    assert.doesNotMatch(await other.page.locator("#waiting").innerText(), /alice/, "whose it is stays unsaid");
    await other.screenshot(`another-user-${how}`);
    await other.page.reload();
    await other.sees(title);

    await server.sandbox("DELETE", "faults");
    await other.page.getByRole("button", { name: "alice" }).click();
    await other.sees("You are subscribed");
    assert.equal(other.page.url(), `${server.shop}/`);
    assert.deepEqual(other.complaints, []);
    await other.leave();
    await server.sandbox("POST", "webhooks/release", {});
    assert.equal((await server.objects("subscription")).length, 1);
  });
}

journey("who paid and comes back signed out loses nothing", async (shopper, server) => {
  const address = await approvedElsewhere(shopper, server);
  const other = await arriveAs(server, "alice");
  await other.context.route("**/dev/token", (route) => route.fulfill({ status: 401, json: { message: "Unauthorized" } }));
  await other.page.goto(address);
  await other.sees("Approved, and subscribed");
  await other.isTold("waiting-title", /Please sign in to see it\. There is nothing left to pay/);
  await saysNothingBad(other);
  await other.screenshot("signed-out");
  await other.context.unroute("**/dev/token");
  await other.page.getByRole("button", { name: "alice" }).click();
  await other.sees("You are subscribed");
  await other.leave();
  assert.equal((await server.objects("subscription")).length, 1);
});

journey("who goes on from another user's order is sold to as ever", async (shopper, server) => {
  const address = await approvedElsewhere(shopper, server);
  const other = await arriveAs(server, "bob");
  await other.page.goto(address);
  await other.sees("Approved, and subscribed");
  await other.page.getByRole("button", { name: "Back to the plans" }).click();
  await other.sees("Choose your plan");
  assert.equal(other.page.url(), `${server.shop}/`, "the return is dismissed");
  await other.subscribe();
  await other.leave();
  assert.equal((await server.objects("subscription")).length, 2);
});

journey("who paid is not sold to while the shop cannot tell what they have", async (shopper, server) => {
  const address = await approvedElsewhere(shopper, server);
  const away = (route) =>
    route.request().method() === "GET" ? route.fulfill({ status: 503, json: { error: { code: "table_unavailable", message: "No.", request_id: "r" } } }) : route.fallback();
  await shopper.context.route("**/subscriptions", away);
  await shopper.page.goto(address);
  await shopper.sees("You are subscribed");
  await saysNothingBad(shopper);
  await shopper.page.goto(server.shop);
  await shopper.sees("What you have could not be loaded");
  await shopper.isTold("waiting-title", /Please look again in a moment/);
  await saysNothingBad(shopper);
  await shopper.screenshot("not-loaded");
  await shopper.context.unroute("**/subscriptions", away);
  await shopper.page.getByRole("button", { name: "Check again" }).click();
  await shopper.sees("You are subscribed");
});

journey("an end that this page does not know is told without a way to pay", async (shopper, server) => {
  const address = await approvedElsewhere(shopper, server);
  for (const answer of [
    { status: "failed", reason: "a_reason_of_next_year", may_retry: false },
    { status: "a_status_of_next_year", reason: null, may_retry: false },
  ]) {
    await shopper.context.route("**/checkouts/*", (route) => route.fulfill({ json: { checkout: "chk_1", subscription: null, retry_after: null, ...answer } }));
    await shopper.page.goto(address);
    await shopper.sees("This order needs a look by the shop");
    await shopper.isTold("waiting-title", /do not pay again/);
    await saysNothingBad(shopper);
    await shopper.context.unroute("**/checkouts/*");
  }
  await shopper.screenshot("unknown-end");
});

journey("a subscription that was paid and has ended since is told with what was given back, and not sold again at once", async (shopper, server) => {
  const address = await approvedElsewhere(shopper, server);
  const subscription = {
    id: "sub_1", status: "canceled", plan: "stock-photos-monthly", latest_paid_invoice: "in_1",
    refunds: [{ invoice: "in_1", amount: 500, paid: 1500, currency: "usd" }],
  };
  const answer = { checkout: "chk_1", status: "failed", reason: "ended_after_payment", may_retry: false, retry_after: null, subscription };
  await shopper.context.route("**/checkouts/*", (route) => route.fulfill({ json: answer }));
  await shopper.page.goto(address);
  await shopper.sees("Your subscription has ended");
  await shopper.isTold("waiting-title", /paid for.*\$5\.00 of the \$15\.00 that you paid was given back/);
  await saysNothingBad(shopper);
  await shopper.screenshot("ended-after-payment");
});

journey("under React's StrictMode the outcome of a return is lost to no component", async (shopper, server) => {
  await serveReact(shopper.context, `${server.shop}/strict`);
  await shopper.page.goto(`${server.shop}/strict`);
  await shopper.page.waitForFunction("globalThis.begin");
  const redirect = await shopper.page.evaluate(() => globalThis.begin());
  const setupIntent = new URL(redirect).pathname.split("/").at(-1);
  const { redirect_url: back } = await server.sandbox("POST", `setup_intents/${setupIntent}/approve`);
  // A page that is served in place of another is not met by a redirect, so this goes where it leads.
  const landing = (await fetch(back, { redirect: "manual" })).headers.get("location");
  await shopper.page.goto(landing);
  for (const component of ["effect", "signal", "suspended", "instance"]) {
    await shopper.page.locator(`#${component}`, { hasText: "subscribed" }).waitFor();
  }
  assert.equal(shopper.page.url(), `${server.shop}/strict`, "the address is clean");
  await shopper.page.locator("#later").click();
  await shopper.page.locator("#late", { hasText: "subscribed" }).waitFor();
});
