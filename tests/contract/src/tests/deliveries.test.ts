/** The sandbox's deliveries, verified by the official SDK as an endpoint of anybody would. */

import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { inSandbox, until } from "../harness/journey.js";
import { Receiver } from "../harness/receiver.js";
import { judge } from "../referee/referee.js";
import { typeOfObject } from "../referee/operations.js";

async function withReceiver(journey: (receiver: Receiver) => Promise<void>): Promise<void> {
  const receiver = await Receiver.start();
  try {
    await journey(receiver);
  } finally {
    await receiver.stop();
  }
}

/** The scheme `v1` in a header, once for each secret that signed. */
function signatures(header: string): string[] {
  return header.split(",").filter((part) => part.startsWith("v1="));
}

test("a delivery holds before the SDK, is of its type, and is the event that the API has", () =>
  withReceiver((receiver) =>
    inSandbox(async (sandbox, stripe) => {
      await sandbox.control.account({ local_endpoints: true });
      const endpoint = await stripe.webhookEndpoints.create({
        url: receiver.url,
        enabled_events: ["customer.created", "product.created"],
        api_version: Stripe.API_VERSION,
      });
      assert.match(endpoint.secret ?? "", /^whsec_/);
      assert.equal((await stripe.webhookEndpoints.list()).data[0]?.secret, undefined, "the secret is told once");
      await stripe.customers.create({ name: "Jörg 🦊" });
      await stripe.prices.list();
      await stripe.products.create({ name: "Stock photos" });
      const delivered = await until("two deliveries", async () => receiver.deliveries.length >= 2 && receiver.deliveries);
      for (const { body, signature } of delivered) {
        const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret ?? "");
        assert.deepEqual((await stripe.events.retrieve(event.id)).data, event.data);
        const value: object = JSON.parse(body.toString());
        assert.deepEqual(judge([{ what: event.type, type: typeOfObject(value), value }]), []);
        const longer = Buffer.concat([body, Buffer.from(" ")]);
        const { StripeSignatureVerificationError } = Stripe.errors;
        assert.throws(() => stripe.webhooks.constructEvent(body, signature, "whsec_of_another"), StripeSignatureVerificationError);
        assert.throws(() => stripe.webhooks.constructEvent(longer, signature, endpoint.secret ?? ""), StripeSignatureVerificationError);
      }
      assert.deepEqual(delivered.map(({ body }) => JSON.parse(body.toString()).type).sort(), ["customer.created", "product.created"]);
    }),
  ));

test("while a secret is rolled, both sign, in one header", () =>
  withReceiver((receiver) =>
    inSandbox(async ({ control }, stripe) => {
      await control.account({ local_endpoints: true });
      const endpoint = await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ["*"] });
      const rolled = await control.roll(endpoint.id, 3600);
      assert.notEqual(rolled.secret, endpoint.secret);
      await stripe.customers.create();
      const [delivery] = await until("a delivery", async () => receiver.deliveries.length > 0 && receiver.deliveries);
      assert.ok(delivery);
      assert.equal(signatures(delivery.signature).length, 2);
      for (const secret of [endpoint.secret ?? "", rolled.secret]) {
        assert.equal(stripe.webhooks.constructEvent(delivery.body, delivery.signature, secret).type, "customer.created");
      }
    }),
  ));

test("what is not taken comes again, signed anew, until it is", () =>
  withReceiver((receiver) =>
    inSandbox(async (sandbox, stripe) => {
      await sandbox.control.account({ local_endpoints: true });
      const endpoint = await stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ["customer.created"] });
      receiver.answers.push(500);
      await stripe.customers.create();
      const [first, second] = await until("a second attempt", async () => receiver.deliveries.length >= 2 && receiver.deliveries);
      assert.ok(first && second);
      const [before, after] = [first, second].map(({ body, signature }) => stripe.webhooks.constructEvent(body, signature, endpoint.secret ?? ""));
      assert.equal(after?.id, before?.id);
      assert.notEqual(first.signature, second.signature);
    }),
  ));

test("an endpoint that is moved, switched off or deleted gets no more at its old address", () =>
  withReceiver((receiver) =>
    inSandbox(async (sandbox, stripe) => {
      await sandbox.control.account({ local_endpoints: true });
      const endpoint = await stripe.webhookEndpoints.create({ url: "http://127.0.0.1:9/webhooks", enabled_events: ["customer.created"] });
      const moved = await stripe.webhookEndpoints.update(endpoint.id, { url: receiver.url, enabled_events: ["product.created"] });
      assert.deepEqual([moved.url, moved.secret], [receiver.url, undefined]);
      await stripe.customers.create();
      await stripe.products.create({ name: "Stock photos" });
      await until("a delivery", async () => receiver.deliveries.length > 0);
      assert.equal((await stripe.webhookEndpoints.update(endpoint.id, { disabled: true })).status, "disabled");
      await stripe.products.create({ name: "Never told" });
      assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).id, endpoint.id);
      assert.equal((await stripe.webhookEndpoints.del(endpoint.id)).deleted, true);
      assert.deepEqual(receiver.deliveries.map(({ body }) => JSON.parse(body.toString()).data.object.name), ["Stock photos"]);
    }),
  ));
