import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { startServer } from "./server.mjs";

const exec = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

let server, folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "wc-package-"));
  await exec("npm", ["pack", "--pack-destination", folder], { cwd: root });
  const packed = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  await writeFile(join(folder, "package.json"), '{ "private": true }');
  await exec("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${packed}`], { cwd: folder });
  server = await startServer();
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Compiles a file of a new folder beside the installed package, strictly and with every declaration checked, and runs it. */
async function compileAndRun(name, file, text, packageJSON, compilerOptions) {
  const at = join(folder, name);
  await mkdir(at);
  const options = { strict: true, skipLibCheck: false, target: "ES2022", rootDir: ".", outDir: "out", typeRoots: [join(root, "node_modules/@types")], types: ["node"], ...compilerOptions };
  await writeFile(join(at, "package.json"), JSON.stringify(packageJSON));
  await writeFile(join(at, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: [file] }));
  await writeFile(join(at, file), text);
  await exec(process.execPath, [tsc, "-p", at]).catch(({ stdout }) => assert.fail(`${name}: ${stdout}`));
  const [out] = await readdir(join(at, "out"));
  await writeFile(join(at, "out/package.json"), JSON.stringify(packageJSON));
  return { ...(await run(join(at, "out", out))), js: await readFile(join(at, "out", out), "utf8") };
}

const run = (file) => exec(process.execPath, [file], { env: { ...process.env, BASE_URL: server.address, TOKEN: server.token } });

const consumer = `
  import { ApiError, createClient, type CustomerPage, type Middleware, toQuery } from "wechat-customers-client";
  const seen: number[] = [];
  const middleware: Middleware[] = [{ onResponse({ response }) { seen.push(response.status); } }];
  const client = createClient({ baseUrl: process.env.BASE_URL!, token: process.env.TOKEN!, middleware });
  async function main(): Promise<void> {
    const { data, error } = await client.getList({ search: { status: -1 }, perPage: 1 });
    if (error) throw error;
    const page: CustomerPage = data;
    let rows = 0;
    for await (const row of client.rows({ search: { status: -1 } })) rows += row.status === -1 ? 1 : 0;
    const wrong = await client.getList({ cropId: 99 });
    // @ts-expect-error the declarations are found: a status is 1 or -1
    const never: Parameters<typeof toQuery>[0] = { search: { status: 9 } };
    void never;
    console.log(JSON.stringify([page.total === rows && rows > 0, wrong.error instanceof ApiError && wrong.error.code, seen[0]]));
  }
  main();
`;
const esm = { type: "module" }, cjs = { type: "commonjs" };

for (const [name, file, packageJSON, options, loads] of [
  ["node16-esm", "main.ts", esm, { module: "Node16" }, /import .* from "wechat-customers-client"/],
  ["node16-cjs", "main.ts", cjs, { module: "Node16" }, /require\("wechat-customers-client"\)/],
  ["node16-mts", "main.mts", cjs, { module: "Node16" }, /import .* from "wechat-customers-client"/],
  ["node10", "main.ts", cjs, { module: "CommonJS", moduleResolution: "Node10" }, /require\("wechat-customers-client"\)/],
  ["bundler", "main.ts", esm, { module: "ESNext", moduleResolution: "Bundler" }, /import .* from "wechat-customers-client"/],
  ["node16-esm-dom", "main.ts", esm, { module: "Node16", lib: ["ES2022", "DOM", "DOM.Iterable"] }, /import .* from/],
]) {
  test(`the installed package compiles and runs: ${name}`, async () => {
    const { stdout, js } = await compileAndRun(name, file, consumer, packageJSON, { lib: ["ES2022"], ...options });
    assert.match(js, loads);
    assert.deepEqual(JSON.parse(stdout), [true, "forbidden", 200]);
  });
}

test("plain require and import give the same names", async () => {
  const print = "const { createClient } = client; console.log(JSON.stringify([typeof createClient, Object.keys(client).sort()]));";
  await writeFile(join(folder, "plain.cjs"), `const client = require("wechat-customers-client"); ${print}`);
  await writeFile(join(folder, "plain.mjs"), `import * as client from "wechat-customers-client"; ${print}`);
  const [required, imported] = await Promise.all(["plain.cjs", "plain.mjs"].map(async (file) => JSON.parse((await run(join(folder, file))).stdout)));
  assert.deepEqual(required, ["function", ["ApiError", "createClient", "fromQuery", "readToken", "toQuery"]]);
  assert.deepEqual(imported, required);
});

test("the README's code compiles as one program in its order, and each block of it prints what it is for", async () => {
  const readme = await readFile(join(folder, "node_modules/wechat-customers-client/README.md"), "utf8");
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  const text = blocks.join('\nconsole.log("---");\n');
  const { stdout } = await compileAndRun("readme", "main.ts", text, esm, { module: "Node16", lib: ["ES2022"] });
  const printed = stdout.split("---\n");
  const wants = [/^\d+ \S*李\S* \w+/, /invalid_parameter.*search\[tags_data\]/s, /100 of 2000/, /\S+ \d+\n/, /customers\?.*page=2 \{.*customer: '李'/s, /304 .*getList.*\n304 "\S+" true\n.*无权管理该企业/s];
  assert.equal(blocks.length, wants.length);
  printed.forEach((part, i) => assert.match(part, wants[i]));
  const packed = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  assert.ok(readme.includes(`${packed.name}-${packed.version}.tgz`), "the packed file's name");
});

test("minified and bundled, openapi-fetch included, it is under 6 KB gzip", async () => {
  const { outputFiles: [{ contents }] } = await build({
    stdin: { contents: 'export * from "wechat-customers-client"', resolveDir: folder },
    bundle: true, minify: true, format: "esm", platform: "browser", write: false, logLevel: "error",
  });
  const { length } = gzipSync(contents, { level: 9 });
  assert.ok(contents.length > 10_000, "openapi-fetch is in it");
  assert.ok(length < 6000, `${length} bytes`);
});

test("the package carries nothing but what it needs", async () => {
  const installed = join(folder, "node_modules/wechat-customers-client");
  assert.deepEqual((await readdir(installed)).sort(), ["LICENSE", "README.md", "dist", "package.json"]);
  const { engines, dependencies } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  assert.deepEqual([engines, Object.keys(dependencies)], [{ node: ">=20" }, ["openapi-fetch"]]);
});
