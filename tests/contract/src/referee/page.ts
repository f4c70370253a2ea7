/** Type-checks the page's plain JavaScript against the types of Stripe.js. */

import { resolve } from "node:path";
import ts from "typescript";
import { ROOT } from "./host.js";

export const WEB = resolve(ROOT, "../../web");

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

/** Complaints about the modules of the page. `edit` changes a module's text on the way to the compiler. */
export function judgePage(modules: string[], edit: (text: string, name: string) => string = (text) => text): string[] {
  const host = ts.createCompilerHost(OPTIONS, true);
  const read = host.readFile.bind(host);
  host.readFile = (name) => {
    const text = read(name);
    return text !== undefined && name.startsWith(WEB) ? edit(text, name.slice(WEB.length + 1)) : text;
  };
  const program = ts.createProgram({ rootNames: modules.map((module) => resolve(WEB, module)), options: OPTIONS, host });
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file ? `${file.fileName.slice(WEB.length + 1)}:${file.getLineAndCharacterOfPosition(start).line + 1}: ` : "";
    return line + ts.flattenDiagnosticMessageText(messageText, " ");
  });
}
