// A shopper with a browser in front of a fresh shop, and what they can do there.

import { mkdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { Server } from "./server.mjs";

const SCREENSHOTS = new URL("../screenshots/", import.meta.url);
const AXE = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const PICTURE = new URL("../../../docs/images/checkout.png", import.meta.url);
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let browser;

before(async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
});

after(() => browser?.close());

/**
 * A test with a shop of its own. It fails if the page logged an error, broke its content security
 * policy, or if the server did not end cleanly.
 *
 * @param {string} name
 * @param {(shopper: Shopper, server: Server) => Promise<void>} steps
 * @param {{ data?: string, view?: import("playwright-core").BrowserContextOptions }} [options]
 */
export function journey(name, steps, { data, view } = {}) {
  test(name, { timeout: 120_000 }, async () => {
    const server = await Server.start(data);
    const shopper = await Shopper.arrive(server, view);
    try {
      await steps(shopper, server);
      assert.deepEqual(shopper.complaints, [], "what the page complained of");
    } catch (error) {
      await shopper.screenshot(`failed-${name.replaceAll(/\W+/g, "-")}`).catch(() => {});
      throw new Error(`${error.message}\n--- perennial wrote:\n${server.log}`, { cause: error });
    } finally {
      await shopper.leave();
      const ending = await server.stop();
      assert.equal(ending, 0, `perennial ended with ${ending}:\n${server.log}`);
    }
  });
}

export class Shopper {
  /**
   * @param {Server} server
   * @param {import("playwright-core").BrowserContextOptions} [view]
   */
  static async arrive(server, view) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "UTC", ...view });
    context.setDefaultTimeout(20_000);
    // As the address does that `cargo dev` prints.
    await context.addInitScript(([shop, key]) => location.origin === shop && localStorage.setItem("perennial-dev-key", key), [server.shop, server.addresses.key]);
    return new Shopper(server, context, await context.newPage());
  }

  constructor(server, context, page) {
    this.server = server;
    this.context = context;
    this.page = page;
    /** @type {string[]} */
    this.complaints = [];
    /** @type {string[]} */
    this.calls = [];
    this.#watch(page);
  }

  #watch(page) {
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      // The browser reports each refusal of the API as an error, and the tests read those themselves.
      if (message.type() === "error" && !message.text().includes("the server responded with a status of")) {
        this.complaints.push(message.text());
      }
    });
    page.on("request", (request) => this.calls.push(`${request.method()} ${new URL(request.url()).pathname}`));
  }

  /** Another tab of the same browser. */
  async anotherTab() {
    const tab = new Shopper(this.server, this.context, await this.context.newPage());
    tab.complaints = this.complaints;
    return tab;
  }

  async visitShop() {
    await this.page.goto(this.server.shop);
    await this.page.locator("#loading").waitFor({ state: "hidden" });
    await this.waysAreShown();
  }

  /** Each plan has its own wallets, which the page has to ask for, and Apple's button comes last. */
  async waysAreShown() {
    await this.page.waitForFunction(
      () => document.querySelector("#checkout").hidden || document.querySelector("#ways").getAttribute("aria-busy") === "false",
    );
  }

  async choose(plan) {
    await this.page.getByRole("radio", { name: plan }).check();
    await this.waysAreShown();
  }

  async pressAmazonPay() {
    await this.page.locator("#pay").click();
    await this.onAmazon();
  }

  /** Waits for the page that stands for Amazon's, and answers the SetupIntent that it is about. */
  async onAmazon() {
    await this.page.waitForURL(/\/sandbox\/amazon-pay\/seti_/);
    return new URL(this.page.url()).pathname.split("/").at(-1);
  }

  /** @param {"approve" | "decline" | "close"} answer */
  async answerAmazon(answer) {
    await this.page.locator(`#${answer}`).click();
    await this.page.waitForURL(`${this.server.shop}/**`);
  }

  /** Chooses what Apple Pay begins with, in the bar of the demo. */
  async beginWith(first) {
    await this.page.locator("#first").selectOption(first);
    await this.waysAreShown();
  }

  /** Opens the sheet that stands for Apple's, and answers what it says. */
  async pressApplePay() {
    await this.page.locator("#apple-pay-button").click();
    return this.onSheet();
  }

  async onSheet() {
    await this.page.locator("#apple-approve").waitFor();
    return {
      lines: await this.page.locator("#apple-lines > div").allInnerTexts(),
      agreement: await this.page.locator("#apple-agreement").innerText(),
      management: await this.page.locator("#apple-management").getAttribute("href"),
      due: await this.page.locator("#apple-due").innerText(),
    };
  }

  /** @param {"approve" | "decline" | "cancel"} answer */
  async answerApple(answer) {
    await this.page.locator(`#apple-${answer}`).click();
    await this.sheetIsGone();
  }

  async sheetIsGone() {
    await this.page.locator("#apple-title").waitFor({ state: "detached" });
  }

  async subscribe() {
    await this.pressAmazonPay();
    await this.answerAmazon("approve");
    await this.sees("You are subscribed");
  }

  async sees(heading) {
    await this.page.getByRole("heading", { name: heading, exact: true }).waitFor();
  }

  /** Loads the shop until the heading is there: a webhook comes when it comes. */
  async eventuallySees(heading) {
    const deadline = Date.now() + 20_000;
    while (!(await this.page.getByRole("heading", { name: heading, exact: true }).isVisible())) {
      assert.ok(Date.now() < deadline, `"${heading}" never came`);
      await this.visitShop();
    }
  }

  /** Fails unless nothing on the page can be paid with. */
  async seesNoWayToPay() {
    for (const button of ["#pay", "#apple-pay-button", "#google-pay-button", "#cash-app-pay"]) {
      assert.equal(await this.page.locator(button).isVisible(), false, `${button} is offered`);
    }
  }

  /** Whoever cannot see is told what came up: it has the focus, which stays, and is said. */
  async isTold(id, words) {
    await this.sheetIsGone();
    const told = () => this.page.evaluate(() => [document.activeElement?.id, document.querySelector("#announcement").textContent]);
    await this.page.waitForFunction((wanted) => document.activeElement?.id === wanted, id);
    await this.page.waitForTimeout(1_500);
    const [focused, said] = await told();
    assert.equal(focused, id);
    assert.match(said, words);
  }

  /** Waits until it is said. */
  async announces(words) {
    await this.page.waitForFunction((wanted) => document.querySelector("#announcement").textContent === wanted, words);
  }

  async seesProblem(title, where = "#problem") {
    const problem = this.page.locator(where);
    await problem.getByText(title).waitFor();
    return problem.innerText();
  }

  /** The rows of "You are subscribed", by their terms. */
  async facts() {
    await this.page.locator("#facts[aria-busy=false]").waitFor();
    const rows = await this.page.locator("#facts > div").all();
    const pairs = await Promise.all(
      rows.map(async (row) => [await row.locator("dt").innerText(), await row.locator("dd").innerText()]),
    );
    return Object.fromEntries(pairs);
  }

  /**
   * @param {string} name
   * @param {{ fullPage?: boolean }} [options] A sheet covers the window, and not the whole page.
   */
  async screenshot(name, { fullPage = true } = {}) {
    const path = new URL(`${name}.png`, SCREENSHOTS).pathname;
    await this.page.screenshot({ path, fullPage, animations: "disabled" });
    await this.isAccessible(name);
  }

  /** Fails if axe finds anything in the page as it is. */
  async isAccessible(what) {
    await this.page.evaluate(AXE);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    assert.deepEqual(found, [], `what axe finds in ${what}`);
  }

  /** Fails if the page scrolls sideways. */
  async fits() {
    const [content, window] = await this.page.evaluate("[document.documentElement.scrollWidth, innerWidth]");
    assert.ok(content <= window, `${content} px of content in a window of ${window} px`);
  }

  /** The picture of the README, which is only renewed on request, since it is committed. */
  async picture() {
    if (!process.env.UPDATE_PICTURE) return;
    await mkdir(new URL(".", PICTURE), { recursive: true });
    const footer = await this.page.locator("footer").boundingBox();
    const clip = { x: 0, y: 0, width: 1280, height: Math.floor(footer?.y ?? 900) };
    await this.page.screenshot({ path: PICTURE.pathname, fullPage: true, clip, animations: "disabled" });
  }

  leave() {
    return this.context.close();
  }
}

/** The day so many days or months from now, as the shop writes it. */
export function dayIn({ days = 0, months = 0 }) {
  const day = new Date();
  day.setUTCDate(day.getUTCDate() + days);
  const wanted = (day.getUTCMonth() + months) % 12;
  day.setUTCMonth(day.getUTCMonth() + months);
  // January 31 and a month is the last day of February, not a day in March.
  if (day.getUTCMonth() !== wanted) day.setUTCDate(0);
  return new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeZone: "UTC" }).format(day);
}
