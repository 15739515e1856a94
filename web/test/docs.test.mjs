import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient } from "../../api/ts/dist/index.js";
import { startServer } from "../../api/ts/test/server.mjs";
import { launch, openPage, serious } from "./browser.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
let server, browser, client, document;

before(async () => {
  server = await startServer();
  browser = await launch();
  client = createClient({ baseUrl: server.address, token: server.token, cropId: 1 });
  document = await (await fetch(`${server.address}/openapi.json`)).json();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const broken = (token) => `${token.slice(0, -6)}AAAAAA`;

/** The reference at one of its calls. */
async function open(t, { call = "getList", token = server.token, ...options } = {}) {
  const page = await openPage(t, browser, `${server.address}/docs${token && `#token=${token}`}`, options);
  if (call !== "getList") await page.locator(`.calls a[href='#${call}']`).click();
  await page.locator(`[data-operation=${call}]`).waitFor();
  return page;
}
const field = (page, name) => page.locator(`[data-param='${name}']`);
const fill = (page, name, value) => field(page, name).locator("input").first().fill(value);
const send = async (page) => {
  const [answer] = await Promise.all([page.waitForResponse(/\/business\//), page.locator("form button.primary").click()]);
  await page.locator(".status").waitFor();
  return answer;
};
const sample = async (page, language) => {
  await page.locator(".samples .tabs").getByRole("button", { name: language, exact: true }).click();
  return page.locator(".samples pre").innerText();
};
const choose = async (page, paged = true) => {
  await fill(page, "search[customer]", "李");
  await field(page, "search[status]").locator("select").selectOption("1");
  await fill(page, "search[tags_none]", "etNone,etOther");
  await fill(page, "search[time][]", "2019-01-01T00:00:00");
  await fill(page, "crop_id", "1");
  if (paged) await fill(page, "per_page", "7");
};
const search = { customer: "李", status: 1, tagsNone: ["etNone", "etOther"], time: [new Date("2019-01-01T00:00:00+08:00"), null] };
const chosen = async () => (await client.getList({ search, perPage: 7 })).data;
const facets = async () => (await client.getFacets({ search })).data;

test("it loads nothing from elsewhere, less than 350 KB, and tries a call with the token", async (t) => {
  const page = await open(t);
  const sizes = [];
  page.on("response", async (response) => sizes.push([response.url(), (await response.body()).length]));
  await page.reload({ waitUntil: "networkidle" });
  await fill(page, "search[customer]", "李");
  const got = await (await send(page)).json();
  assert.equal(got.data.total, (await client.getList({ search: { customer: "李" } })).data.total);
  assert.ok(got.data.total > 0);
  assert.deepEqual(sizes.map(([url]) => url).filter((url) => !url.startsWith(server.address)), []);
  const loaded = sizes.filter(([url]) => !url.includes("/business/")).reduce((sum, [, size]) => sum + size, 0);
  assert.ok(loaded > 50_000 && loaded < 350_000, `${loaded} bytes`);
});

test("a link with a token in the open page leaves the address and is what it tries with", async (t) => {
  const page = await open(t, { token: broken(server.token) });
  await page.goto(`${server.address}/docs#token=${server.token}`);
  await page.waitForFunction(() => location.hash === "");
  assert.equal((await send(page)).request().headers().authorization, `Bearer ${server.token}`);
});

test("a pasted token signs in, other text says why not, and what one member was answered goes with the token", async (t) => {
  const page = await open(t, { token: "" });
  assert.equal((await send(page)).status(), 401);
  assert.match(await page.locator(".headers").innerText(), /x-error-code: unauthenticated/);
  const box = page.locator("form.token input");
  await box.fill("nothing");
  await page.locator("form.token button").click();
  await page.locator("form.token [role=alert]").waitFor();
  await box.fill(server.token);
  await page.locator("form.token button").click();
  await page.locator("p.token").getByText("会员 7").waitFor();
  assert.equal(await page.locator(".status").count(), 0);
  assert.equal((await send(page)).status(), 200);
  await page.locator("p.token button").click();
  assert.equal(await page.locator(".status").count(), 0);
});

for (const [width, height] of [[1280, 900], [360, 780]]) {
  test(`the form, its button and the answer fit in two screens of ${width} × ${height}, the answer folded, and nothing is wider`, async (t) => {
    const page = await open(t, { viewport: { width, height } });
    for (const summary of await page.locator(".fold > summary").all()) await summary.click();
    const wide = () => page.evaluate(() => globalThis.document.documentElement.scrollWidth);
    assert.equal(await wide(), width);
    assert.equal(await page.locator(".fold .node[open] .node[open] .node[open]").count(), 0, "models are two levels deep");
    assert.ok(await page.locator(".fold .node[open] .node[open] .node").count() > 0);
    await send(page);
    const [form, answer] = await Promise.all([page.locator("form[aria-label]"), page.locator(".answer")].map((part) => part.boundingBox()));
    assert.ok(answer.y + answer.height - form.y < 2 * height, `${answer.y + answer.height - form.y} px`);
    assert.ok(answer.y >= 0 && answer.y < height - 100, `the answer begins at ${answer.y} px`);
    assert.equal(await wide(), width);
    assert.equal(await page.locator(".tree .node[open] .node[open] .node[open]").count(), 0);
    // A row, when it is asked for.
    await page.locator(".tree .node .node").filter({ has: page.locator("> summary b", { hasText: /^data$/ }) }).locator("> summary").last().click();
    await page.locator(".tree .node .node .node summary b", { hasText: /^0$/ }).first().click();
    await page.locator(".tree b", { hasText: "external_userid" }).first().waitFor();
  });
}

test("times are empty until they are chosen, and China's whatever the reader's zone", async (t) => {
  const page = await open(t, { timezoneId: "America/New_York" });
  const times = field(page, "search[time][]").locator("input");
  assert.deepEqual(await times.evaluateAll((inputs) => inputs.map(({ value }) => value)), ["", ""]);
  assert.ok(!(await send(page)).url().includes("search"));
  await times.nth(1).fill("2021-09-18T15:37:19");
  assert.deepEqual(new URL((await send(page)).url()).searchParams.getAll("search[time][]"), ["", "1631950639"]);
});

test("a POST sends the same as JSON, and what another call takes too is kept", async (t) => {
  const page = await open(t);
  await choose(page);
  await page.locator(".calls a[href='#postList']").click();
  await page.locator("[data-operation=postList]").waitFor();
  const answer = await send(page);
  assert.deepEqual(JSON.parse(answer.request().postData()), {
    search: { customer: "李", tags_none: "etNone,etOther", status: 1, time: [1546272000, null] }, crop_id: 1, per_page: 7,
  });
  const got = (await answer.json()).data;
  assert.equal(got.total, (await chosen()).total);
  assert.equal(got.per_page, 7);
});

test("a wrong value is marked at its field", async (t) => {
  const page = await open(t);
  await fill(page, "per_page", "101");
  await fill(page, "search[member]", "abc");
  assert.equal((await send(page)).status(), 400);
  assert.equal(await page.locator("[aria-invalid=true]").count(), 2);
  assert.match(await field(page, "search[member]").innerText(), /数字/);
  assert.match(await page.locator(".headers").innerText(), /x-error-code: invalid_parameter/);
});

suite("the samples are the request at hand, run as they stand, and have no token in them", () => {
  let dir;
  before(async () => { dir = await mkdtemp(join(tmpdir(), "samples-")); });
  after(() => rm(dir, { recursive: true }));
  const env = () => ({ ...process.env, TOKEN: server.token, GOFLAGS: "-mod=readonly", CGO_ENABLED: "0" });
  const ways = {
    curl: async (text) => (await run("bash", ["-c", text], { env: env() })).stdout,
    TypeScript: async (text) => {
      const file = join(dir, "sample.mjs");
      await writeFile(file, text.replace('"wechat-customers-client"', JSON.stringify(join(root, "api/ts/dist/index.js"))).replace("console.log(data)", "console.log(JSON.stringify({ data }))"));
      return (await run(process.execPath, [file], { env: env() })).stdout;
    },
    Go: async (text) => {
      const file = join(dir, "main.go");
      await writeFile(file, text);
      return (await run("go", ["run", file], { cwd: root, env: env() })).stdout;
    },
  };
  for (const call of ["getList", "postList", "getFacets", "getBusinessList"]) {
    for (const [language, how] of Object.entries(ways)) {
      test(`${call}, ${language}`, async (t) => {
        const page = await open(t, { call });
        if (call !== "getBusinessList") await choose(page, call !== "getFacets");
        const text = await sample(page, language);
        assert.ok(!text.includes(server.token.slice(0, 20)), text);
        const said = await how(text);
        if (call === "getBusinessList") assert.match(said, /示例科技/, said);
        else if (call === "getFacets") assert.match(said, new RegExp(`["]?[Cc]ustomers["]?:${(await facets()).customers}\\b`), said);
        else {
          const want = await chosen();
          assert.ok(want.total > 7);
          if (language === "Go") assert.match(said, new RegExp(`Total:${want.total}\\b`), said);
          else assert.deepEqual(JSON.parse(said).data.data.map(({ id }) => id), want.data.map(({ id }) => id), text);
        }
      });
    }
  }
});

test("the guides are folded, one open at a time, and list the document's own error codes", async (t) => {
  const page = await open(t);
  assert.equal(await page.locator(".guides details[open]").count(), 0);
  for (const key of ["token", "errors", "paging"]) {
    await page.locator(`[data-guide=${key}] summary`).click();
    await page.locator(`[data-guide=${key}][open]`).waitFor();
  }
  await page.waitForFunction(() => globalThis.document.querySelectorAll(".guides details[open]").length === 1);
  const { enum: codes } = document.components.schemas.ErrorCode;
  const shown = await page.locator("[data-guide=errors] .codes code").allTextContents();
  assert.deepEqual(shown.map((text) => text.split(" ")[0]), codes);
  assert.ok(shown.includes("too_large 413, 414, 431") && shown.every((text) => /^\w+ \d{3}(, \d{3})*$/.test(text)), shown.join("; "));
});

test("the list and the reference lead to each other", async (t) => {
  const page = await open(t);
  await page.getByRole("link", { name: "客户列表" }).click();
  await page.waitForURL(/\/console/);
  await page.locator("a[href=docs]").click();
  await page.waitForURL(/\/docs/);
  await page.locator("[data-operation=getList]").waitFor();
});

test("Chinese has full-width punctuation, English no Chinese but names, and each says every parameter and answer", async (t) => {
  const page = await open(t);
  for (const { operationId } of Object.values(document.paths).flatMap(({ get, post }) => [get, post]).filter(Boolean)) {
    await page.locator(`.calls a[href='#${operationId}']`).click();
    await page.locator(`[data-operation=${operationId}]`).waitFor();
    for (const summary of await page.locator(".guides summary, .fold > summary").all()) await summary.click();
    // What stands in code is the wire's own.
    const prose = () => page.evaluate(() => [...globalThis.document.querySelectorAll("#reference p, #reference li, #reference dd p")]
      .map((part) => { const copy = part.cloneNode(true); copy.querySelectorAll("code").forEach((code) => code.replaceWith("x")); return copy.textContent.trim(); }).filter(Boolean));
    const chinese = await prose();
    assert.deepEqual(chinese.filter((text) => /\p{Script=Han} ?[,;:?!()]|[,;:?!()] ?\p{Script=Han}/u.test(text)), []);
    assert.deepEqual(chinese.filter((text) => /「Addition」|(?:\b[a-z']+ ){4}/i.test(text)), []);
    assert.deepEqual(await page.locator(".fold dt small").filter({ hasText: /\d\[\]/ }).allTextContents(), [], "an array's items are in brackets");
    if (operationId === "getFacets") assert.match(await page.locator(".about").innerText(), /search\[gender\].*search\[employee_member\]/s);
    assert.deepEqual(chinese.filter((text) => !/\p{Script=Han}/u.test(text) && !/^[\w\s.,:;()\-*+x×]*$/.test(text)), []);
    await page.getByRole("button", { name: "English" }).click();
    await page.getByRole("heading", { name: "API reference" }).waitFor();
    const english = await prose();
    assert.ok(english.length > 10);
    if (operationId === "getFacets") assert.equal((await page.locator(".about").innerText()).match(/search\[gender\]/g).length, 1);
    assert.deepEqual(english.filter((text) => /[\p{Script=Han}，；：？！（）。]{8,}/u.test(text.replaceAll("请先选择要管理的企业", "").replaceAll("「Addition」", ""))), []);
    assert.equal(await page.locator(".fold dd").evaluateAll((all) => all.filter((dd) => !dd.textContent.trim()).length), 0);
    await page.getByRole("button", { name: "中文" }).click();
    await page.getByRole("heading", { name: "接口文档" }).waitFor();
  }
});

test("the keyboard alone is enough", async (t) => {
  const page = await open(t);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => globalThis.document.activeElement.id), "call");
  await field(page, "search[customer]").locator("input").focus();
  await page.keyboard.type("李");
  const [answer] = await Promise.all([page.waitForResponse(/getList/), page.keyboard.press("Enter")]);
  assert.equal(answer.status(), 200);
});

suite("axe-core finds nothing serious", () => {
  for (const [language, colorScheme, width] of [["zh", "light", 1280], ["en", "dark", 1280], ["en", "light", 360], ["zh", "dark", 360]]) {
    test(`${language}, ${colorScheme}, ${width} px`, async (t) => {
      const page = await open(t, { language, colorScheme, viewport: { width, height: 900 } });
      assert.deepEqual(await serious(page), []);
      await fill(page, "per_page", "101");
      await send(page);
      for (const summary of await page.locator(".fold > summary, [data-guide=errors] summary").all()) await summary.click();
      assert.deepEqual(await serious(page), []);
      await fill(page, "per_page", "");
      await send(page);
      assert.deepEqual(await serious(page), []);
    });
  }
});
