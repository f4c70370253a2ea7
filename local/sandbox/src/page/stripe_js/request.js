// What every part of the stand-in for Stripe.js needs: its errors, its checks, and calls to the sandbox.

const api = new URL(document.currentScript.src).origin;

/** What Stripe.js throws at a page that uses it wrongly. */
class IntegrationError extends Error {
  constructor(message) {
    super(message);
    this.name = "IntegrationError";
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const refuseUnknown = (given, known, where) => {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw new IntegrationError(`Invalid parameter for ${where}: ${name} is not an accepted parameter.`);
  }
};

const oneOf = (value, allowed, where) => {
  if (!allowed.includes(value)) throw new IntegrationError(`Invalid value for ${where}: ${value} should be one of ${allowed.join(", ")}.`);
};

/** The id in a client secret. `kind` is `seti` or `pi`. */
const intentOf = (clientSecret, kind, caller) => {
  const form = new RegExp(`^(${kind}_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$`);
  const match = typeof clientSecret === "string" && form.exec(clientSecret);
  if (!match) {
    throw new IntegrationError(
      `Invalid value for ${caller} intent secret: value should be a client secret of the form \${id}_secret_\${secret}.`,
    );
  }
  return match[1];
};

const encode = (value, name, into) => {
  if (value === undefined) return;
  if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) encode(inner, name ? `${name}[${key}]` : key, into);
  } else {
    into.append(name, value === null ? "" : String(value));
  }
};

const unreachable = () => ({
  error: { type: "api_connection_error", message: "We are experiencing issues connecting to our payments provider." },
});

/** A call to the API. The answer comes under `name`, or else there is an `error`. */
const call = async (key, method, path, params, name) => {
  const form = new URLSearchParams();
  encode(params, "", form);
  const inQuery = method === "GET" ? `?${form}` : "";
  try {
    const response = await fetch(`${api}${path}${inQuery}`, {
      method,
      headers: { authorization: `Bearer ${key}` },
      body: method === "GET" ? undefined : form,
    });
    const answer = await response.json();
    return response.ok ? { [name]: answer } : { error: answer.error };
  } catch {
    return unreachable();
  }
};

/** A question that only the sandbox answers. What it says comes under `name`, or else there is an `error`. */
const askSandbox = async (key, path, init, name) => {
  try {
    const headers = { ...init.headers, authorization: `Bearer ${key}` };
    const response = await fetch(`${api}/_sandbox/${path}`, { ...init, headers });
    const answer = await response.json();
    return response.ok ? { [name]: answer } : { error: answer.error ?? { type: "api_error", message: "The sandbox gave no answer." } };
  } catch {
    return unreachable();
  }
};

/** What the account may take. */
const accountOfSandbox = (key) => askSandbox(key, "account", {}, "account");

/** Asks, in the wallet's place, for the token of a card in it. */
const sheetToken = (key, wallet, first) =>
  askSandbox(
    key,
    "tokens",
    { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ wallet, first }) },
    "token",
  );
