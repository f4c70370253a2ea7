// What `webhook` does, with Stripe's and AWS's own packages: it checks the signature and puts the event into the table.
// A minute of reading Lambda's Runtime API stands in for the managed runtime of Node.

import { request } from "node:http";

import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import Stripe from "stripe";

const RUNTIME = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation`;

const stripe = new Stripe(process.env.STRIPE_SECRET_KEY);
const table = new DynamoDBClient({
  region: "local",
  endpoint: process.env.AWS_ENDPOINT_URL_DYNAMODB,
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});

function call(method, url, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts).toString() }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function handle(event) {
  const signature = event.headers["stripe-signature"];
  const got = stripe.webhooks.constructEvent(event.body, signature, process.env.STRIPE_WEBHOOK_SECRETS);
  const object = got.data.object;
  const item = {
    pk: { S: `INBOX#${object.customer}` },
    sk: { S: `EVENT#${got.id}` },
    event: { S: got.id },
    type: { S: got.type },
    status: { S: "received" },
  };
  const TableName = process.env.TABLE_NAME;
  const ConditionExpression = "attribute_not_exists(pk)";
  await table.send(new PutItemCommand({ TableName, Item: item, ConditionExpression }));
  return { statusCode: 200, body: "{}" };
}

async function main() {
  for (;;) {
    const next = await call("GET", `${RUNTIME}/next`);
    const id = next.headers["lambda-runtime-aws-request-id"];
    const answer = await handle(JSON.parse(next.body));
    await call("POST", `${RUNTIME}/${id}/response`, JSON.stringify(answer));
  }
}

main();
