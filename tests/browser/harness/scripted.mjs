// The checkout module without a browser: a scripted API, a Stripe.js that tells what it was asked, and a clock that the test moves.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock } from "node:test";
import { createPerennial } from "../../../web/perennial.js";

/**
 * What the API answers next, the last one again and again, and what it was asked.
 *
 * @type {{ script: (Error | { status: number, body: any, headers?: Record<string, string> })[],
 *   calls: { method: string, path: string, body: any, authorization: string | undefined }[] }}
 */
export const api = { script: [], calls: [] };

beforeEach(() => {
  api.calls = [];
  api.script = [];
  mock.method(globalThis, "fetch", async (address, { method, headers, body }) => {
    api.calls.push({ method, path: address.replace("https://api.example", ""), body: body && JSON.parse(body), authorization: headers.authorization });
    const step = api.script.length > 1 ? api.script.shift() : api.script[0];
    if (step instanceof Error) throw step;
    const { status, body: answer, headers: more } = step;
    return new Response(typeof answer === "string" ? answer : JSON.stringify(answer), { status, headers: more });
  });
  visit("https://shop.example/account");
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

/** Puts the page at an address. */
export function visit(address) {
  globalThis.location = { href: address, assign: (to) => visit(to) };
  globalThis.history = { state: null, replaceState: (_state, _title, to) => visit(String(to)) };
}

/** The module with a Stripe.js of the test's own. */
export function perennialWith(stripeJs, token = () => "token-1") {
  return createPerennial({ apiBase: "https://api.example", token, stripe: () => stripeJs });
}

/** Lets the code under test run until it waits, then moves the clock on; answers with the seconds it took. */
export async function settle(promise) {
  let settled = false;
  const mark = () => (settled = true);
  promise.then(mark, mark);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (let second = 0; second < 300; second += 1) {
    for (let turns = 0; turns < 20 && !settled; turns += 1) await turn();
    if (settled) return second;
    mock.timers.tick(1000);
  }
  assert.fail("It never ended.");
}

/** Lets the code under test run until it waits. */
export async function turns() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
