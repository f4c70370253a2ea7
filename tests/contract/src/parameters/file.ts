/** The text of `local/sandbox/src/params/operations.json`, made of the SDK's types. */

import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import Stripe from "stripe";
import { ROOT } from "../referee/host.js";
import { operationOf, typeOfObject } from "../referee/operations.js";
import { typesNamed } from "../referee/referee.js";
import { expandableIn } from "./expandable.js";
import { LENGTHS_BY_HAND } from "./limits.js";
import { treeOf, type Tree } from "./tree.js";

const SANDBOX = resolve(ROOT, "../../local/sandbox/src");
export const FILE = resolve(SANDBOX, "params/operations.json");

const LEGEND =
  "A node is string, boolean, integer or decimal; {enum}, {list: node}, {map: node}, {any: [node]}, {object: {name: node}, required: [name]}; " +
  "{empty: node} may also be cleared with an empty string; {same: name} is shared; " +
  "{of: node} has limits: max_length, max_items, min, max, max_places after the point, max_years of an interval_count, format. " +
  "paths: what Stripe has; expandable: the fields of each object that `expand` may name.";

/** A subtree of as many characters is written once. */
const LONG = 240;

/** What a page sends with its publishable key beside the parameters of the same call with the secret key; the SDK, which is for servers, lacks it. */
const OF_PAGES: Readonly<Record<string, (tree: Tree) => Tree>> = {
  "POST /v1/payment_intents/{id}/confirm": withClientSecret,
  "POST /v1/setup_intents/{id}/confirm": (tree) => withInferFromClient(withClientSecret(tree)),
};

/** The file as it should be. */
export function generated(): string {
  const names = served();
  const { types, checker } = typesNamed(names.map((name) => paramsOf(name)));
  const trees = new Map<string, Tree>();
  names.forEach((name, index) => {
    const tree = withLengths(treeOf(types[index]!, name, checker), LENGTHS_BY_HAND[name] ?? {});
    trees.set(name, tree);
    const ofPages = OF_PAGES[name];
    if (ofPages) trees.set(`${name} publishable`, ofPages(tree));
  });
  const sorted = [...trees].sort(([a], [b]) => (a < b ? -1 : 1));
  const { shared, operations } = share(sorted);
  const lines = (of: [string, Tree][]): string => of.map(([name, tree]) => `  ${JSON.stringify(name)}: ${JSON.stringify(tree)}`).join(",\n");
  return (
    "{\n" +
    ` "source": ${JSON.stringify(`npm stripe@${Stripe.PACKAGE_VERSION}, by tests/contract/parameters`)},\n` +
    ` "api_version": ${JSON.stringify(Stripe.API_VERSION)},\n` +
    ` "legend": ${JSON.stringify(LEGEND)},\n` +
    ` "paths": {\n${pathsOfStripe()}\n },\n` +
    ` "expandable": {\n${expandable()}\n },\n` +
    ` "shared": {\n${lines(shared)}\n },\n` +
    ` "operations": {\n${lines(operations)}\n }\n}\n`
  );
}

/** The fields of each object that the sandbox has which may be expanded. */
function expandable(): string {
  const kinds = readFileSync(resolve(SANDBOX, "state/kind.rs"), "utf8");
  const names = [...kinds.matchAll(/\(Self::\w+, "([a-z_.]+)"\)/g)].map(([, name = ""]) => name).filter((name) => name !== "event");
  const { types, checker } = typesNamed(names.map((object) => typeOfObject({ object })));
  return names.map((name, index) => `  ${JSON.stringify(name)}: ${JSON.stringify(expandableIn(types[index]!, checker))}`).join(",\n");
}

/** The paths of Stripe's API with their methods, as the SDK's resources call them. */
function pathsOfStripe(): string {
  const paths = new Map<string, Set<string>>();
  const folder = resolve(ROOT, "node_modules/stripe/esm/resources");
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"))) {
    for (const [method, path] of callsIn(readFileSync(resolve(folder, file), "utf8"))) {
      if (!paths.has(path)) paths.set(path, new Set());
      paths.get(path)?.add(method);
    }
  }
  const sorted = [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([path, methods]) => `  ${JSON.stringify(path)}: ${JSON.stringify([...methods].sort())}`).join(",\n");
}

function callsIn(script: string): [string, string][] {
  const calls = script.matchAll(/_makeRequest\('([A-Z]+)', [`'](\/v1\/[^`']+)[`']/g);
  return [...calls].map(([, method = "", path = ""]): [string, string] => [method, path.replaceAll(/\$\{[^}]*\}/g, "{id}")]);
}

/** The operations that the sandbox serves, such as `POST /v1/customers/{id}`. */
function served(): string[] {
  const routes = readFileSync(resolve(SANDBOX, "http/routes.rs"), "utf8");
  return [...routes.matchAll(/operation!\((?:page )?"([A-Z]+)" "([^"]+)"/g)].map(([, method, path]) => `${method} ${path}`);
}

function paramsOf(name: string): string {
  const [method = "", path = ""] = name.split(" ");
  return operationOf(method, path).params;
}

/** Subtrees that occur twice, each under a name. */
function share(trees: [string, Tree][]): { shared: [string, Tree][]; operations: [string, Tree][] } {
  const times = new Map<string, number>();
  const count = (tree: Tree): void => {
    const text = JSON.stringify(tree);
    const before = times.get(text) ?? 0;
    times.set(text, before + 1);
    // What is inside a repetition is not repeated by it.
    if (before === 0) parts(tree).forEach(count);
  };
  trees.forEach(([, tree]) => count(tree));

  const names = new Map<string, string>();
  const shared: [string, Tree][] = [];
  const shorten = (tree: Tree): Tree => {
    const text = JSON.stringify(tree);
    if (text.length < LONG || times.get(text) === 1) return replace(tree, shorten);
    if (!names.has(text)) {
      names.set(text, `d${names.size + 1}`);
      shared.push([names.get(text)!, replace(tree, shorten)]);
    }
    return { same: names.get(text)! };
  };
  // An operation's own tree stays where it is, even if another operation has the same.
  const operations = trees.map(([name, tree]): [string, Tree] => [name, replace(tree, shorten)]);
  return { shared, operations };
}

function parts(tree: Tree): Tree[] {
  const found: Tree[] = [];
  replace(tree, (part) => {
    found.push(part);
    return part;
  });
  return found;
}

/** The tree with each of its parts replaced. */
function replace(tree: Tree, by: (part: Tree) => Tree): Tree {
  if (typeof tree === "string" || "enum" in tree || "same" in tree) return tree;
  if ("of" in tree) return { ...tree, of: by(tree.of) };
  if ("list" in tree) return { list: by(tree.list) };
  if ("map" in tree) return { map: by(tree.map) };
  if ("empty" in tree) return { empty: by(tree.empty) };
  if ("any" in tree) return { any: tree.any.map(by) };
  return { ...tree, object: Object.fromEntries(Object.entries(tree.object).map(([name, part]) => [name, by(part)])) };
}

function withLengths(tree: Tree, lengths: Record<string, number>): Tree {
  return Object.entries(lengths).reduce(
    (whole, [name, max_length]) => within(whole, [], (at) => ({ ...at, object: { ...at.object, [name]: longest(at.object[name], max_length) } })),
    tree,
  );
}

function longest(part: Tree | undefined, max_length: number): Tree {
  if (part === undefined) throw new Error("The SDK's types lack a parameter whose length is known by hand.");
  return typeof part !== "string" && "empty" in part ? { empty: longest(part.empty, max_length) } : { of: part, max_length };
}

function withClientSecret(tree: Tree): Tree {
  const { object, required = [] } = objectIn(tree);
  return { object: { ...object, client_secret: "string" }, required: [...required, "client_secret"] };
}

/** Stripe.js may leave the shopper's address and browser to Stripe. */
function withInferFromClient(tree: Tree): Tree {
  return within(tree, ["mandate_data", "customer_acceptance", "online"], ({ object }) => ({
    object: { ...object, infer_from_client: "boolean" },
  }));
}

/** The tree with the object at this path changed. */
function within(tree: Tree, path: string[], change: (object: { object: Record<string, Tree> }) => Tree): Tree {
  if (typeof tree !== "string" && "empty" in tree) return { empty: within(tree.empty, path, change) };
  const at = objectIn(tree);
  const [name, ...rest] = path;
  if (name === undefined) return change(at);
  const part = at.object[name];
  if (part === undefined) throw new Error(`The SDK's types lack ${name}.`);
  return { ...at, object: { ...at.object, [name]: within(part, rest, change) } };
}

function objectIn(tree: Tree): { object: Record<string, Tree>; required?: string[] } {
  if (typeof tree === "string" || !("object" in tree)) throw new Error(`${JSON.stringify(tree)} is not an object.`);
  return tree;
}
