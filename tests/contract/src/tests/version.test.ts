/** Whatever names a version of Stripe's API names that of the SDK that `package.json` pins. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import Stripe from "stripe";
import { ROOT } from "../referee/host.js";

const [, RELEASE] = Stripe.API_VERSION.split(".");

/** Where it stands, and what is found there. */
const PLACES: readonly [file: string, pattern: RegExp, expected: string | undefined][] = [
  ["shared/stripe/src/lib.rs", /API_VERSION: &str = "(.*)"/g, Stripe.API_VERSION],
  ["local/sandbox/src/lib.rs", /API_VERSION: &str = "(.*)"/g, Stripe.API_VERSION],
  ["README.md", /-d api_version=(\S+)/g, Stripe.API_VERSION],
  ["README.md", /js\.stripe\.com\/(.*)\/stripe\.js/g, RELEASE],
  ["web/README.md", /js\.stripe\.com\/(.*)\/stripe\.js/g, RELEASE],
  ["local/src/stripe_account.rs", /js\.stripe\.com\/(.*)\/stripe\.js/g, RELEASE],
];

for (const [file, pattern, expected] of PLACES) {
  test(`${file} names ${expected}`, () => {
    const found = [...readFileSync(resolve(ROOT, "../..", file), "utf8").matchAll(pattern)].map(([, version]) => version);
    assert.deepEqual(found, [expected]);
  });
}
