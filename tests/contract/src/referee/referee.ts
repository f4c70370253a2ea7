/** Asks the TypeScript compiler whether values are what Stripe's published types say. */

import ts from "typescript";
import { literalOf, type Form } from "./form.js";
import { strangers } from "./enums.js";
import { pathOf } from "./path.js";
import { FILE, OPTIONS, wireHost } from "./host.js";
import { PRELUDE } from "./prelude.js";

/** A value and the type that it should have. */
export interface Claim {
  /** What it is, for whoever reads the complaint. */
  what: string;
  /** A type of TypeScript, in terms of the prelude. */
  type: string;
  /** JSON, as it was on the wire. */
  value: unknown;
}

/** The parameters of a request, which on the wire are all text. */
export interface FormClaim {
  what: string;
  type: string;
  form: Form;
}

let last: ts.Program | undefined;

/** Complaints about values, none if all is well. */
export function judge(claims: Claim[]): string[] {
  return complaints(claims.map(({ what, type, value }) => ({ what, type, literal: JSON.stringify(value, null, 1) })));
}

/** Types by their names, in terms of the prelude. */
export function typesNamed(names: string[]): { types: ts.Type[]; checker: ts.TypeChecker } {
  const { program, source } = compile(names.map((name, index) => `declare const type${index}: ${name};`));
  const checker = program.getTypeChecker();
  return { types: declarations(source).map((declaration) => checker.getTypeAtLocation(declaration)), checker };
}

/** Complaints about requests. Text becomes a number or a boolean where the type wants one. */
export function judgeForms(claims: FormClaim[]): string[] {
  const { types, checker } = typesNamed(claims.map(({ type }) => type));
  return complaints(
    claims.map(({ what, type, form }, index) => ({ what, type, literal: literalOf(form, types[index], checker) })),
  );
}

function complaints(claims: { what: string; type: string; literal: string }[]): string[] {
  const { program, source } = compile(claims.map(({ type, literal }, index) => `const value${index}: ${type} = ${literal};`));
  const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  const checker = program.getTypeChecker();
  const all = declarations(source);
  return claims.flatMap(({ what }, index) => {
    const declaration = all[index];
    if (!declaration) throw new Error(`${what} is not in the file that was checked.`);
    const inside = found.filter(({ start = 0 }) => start >= declaration.pos && start < declaration.end);
    return [
      ...inside.map((diagnostic) => `${what}${place(source, diagnostic)}: ${words(diagnostic)}`),
      ...strangers(declaration, checker).map((stranger) => `${what}${stranger}`),
    ];
  });
}

function compile(lines: string[]): { program: ts.Program; source: ts.SourceFile } {
  const program = ts.createProgram({
    rootNames: [FILE],
    options: OPTIONS,
    host: wireHost(PRELUDE + lines.join("\n")),
    ...(last ? { oldProgram: last } : {}),
  });
  last = program;
  const source = program.getSourceFile(FILE);
  if (!source) throw new Error("The compiler lost the file that it should check.");
  return { program, source };
}

function declarations(source: ts.SourceFile): ts.VariableDeclaration[] {
  return source.statements.filter(ts.isVariableStatement).flatMap((statement) => [...statement.declarationList.declarations]);
}

/** The first line says what is wrong; the others repeat it for each member of a union. */
function words(diagnostic: ts.Diagnostic): string {
  return ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n").split("\n").slice(0, 4).join(" ").slice(0, 600);
}

function place(source: ts.SourceFile, { start = 0 }: ts.Diagnostic): string {
  return pathOf(nodeAt(source, start));
}

function nodeAt(node: ts.Node, position: number): ts.Node {
  const child = ts.forEachChild(node, (each) => (each.getStart() <= position && position < each.end ? each : undefined));
  return child ? nodeAt(child, position) : node;
}
