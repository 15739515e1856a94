import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const path = (to) => fileURLToPath(new URL(to, import.meta.url));

test("the README's code compiles, as one program in its order", () => {
  const blocks = [...readFileSync(path("../README.md"), "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.ok(blocks.length > 1);
  // Of no file, but where the package finds itself by its name.
  const name = path("readme.ts");
  const text = `declare const token: string, signal: AbortSignal;\n${blocks.join("\n")}`;
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(path("../tsconfig.json"), ts.sys.readFile).config, ts.sys, path(".."));
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (file) => resolve(file) === name || fileExists(file);
  host.getSourceFile = (file, ...rest) => (resolve(file) === name ? ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS) : getSourceFile(file, ...rest));
  const program = ts.createProgram([name], { ...options, noEmit: true, noUnusedLocals: false }, host);
  const problems = ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  assert.deepEqual(problems, []);
  assert.ok(program.getSourceFiles().some(({ fileName }) => dirname(resolve(fileName)) === path("../dist")), "the package is what was built");
});
