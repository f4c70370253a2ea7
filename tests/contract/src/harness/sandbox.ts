/** The Stripe sandbox: its process, its control interface, and the official SDK pointed at it. */

import Stripe from "stripe";
import { Program } from "./process.js";
import { Recorder } from "./recorder.js";

/** A call to the API, as the sandbox's log has it. */
export interface LoggedRequest {
  method: string;
  path: string;
  params: [string, string][];
  idempotency_key: string | null;
  stripe_version: string | null;
  /** Which kind of key it came with. */
  key: string | null;
  status: number;
  replayed: boolean;
}

export type Charge = "succeed" | "decline" | "authentication_required";

/** What a test can do that Stripe has no call for. */
export class Control {
  readonly url: string;
  readonly key: string;

  /** @param key The secret key of the sandbox; one that stands by itself takes any. */
  constructor(url: string, key = "sk_test_contract") {
    this.url = url;
    this.key = key;
  }

  /** What the shopper does on Amazon's page. Answers with where the browser goes next. */
  async choose(setupIntent: string, choice: "approve" | "decline" | "close"): Promise<URL> {
    const { redirect_url } = await this.#call<{ redirect_url: string }>("POST", `setup_intents/${setupIntent}/${choice}`);
    return new URL(redirect_url);
  }

  /** What later charges of a payment method meet. */
  async behave(paymentMethod: string, charge: Charge, decline_code?: string): Promise<void> {
    await this.#call("POST", `payment_methods/${paymentMethod}/behavior`, { charge, decline_code });
  }

  /** What Apple's sheet hands over, whose first transaction meets this. */
  async handOver(first: Charge = "succeed"): Promise<Stripe.Token> {
    return this.#call("POST", "tokens", { wallet: "apple_pay", first });
  }

  /** What the shopper answers when the card's bank asks about a payment. */
  async answerBank(paymentIntent: string, choice: "approve" | "decline" | "close"): Promise<void> {
    await this.#call("POST", `payment_intents/${paymentIntent}/${choice}`);
  }

  /** Whether Apple takes a domain. */
  async judgeDomain(domain: string, apple_pay: "active" | "inactive"): Promise<void> {
    await this.#call("POST", `payment_method_domains/${domain}`, { apple_pay });
  }

  /** Seconds pass. */
  async pass(seconds: number): Promise<void> {
    await this.#call("POST", "clock", { advance: seconds });
  }

  async revoke(mandate: string): Promise<void> {
    await this.#call("POST", `mandates/${mandate}/revoke`);
  }

  /** What goes wrong next. */
  async fault(fault: { method: string; path: string; fault: "status" | "severed" | "timeout_after"; status?: number; delay_ms?: number }): Promise<void> {
    await this.#call("POST", "faults", fault);
  }

  /** The shopper claims a charge back, and the bank or the wallet decides. */
  async dispute(charge: string, reason: string): Promise<{ id: string }> {
    return this.#call("POST", `charges/${charge}/dispute`, { reason });
  }

  async decide(dispute: string, status: "won" | "lost"): Promise<void> {
    await this.#call("POST", `disputes/${dispute}/close`, { status });
  }

  /** A refund that is pending arrives, or comes back. */
  async settleRefund(refund: string, outcome: "succeed" | "fail"): Promise<void> {
    await this.#call("POST", `refunds/${refund}/${outcome}`);
  }

  /** What is activated on the account, and how it behaves. */
  async account(settings: { amazon_pay?: boolean; local_endpoints?: boolean; apple_pay?: boolean; country?: string; latency_ms?: number; refunds?: "succeed" | "pending" }): Promise<void> {
    await this.#call("POST", "account", settings);
  }

  /** A new secret for a webhook endpoint; the old one signs beside it for this many seconds. */
  async roll(endpoint: string, expiresIn: number): Promise<{ secret: string }> {
    return this.#call("POST", `webhook_endpoints/${endpoint}/roll`, { expires_in: expiresIn });
  }

  async requests(): Promise<LoggedRequest[]> {
    return (await this.#call<{ requests: LoggedRequest[] }>("GET", "requests")).requests;
  }

  async deliveries(): Promise<{ type: string; state: string; attempts: { status: number | null }[] }[]> {
    return (await this.#call<{ deliveries: [] }>("GET", "webhooks")).deliveries;
  }

  /** Every object that there is, of every kind. */
  async objects(): Promise<{ object: string; id: string }[]> {
    const state = await this.#call<Record<string, unknown>>("GET", "state");
    return Object.values(state)
      .filter(Array.isArray)
      .flat()
      .filter((each) => typeof each?.object === "string" && typeof each.id === "string");
  }

  async #call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.url}/_sandbox/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.key}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /_sandbox/${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Answer;
  }
}

export class Sandbox {
  readonly program: Program;
  readonly control: Control;
  readonly recorder = new Recorder();
  /** The official SDK with its defaults, pointed here. What it gets is recorded. */
  readonly stripe: Stripe;

  private constructor(program: Program, url: string) {
    this.program = program;
    this.control = new Control(url);
    this.stripe = this.client();
  }

  static async start(): Promise<Sandbox> {
    const { program, address } = await Program.start("STRIPE_SANDBOX", ["--port", "0", "--memory"], {}, (line) => /http:\/\/[\d.:]+/.exec(line)?.[0]);
    return new Sandbox(program, address);
  }

  /** Another client, with a key or settings of its own. */
  client(key = "sk_test_contract", config: Partial<Stripe.StripeConfig> = {}): Stripe {
    const { hostname, port } = new URL(this.control.url);
    return new Stripe(key, {
      host: hostname,
      port: Number(port),
      protocol: "http",
      httpClient: this.recorder.client(),
      maxNetworkRetries: 0,
      telemetry: false,
      ...config,
    });
  }
}
