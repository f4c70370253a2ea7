/** Membership of enums. Stripe's types leave them open (`"a" | "b" | OtherString`), so that assignment alone proves nothing. */

import ts from "typescript";
import { pathOf } from "./path.js";

/** The strings in a value that its type's enums do not list. */
export function strangers(declaration: ts.VariableDeclaration, checker: ts.TypeChecker): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && isValue(node)) {
      const listed = membersOf(checker.getContextualType(node));
      if (listed && !listed.includes(node.text)) {
        const some = listed.slice(0, 8).join(", ") + (listed.length > 8 ? ", …" : "");
        found.push(`${pathOf(node)}: ${JSON.stringify(node.text)} is none of the ${listed.length} listed values (${some})`);
      }
    }
    ts.forEachChild(node, visit);
  };
  if (declaration.initializer) visit(declaration.initializer);
  return found;
}

/** A name of a property is a string literal too. */
function isValue(node: ts.StringLiteral): boolean {
  return !(ts.isPropertyAssignment(node.parent) && node.parent.name === node);
}

/** The literal members of an open enum, or nothing if the type is not one. */
function membersOf(type: ts.Type | undefined): string[] | undefined {
  if (!type?.isUnion() || !type.types.some(isOtherString)) return undefined;
  const literals = type.types.flatMap((member) => (member.isStringLiteral() ? [member.value] : []));
  return literals.length > 0 ? literals : undefined;
}

/** `string & Record<never, never>`, which keeps a union from collapsing into `string`. */
function isOtherString(type: ts.Type): boolean {
  return type.isIntersection() && type.types.some((member) => (member.flags & ts.TypeFlags.String) !== 0);
}
