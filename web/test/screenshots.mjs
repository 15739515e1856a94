// Writes the main states of the pages, with the demonstration's rows, to docs/.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { startServer } from "../../api/ts/test/server.mjs";
import { launch } from "./browser.mjs";

const server = await startServer();
const browser = await launch();

async function shoot(name, { path = "console?crop_id=1", token = server.token, language = "zh", dark = false, width = 1280, height = 800, reach }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light", hasTouch: width < 500 });
  await context.addInitScript((l) => localStorage.setItem("wechat-customers-language", l), language);
  await context.route((url) => url.origin !== server.address && url.protocol.startsWith("http"), (route) => route.abort());
  const page = await context.newPage();
  await page.goto(`${server.address}/${path}#token=${token}`);
  await reach(page);
  await page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== "running"));
  // Playwright's own screenshots are PNG or JPEG.
  const { data } = await (await context.newCDPSession(page)).send("Page.captureScreenshot", { format: "webp", quality: 70 });
  await writeFile(fileURLToPath(new URL(`../../docs/${name}.webp`, import.meta.url)), Buffer.from(data, "base64"));
  await context.close();
}

const listed = (page) => page.locator(".customers tbody tr").first().waitFor();
const shown = async (page) => {
  await listed(page);
  await page.locator(".customers tbody .name").nth(3).click();
  await page.getByRole("dialog").waitFor();
};
try {
  await shoot("console", { path: "console?crop_id=1&status=1&remark=老师", reach: listed });
  await shoot("console-english-dark", { language: "en", dark: true, reach: listed });
  await shoot("console-card", { reach: shown });
  await shoot("console-empty", { path: "console?crop_id=1&customer=李&remark=没有这样的备注&status=1", height: 520, reach: (page) => page.locator(".empty li button").first().waitFor() });
  await shoot("console-360", { width: 360, height: 780, reach: listed });
  await shoot("console-360-filters", { width: 360, height: 780, dark: true, reach: async (page) => { await listed(page); await page.locator(".fold").click(); } });
  await shoot("console-error", { path: "console?crop_id=1&member=abc", height: 520, reach: (page) => page.getByRole("alert").waitFor() });
  await shoot("console-expired", { token: `${server.token.slice(0, -6)}AAAAAA`, height: 480, reach: (page) => page.getByRole("alert").waitFor() });
  await shoot("console-export", { height: 480, reach: async (page) => {
    await listed(page);
    await page.evaluate(() => { delete window.showSaveFilePicker; delete Window.prototype.showSaveFilePicker; });
    await page.locator(".list .head button").click();
    await page.locator(".el-progress.is-success").waitFor();
  } });
  await shoot("reference", { path: "docs", reach: async (page) => {
    await page.locator("[data-param='search[customer]'] input").fill("李");
    await page.locator("form button.primary").click();
    await page.locator(".status").waitFor();
  } });
} finally {
  await browser.close();
  await server.stop();
}
