/** Type-checks the page's plain JavaScript against the types of Stripe.js. */

import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import ts from "typescript";
import { ROOT } from "./host.js";

export const WEB = resolve(ROOT, "../../web");

/** The modules of the page, those in folders as `folder/name.js`. */
export const MODULES = readdirSync(WEB, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));

const OPTIONS: ts.CompilerOptions = {
  allowJs: true,
  checkJs: true,
  strict: true,
  noEmit: true,
  noUnusedLocals: true,
  noImplicitReturns: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
  // The page has no node_modules; in the browser the type is only a comment.
  paths: { "@stripe/stripe-js": [resolve(ROOT, "node_modules/@stripe/stripe-js/dist/index.d.ts")] },
};

// The libraries and Stripe's types are parsed once, and not for each planted mistake.
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Complaints about the modules of the page. `edit` changes a module's text on the way to the compiler. */
export function judgePage(edit: (text: string, name: string) => string = (text) => text): string[] {
  const host = ts.createCompilerHost(OPTIONS, true);
  const read = host.readFile.bind(host);
  host.readFile = (name) => {
    const text = read(name);
    return text !== undefined && name.startsWith(WEB) ? edit(text, name.slice(WEB.length + 1)) : text;
  };
  const fromDisk = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) => {
    if (name.startsWith(WEB)) return fromDisk(name, version);
    if (!parsed.has(name)) parsed.set(name, fromDisk(name, version));
    return parsed.get(name);
  };
  const program = ts.createProgram({ rootNames: MODULES.map((module) => resolve(WEB, module)), options: OPTIONS, host });
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file ? `${file.fileName.slice(WEB.length + 1)}:${file.getLineAndCharacterOfPosition(start).line + 1}: ` : "";
    return line + ts.flattenDiagnosticMessageText(messageText, " ");
  });
}
