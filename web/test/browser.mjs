import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Debian's Chromium, without its own calls to the network. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** A page of a browser of its own. The test fails where anything goes wrong in it: an error of a script, on the console or against the content security policy. */
export async function openPage(t, browser, url, { language = "zh", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(20_000);
  const problems = [];
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  await context.addInitScript((l) => {
    addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => console.error(`policy: ${effectiveDirective} ${blockedURI}`));
    try {
      if (!localStorage.getItem("wechat-customers-language")) localStorage.setItem("wechat-customers-language", l);
    } catch { /* blocked, in one test */ }
  }, language);
  // The demonstration's avatars are elsewhere; a row without one is a test of its own.
  await context.route((to) => to.origin !== new URL(url).origin && to.protocol.startsWith("http"), (route) => route.abort());
  context.on("weberror", (error) => problems.push(error.error().message));
  context.on("console", (line) => { if (line.type() === "error" && !line.text().startsWith("Failed to load resource")) problems.push(line.text()); });
  const page = await context.newPage();
  page.problems = problems;
  await page.goto(url);
  return page;
}

/** What axe-core finds serious or worse on the page as it stands. */
export async function serious(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).slice(0, 3).join(" | ")}`);
}

/** A page where `import("/src/…")` gives a module itself, for what takes a million rows or another century to be seen from outside; and how to end it. */
export async function modules() {
  const vite = await createServer({ root: fileURLToPath(new URL("..", import.meta.url)), logLevel: "error", server: { host: "127.0.0.1", port: 0, hmr: false, watch: null } });
  await vite.listen();
  const browser = await launch();
  const page = await browser.newPage();
  await page.goto(`${vite.resolvedUrls.local[0]}docs.html`, { waitUntil: "commit" });
  return { page, close: async () => { await browser.close(); await vite.close(); } };
}
