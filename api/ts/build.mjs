// Builds dist: ES modules, and in dist/cjs the same as CommonJS, each with its declarations.
import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
rmSync("dist", { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
for (const [project, out] of [["tsconfig.build.json", "dist"], ["tsconfig.cjs.json", "dist/cjs"]]) {
  execFileSync(process.execPath, [tsc, "-p", project], { stdio: "inherit" });
  copyFileSync("../../gen/ts/schema.d.ts", `${out}/schema.d.ts`);
}
writeFileSync("dist/cjs/package.json", '{ "type": "commonjs" }\n');
