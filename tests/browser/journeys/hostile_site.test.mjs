// A website that a developer visits while `cargo dev` runs, and what it reaches of it: nothing.
//
// The same page is a stranger in three ways: on another port of this machine, under a name of its own, and under a name
// that it points to this machine and to the port that it calls (DNS rebinding).

import { createServer } from "node:http";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { Server } from "../harness/server.mjs";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"];
// Chromium asks the user before a public site may call this machine. Here it must not help.
const UNGUARDED = "--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessSendPreflights,BlockInsecurePrivateNetworkRequests";
const REBOUND = "--host-resolver-rules=MAP *.example 127.0.0.1";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Server} */
let perennial;
/** @type {import("node:http").Server} */
let site;
let sitePort = 0;

before(async () => {
  perennial = await Server.start(undefined, ["--shop-url", "http://localhost:1/"]);
  site = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>A site</title><body>"));
  await new Promise((resolve) => site.listen(0, "127.0.0.1", () => resolve(undefined)));
  sitePort = /** @type {import("node:net").AddressInfo} */ (site.address()).port;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...FLAGS, UNGUARDED, REBOUND] });
});

after(async () => {
  await browser?.close();
  site?.closeAllConnections();
  site?.close();
  assert.equal(await perennial?.stop(), 0, perennial?.log);
});

const port = (address) => new URL(address).port;

/** Every port, with what a stranger would like to have of it. */
function targets() {
  const { gateway, dynamodb, stripe } = perennial.addresses;
  return [
    { url: gateway, paths: ["/dev/events", "/dev/shop.json", "/plans", "/perennial.js", "/dev/token", "/client-secret", "/webhooks/stripe"], script: "/perennial.js" },
    { url: stripe, paths: ["/_sandbox/state", "/_sandbox/account", "/_sandbox/webhooks/hold", "/_sandbox/tokens", "/v1/customers"], script: "/stripe.js" },
    { url: `http://127.0.0.1:${port(dynamodb)}`, paths: ["/"], script: "/" },
  ];
}

/** A tab with the site under one of its names. */
async function visit(name) {
  const page = await browser.newPage();
  await page.goto(`http://${name}:${sitePort}/`);
  return page;
}

/** What the page can read of a call, made in every way that needs no permission and in those that ask for it. */
function readAll(page, addresses) {
  return page.evaluate(async (addresses) => {
    const seen = [];
    const ways = [
      {},
      { mode: "no-cors" },
      { credentials: "include" },
      { method: "POST", body: "{}" },
      { method: "POST", body: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } },
      { method: "POST", body: "{}", mode: "no-cors" },
      { method: "POST", body: "{}", headers: { "content-type": "application/json" } },
      { headers: { authorization: "Bearer sk_test_perennial_sandbox" } },
      {
        method: "POST",
        body: "{}",
        headers: {
          "x-amz-target": "DynamoDB_20120810.ListTables",
          "content-type": "application/x-amz-json-1.0",
          "x-amz-date": "20260101T000000Z",
          authorization: "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        },
      },
    ];
    for (const address of addresses) {
      for (const way of ways) {
        try {
          const answer = await fetch(address, way);
          if (answer.type !== "opaque") seen.push(`${answer.status} ${address} ${JSON.stringify(way)}: ${await answer.text()}`);
        } catch {
          // Not readable, as it should be.
        }
      }
    }
    return seen;
  }, addresses);
}

/** What comes of an element that loads the address without asking. */
function load(page, tag, address) {
  return page.evaluate(
    ([tag, address]) =>
      new Promise((resolve) => {
        const element = document.createElement(tag);
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("refused");
        if (tag === "link") Object.assign(element, { rel: "stylesheet", href: address });
        else if (tag === "object") element.data = address;
        else element.src = address;
        document.body.append(element);
        setTimeout(() => resolve("refused"), 3000);
      }),
    [tag, address],
  );
}

test("the shop's own page reads and loads what the sites below do not", { timeout: 60_000 }, async () => {
  const page = await browser.newPage();
  const { gateway, stripe } = perennial.addresses;
  await page.goto(`${gateway}/`);
  assert.match((await readAll(page, [`${gateway}/plans`])).join("\n"), /^200 .*\{\}: \{"version"/);
  assert.equal(await load(page, "script", `${gateway}/perennial/api.js`), "loaded");
  assert.equal(await load(page, "script", `${stripe}/stripe.js`), "loaded");
  await page.close();
});

/** The names under which the site is no page of this server. */
const NAMES = ["site.example", "127.0.0.1", "localhost"];

for (const name of NAMES) {
  test(`a site at ${name} reads nothing of any port`, { timeout: 120_000 }, async () => {
    const page = await visit(name);
    for (const { url, paths, script } of targets()) {
      const direct = paths.map((path) => url + path);
      const byName = direct.map((address) => address.replace("127.0.0.1", "localhost"));
      assert.deepEqual(await readAll(page, [...direct, ...byName]), [], url);
      for (const tag of ["script", "img", "link"]) {
        assert.equal(await load(page, tag, url + script), "refused", `<${tag}> ${url}${script}`);
      }
    }
    await page.close();
  });
}

test("a name that is pointed to this machine reads nothing of any port", { timeout: 120_000 }, async () => {
  const page = await browser.newPage();
  await page.route("**/site.html", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>A site</title>" }));
  for (const { url, paths } of targets()) {
    const rebound = `http://rebound.example:${port(url)}`;
    const opened = await page.request.get(`${rebound}${paths[0]}`.replace("rebound.example", "127.0.0.1"), { headers: { host: "rebound.example" } });
    assert.equal(opened.status(), 403, rebound);
    // What the name led to at first: a page of the site. It is of the same origin as what it calls, and reads each refusal.
    await page.goto(`${rebound}/site.html`);
    const seen = await readAll(page, paths.map((path) => rebound + path));
    const answered = seen.filter((line) => !line.startsWith("403 "));
    const stripes = answered.filter((line) => !line.includes("/webhooks/stripe"));
    assert.deepEqual(stripes, [], rebound);
    // A tunnel brings Stripe's events, and they are signed.
    for (const line of answered) assert.match(line, /^40[04] /);
  }
  await page.close();
});

test("a form of another site changes nothing", { timeout: 120_000 }, async () => {
  const { stripe, gateway } = perennial.addresses;
  const sent = async (action, fields) => {
    const page = await visit("site.example");
    const answered = page.waitForResponse((response) => response.url().startsWith(action));
    await page.evaluate(
      ([action, fields]) => {
        const form = Object.assign(document.createElement("form"), { method: "post", action, enctype: "text/plain" });
        for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("input"), { name, value }));
        document.body.append(form);
        form.submit();
      },
      [action, fields],
    );
    const status = (await answered).status();
    await page.close();
    return status;
  };
  assert.equal(await sent(`${stripe}/_sandbox/webhooks/hold`, {}), 403);
  assert.equal(await sent(`${stripe}/_sandbox/clock`, { '{"advance":600,"x":"': '"}' }), 403);
  assert.equal(await sent(`${stripe}/sandbox/amazon-pay/seti_1`, { choice: "approve" }), 403);
  assert.equal(await sent(`${gateway}/dev/token`, { '{"user":"alice","x":"': '"}' }), 403);
  assert.equal(await sent(`${gateway}/dev/sweep`, { '{"sweep":"open","x":"': '"}' }), 403);
  assert.equal((await perennial.sandbox("GET", "account")).hold ?? false, false);
});

test("a frame of another site shows nothing, and a link leads to the shop", { timeout: 60_000 }, async () => {
  const page = await visit("site.example");
  const { gateway } = perennial.addresses;
  const framed = page.waitForResponse((response) => response.url() === `${gateway}/`);
  await load(page, "iframe", `${gateway}/`);
  assert.equal((await framed).status(), 403);
  await page.evaluate((address) => location.assign(address), `${gateway}/`);
  await page.getByText("Light worth waiting").waitFor();
  await page.close();
});
