/** Perennial itself: the gateway of `cargo dev` with its own table. */

import { Program } from "./process.js";
import { Control } from "./sandbox.js";

interface Addresses {
  gateway: string;
  stripe: string;
  key: string;
  stripe_key?: string;
}

export interface Answer {
  status: number;
  body: any;
  headers: Headers;
}

export class Gateway {
  readonly program: Program;
  readonly control: Control;
  readonly url: string;
  readonly key: string;

  private constructor(program: Program, { gateway, stripe, key, stripe_key }: Addresses) {
    this.program = program;
    this.control = new Control(stripe, stripe_key);
    this.url = gateway;
    this.key = key;
  }

  static async start(env: Record<string, string> = {}, state = ["--memory"]): Promise<Gateway> {
    const args = ["--port", "0", "--dynamodb-port", "0", "--stripe-port", "0", "--json", ...state];
    const { program, address } = await Program.start("PERENNIAL", args, env, (line) =>
      line.startsWith("{") ? (JSON.parse(line) as Addresses) : undefined,
    );
    return new Gateway(program, address);
  }

  async call(method: string, path: string, { user, body, headers }: { user?: string; body?: unknown; headers?: Record<string, string> } = {}): Promise<Answer> {
    const token = user === undefined ? undefined : await this.#token(user);
    const response = await fetch(new URL(path, this.url), {
      method,
      redirect: "manual",
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith("{") ? JSON.parse(text) : text };
  }

  async #token(user: string): Promise<string> {
    const { body } = await this.call("POST", "/dev/token", { body: { user }, headers: { authorization: `Bearer ${this.key}` } });
    return body.token;
  }
}
