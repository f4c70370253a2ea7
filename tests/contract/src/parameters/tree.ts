/** A type of the SDK's parameters as a tree of the sandbox's notation, which `local/sandbox/src/params/schema.rs` reads. */

import ts from "typescript";
import { limitsIn, type Limits } from "./limits.js";

export type Tree =
  | "string"
  | "boolean"
  | "integer"
  | "decimal"
  | { enum: string[] }
  | { list: Tree }
  | { map: Tree }
  | { any: Tree[] }
  | { empty: Tree }
  | { object: Record<string, Tree>; required?: string[] }
  | ({ of: Tree } & Limits)
  | { same: string };

/** The tree of a type. `name` is that of the parameter, for what the type alone does not say. */
export function treeOf(type: ts.Type, name: string, checker: ts.TypeChecker): Tree {
  const all = type.isUnion() ? type.types : [type];
  const has = (flag: ts.TypeFlags): boolean => all.some((member) => (member.flags & flag) !== 0);
  const literals = all.flatMap((member) => (member.isStringLiteral() ? [member.value] : []));
  const alternatives: Tree[] = [];
  const values = literals.filter((value) => value !== "").sort();
  if (values.length > 0) alternatives.push({ enum: values });
  if (has(ts.TypeFlags.BooleanLike)) alternatives.push("boolean");
  if (has(ts.TypeFlags.TemplateLiteral)) alternatives.push("decimal");
  // All of a form is text, so a number is no alternative to text.
  if (has(ts.TypeFlags.String)) alternatives.push("string");
  else if (has(ts.TypeFlags.NumberLike)) alternatives.push(numberOf(name));
  for (const member of all) {
    if (member.flags & ts.TypeFlags.Object) alternatives.push(objectOf(member, name, checker));
  }
  // One that can only be cleared takes nothing but the empty string.
  if (alternatives.length === 0 && literals.includes("")) alternatives.push({ enum: [] });
  const [only, ...more] = alternatives;
  if (only === undefined) throw new Error(`${name}: ${checker.typeToString(type)} has no place in the notation.`);
  const tree: Tree = more.length > 0 ? { any: alternatives } : only;
  return has(ts.TypeFlags.Null) || literals.includes("") ? { empty: tree } : tree;
}

/** The SDK has one type for all numbers. Those that Stripe takes with decimal places are percentages and the measures of a parcel. */
function numberOf(name: string): Tree {
  return /(?:^|_)percent(?:age|_off)?$|^(?:height|length|weight|width)$/.test(name) ? "decimal" : "integer";
}

function objectOf(type: ts.Type, name: string, checker: ts.TypeChecker): Tree {
  const element = checker.isArrayType(type) ? checker.getTypeArguments(type as ts.TypeReference)[0] : undefined;
  if (element) return { list: treeOf(element, name, checker) };
  const value = type.getStringIndexType();
  if (value) return { map: treeOf(value, name, checker) };

  const object: Record<string, Tree> = {};
  const required: string[] = [];
  for (const property of type.getProperties().toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const tree = treeOf(checker.getTypeOfSymbol(property), property.name, checker);
    object[property.name] = limited(tree, ts.displayPartsToString(property.getDocumentationComment(checker)), property.name);
    if (!(property.flags & ts.SymbolFlags.Optional)) required.push(property.name);
  }
  return { object, ...(required.length > 0 && { required }) };
}

/** The tree with the limits that its documentation states. One that may be cleared has them inside, for what it is if it is not. */
function limited(tree: Tree, documentation: string, name: string): Tree {
  if (typeof tree !== "string" && "empty" in tree) return { empty: limited(tree.empty, documentation, name) };
  const limits = limitsIn(documentation, name, sortOf(tree));
  return limits ? { of: tree, ...limits } : tree;
}

function sortOf(tree: Tree): Parameters<typeof limitsIn>[2] {
  if (tree === "string" || tree === "integer" || tree === "decimal") return tree;
  if (typeof tree === "string") return "other";
  return "list" in tree ? "list" : "map" in tree ? "map" : "other";
}
