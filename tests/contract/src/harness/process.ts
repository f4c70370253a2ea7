/** The programs under test, each a process of its own with nothing in it. */

import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

/** A key of the developer's own would send these tests to Stripe. */
const NO_KEYS = { STRIPE_SECRET_KEY: "", STRIPE_PUBLISHABLE_KEY: "", STRIPE_API_BASE: "", STRIPE_WEBHOOK_SECRETS: "", PLANS_FILE: "" };

export class Program {
  #child: ChildProcess;
  #said = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Starts a program and waits for the line in which it says where it is. */
  static async start<Address>(
    variable: "PERENNIAL" | "STRIPE_SANDBOX",
    args: string[],
    env: Record<string, string>,
    address: (line: string) => Address | undefined,
  ): Promise<{ program: Program; address: Address }> {
    const binary = process.env[variable];
    if (!binary) throw new Error(`Set ${variable} to the program, or start these tests with ./run.`);
    const child = spawn(binary, args, { env: { ...process.env, ...NO_KEYS, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const program = new Program(child);
    child.stderr.on("data", (chunk) => (program.#said += chunk));
    for await (const line of createInterface({ input: child.stdout })) {
      program.#said += `${line}\n`;
      const found = address(line);
      if (found === undefined) continue;
      child.stdout.resume();
      return { program, address: found };
    }
    throw new Error(`${binary} ended before it said where it is:\n${program.#said}`);
  }

  /** What it has said so far, for a test that failed. */
  get said(): string {
    return this.#said;
  }

  /** Ends it as Ctrl-C does. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGINT");
    await ended;
  }
}
