/** The fields of an object that Stripe shows as an object in place of an id, or only when it is asked for them. */

import ts from "typescript";

/** Stripe expands no path of more names. */
const DEEPEST = 4;

/** The paths of the fields, such as `items.data.price.product`, down to where an id begins another object. */
export function expandableIn(type: ts.Type, checker: ts.TypeChecker): string[] {
  const found = new Set<string>();
  visit(type, [], checker, found);
  return [...found].sort();
}

function visit(type: ts.Type, path: string[], checker: ts.TypeChecker, found: Set<string>): void {
  if (path.length >= DEEPEST) return;
  for (const property of type.getProperties()) {
    const members = membersOf(checker.getTypeOfSymbol(property));
    const objects = members.filter((member) => member.flags & ts.TypeFlags.Object).map((member) => elementOf(member, checker));
    const here = [...path, property.name];
    const isId = members.some((member) => member.flags & ts.TypeFlags.String) && objects.some((object) => object.getProperty("object"));
    // A list that may be absent is there when it is asked for.
    const isAsked = (property.flags & ts.SymbolFlags.Optional) !== 0 && objects.some((object) => object.getProperty("has_more"));
    if (isId || isAsked) found.add(here.join("."));
    if (!isId) objects.forEach((object) => visit(object, here, checker, found));
  }
}

function membersOf(type: ts.Type): ts.Type[] {
  return type.isUnion() ? type.types : [type];
}

function elementOf(type: ts.Type, checker: ts.TypeChecker): ts.Type {
  const element = checker.isArrayType(type) ? checker.getTypeArguments(type as ts.TypeReference)[0] : undefined;
  return element ? (membersOf(element).find((member) => member.flags & ts.TypeFlags.Object) ?? element) : type;
}
