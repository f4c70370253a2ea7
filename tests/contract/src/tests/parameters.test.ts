/** The parameters that the sandbox knows are those of the SDK's types. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { FILE, generated } from "../parameters/file.js";

test("operations.json is what its generator makes of the SDK's types", () => {
  const committed = readFileSync(FILE, "utf8").split("\n");
  const made = generated().split("\n");
  const line = made.findIndex((text, index) => text !== committed[index]);
  assert.ok(line === -1 && made.length === committed.length, `line ${line + 1} is another; tests/contract/parameters writes the file anew`);
});
