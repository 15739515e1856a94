import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { preview } from "vite";
import { startServer } from "../../api/ts/test/server.mjs";
import { launch } from "./browser.mjs";

const run = promisify(execFile);
const version = (name) => createRequire(import.meta.url)(`${name}/package.json`).version;

test("the packed client, installed into an empty Vite project, type-checks, builds and runs in Chromium", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "wc-package-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const source = fileURLToPath(new URL("../../api/ts", import.meta.url));
  await run("npm", ["pack", "--pack-destination", folder], { cwd: source });
  const [packed] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));

  const files = {
    "package.json": JSON.stringify({ private: true, type: "module" }),
    "tsconfig.json": JSON.stringify({ compilerOptions: { target: "ES2022", module: "ESNext", moduleResolution: "Bundler", lib: ["ES2022", "DOM"], strict: true, noEmit: true, types: [] } }),
    "index.html": "<!doctype html><meta charset=utf-8><title>running</title><script type=module src=/main.ts></script>",
    "main.ts": `
      import { createClient, type Follow } from "wechat-customers-client";
      const [baseUrl, token] = location.hash.slice(1).split(",") as [string, string];
      const client = createClient({ baseUrl, token });
      const { data, error } = await client.getList({ search: { status: -1 }, perPage: 1 });
      if (error) throw error;
      const rows: Follow[] = [];
      for await (const row of client.rows({ search: { status: -1 } })) rows.push(row);
      const wrong = await client.getList({ search: { member: "abc" } });
      document.title = JSON.stringify([data.total, rows.length, wrong.error?.fields[0]?.field]);
    `,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${packed}`, `vite@${version("vite")}`, `typescript@${version("typescript")}`], { cwd: folder });
  assert.deepEqual((await readdir(join(folder, "node_modules/wechat-customers-client"))).sort(), ["LICENSE", "README.md", "dist", "package.json"]);
  const { dependencies } = JSON.parse(await readFile(join(folder, "node_modules/wechat-customers-client/package.json"), "utf8"));
  assert.deepEqual(Object.keys(dependencies), ["openapi-fetch"]);
  await run("npx", ["tsc"], { cwd: folder });
  await run("npx", ["vite", "build", "--target", "es2022"], { cwd: folder });

  const site = await preview({ root: folder, logLevel: "error", preview: { host: "127.0.0.1", port: 0 } });
  t.after(() => site.close());
  const origin = new URL(site.resolvedUrls.local[0]).origin;
  const server = await startServer({ CORS_ORIGINS: origin });
  t.after(() => server.stop());
  const browser = await launch();
  t.after(() => browser.close());
  const page = await browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => { problems.push(error.message); });
  await page.goto(`${origin}/#${server.address},${server.token}`);
  await page.waitForFunction(() => document.title !== "running").catch(() => assert.deepEqual(problems, []));
  const [total, walked, field] = JSON.parse(await page.title());
  assert.ok(total > 0);
  assert.deepEqual([walked, field], [total, "search[member]"]);
});
