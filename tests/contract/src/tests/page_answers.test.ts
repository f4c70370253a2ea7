/** What the API answers, against the types that the page's module tells a shop's developer. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Gateway } from "../harness/gateway.js";
import { until } from "../harness/journey.js";
import { ROOT } from "../referee/host.js";
import { judge, type Claim } from "../referee/referee.js";

const MONTHLY = "stock-photos-monthly";
const TRIAL = "stock-photos-trial";
const DAY = 86_400;

const SUBSCRIPTIONS = "{ subscriptions: Page.ManagedSubscription[]; plans: Page.Plan[]; grants: Page.GivenPlan[]; entitlements: Record<string, Page.Entitlement> }";

/** Asks what a user has until it looks as it should, and claims that it is of its type. */
async function claimed(gateway: Gateway, user: string, what: string, looksLike: (subscription: any) => boolean): Promise<Claim> {
  const value = await until(what, async () => {
    const { body } = await gateway.call("GET", "/subscriptions", { user });
    return body.subscriptions.some(looksLike) ? body : undefined;
  });
  return { what, type: SUBSCRIPTIONS, value };
}

async function subscribe(gateway: Gateway, user: string, plan: string): Promise<any> {
  const { body: issued } = await gateway.call("POST", "/client-secret", {
    user,
    headers: { "user-agent": "a browser" },
    body: { plan, wallet: "amazon_pay", confirm: "server" },
  });
  const back = await gateway.control.choose(issued.setup_intent, "approve");
  await gateway.call("GET", `${back.pathname}${back.search}`);
  const { body } = await gateway.call("GET", `/checkouts/${issued.checkout}`, { user });
  assert.equal(body.status, "subscribed", JSON.stringify(body));
  return body.subscription;
}

async function answers(gateway: Gateway): Promise<Claim[]> {
  const claims: Claim[] = [];
  const { body: offered } = await gateway.call("GET", "/plans");
  claims.push({ what: "GET /plans", type: "{ version: number; plans: Page.Plan[] }", value: offered });
  for (const plan of [MONTHLY, TRIAL]) {
    const { body } = await gateway.call("GET", `/wallets?plan=${plan}`, { user: "alice" });
    claims.push({ what: `GET /wallets of ${plan}`, type: "InJson<Page.Wallets>", value: body });
  }
  claims.push({ what: "GET /subscriptions of nobody", type: SUBSCRIPTIONS, value: (await gateway.call("GET", "/subscriptions", { user: "nobody" })).body });

  const subscription = await subscribe(gateway, "alice", MONTHLY);
  claims.push({ what: "the subscription of GET /checkouts", type: "Page.Subscription", value: subscription });
  const { body: has } = await gateway.call("POST", "/client-secret", { user: "alice", body: { plan: MONTHLY, wallet: "amazon_pay" } });
  claims.push({ what: "the subscription of 409 already_subscribed", type: "Page.Subscription", value: has.subscription });
  claims.push({ what: "its link", type: "NonNullable<Extract<Page.Outcome, { state: 'already_subscribed' }>['manage']>", value: has.manage });
  claims.push(await claimed(gateway, "alice", "one that is active", ({ status }) => status === "active"));
  await subscribe(gateway, "bob", TRIAL);
  claims.push(await claimed(gateway, "bob", "one on trial", ({ status }) => status === "trialing"));

  const [invoice] = (await gateway.control.objects()).filter(({ object }) => object === "invoice") as any[];
  const stripe = async (method: string, path: string, params: Record<string, string> = {}) => {
    const response = await fetch(`${gateway.control.url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${gateway.control.key}` },
      ...(method === "POST" ? { body: new URLSearchParams(params) } : {}),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return response.json();
  };
  const [charge] = (await gateway.control.objects()).filter(({ object }) => object === "charge");
  assert.ok(invoice && charge);
  await stripe("POST", "refunds", { charge: charge.id, amount: "500" });
  claims.push(await claimed(gateway, "alice", "one with a refund", ({ refunds }) => refunds.length > 0));
  await stripe("POST", `subscriptions/${subscription.id}`, { "pause_collection[behavior]": "void" });
  claims.push(await claimed(gateway, "alice", "one that is paused", ({ pause }) => pause !== null));
  await stripe("POST", `subscriptions/${subscription.id}`, { pause_collection: "" });
  const { default_payment_method: method } = (await stripe("GET", `subscriptions/${subscription.id}`)) as any;
  await gateway.control.behave(method, "decline");
  for (const seconds of [31 * DAY, 2 * 3600]) await gateway.control.pass(seconds);
  claims.push(await claimed(gateway, "alice", "one whose renewal was declined", ({ payment }) => payment.state === "method_required"));
  await stripe("DELETE", `subscriptions/${subscription.id}`);
  claims.push(await claimed(gateway, "alice", "one that has ended", ({ status }) => status === "canceled"));

  const { askAsShop } = await import(pathToFileURL(resolve(ROOT, "../browser/harness/shop_server.mjs")).href);
  const { body: payment } = await askAsShop({ shop: gateway.url, addresses: { key: gateway.key } }, "POST", "/payments", { user: "carol", amount: 2500, currency: "usd", wallet: "apple_pay" });
  const given = { user: "carol", plan: "stock-photos-team", grant: { until: "2099-06-30T00:00:00Z", quantity: 5 } };
  await askAsShop({ shop: gateway.url, addresses: { key: gateway.key } }, "POST", "/shop/users/grant", given);
  claims.push({ what: "GET /subscriptions of who was given a plan", type: SUBSCRIPTIONS, value: (await gateway.call("GET", "/subscriptions", { user: "carol" })).body });
  // The shop's server is told more than its page needs.
  claims.push({ what: "POST /payments", type: "InJson<Page.Payment> & { [more: string]: unknown }", value: payment });
  return claims;
}

test("what the API answers is of the types that the page tells, and of no others", async () => {
  const gateway = await Gateway.start();
  try {
    const claims = await answers(gateway);
    assert.deepEqual(judge(claims), []);

    const mistakes: [type: string, mistake: Record<string, unknown>, complaint: RegExp][] = [
      ["Page.Subscription", { payment: undefined }, /payment/],
      ["Page.Subscription", { of_tomorrow: true }, /of_tomorrow/],
      ["Page.Subscription", { payment: { state: "fine", reason: null } }, /fine/],
      ["Page.Subscription", { wallet: "paypal" }, /paypal/],
      ["Page.Subscription", { payment_attempts: null }, /null/],
      ["InJson<Page.Wallets>", { trial_days: undefined }, /trial_days/],
      ["InJson<Page.Wallets>", { wallets: [{ wallet: "apple_pay", offer: true, reasons: [], first: [], elements: { setup_intent: { mode: "set up" } } }] }, /set up|mode/],
    ];
    for (const [type, mistake, complaint] of mistakes) {
      const right = claims.find((claim) => claim.type === type);
      const found = judge([{ what: "it", type, value: { ...(right?.value as object), ...mistake } }]);
      assert.ok(found.some((each) => complaint.test(each)), `${JSON.stringify(mistake)} was not reported:\n${found.join("\n")}`);
    }
  } catch (error) {
    throw new Error(`The gateway said:\n${gateway.program.said}`, { cause: error });
  } finally {
    await gateway.program.stop();
  }
});
