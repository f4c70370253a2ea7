import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { journey, Shopper } from "../harness/journey.mjs";
import { Server } from "../harness/server.mjs";

journey("a tab that never comes back is subscribed by the webhook", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.pressAmazonPay();
  const setupIntent = await shopper.onAmazon();
  await shopper.page.close();
  await server.sandbox("POST", `setup_intents/${setupIntent}/approve`);

  const later = await shopper.anotherTab();
  await later.visitShop();
  await later.eventuallySees("You are subscribed");
  assert.equal((await later.facts()).Status, "Active");
  assert.deepEqual(later.calls.filter((call) => / \/(confirm|checkouts\/)/.test(call)), [], "nobody came back");
});

journey("a return that Stripe cannot answer yet waits, and loses nothing", async (shopper, server) => {
  await shopper.visitShop();
  await shopper.pressAmazonPay();
  await server.sandbox("POST", "webhooks/hold");
  await server.sandbox("POST", "faults", { method: "GET", path: "/v1/setup_intents/{id}", fault: "status", status: 500, times: 1000 });
  await shopper.answerAmazon("approve");
  await shopper.sees("Waiting for Amazon Pay");
  await shopper.screenshot("waiting");
  await shopper.sees("No word from Amazon Pay yet");
  await shopper.isTold("waiting-title", /No word from Amazon Pay yet/);
  await shopper.screenshot("no-word");
  await shopper.seesNoWayToPay();
  // Nobody knows whether Stripe has charged, so the page must not claim that it has not.
  assert.doesNotMatch(await shopper.page.locator("#waiting").innerText(), /nothing (has been|was) charged/i);
  assert.deepEqual(await server.objects("subscription"), []);

  // The page goes on asking: nobody has to press anything. The answer may be to a question that is under way by now.
  await server.sandbox("DELETE", "faults");
  await shopper.sees("You are subscribed");
  const asked = shopper.calls.filter((call) => call.startsWith("GET /checkouts/"));
  assert.ok(asked.length > 1, shopper.calls.join());
  await shopper.isTold("subscribed-title", /You are subscribed/);
  await server.sandbox("POST", "webhooks/release", {});
  assert.equal((await server.objects("subscription")).length, 1);
});

test("after a restart the shopper is still subscribed", { timeout: 120_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), "perennial-"));
  try {
    const first = await Server.start(data);
    const shopper = await Shopper.arrive(first);
    await shopper.visitShop();
    await shopper.subscribe();
    const before = await shopper.facts();
    await shopper.leave();
    assert.equal(await first.stop(), 0, first.log);

    const second = await Server.start(data);
    const again = await Shopper.arrive(second);
    await again.visitShop();
    await again.sees("You are subscribed");
    assert.deepEqual(await again.facts(), before);
    assert.deepEqual(again.complaints, []);
    await again.leave();
    assert.equal(await second.stop(), 0, second.log);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
