/** Keeps each answer on its way to the SDK, so that all of a journey can be held against Stripe's types. */

import assert from "node:assert/strict";
import Stripe from "stripe";
import { claimsOfAnswer } from "../referee/operations.js";
import { judge } from "../referee/referee.js";

interface Exchange {
  method: string;
  path: string;
  status: number;
  body: unknown;
}

export class Recorder {
  readonly #exchanges: Exchange[] = [];

  /** The SDK's own client for Node, overheard. */
  client(): Stripe.HttpClient {
    const inner = Stripe.createNodeHttpClient();
    const makeRequest: Stripe.HttpClient["makeRequest"] = async (host, port, path, method, ...others) => {
      const response = await inner.makeRequest(host, port, path, method, ...others);
      const read = response.toJSON.bind(response);
      response.toJSON = async () => {
        const body: unknown = await read();
        // The SDK makes objects of its own out of this one, so a copy is kept.
        const exchange = { method, path: path.split("?")[0] ?? path, status: response.getStatusCode(), body };
        this.#exchanges.push(structuredClone(exchange));
        return body;
      };
      return response;
    };
    return { getClientName: () => inner.getClientName(), makeRequest };
  }

  /** Fails if an answer is not of its type. */
  assertTyped(): void {
    const claims = this.#exchanges.flatMap(({ method, path, status, body }) => claimsOfAnswer(method, path, status, body));
    assert.notEqual(claims.length, 0, "nothing was answered");
    assert.deepEqual(judge(claims), []);
  }
}
