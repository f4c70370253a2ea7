// The page of web/README.md, on a port of its own, with the content security policy that `cargo dev --shop-url` prints.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { Server } from "../harness/server.mjs";

const README = new URL("../../../web/README.md", import.meta.url);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"];

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Server} */
let perennial;
/** @type {import("node:http").Server} */
let site;
let own = "";
let policy = "";

before(async () => {
  const readme = await readFile(README, "utf8");
  const [, section] = readme.split("\n## On your machine\n");
  const block = (kind) => section?.match(new RegExp(`\`\`\`${kind}\\n([^]*?)\`\`\``))?.[1] ?? assert.fail(`There is no ${kind} in the section.`);
  const files = { "/": ["text/html", block("html")], "/page.js": ["text/javascript", block("js")] };
  site = createServer((request, response) => {
    const [kind, text] = files[new URL(request.url ?? "/", own).pathname] ?? [];
    if (!text) return void response.writeHead(404).end();
    const { gateway, stripe } = perennial.addresses;
    response.writeHead(200, { "content-type": kind, "content-security-policy": policy });
    response.end(text.replaceAll("http://127.0.0.1:9000", gateway).replaceAll("http://127.0.0.1:9002", stripe));
  });
  await new Promise((resolve) => site.listen(0, "127.0.0.1", () => resolve(undefined)));
  own = `http://localhost:${/** @type {import("node:net").AddressInfo} */ (site.address()).port}`;
  perennial = await Server.start(undefined, ["--shop-url", own]);
  policy = await perennial.says(/its policy: (.*)/);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
});

after(async () => {
  await browser?.close();
  site?.closeAllConnections();
  site?.close();
  assert.equal(await perennial?.stop(), 0, perennial?.log);
});

async function open(address) {
  const page = await (await browser.newContext()).newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && !message.text().includes("favicon") && complaints.push(message.text()));
  await page.goto(address);
  return { page, complaints };
}

test("a shopper of the page pays with Amazon Pay and comes back to it", { timeout: 90_000 }, async () => {
  const printed = await perennial.says(/open it as (\S+)/);
  assert.equal(printed, `${own}/#key=${perennial.addresses.key}`);
  const { page, complaints } = await open(printed);
  await page.locator("#apple-pay-button").waitFor();
  assert.match(await page.locator("#agreement").innerText(), /Amazon Pay/);
  assert.ok(!page.url().includes(perennial.addresses.key), "the key stays in the address");
  await page.locator("#amazon-pay").click();
  await page.waitForURL(/\/sandbox\/amazon-pay\/seti_/);
  await page.locator("#approve").click();
  await page.waitForURL(`${own}/**`);
  await page.getByText("subscribed", { exact: true }).waitFor();
  const missing = complaints.filter((text) => !text.includes("the server responded with a status of 404"));
  assert.deepEqual(missing, []);
});

test("without the key the page says where it is", { timeout: 60_000 }, async () => {
  const { page, complaints } = await open(`${own}/`);
  for (let tries = 0; tries < 100 && complaints.length === 0; tries += 1) await page.waitForTimeout(50);
  assert.match(complaints.join(), /address that `cargo dev` prints/);
});
