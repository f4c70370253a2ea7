/** A receiver of webhooks on this machine. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Delivery {
  signature: string;
  body: Buffer;
}

export class Receiver {
  readonly deliveries: Delivery[] = [];
  /** How the next deliveries are answered; 200 once there is nothing left. */
  readonly answers: number[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.deliveries.push({ signature: String(request.headers["stripe-signature"]), body: Buffer.concat(chunks) });
      response.writeHead(this.answers.shift() ?? 200).end();
    });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/webhooks`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
