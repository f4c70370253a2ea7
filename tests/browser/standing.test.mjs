// What the demo shop says of a free trial without a payment method.

import assert from "node:assert/strict";
import { test } from "node:test";
import { standing } from "../../web/standing.js";

const trial = {
  status: "trialing",
  payment: { state: "method_required", reason: "method_missing" },
  trial_end: "2026-12-15T12:00:00Z",
  ends_at: null,
};
const entitlement = { active: true, until: "2026-12-18T12:00:00Z" };

test("it is free until the trial ends, and not until the entitlement does", () => {
  const { title, text, needed } = standing(trial, entitlement);
  assert.equal(title, "Your free trial is on");
  assert.match(text, /^Every picture is yours until December 15, 2026\. Nothing is charged unless/);
  assert.equal(needed, true);
});

test("one that was canceled says when it ends, and asks for no payment method", () => {
  const { title, text, way, needed } = standing({ ...trial, ends_at: trial.trial_end }, entitlement);
  assert.equal(title, "Your subscription ends on December 15, 2026");
  assert.match(text, /^It was canceled/);
  assert.deepEqual([way, needed], ["", false]);
});
