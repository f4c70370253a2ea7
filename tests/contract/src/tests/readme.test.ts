/** The lines of the sandbox's README for people who only want a Stripe on their machine. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { test, type TestContext } from "node:test";
import { inSandbox } from "../harness/journey.js";
import { ROOT } from "../referee/host.js";

const README = readFileSync(resolve(ROOT, "../../local/sandbox/README.md"), "utf8");

/** The program in this language, with the address that the README names replaced. */
function program(language: string, url: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(README) ?? [];
  assert.ok(text, `the README has no program in ${language}`);
  return text.replaceAll("9002", new URL(url).port);
}

function run(command: string, name: string, text: string): string {
  // In this folder, where the packages are.
  const file = resolve(ROOT, name);
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync(command, [file], { encoding: "utf8", cwd: ROOT });
  rmSync(file);
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test("the lines for Node subscribe a customer", () =>
  inSandbox(async (sandbox, stripe) => {
    assert.equal(run(process.execPath, "readme.generated.mjs", program("js", sandbox.control.url)), "active");
    assert.equal((await stripe.subscriptions.list()).data.length, 1);
  }));

test("the lines for Python subscribe a customer, where the package is", (context: TestContext) => {
  if (spawnSync("python3", ["-c", "import stripe; stripe.StripeClient"]).status !== 0) {
    context.skip("python3 has no package stripe");
    return;
  }
  return inSandbox(async (sandbox, stripe) => {
    assert.equal(run("python3", "readme.generated.py", program("python", sandbox.control.url)), "active");
    assert.equal((await stripe.subscriptions.list()).data.length, 1);
  });
});
