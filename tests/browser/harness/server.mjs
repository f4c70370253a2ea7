// One `perennial` process: the gateway with the shop, DynamoDB, and the Stripe sandbox.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const binary = process.env.PERENNIAL ?? fail("Set PERENNIAL to the perennial binary, or start these tests with ./run.");

function fail(message) {
  throw new Error(message);
}

export class Server {
  /**
   * @param {string} [data] Where state lives; without it none is kept.
   * @param {string[]} [more] Further flags.
   */
  static async start(data, more = []) {
    const ports = ["--port", "0", "--dynamodb-port", "0", "--stripe-port", "0", "--json"];
    const child = spawn(binary, [...ports, ...(data ? ["--data", data] : ["--memory"]), ...more], {
      // A key of the developer's own would send these journeys to Stripe.
      env: { ...process.env, STRIPE_SECRET_KEY: "", STRIPE_PUBLISHABLE_KEY: "" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const server = new Server(child);
    server.addresses = await server.#firstJsonLine();
    return server;
  }

  constructor(child) {
    this.child = child;
    this.log = "";
    this.ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
    child.stderr.on("data", (chunk) => (this.log += chunk));
  }

  /** Listens on, since what comes after that line is of the log, too. */
  #firstJsonLine() {
    return new Promise((resolve, reject) => {
      const lines = createInterface({ input: this.child.stdout });
      lines.on("line", (line) => {
        this.log += `${line}\n`;
        if (line.startsWith("{")) resolve(JSON.parse(line));
      });
      lines.on("close", () => reject(new Error(`perennial ended before it told its addresses:\n${this.log}`)));
    });
  }

  /** What it says of this form, once it says it. */
  async says(form) {
    for (let tries = 0; tries < 100; tries += 1) {
      const found = form.exec(this.log)?.[1];
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`perennial does not say ${form}:\n${this.log}`);
  }

  get shop() {
    return this.addresses.gateway;
  }

  /** Ends the process as Ctrl-C does, and answers how it ended. */
  async stop() {
    this.child.kill("SIGINT");
    return this.ended;
  }

  /** A call to the sandbox's control interface. */
  async sandbox(method, path, body) {
    const response = await fetch(`${this.addresses.stripe}/_sandbox/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.addresses.stripe_key}`, ...(body ? { "content-type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /_sandbox/${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** Lets days pass at Stripe, each with what comes due on it. */
  async passDays(days) {
    for (let day = 0; day < days; day += 1) await this.sandbox("POST", "clock", { advance: 86_400 });
  }

  /** A call to Stripe's API, as somebody in the Dashboard or another program would make it. */
  async stripe(method, path, params = {}) {
    const response = await fetch(`${this.addresses.stripe}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.addresses.stripe_key}` },
      body: method === "GET" ? undefined : new URLSearchParams(params),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} /v1/${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** What the Stripe sandbox holds of a kind, such as `subscription`, whoever it belongs to. */
  async objects(kind) {
    return objectsOf(await this.sandbox("GET", "state")).filter(({ object }) => object === kind);
  }

  /** The API calls that reached the Stripe sandbox, as `POST /v1/subscriptions`. */
  async stripeCalls() {
    const log = await this.sandbox("GET", "requests");
    return (log.requests ?? log).map(({ method, path }) => `${method} ${path}`);
  }
}

function objectsOf(value) {
  if (Array.isArray(value)) return value.flatMap(objectsOf);
  if (value === null || typeof value !== "object") return [];
  if (typeof value.object === "string" && typeof value.id === "string") return [value];
  return Object.values(value).flatMap(objectsOf);
}
