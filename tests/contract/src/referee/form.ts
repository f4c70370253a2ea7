/** Stripe's nested form encoding, `a[b][0]=c`, back into what the SDK's parameter types describe. */

import ts from "typescript";

export type Form = string | Form[] | { [name: string]: Form };

/** The tree that decoded pairs spell out. */
export function formOf(pairs: readonly (readonly [string, string])[]): { [name: string]: Form } {
  const root: { [name: string]: Form } = {};
  for (const [name, value] of pairs) {
    const path = name.split("[").map((part) => part.replace(/\]$/, ""));
    place(root, path, value);
  }
  return root;
}

function place(into: Form, [key = "", ...rest]: string[], value: string): void {
  if (typeof into === "string") throw new Error(`A value is also the parent of ${key}.`);
  const index = Array.isArray(into) && key === "" ? into.length : key;
  const slots = into as { [name: string]: Form };
  if (rest.length === 0) {
    slots[index] = value;
    return;
  }
  slots[index] ??= /^\d*$/.test(rest[0] ?? "") ? [] : {};
  place(slots[index], rest, value);
}

/** The literal of a form, as source text. What the type does not know stays text, for the compiler to complain about. */
export function literalOf(form: Form, type: ts.Type | undefined, checker: ts.TypeChecker): string {
  const members = type === undefined ? [] : type.isUnion() ? type.types : [type];
  if (typeof form === "string") return scalar(form, members);
  if (Array.isArray(form)) {
    const element = first(members, (member) => (checker.isArrayType(member) ? checker.getTypeArguments(member as ts.TypeReference)[0] : undefined));
    return `[${form.map((item) => literalOf(item, element, checker)).join(", ")}]`;
  }
  const properties = Object.entries(form).map(([name, value]) => {
    const inner = first(members, (member) => {
      const property = checker.getPropertyOfType(member, name);
      return property ? checker.getTypeOfSymbol(property) : checker.getIndexTypeOfType(member, ts.IndexKind.String);
    });
    return `${JSON.stringify(name)}: ${literalOf(value, inner, checker)}`;
  });
  return `{ ${properties.join(", ")} }`;
}

function scalar(text: string, members: readonly ts.Type[]): string {
  const allows = (flag: ts.TypeFlags): boolean => members.some(({ flags }) => (flags & flag) !== 0);
  if (members.some((member) => member.isStringLiteral() && member.value === text)) return JSON.stringify(text);
  if (allows(ts.TypeFlags.String)) return JSON.stringify(text);
  if (allows(ts.TypeFlags.NumberLike) && /^-?\d+$/.test(text)) return text;
  if (allows(ts.TypeFlags.BooleanLike) && /^(?:true|false)$/.test(text)) return text;
  return JSON.stringify(text);
}

function first<Item, Found>(items: readonly Item[], find: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
