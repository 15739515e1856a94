import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { modules } from "./browser.mjs";

let page, close;
before(async () => { ({ page, close } = await modules()); });
after(() => close?.());

test("no cell is a formula, and what CSV itself means is quoted", async () => {
  const cells = ["=1+1", "+86", "-1", "@x", "  =1", "\t=1", "\uFF1D1", "\uFF0B1", "\uFF0D1", "\uFF201", "\r\n=1", "12", "李", "a,b", "say \"hi\"", "two\nlines", "nul\0"];
  assert.deepEqual(await page.evaluate(async (all) => {
    const { cell } = await import("/src/csv.ts");
    return all.map(cell);
  }, cells), [
    "'=1+1", "'+86", "'-1", "'@x", "'  =1", "'\t=1", "'\uFF1D1", "'\uFF0B1", "'\uFF0D1", "'\uFF201", "\"'\r\n=1\"", "12", "李", "\"a,b\"", "\"say \"\"hi\"\"\"", "\"two\nlines\"", "nul",
  ]);
});

test("writing stops at Excel's last row and says so", async () => {
  const run = (most) => page.evaluate(async (limit) => {
    const { MOST_ROWS, writeCSV } = await import("/src/csv.ts");
    const contact = { name: "李", external_type: 1, uid: 0, gender: 1, position: "", corp_name: "", corp_full_name: "" };
    const row = (id) => ({ id, remark: "", description: "", tag_name: "", userid: "", add_way: "1", status: 1, createtime: 1, remark_mobiles: "[]", remark_corp_name: "", external_userid: "", has_one_customer: contact, has_one_employee: null });
    let asked = 0;
    const batches = async function* () { for (; asked < 3; asked++) yield { total: 6, data: [row(1), row(2)] }; };
    let text = "";
    const outcome = await writeCSV(batches(), { write: (part) => { text += part; } }, () => undefined, limit);
    return { ...outcome, lines: text.split("\r\n").length - 1, asked, MOST_ROWS };
  }, most);
  assert.deepEqual(await run(6), { rows: 6, cut: false, lines: 7, asked: 3, MOST_ROWS: 1_048_575 });
  assert.deepEqual(await run(3), { rows: 3, cut: true, lines: 4, asked: 1, MOST_ROWS: 1_048_575 });
});
