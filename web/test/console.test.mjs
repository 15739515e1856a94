import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, suite, test } from "node:test";
import { createClient } from "../../api/ts/dist/index.js";
import { startServer } from "../../api/ts/test/server.mjs";
import { launch, openPage, serious } from "./browser.mjs";

let server, browser, rows, tags, other;
const hostile = { name: "=1+1,\"<b>x</b>", remark: "<img src=x onerror=\"document.title='owned'\">", avatar: "http://127.0.0.1:2/broken.png" };

before(async () => {
  server = await startServer();
  browser = await launch();
  const client = createClient({ baseUrl: server.address, token: server.token, cropId: 1 });
  const { data } = await client.getList({ perPage: 1 });
  tags = data.tag;
  const { has_one_customer, has_one_employee, ...follow } = data.data[0];
  const external_userid = "wmHostile";
  const employees = Array.from({ length: 2000 }, (_, i) => ({ employee: { ...has_one_employee, id: 50_000 + i, user_id: `Many${i}`, name: `众多${i}`, open_userid: `1_Many${i}` } }));
  // Another member, of the other enterprise alone.
  const filled = { created_at: "2021-01-01 01:01:01", updated_at: "2021-01-02 01:01:01" };
  other = await server.run(["token", "--uid", "8", "--uniacid", "2"]);
  await server.run(["import", "-"], [
    { manager: { uniacid: 2, uid: 8, business_id: 2 } },
    ...employees,
    { employee: {
      ...has_one_employee, ...filled, id: 52_001, uid: 31, user_id: "10086", name: "全填", mobile: "13900000001", position: "经理", telephone: "02087654321", email: "all@example.com", avatar: "http://127.0.0.1:2/e.png",
      alias: "别号", status: 4, qr_code: "https://example.com/qr", address: "广州", open_userid: "1_All", main_department: "7", right_type: 3, disabled: 1,
    } },
    { customer: {
      ...has_one_customer, ...filled, id: 900_001, uid: 3062, external_userid: "wmFilled", name: "样样都有", avatar: "http://127.0.0.1:2/c.png", gender: 2, unionid: "otFilled", position: "采购", corp_name: "甲公司",
      corp_full_name: "甲公司全称", external_profile: "{\"a\":1}", is_member: 1,
    } },
    { customer: { ...has_one_customer, id: 900_000, external_userid, name: hostile.name, avatar: hostile.avatar } },
    { follow: {
      ...follow, ...filled, id: 899_999, uid: 3063, userid: "10086", external_userid: "wmFilled", remark: "1-2", description: "x;=1", customer_create_time: 1_600_000_000, createtime: 1_600_000_001, remark_corp_name: "甲",
      remark_mobiles: '["02112345678"]', oper_userid: "10087", tag_id: `${tags[0].tag_id},${tags[1].tag_id}`, add_way: "202", state: "渠道 7", status: -1,
    } },
    { follow: { ...follow, id: 900_000, external_userid, remark: hostile.remark, description: "@SUM(1)", remark_mobiles: "[\"+8613800000000\"]" } },
  ].map((record) => JSON.stringify(record)).join("\n"));
  rows = [];
  for await (const row of client.rows()) rows.push(row);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const KEY = "wechat-customers-token";
const broken = (token) => `${token.slice(0, -6)}AAAAAA`;

/** A page of a browser of its own, signed in. */
function open(t, query = "?crop_id=1", { token = server.token, address = server.address, path = "console", ...options } = {}) {
  return openPage(t, browser, `${address}/${path}${query}${token && `#token=${token}`}`, options);
}

test("what is against the pages' policy does not go unnoticed here", async (t) => {
  const page = await open(t);
  await page.evaluate(() => { document.body.setAttribute("style", "color: red"); });
  await page.waitForEvent("console", { predicate: (line) => line.text().startsWith("policy: style-src"), timeout: 20_000 }).catch(() => undefined);
  assert.ok(page.problems.splice(0).some((text) => text.startsWith("policy: style-src")));
});

const count = (n) => n.toLocaleString("en-US");
const total = (page, n) => page.getByRole("status").filter({ hasText: new RegExp(`^共 ${count(n)} 位客户$`) }).waitFor();
const names = (page) => page.locator(".customers tbody .name").allTextContents();
const namesOf = (list) => list.map((row) => row.has_one_customer.name || "（未命名）");
const param = (page, name) => new URL(page.url()).searchParams.get(name);
const chips = (page) => page.locator(".active .text").allTextContents();

const idsOf = (row) => row.tag_id.split(",").filter(Boolean);
const nameOf = (id) => tags.find(({ tag_id }) => tag_id === id).name;

async function pick(page, label, text, nth = 0) {
  await page.getByRole("combobox", { name: label, exact: true }).fill(text);
  await page.getByRole("option").filter({ hasText: text, visible: true }).nth(nth).click();
}

async function date(page, label, day) {
  const field = page.getByLabel(label, { exact: true });
  await field.fill(day);
  await field.press("Enter");
}

test("a token in the fragment signs in and leaves the address at once, for the tab alone", async (t) => {
  const page = await open(t);
  await total(page, rows.length);
  assert.equal(page.url(), `${server.address}/console?crop_id=1`);
  assert.deepEqual(await names(page), namesOf(rows.slice(0, 15)));
  assert.equal(await page.evaluate(() => Object.values(localStorage).some((value) => value.includes("."))), false);
  assert.equal((await page.context().cookies()).length, 0);
  const other = await page.context().newPage();
  await other.goto(`${server.address}/console?crop_id=1`);
  await other.getByLabel("令牌").waitFor();
});

test("a link with a token, opened in a tab that shows the page, signs in and leaves the address too", async (t) => {
  const page = await open(t, "?crop_id=1", { token: "" });
  await page.getByLabel("令牌").waitFor();
  await page.goto(`${server.address}/console?crop_id=1#token=${server.token}`);
  await total(page, rows.length);
  assert.equal(page.url(), `${server.address}/console?crop_id=1`);
});

test("a new link counts where the tab still holds a token that has expired", async (t) => {
  const page = await open(t, "?crop_id=1", { token: "" });
  const asked = [];
  page.on("request", (request) => { if (request.url().includes("/getList")) asked.push(request.headers().authorization); });
  await page.evaluate(([key, token]) => sessionStorage.setItem(key, token), [KEY, broken(server.token)]);
  await page.goto(`${server.address}/console?crop_id=1&status=-1#token=${server.token}`);
  await total(page, rows.filter((row) => row.status === -1).length);
  assert.equal(page.url(), `${server.address}/console?crop_id=1&status=-1`);
  assert.deepEqual([...new Set(asked)], [`Bearer ${server.token}`]);
  await page.reload();
  await total(page, rows.filter((row) => row.status === -1).length);
});

test("a new link of another member shows that member's list alone, in a new page as in the open one", async (t) => {
  const page = await open(t, "?crop_id=1");
  await total(page, rows.length);
  await page.locator(".customers tbody .name").first().click();
  await page.getByRole("dialog").getByText(rows[0].external_userid).first().waitFor();
  await page.goto(`${page.url()}#token=${other}`);
  await page.getByText("您不能管理该企业").waitFor();
  assert.equal(await page.locator(".customers tbody tr").count(), 0);
  assert.equal(await page.getByText(rows[0].external_userid).count(), 0);
  await page.getByRole("combobox", { name: "标签（任一）", exact: true }).press("Enter");
  await page.getByText("无数据").filter({ visible: true }).waitFor();
  assert.equal(await page.evaluate((key) => sessionStorage.getItem(key), KEY), other);
  await page.goto(`${server.address}/console#token=${server.token}`);
  await total(page, rows.length);
  await page.goto(`${server.address}/console?crop_id=2&page=1#token=${other}`);
  await page.locator(".customers tbody tr").first().waitFor();
  assert.equal((await names(page)).some((name) => name === rows[0].has_one_customer.name), false);
});

test("a refusal of the token before does not end the sign-in of the new link", async (t) => {
  const page = await open(t, "?crop_id=1", { token: "" });
  let hold;
  const held = new Promise((resolve) => { hold = resolve; });
  await page.route(/getBusinessList/, (route) => (route.request().headers().authorization.endsWith("AAAAAA") ? hold(route) : route.continue()));
  await page.route(/getList/, (route) => (route.request().headers().authorization.endsWith("AAAAAA") ? undefined : route.continue()));
  await page.getByLabel("令牌").fill(broken(server.token));
  await page.getByRole("button", { name: "登录" }).click();
  const route = await held;
  await page.goto(`${page.url()}#token=${server.token}`);
  await total(page, rows.length);
  const refused = page.waitForResponse((answer) => answer.status() === 401);
  await route.continue();
  await (await refused).finished();
  await page.getByRole("button", { name: "下一页" }).click();
  await page.locator(".el-pager .is-active:text-is('2')").waitFor();
});

test("a link with a broken token ends the sign-in and says so", async (t) => {
  const page = await open(t);
  await total(page, rows.length);
  await page.goto(`${page.url()}#token=${server.token.slice(0, 20)}`);
  await page.getByText("这不是有效的令牌").waitFor();
  assert.equal(page.url(), `${server.address}/console?crop_id=1`);
});

test("a page that the browser kept takes the tab's token, not the one that it had", async (t) => {
  const page = await open(t);
  await total(page, rows.length);
  await page.evaluate(([key, token]) => {
    sessionStorage.setItem(key, token);
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  }, [KEY, other]);
  await page.getByText("您不能管理该企业").waitFor();
});

test("where the browser lets a page keep nothing, it works all the same", async (t) => {
  const page = await open(t, "?crop_id=1", { token: "" });
  await page.addInitScript(() => {
    for (const area of ["localStorage", "sessionStorage"]) Object.defineProperty(window, area, { get() { throw new DOMException("blocked", "SecurityError"); } });
  });
  await page.goto(`${server.address}/console?crop_id=1&status=-1#token=${server.token}`);
  await total(page, rows.filter((row) => row.status === -1).length);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("heading", { name: "Customers" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
});

test("another enterprise's tags and employees are gone before its own are there", async (t) => {
  const page = await open(t);
  await total(page, rows.length);
  await page.route(/crop_id=2/, () => undefined); // never answered
  await page.getByRole("combobox", { name: "企业", exact: true }).press("Enter");
  await page.getByRole("option", { name: "示例贸易" }).click();
  await page.getByText("正在加载").waitFor();
  for (const name of ["标签（任一）", "归属成员"]) {
    await page.getByRole("combobox", { name, exact: true }).press("Enter");
    await page.getByText("无数据").filter({ visible: true }).waitFor();
    await page.keyboard.press("Escape");
  }
});

test("the search button shows what was written meanwhile, new tags included", async (t) => {
  const page = await open(t, `?crop_id=1&customer=${rows.at(-1).external_userid}`);
  await page.locator(".customers tbody tr").first().waitFor();
  const { has_one_customer, has_one_employee, ...follow } = rows.at(-1);
  const tag = { ...tags[0], id: 900_000, tag_id: "etNewTag", name: "刚刚新建" };
  await server.run(["import", "-"], [{ tag }, { follow: { ...follow, tag_id: tag.tag_id } }].map((record) => JSON.stringify(record)).join("\n"));
  rows.at(-1).tag_id = tag.tag_id;
  await page.getByRole("button", { name: "查询" }).click();
  await page.locator(".customers .chip", { hasText: "刚刚新建" }).waitFor();
});

test("a pasted token signs in; other text says why not", async (t) => {
  const page = await open(t, "?crop_id=1", { token: "" });
  await page.getByLabel("令牌").fill("hello");
  await page.getByRole("button", { name: "登录" }).click();
  await page.getByText("这不是有效的令牌").waitFor();
  await page.getByLabel("令牌").fill(`Bearer ${server.token}`);
  await page.getByRole("button", { name: "登录" }).click();
  await total(page, rows.length);
});

suite("each filter shows its rows, stands in the address and is named", () => {
  const day = (seconds) => new Date((seconds + 8 * 3600) * 1000).toISOString().slice(0, 10);
  const filter = (name, act, keep, key, chip) => test(name, async (t) => {
    const page = await open(t);
    await total(page, rows.length);
    await act(page);
    const kept = rows.filter(keep());
    assert.ok(kept.length > 0 && kept.length < rows.length, `${kept.length} rows`);
    await total(page, kept.length);
    assert.deepEqual(await names(page), namesOf(kept.slice(0, 15)));
    assert.ok(param(page, key), page.url());
    assert.deepEqual(await chips(page), [chip()]);
    await page.reload();
    await total(page, kept.length);
    assert.deepEqual(await chips(page), [chip()]);
    await page.locator(".active .clear").click();
    await total(page, rows.length);
    assert.equal(param(page, key), null);
  });
  const text = (label, value) => async (page) => {
    await page.getByLabel(label, { exact: true }).fill(value());
    await page.keyboard.press("Enter");
  };
  const uid = () => String(rows.find((row) => row.has_one_customer.uid).has_one_customer.uid);
  filter("customer", text("客户", () => "李"), () => (row) => row.has_one_customer.name.includes("李"), "customer", () => "客户：李");
  filter("member", text("会员 ID", uid), () => (row) => String(row.has_one_customer.uid) === uid(), "member", () => `会员 ID：${uid()}`);
  filter("remark", text("备注", () => "老师"), () => (row) => row.remark.includes("老师"), "remark", () => "备注：老师");
  filter("employee, among 2,000", (page) => pick(page, "归属成员", rows[3].userid), () => (row) => row.userid === rows[3].userid, "employee", () => `归属成员：${rows[3].has_one_employee.name} (${rows[3].userid})`);
  filter("source", (page) => pick(page, "来源", "群聊"), () => (row) => row.add_way === "4", "source", () => "来源：群聊");
  for (const [code, word] of ["未知", "男", "女"].entries()) {
    filter(`gender ${code}`, (page) => pick(page, "性别", word),
      () => (row) => row.has_one_customer.gender === code, "gender", () => `性别：${word}`);
  }
  filter("type", (page) => page.getByRole("radio", { name: "企业微信" }).check(), () => (row) => row.has_one_customer.external_type === 2, "type", () => "类型：企业微信");
  filter("status", (page) => page.getByRole("radio", { name: "已流失" }).check(), () => (row) => row.status === -1, "status", () => "状态：已流失");
  const pickAll = (label, texts) => async (page) => {
    for (const text of texts()) await pick(page, label, text);
    await page.keyboard.press("Escape");
  };
  const employed = (row) => `${row.has_one_employee.name} (${row.userid})`;
  const several = () => [rows[3], rows.find(({ id, userid }) => id < 800_000 && userid !== rows[3].userid)];
  filter("employees, any of several", pickAll("归属成员", () => several().map(({ userid }) => userid)),
    () => (row) => several().some(({ userid }) => userid === row.userid), "employee",
    () => `归属成员：${several().map(employed).join(", ")}`);

  const said = (row) => [
    row.remark, row.description, row.remark_corp_name, row.has_one_customer.name,
    row.has_one_customer.corp_name, row.has_one_customer.corp_full_name,
  ];
  filter("keyword", text("关键词", () => "公司"),
    () => (row) => said(row).some((part) => part.includes("公司")), "keyword", () => "关键词：公司");
  filter("keyword, as pinyin", text("关键词", () => "liyitian"),
    () => (row) => [row.remark, row.has_one_customer.name].some((part) => part.includes("李一天")),
    "keyword", () => "关键词：liyitian");
  filter("mobile, however it is written", text("备注手机号", () => "+154 0000-005"),
    () => (row) => row.remark_mobiles.includes("1540000005"), "mobile",
    () => "备注手机号：+154 0000-005");

  const known = (id) => tags.some(({ tag_id }) => tag_id === id);
  const two = () => idsOf(rows.find((row) => row.id < 800_000 && idsOf(row).filter(known).length > 2))
    .filter(known).slice(0, 2);
  for (const [name, label, key, keep] of [
    ["any of several", "标签（任一）", "tags", (row) => two().some((id) => idsOf(row).includes(id))],
    ["all of several", "标签（全部）", "tags_all", (row) => two().every((id) => idsOf(row).includes(id))],
    ["none of several", "标签（排除）", "tags_none", (row) => !two().some((id) => idsOf(row).includes(id))],
  ]) {
    filter(`tags, ${name}`, pickAll(label, () => two().map(nameOf)), () => keep, key,
      () => `${label}：${two().map(nameOf).join(", ")}`);
  }
  filter("untagged alone", pickAll("标签（排除）", () => ["无标签"]),
    () => (row) => row.tag_id === "", "tags_none", () => "标签（排除）：任何标签（无标签）");
  filter("tagged alone", pickAll("标签（任一）", () => ["有标签"]),
    () => (row) => row.tag_id !== "", "tags", () => "标签（任一）：任何标签（有标签）");

  const [from, to] = [() => day(rows[1200].createtime), () => day(rows[900].createtime)];
  filter("time, both days in China included", async (page) => {
    await date(page, "添加时间 起", from());
    await date(page, "添加时间 止", to());
  }, () => (row) => day(row.createtime) >= from() && day(row.createtime) <= to(), "from", () => `添加时间：${from()} – ${to()}`);
  filter("time, open end", (page) => date(page, "添加时间 起", to()), () => (row) => day(row.createtime) >= to(), "from", () => `添加时间：${to()} – …`);
});

test("tags are grouped", async (t) => {
  const page = await open(t);
  await total(page, rows.length);
  await page.getByRole("combobox", { name: "标签（任一）", exact: true }).press("Enter");
  await page.locator(".el-select-group__title", { hasText: tags[0].group_name }).first().waitFor();
});

test("of 2,000 employees only those in sight are in the document", async (t) => {
  const page = await open(t);
  await total(page, rows.length);
  await page.getByRole("combobox", { name: "归属成员", exact: true }).press("Enter");
  const options = page.getByRole("option").filter({ visible: true });
  await options.first().waitFor();
  assert.ok(await options.count() < 40, `${await options.count()} options`);
  await page.getByRole("combobox", { name: "归属成员", exact: true }).fill("Many1999");
  await options.filter({ hasText: "众多1999" }).waitFor();
});

test("a preset is days in China, whatever the reader's own zone and date", async (t) => {
  const page = await open(t, "?crop_id=1", { timezoneId: "America/Los_Angeles" });
  await page.clock.setFixedTime("2026-06-30T17:00:00Z");
  await page.reload();
  await page.getByRole("button", { name: "近 30 天" }).click();
  assert.deepEqual([param(page, "from"), param(page, "to")], ["2026-06-02", "2026-07-01"]);
  await page.getByRole("button", { name: "上月" }).click();
  assert.deepEqual([param(page, "from"), param(page, "to")], ["2026-06-01", "2026-06-30"]);
});

test("each preset shows the rows of its days", async (t) => {
  const last = rows.reduce((max, { createtime }) => Math.max(max, createtime), 0);
  const date = (at) => new Date(at).toISOString().slice(0, 10);
  const china = new Date((last + 8 * 3600) * 1000);
  const [year, month, today] = [china.getUTCFullYear(), china.getUTCMonth(), china.getUTCDate()];
  const on = (...parts) => date(Date.UTC(...parts));
  const page = await open(t);
  await total(page, rows.length);
  await page.clock.setFixedTime(last * 1000);
  for (const [name, from, to] of [
    ["今天", date(china), date(china)], ["昨天", on(year, month, today - 1), on(year, month, today - 1)], ["近 7 天", on(year, month, today - 6), date(china)],
    ["近 30 天", on(year, month, today - 29), date(china)], ["本月", on(year, month, 1), date(china)], ["上月", on(year, month - 1, 1), on(year, month, 0)],
  ]) {
    await page.getByRole("button", { name, exact: true }).click();
    await page.locator(".presets [aria-pressed=true]", { hasText: name }).waitFor();
    assert.deepEqual([param(page, "from"), param(page, "to")], [from, to], name);
    const kept = rows.filter(({ createtime }) => { const day = date((createtime + 8 * 3600) * 1000); return day >= from && day <= to; });
    await page.locator(".list[aria-busy=false]").waitFor();
    await total(page, kept.length);
    assert.deepEqual(await names(page), namesOf(kept.slice(0, 15)), name);
    if (name === "近 30 天") assert.ok(kept.length > 0);
  }
});

test("a preset is of the day of the click, however long the page has been open", async (t) => {
  const page = await open(t);
  await page.clock.setFixedTime("2026-06-30T17:00:00Z");
  const today = page.getByRole("button", { name: "今天" });
  await today.click();
  assert.deepEqual([param(page, "from"), param(page, "to")], ["2026-07-01", "2026-07-01"]);
  await page.locator(".presets [aria-pressed=true]", { hasText: "今天" }).waitFor();
  await page.clock.setFixedTime("2026-07-01T17:00:00Z");
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.locator(".presets [aria-pressed=true]", { hasText: "昨天" }).waitFor();
  await today.click();
  assert.deepEqual([param(page, "from"), param(page, "to")], ["2026-07-02", "2026-07-02"]);
  await page.locator(".presets [aria-pressed=true]", { hasText: "今天" }).waitFor();
});

test("pages, their size, back and forward go through the address", async (t) => {
  const page = await open(t);
  await total(page, rows.length);
  await page.getByRole("button", { name: "下一页" }).click();
  await page.waitForURL(/page=2/);
  await page.getByRole("button", { name: rows[15].has_one_customer.name }).first().waitFor();
  assert.deepEqual(await names(page), namesOf(rows.slice(15, 30)));
  await page.getByRole("radio", { name: "已流失" }).check();
  const lost = rows.filter((row) => row.status === -1);
  await total(page, lost.length);
  assert.equal(param(page, "page"), null);
  await page.goBack();
  await total(page, rows.length);
  assert.deepEqual([param(page, "page"), await names(page)], ["2", namesOf(rows.slice(15, 30))]);
  await page.goBack();
  await page.locator(".el-pager .is-active:text-is('1')").waitFor();
  await page.goForward();
  await page.locator(".el-pager .is-active:text-is('2')").waitFor();
  await page.getByRole("combobox", { name: "每页条数" }).press("Enter");
  await page.getByRole("option", { name: "50 条/页" }).click();
  await page.waitForURL(/per_page=50/);
  await page.locator(".customers tbody tr").nth(49).waitFor();
  assert.deepEqual(await names(page), namesOf(rows.slice(0, 50)));
});

test("going back from a short result to a later page of a long one stays on that page", async (t) => {
  const page = await open(t, "?crop_id=1&page=40");
  await page.locator(".el-pager .is-active:text-is('40')").waitFor();
  await page.getByLabel("客户", { exact: true }).fill(rows[7].external_userid);
  await page.keyboard.press("Enter");
  await total(page, rows.filter((row) => row.external_userid === rows[7].external_userid).length);
  await page.goBack();
  await total(page, rows.length);
  await page.locator(".el-pager .is-active:text-is('40')").waitFor();
  assert.equal(param(page, "page"), "40");
});

test("a shared link shows another member's browser the same rows, and clearing all shows everything", async (t) => {
  const query = `?crop_id=1&customer=李&status=1&tags=${tags[2].tag_id},${tags[8].tag_id},${tags[12].tag_id}&per_page=30`;
  const kept = rows.filter((row) => row.has_one_customer.name.includes("李") && row.status === 1 && [2, 8, 12].some((i) => row.tag_id.split(",").includes(tags[i].tag_id)));
  assert.ok(kept.length > 0);
  const page = await open(t, query);
  await total(page, kept.length);
  assert.deepEqual(await names(page), namesOf(kept.slice(0, 30)));
  assert.equal((await chips(page)).length, 3);
  await page.getByRole("button", { name: "清除全部" }).click();
  await total(page, rows.length);
  assert.equal(new URL(page.url()).search, "?crop_id=1&per_page=30");
});

test("an empty result says which filter keeps what away", async (t) => {
  const page = await open(t, "?crop_id=1&customer=李&remark=没有这样的备注&status=1");
  const kept = rows.filter((row) => row.has_one_customer.name.includes("李") && row.status === 1).length;
  await total(page, 0);
  await page.getByRole("button", { name: `去掉「备注」：${count(kept)} 位客户` }).click();
  await total(page, kept);
});

test("which of all filters to loosen is asked at once, and said in English too", async (t) => {
  const day = "2020-09-13"; // of the row of wmFilled alone
  const filled = rows.find((row) => row.external_userid === "wmFilled");
  const query = {
    keyword: "没有这样的词", mobile: "0211234", tags: tags[0].tag_id, tags_all: filled.tag_id,
    tags_none: tags[5].tag_id, employee: `10086,${rows[3].userid}`, source: "202", status: "-1",
    from: day, to: day,
  };
  const page = await open(t, "?crop_id=1", { language: "en" });
  const asked = [];
  page.on("request", (request) => { asked.push(/\/(getList|getFacets)\?/.exec(request.url())?.[1]); });
  await page.goto(`${server.address}/console?crop_id=1&${new URLSearchParams(query)}`);
  await page.getByText("Dropping one of them shows:").waitFor();
  assert.deepEqual(await chips(page), [
    "Keyword: 没有这样的词", "Noted phone: 0211234", `Tags (any): ${tags[0].name}`,
    `Tags (all): ${idsOf(filled).map(nameOf).join(", ")}`, `Tags (none): ${tags[5].name}`,
    `Employee: 全填 (10086), ${rows[3].has_one_employee.name} (${rows[3].userid})`,
    "Source: Assigned by an administrator", "Status: Lost", `Time added: ${day}`,
  ]);
  const loosen = page.locator(".empty li button");
  assert.deepEqual((await loosen.allTextContents()).map((text) => text.trim()), ["Without “Keyword”: 1"]);
  assert.deepEqual(asked.filter(Boolean), ["getList", "getFacets"]);
  await loosen.click();
  await page.getByRole("button", { name: "Details of 样样都有" }).waitFor();
  assert.equal(param(page, "keyword"), null);
});

test("the gender, 0 included, is among the filters to loosen, and said in English too", async (t) => {
  const page = await open(t, "?crop_id=1&gender=0&keyword=wmFilled", { language: "en" });
  await page.getByText("Dropping one of them shows:").waitFor();
  assert.deepEqual(await chips(page), ["Keyword: wmFilled", "Gender: Unknown"]);
  const unknown = rows.filter((row) => row.has_one_customer.gender === 0).length;
  const loosen = page.locator(".empty li button");
  assert.deepEqual((await loosen.allTextContents()).map((text) => text.trim()), [
    `Without “Keyword”: ${count(unknown)}`, "Without “Gender”: 1",
  ]);
  await loosen.last().click();
  await page.getByRole("button", { name: "Details of 样样都有" }).waitFor();
  assert.equal(param(page, "gender"), null);
});

test("where it could not be asked which filter to loosen, nothing is said of it", async (t) => {
  const page = await open(t, "?crop_id=1", { language: "en" });
  const unavailable = (route) => route.fulfill({ status: 503, body: "" });
  for (const fail of [unavailable, (route) => route.abort()]) {
    await page.route(/getFacets/, fail);
    await page.goto(`${server.address}/console?crop_id=1&customer=李&remark=没有这样的备注&status=1`);
    await page.getByText("No customer meets all the conditions together.", { exact: true }).waitFor();
    await page.locator(".empty [role=status]").waitFor({ state: "detached" });
    assert.deepEqual(await page.locator(".empty p").allTextContents(), ["No customer meets all the conditions together."]);
    assert.deepEqual(await page.locator(".empty button").allTextContents(), ["Clear all"]);
    await page.unrouteAll();
  }
});

test("where no filter alone is to loosen, that is said", async (t) => {
  const page = await open(t, "?crop_id=1&keyword=没有这样的词&remark=没有这样的备注");
  await page.getByText("放宽任何一项都没有结果，请清除全部筛选。").waitFor();
});

const byTime = (sign) => [...rows].sort((a, b) => sign * (a.createtime - b.createtime) || b.id - a.id);

test("the head of the time added sorts, through the address, and back to the default", async (t) => {
  const page = await open(t, "?crop_id=1&page=3");
  await page.locator(".el-pager .is-active:text-is('3')").waitFor();
  const head = page.getByRole("columnheader", { name: "添加时间" });
  assert.equal(await head.getAttribute("aria-sort"), "none");
  for (const [sort, direction, sorted] of [
    ["-createtime", "descending", byTime(-1)], ["createtime", "ascending", byTime(1)],
    [null, "none", rows],
  ]) {
    await head.getByRole("button").click();
    await page.locator(`th[aria-sort=${direction}]`).waitFor();
    await page.locator(".list[aria-busy=false]").waitFor();
    assert.deepEqual([param(page, "sort"), param(page, "page")], [sort, null]);
    assert.deepEqual(await names(page), namesOf(sorted.slice(0, 15)));
  }
  assert.deepEqual(await chips(page), []);
  await page.goBack();
  await page.reload();
  await page.getByRole("button", { name: "下一页" }).click();
  await page.locator(".el-pager .is-active:text-is('2')").waitFor();
  await page.locator(".list[aria-busy=false]").waitFor();
  assert.deepEqual(await names(page), namesOf(byTime(1).slice(15, 30)));
});

for (const [language, label, first, none] of [
  ["zh", "排序", "添加时间：最早在前", "默认顺序"], ["en", "Order", "First added first", "Default order"],
]) {
  test(`a window of 360 px has a select for the order, ${language}`, async (t) => {
    const page = await open(t, "?crop_id=1", { language, viewport: { width: 360, height: 900 } });
    const select = page.getByRole("combobox", { name: label, exact: true });
    for (const [text, sort, sorted] of [[first, "createtime", byTime(1)], [none, null, rows]]) {
      await select.press("Enter");
      await page.getByRole("option", { name: text }).click();
      await page.waitForURL((url) => url.searchParams.get("sort") === sort);
      await page.locator(".list[aria-busy=false]").waitFor();
      if (language === "zh") assert.deepEqual(await names(page), namesOf(sorted.slice(0, 15)));
      await page.locator(".sort").getByText(text).waitFor();
    }
  });
}

test("what the address has of an order or a filter that there is not is left out", async (t) => {
  const page = await open(t, "?crop_id=1&sort=name&tags=,&employee=,,&source=abc&type=3");
  await total(page, rows.length);
  assert.deepEqual([await names(page), await chips(page)], [namesOf(rows.slice(0, 15)), []]);
});

test("a page past the end leads back", async (t) => {
  const page = await open(t, "?crop_id=1&page=9999");
  await page.getByRole("button", { name: "回到第一页" }).click();
  await page.locator(".customers tbody tr").first().waitFor();
  assert.equal(param(page, "page"), null);
});

test("a wrong filter is named, and typing again mends it", async (t) => {
  const page = await open(t, "?crop_id=1&member=abc");
  await page.getByRole("alert").filter({ hasText: "会员 ID：只能是" }).waitFor();
  await page.getByLabel("会员 ID", { exact: true }).fill("0");
  await page.keyboard.press("Enter");
  await total(page, rows.filter((row) => row.has_one_customer.uid === 0).length);
});

test("each wrong parameter is named in English with its own rule, and one button is rid of them", async (t) => {
  const many = Array.from({ length: 1001 }, (_, i) => `x${i}`).join(",");
  const rules = {
    "member=abc": "Member ID: must be 1 to 20 digits, not “abc”",
    "source=70000": "Source: must be a whole number from 0 to 65535, not “70000”",
    "crop_id=9999999999": "Enterprise: must be a whole number from 1 to 4294967295, not “9999999999”",
    [`customer=${"x".repeat(201)}`]: `Customer: must be at most 200 characters, not “${"x".repeat(40)}…”`,
    [`remark=${"x".repeat(201)}`]: `Remark: must be at most 200 characters, not “${"x".repeat(40)}…”`,
    [`keyword=${"x".repeat(201)}`]: `Keyword: must be at most 200 characters, not “${"x".repeat(40)}…”`,
    "mobile=138x": "Noted phone: must be digits, with spaces, + and - if need be, not “138x”",
    [`employee=${many}`]: `Employee: must be at most 1000 userids, not “${many.slice(0, 40)}…”`,
    [`tags=${many}`]: `Tags (any): must be at most 1000 tag ids, not “${many.slice(0, 40)}…”`,
    [`tags_all=${many}`]: `Tags (all): must be at most 1000 tag ids, not “${many.slice(0, 40)}…”`,
    [`tags_none=${many}`]: `Tags (none): must be at most 1000 tag ids, not “${many.slice(0, 40)}…”`,
  };
  const page = await open(t, "?crop_id=1", { language: "en" });
  for (const [query, rule] of Object.entries(rules)) {
    await page.goto(`${server.address}/console?crop_id=1&status=1&${query}`.replace("crop_id=1&status=1&crop_id", "crop_id"));
    await page.getByRole("alert").locator("li").waitFor();
    assert.deepEqual(await page.getByRole("alert").locator("li").allTextContents(), [rule]);
    await page.getByRole("button", { name: "Clear what is not right" }).click();
    await page.locator(".customers tbody tr").first().waitFor();
    assert.equal(param(page, query.split("=")[0]), query.startsWith("crop_id") ? "1" : null);
  }
});

for (const [mode, env] of [["as it is", {}], ["in its legacy mode", { LEGACY_STATUS: "true" }]]) {
  test(`what the server ${mode} refuses is said in English`, async (t) => {
    const { address, token, run, stop } = env.LEGACY_STATUS ? await startServer(env) : { ...server, stop: () => undefined };
    t.after(stop);
    const several = await run(["token", "--uid", "7", "--uniacid", "2"]);
    const page = await open(t, "?crop_id=4242", { address, token, language: "en" });
    await page.getByText("You may not manage this enterprise, or it does not exist.").waitFor();
    await page.getByRole("button", { name: "Choose another enterprise" }).click();
    await page.locator(".customers tbody tr").first().waitFor();
    // The page itself never asks without an enterprise; it is taken out on the way.
    await page.route(/getList/, (route) => route.continue({ url: route.request().url().replace(/crop_id=1&?/, "") }));
    await page.goto(`${page.url()}#token=${several}`);
    await page.getByRole("alert").getByText("Choose an enterprise", { exact: true }).waitFor();
    await page.unrouteAll();
    await page.goto(`${page.url()}#token=${broken(token)}`);
    await page.getByText("Your sign-in has expired.").waitFor();
  });
}

test("a failure of the server is said in English with the request's id", async (t) => {
  const page = await open(t, "?crop_id=1", { language: "en" });
  await page.locator(".customers tbody tr").first().waitFor();
  let answer = { status: 500, headers: { "X-Request-Id": "4fJ2m0cQxXb1" }, json: { result: 0, msg: "服务器内部错误(请求 4fJ2m0cQxXb1)", data: [] } };
  await page.route(/getList/, (route) => route.fulfill(answer));
  await page.getByRole("button", { name: "Search" }).click();
  const alert = page.getByRole("alert");
  await alert.getByText("The server failed (request 4fJ2m0cQxXb1).").waitFor();
  answer.status = 200;
  await page.getByRole("button", { name: "Try again" }).click();
  await alert.getByText("The server failed (request 4fJ2m0cQxXb1).").waitFor();
  answer = { status: 503, json: { result: 0, msg: "服务暂时不可用,请稍后再试", data: [] } };
  await page.getByRole("button", { name: "Try again" }).click();
  await alert.getByText("The service is not available just now.").waitFor();
  answer = { status: 502, body: "<h1>Bad gateway</h1>" };
  await page.getByRole("button", { name: "Try again" }).click();
  await alert.getByText("The server failed.").waitFor();
});

test("a lost connection is said, and trying again helps", async (t) => {
  const page = await open(t);
  await total(page, rows.length);
  await page.context().setOffline(true);
  await page.getByRole("radio", { name: "已流失" }).check();
  await page.getByText("无法连接服务器").waitFor();
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "重试" }).click();
  await total(page, rows.filter((row) => row.status === -1).length);
});

test("a token that no longer holds leads to signing in, and the filters stay", async (t) => {
  const page = await open(t, "?crop_id=1&status=-1", { token: broken(server.token) });
  await page.getByText("登录已过期").waitFor();
  await page.getByLabel("令牌").fill(server.token);
  await page.getByRole("button", { name: "登录" }).click();
  await total(page, rows.filter((row) => row.status === -1).length);
});

test("an enterprise of others shows nothing but that", async (t) => {
  const page = await open(t, "?crop_id=4242");
  await page.getByText("您不能管理该企业").waitFor();
  assert.equal(await page.locator(".customers tbody tr").count(), 0);
});

test("of several enterprises one is chosen and kept in the address", async (t) => {
  const page = await open(t, "", { token: await server.run(["token", "--uid", "7", "--uniacid", "2"]) });
  await page.getByRole("heading", { name: "请先选择要管理的企业" }).waitFor();
  await page.locator(".choose button").first().click();
  await total(page, rows.length);
  assert.equal(param(page, "crop_id"), "1");
  await page.reload();
  await total(page, rows.length);
});

test("the card shows every field, by mouse and by keyboard, and gives the focus back", async (t) => {
  const page = await open(t);
  const row = rows[3];
  await page.locator(".customers tbody tr").nth(3).click();
  const card = page.getByRole("dialog");
  for (const value of [row.external_userid, row.has_one_employee.mobile, row.has_one_employee.user_id, row.has_one_customer.created_at]) await card.getByText(value, { exact: true }).first().waitFor();
  await page.keyboard.press("Escape");
  await card.waitFor({ state: "hidden" });
  const button = page.locator(".customers tbody .name").nth(2);
  await button.focus();
  await page.keyboard.press("Enter");
  await card.getByText(rows[2].external_userid).first().waitFor();
  await page.keyboard.press("Escape");
  await card.waitFor({ state: "hidden" });
  await page.waitForFunction(() => document.activeElement?.classList.contains("name"));
});

test("the card shows every field of the contract, by name, and one that the server has got since", async (t) => {
  const { components } = await (await fetch(`${server.address}/openapi.json`)).json();
  const row = rows.find(({ external_userid }) => external_userid === "wmFilled");
  const page = await open(t, "?crop_id=1", { language: "en" });
  await page.route(/getList/, async (route) => {
    const answer = await route.fetch();
    const json = await answer.json();
    for (const one of json.data.data) one.has_one_customer.brand_new = "later";
    await route.fulfill({ response: answer, json });
  });
  await page.goto(`${server.address}/console?crop_id=1&customer=wmFilled`);
  await page.locator(".customers tbody .name").click();
  await page.getByRole("dialog").locator("dl").first().waitFor();
  const shown = Object.fromEntries(await page.getByRole("dialog").locator("[data-field]").evaluateAll((lines) => lines.map((line) => [line.dataset.field, [line.querySelector("dt").textContent, line.querySelector("dd").textContent]])));
  const told = {
    "contact.external_type": "WeChat", "contact.gender": "Female", "contact.is_member": "Yes", "follow.tag_name": `${row.tag_name.replaceAll(",", ", ")}`, "follow.tag_id": row.tag_id.replaceAll(",", ", "),
    "follow.remark_mobiles": "02112345678", "follow.add_way": "Assigned by an administrator", "follow.status": "Lost", "follow.createtime": "2020-09-13 20:26:41", "follow.customer_create_time": "2020-09-13 20:26:40",
    "employee.gender": { 0: "Unknown", 1: "Male", 2: "Female" }[row.has_one_employee.gender], "employee.status": "Not activated", "employee.disabled": "Yes",
  };
  if (row.has_one_customer.external_type === 2) told["contact.external_type"] = "WeCom";
  const parts = { contact: ["Contact", row.has_one_customer], follow: ["Follow", row], employee: ["Employee", row.has_one_employee] };
  for (const [part, [schema, record]] of Object.entries(parts)) {
    for (const key of Object.keys(components.schemas[schema].properties).filter((name) => !name.startsWith("has_one_"))) {
      const [name, value] = shown[`${part}.${key}`] ?? [];
      assert.ok(name, `${part}.${key} is not shown`);
      assert.ok(name !== key || ["userid", "external_userid", "unionid", "open_userid", "user_id"].includes(key), `${part}.${key} has no name`);
      assert.equal(value, told[`${part}.${key}`] ?? (record[key] === null ? "—" : String(record[key])), `${part}.${key}`);
    }
  }
  assert.deepEqual(shown["contact.brand_new"], ["brand_new", "later"]);
});

test("telephone numbers are in the row at every width", async (t) => {
  const page = await open(t, "?crop_id=1&customer=wmFilled");
  for (const width of [1280, 1100, 900, 721, 720, 360]) {
    await page.setViewportSize({ width, height: 900 });
    await page.getByText("02112345678").filter({ visible: true }).waitFor();
    assert.equal(await page.getByText("02112345678").filter({ visible: true }).count(), 1, `${width} px`);
  }
});

test("the list is a table to a screen reader at every width", async (t) => {
  const page = await open(t, "?crop_id=1&per_page=30");
  const browser = await page.context().newCDPSession(page);
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 900 });
    await page.locator(".customers tbody tr").nth(29).waitFor();
    const { nodes } = await browser.send("Accessibility.getFullAXTree");
    const having = (role) => nodes.filter((node) => node.role?.value === role).length;
    assert.deepEqual(["table", "row", "columnheader", "rowheader"].map(having), [1, 31, 8, 30], `${width} px`);
    assert.ok(having("cell") >= 30 * 4, `${width} px`);
  }
});

test("what the database says is text, and a broken avatar leaves a letter", async (t) => {
  const page = await open(t);
  await page.getByText(hostile.remark, { exact: true }).waitFor();
  await page.getByText(hostile.name, { exact: true }).waitFor();
  await page.locator(".customers tbody tr").first().locator("span.avatar", { hasText: "=" }).waitFor();
  assert.equal(await page.title(), "客户列表");
  assert.equal(await page.locator(".customers tbody td img").count(), 0);
});

suite("export", () => {
  const parse = (csv) => [...csv.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g)].reduce((lines, [, cell, end]) => {
    lines.at(-1).push(cell.startsWith("\"") ? cell.slice(1, -1).replaceAll("\"\"", "\"") : cell);
    if (end === "\r\n") lines.push([]);
    return lines;
  }, [[]]).slice(0, -1);

  function check(bytes, kept) {
    assert.deepEqual([...bytes.subarray(0, 3)], [0xEF, 0xBB, 0xBF]);
    const [heading, ...lines] = parse(bytes.toString("utf8").slice(1));
    assert.deepEqual(heading.slice(0, 4), ["编号", "客户", "类型", "备注"]);
    assert.deepEqual(lines.map(([id]) => Number(id)), kept.map(({ id }) => id));
    assert.ok(lines.every((line) => line.length === heading.length && line.every((cell) => !/(^|[;\t\r\n])\s*[=+\-@]/.test(cell))));
    return lines;
  }

  test("without a file picker the whole result comes as one download, with no cell a formula", async (t) => {
    const page = await open(t);
    await noPicker(page);
    await total(page, rows.length);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "导出 CSV" }).click()]);
    const lines = check(await readFile(await download.path()), rows);
    assert.deepEqual(lines[0].slice(1, 5), [`'${hostile.name}`, lines[0][2], hostile.remark, "'@SUM(1)"]);
    assert.ok(lines[0].includes("'+8613800000000"));
    // What Excel would make a number or a date of; the time added is to be one.
    for (const text of ["\t02112345678", "\t10086", "\t1-2", "x;'=1", "2020-09-13 20:26:41"]) assert.ok(lines[1].includes(text), text);
    await page.getByText(`导出完成，共 ${count(rows.length)} 行`).waitFor();
  });

  // The browser's own private files stand in for the dialog, which no test can operate; the stream is the real one.
  const toPrivateFile = (page) => page.evaluate(() => {
    window.showSaveFilePicker = async () => (window.saved = await (await navigator.storage.getDirectory()).getFileHandle("x.csv", { create: true }));
  });
  const saved = async (page) => Buffer.from(await page.evaluate(async () => [...new Uint8Array(await (await window.saved.getFile()).arrayBuffer())]));

  test("with a file picker the result under the filters is streamed to the file, newest id first", async (t) => {
    const page = await open(t, "?crop_id=1&status=-1&mobile=15400000&sort=createtime");
    const lost = rows.filter((row) => row.status === -1 && row.remark_mobiles.includes("15400000"));
    await total(page, lost.length);
    await toPrivateFile(page);
    const asked = [];
    page.on("request", (request) => { asked.push(new URL(request.url()).searchParams); });
    await page.getByRole("button", { name: "导出 CSV" }).click();
    await page.getByText(`导出完成，共 ${count(lost.length)} 行`).waitFor();
    check(await saved(page), lost);
    assert.ok(asked.length > 0);
    for (const query of asked) {
      assert.deepEqual(Object.fromEntries([...query].filter(([name]) => name !== "before_id")), {
        "search[status]": "-1", "search[mobile]": "15400000", crop_id: "1", per_page: "100",
        omit: "tag,employee",
      });
    }
  });

  test("a cancelled export stops asking and leaves no half of a file", async (t) => {
    const page = await open(t);
    await toPrivateFile(page);
    let held = 0;
    await page.route(/before_id/, () => { held++; }); // never answered
    await page.getByRole("button", { name: "导出 CSV" }).click();
    await page.getByText(/已导出 100 \/ /).waitFor();
    await page.getByRole("button", { name: "取消" }).click();
    await page.getByText("已取消导出").waitFor();
    assert.equal((await saved(page)).length, 0);
    assert.equal(held, 1);
  });

  const noPicker = (page) => page.evaluate(() => { delete window.showSaveFilePicker; delete Window.prototype.showSaveFilePicker; });
  // Requests of the walk wait until they are let go on, in whatever way.
  async function hold(page) {
    const held = [];
    let go;
    await page.route(/before_id/, (route) => (go ? go(route) : held.push(route)));
    return (how = (route) => route.continue()) => { go = how; held.splice(0).forEach(how); };
  }
  const leaving = (page) => page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));

  test("cancelled without a file picker, nothing is downloaded", async (t) => {
    const page = await open(t);
    await noPicker(page);
    await hold(page);
    let downloads = 0;
    page.on("download", () => { downloads++; });
    await page.getByRole("button", { name: "导出 CSV" }).click();
    await page.getByText(/已导出 100 \/ /).waitFor();
    await page.getByRole("button", { name: "取消" }).click();
    await page.getByText("已取消导出").waitFor();
    await page.getByRole("button", { name: "关闭", exact: true }).last().click();
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    assert.equal(downloads, 0);
  });

  test("where no file is chosen, nothing is asked for", async (t) => {
    const page = await open(t);
    await total(page, rows.length);
    let asked = 0;
    page.on("request", (request) => { if (request.url().includes("/getList")) asked++; });
    await page.evaluate(() => { window.showSaveFilePicker = () => { window.refused = true; return Promise.reject(new DOMException("no", "AbortError")); }; });
    await page.getByRole("button", { name: "导出 CSV" }).click();
    await page.waitForFunction(() => window.refused);
    assert.deepEqual([asked, await page.getByRole("dialog").count()], [0, 0]);
  });

  test("going back to another enterprise leaves a running export alone, and the browser asks before it leaves", async (t) => {
    const page = await open(t, "?crop_id=2");
    await page.locator(".customers tbody tr").first().waitFor();
    const otherNames = await names(page);
    await page.getByRole("combobox", { name: "企业", exact: true }).press("Enter");
    await page.getByRole("option", { name: "示例科技" }).click();
    await total(page, rows.length);
    await page.getByRole("radio", { name: "已流失" }).check();
    const lost = rows.filter((row) => row.status === -1);
    await total(page, lost.length);
    await noPicker(page);
    const letGo = await hold(page);
    assert.equal(await leaving(page), false);
    await page.getByRole("button", { name: "导出 CSV" }).click();
    await page.getByText(/已导出 100 \/ /).waitFor();
    assert.equal(await leaving(page), true);
    await page.goBack();
    await page.goBack();
    await page.waitForFunction((name) => document.querySelector(".customers tbody .name")?.textContent === name, otherNames[0]);
    const [download] = await Promise.all([page.waitForEvent("download"), letGo()]);
    check(await readFile(await download.path()), lost);
    await page.getByText(`导出完成，共 ${count(lost.length)} 行`).waitFor();
    assert.equal(await leaving(page), false);
  });

  test("an error midway is said and leaves the chosen file as it was", async (t) => {
    const page = await open(t, "?crop_id=1", { language: "en" });
    await toPrivateFile(page);
    await page.evaluate(async () => {
      const file = await (await (await window.showSaveFilePicker()).createWritable());
      await file.write("before");
      await file.close();
    });
    const letGo = await hold(page);
    await page.getByRole("button", { name: "Export CSV" }).click();
    await page.getByText(/100 of /).waitFor();
    await letGo((route) => route.fulfill({ status: 500, headers: { "X-Request-Id": "4fJ2m0cQxXb1" }, json: { result: 0, msg: "服务器内部错误(请求 4fJ2m0cQxXb1)", data: [] } }));
    await page.getByRole("dialog").getByText("The export failed: The server failed (request 4fJ2m0cQxXb1).").waitFor();
    assert.equal((await saved(page)).toString(), "before");
  });

  test("a token that expires midway leads to signing in", async (t) => {
    const page = await open(t);
    await toPrivateFile(page);
    await page.route(/before_id/, (route) => route.continue({ headers: { ...route.request().headers(), authorization: `Bearer ${broken(server.token)}` } }));
    await page.getByRole("button", { name: "导出 CSV" }).click();
    await page.getByRole("dialog").getByText("导出失败：登录已过期，请重新登录。").waitFor();
    await page.getByRole("button", { name: "关闭", exact: true }).last().click();
    await page.getByRole("alert").getByText("登录已过期").waitFor();
    await page.getByLabel("令牌").waitFor();
    assert.equal((await saved(page)).length, 0);
  });

  test("a sign-out, or another member's link, ends a running export", async (t) => {
    const page = await open(t);
    await noPicker(page);
    const letGo = await hold(page);
    const walked = [];
    page.on("request", (request) => { if (request.url().includes("before_id")) walked.push(request.headers().authorization); });
    await page.getByRole("button", { name: "导出 CSV" }).click();
    await page.getByText(/已导出 100 \/ /).waitFor();
    await page.goto(`${page.url()}#token=${other}`);
    await page.getByText("已取消导出").waitFor();
    await letGo((route) => route.abort());
    assert.deepEqual(walked, [`Bearer ${server.token}`]);
  });

  test("a screen reader hears of each tenth, not of each hundred rows", async (t) => {
    const page = await open(t);
    await total(page, rows.length);
    await toPrivateFile(page);
    await page.evaluate(() => {
      window.heard = [];
      new MutationObserver(() => {
        const text = document.querySelector("[role=dialog] [role=status]")?.textContent;
        if (text && text !== window.heard.at(-1)) window.heard.push(text);
      }).observe(document.body, { childList: true, characterData: true, subtree: true });
    });
    await page.getByRole("button", { name: "导出 CSV" }).click();
    await page.getByText(/^导出完成/).waitFor();
    const heard = await page.evaluate(() => window.heard);
    assert.ok(heard.length > 1 && heard.slice(0, -1).every((text) => /^正在导出，已完成 (\d?0|100)%$/.test(text)), heard.join("\n"));
  });
});

test("Chinese and English, kept for the next visit", async (t) => {
  const page = await open(t);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("heading", { name: "Customers" }).waitFor();
  await page.getByText(`${count(rows.length)} customers`).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Customers" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
  assert.equal(await page.getByText(/[一-龥]/).filter({ visible: true }).evaluateAll((nodes) => nodes.filter((node) => !node.closest(".customers tbody, .enterprise, [lang], .el-select-dropdown")).length), 0);
});

test("dark follows the system", async (t) => {
  const page = await open(t, "?crop_id=1", { colorScheme: "dark" });
  const shade = () => page.evaluate(() => getComputedStyle(document.querySelector(".list")).backgroundColor.match(/\d+/g).map(Number)[0]);
  await total(page, rows.length);
  assert.ok(await shade() < 60);
  await page.emulateMedia({ colorScheme: "light" });
  await page.waitForFunction(() => !document.documentElement.classList.contains("dark"));
  assert.ok(await shade() > 200);
});

for (const width of [360, 1920]) {
  test(`nothing is wider than a window of ${width} px`, async (t) => {
    const page = await open(t, "?crop_id=1&status=1", { viewport: { width, height: 900 }, hasTouch: width < 500 });
    await page.locator(".customers tbody tr").first().waitFor();
    const fits = async (what) => assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, what);
    await fits("list");
    if (width === 360) await page.getByRole("button", { name: /^筛选/ }).click();
    await page.getByLabel("备注", { exact: true }).waitFor();
    await fits("filters");
    await page.locator(".customers tbody .name").nth(1).click();
    await page.getByRole("dialog").getByText("跟进信息").waitFor();
    await fits("card");
  });
}

test("nor is a mistake with a long text, in a window of 360 px", async (t) => {
  const page = await open(t, `?crop_id=9999999999&member=abc&customer=${"x".repeat(201)}`, { viewport: { width: 360, height: 900 } });
  await page.getByRole("alert").locator("li").nth(2).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
  assert.ok(await page.locator("main > *").evaluateAll((parts) => parts.every((part) => part.getBoundingClientRect().right <= 360)));
});

suite("axe-core finds nothing serious", () => {
  const states = {
    list: ["?crop_id=1&status=1&customer=李", (page) => page.locator(".customers tbody tr").first().waitFor()],
    card: ["?crop_id=1", async (page) => {
      await page.locator(".customers tbody .name").first().click();
      await page.getByRole("dialog").getByText(hostile.remark).waitFor();
      await page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== "running"));
    }],
    filters: ["?crop_id=1&keyword=li&tags=*&tags_none=etUnknown&employee=SunXinJian,WeiPing", async (page) => {
      await page.locator(".list[aria-busy=false]").waitFor();
      if (await page.locator(".fold").isVisible()) await page.locator(".fold").click();
      await page.locator(".fields .el-tag").first().waitFor();
    }],
    empty: ["?crop_id=1&customer=不存在的人&status=1", (page) => page.locator(".empty li button").first().waitFor()],
    error: ["?crop_id=4242", (page) => page.getByRole("alert").waitFor()],
    "sign-in": ["", (page) => page.locator("input[type=password]").waitFor(), { token: () => "" }],
    expired: ["?crop_id=1", (page) => page.getByRole("alert").waitFor(), { token: () => broken(server.token) }],
    enterprises: ["", (page) => page.locator(".choose button").first().waitFor(), { token: () => several }],
    export: ["?crop_id=1", async (page) => {
      await page.evaluate(() => { delete window.showSaveFilePicker; delete Window.prototype.showSaveFilePicker; });
      await page.locator(".list .head button").click();
      await page.getByRole("dialog").getByRole("progressbar").waitFor();
      await page.getByRole("dialog").locator(".el-progress.is-success").waitFor();
      await page.waitForFunction(() => document.getAnimations().every((a) => a.playState !== "running"));
    }],
  };
  let several;
  before(async () => { several = await server.run(["token", "--uid", "7", "--uniacid", "2"]); });
  for (const [state, [query, reach, { token, ...options } = {}]] of Object.entries(states)) {
    for (const [language, colorScheme, width] of [["zh", "light", 1280], ["en", "dark", 1280], ["zh", "light", 360], ["en", "dark", 360]]) {
      test(`${state}, ${language}, ${colorScheme}, ${width} px`, async (t) => {
        const page = await open(t, query, { language, colorScheme, viewport: { width, height: 900 }, ...options, ...(token && { token: token() }) });
        await reach(page);
        assert.deepEqual(await serious(page), []);
      });
    }
  }
});
