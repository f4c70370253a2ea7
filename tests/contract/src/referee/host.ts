/** The files that the compiler sees: the packages as installed, one generated file, and decimals as they are sent. */

import { resolve } from "node:path";
import ts from "typescript";

/** The folder of `package.json`, from which the tests are started. */
export const ROOT = process.cwd();
export const FILE = resolve(ROOT, "src/claims.generated.ts");

export const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ["node"],
  // The page's types are in its comments, and it has no node_modules.
  allowJs: true,
  paths: { "@stripe/stripe-js": [resolve(ROOT, "node_modules/@stripe/stripe-js/dist/index.d.ts")] },
};

/** The SDK hands decimals out as objects of its own; on the wire they are text. */
const DECIMAL = /[/\\]stripe[/\\](?:esm|cjs)[/\\]Decimal\.d\.ts$/;
const DECIMAL_ON_THE_WIRE = "export type Decimal = `${number}`;\nexport declare const Decimal: unknown;\n";

const parsed = new Map<string, ts.SourceFile | undefined>();

/** A host in which `FILE` has this text. Whatever is on disk is read once. */
export function wireHost(text: string): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS, true);
  const fromDisk = host.getSourceFile.bind(host);
  const exists = host.fileExists.bind(host);
  const source = (name: string, content: string): ts.SourceFile => ts.createSourceFile(name, content, ts.ScriptTarget.ES2023, true);
  host.fileExists = (name) => name === FILE || exists(name);
  host.getSourceFile = (name, version) => {
    if (name === FILE) return source(name, text);
    if (!parsed.has(name)) parsed.set(name, DECIMAL.test(name) ? source(name, DECIMAL_ON_THE_WIRE) : fromDisk(name, version));
    return parsed.get(name);
  };
  return host;
}
