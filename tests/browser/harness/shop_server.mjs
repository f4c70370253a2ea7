// The shop's own server, which signs what it asks of `/payments` with AWS Signature Version 4, as IAM wants it.

import { createHash, createHmac, randomUUID } from "node:crypto";

// The one caller that the local gateway knows, whose secret is the developer's key.
const CALLER = "local";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();

/**
 * @param {import("./server.mjs").Server} server
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
export async function askAsShop(server, method, path, body) {
  const address = new URL(path, server.shop);
  const content = body ? JSON.stringify(body) : "";
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/us-east-1/execute-api/aws4_request`;
  const key = randomUUID();
  // A signature that does not cover the key is refused.
  const covered = "host;idempotency-key;x-amz-date";
  const headers = [`host:${address.host}`, `idempotency-key:${key}`, `x-amz-date:${time}`];
  const canonical = [method, address.pathname, "", ...headers, "", covered, sha256(content)].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const signing = scope.split("/").reduce(hmac, `AWS4${server.addresses.key}`);
  const signature = hmac(signing, toSign).toString("hex");
  const response = await fetch(address, {
    method,
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${CALLER}/${scope}, SignedHeaders=${covered}, Signature=${signature}`,
      "x-amz-date": time,
      "idempotency-key": key,
      ...(body ? { "content-type": "application/json" } : {}),
    },
    body: content || undefined,
  });
  return { status: response.status, body: await response.json() };
}
