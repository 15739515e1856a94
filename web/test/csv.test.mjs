import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { modules } from "./browser.mjs";

let page, close;
before(async () => { ({ page, close } = await modules()); });
after(() => close?.());

const csv = (name, inputs) => page.evaluate(async ([key, all]) => {
  const module = await import("/src/csv.ts");
  return all.map((input) => module[key](input));
}, [name, inputs]);
const cells = async (wanted) => assert.deepEqual(await csv("cell", Object.keys(wanted)), Object.values(wanted));

test("no cell is a formula, and what CSV itself means is quoted", () => cells({
  "=1+1": "'=1+1", "+86": "'+86", "-1": "'-1", "@x": "'@x", "  =1": "'  =1", "\uFF1D1": "'\uFF1D1", "\uFF0B1": "'\uFF0B1", "\uFF0D1": "'\uFF0D1", "\uFF201": "'\uFF201",
  "\t=1": "\"'\t'=1\"", "\r\n=1": "\"'\r\n'=1\"", "\tx": "\"'\tx\"",
  "李": "李", "a,b": "\"a,b\"", "say \"hi\"": "\"say \"\"hi\"\"\"", "two\nlines": "\"two\nlines\"", "nul\0": "nul",
}));

test("no part of a cell is a formula either, wherever a spreadsheet splits it", () => cells({
  "x;=1": "x;'=1", "x; +1": "x;' +1", "x\t@y": "\"x\t'@y\"", "x\n-1": "\"x\n'-1\"", "x\r\n=1;=2": "\"x\r\n'=1;'=2\"", "x;\"=1": "\"x;'\"\"=1\"", "x;\uFF1D1": "x;'\uFF1D1",
  "a;b - c": "a;b - c", "a=b": "a=b",
}));

test("text that a spreadsheet would take for a number, a date or a truth value stays text", async () => {
  const taken = [
    "0", "12", "007", "02112345678", "13800000000", "100000000000000001", "1.50", "1,234", "5%", "(5)", "¥12", "3E5", "12e-3", ".5", " 12 ",
    "1-2", "1/2", "2026-01-02", "1.2.2026", "12:30", "8 am", "8:30 PM", "2026年1月2日", "1月2日", "上午 8:30", "Jan 5", "5-May-26", "MAR1", "true", "FALSE", "１２３", "138 139",
  ];
  assert.deepEqual(await csv("cell", taken), taken.map((text) => `"\t${text}"`));
  const left = ["WangWu", "A12", "12 号楼", "may", "1 apple", "--", "李 5", "v1.2", ""];
  assert.deepEqual((await csv("cell", left)).map((text) => text.includes("\t")), left.map(() => false));
  assert.deepEqual(await csv("cell", [12, 0, 1e6]), ["12", "0", "1000000"]);
});

test("telephone numbers are those of a JSON array, or what is written there instead", async () => {
  const texts = { "[]": [], "[\"138\",\"\",139]": ["138", "139"], "": [], "null": [], "  ": [], "13800000000": ["13800000000"], "02112345678": ["02112345678"], "\"138\"": ["138"], "138, 139": ["138, 139"], "{\"a\":1}": ["{\"a\":1}"], "[": ["["] };
  const keys = Object.keys(texts);
  assert.deepEqual(await csv("phones", keys), keys.map((key) => texts[key]));
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

test("what is gathered is handed over to the browser in parts, and comes out whole", async () => {
  const outcome = await page.evaluate(async () => {
    const made = [];
    window.Blob = class extends Blob { constructor(parts, options) { super(parts, options); made.push(parts.length); } };
    const { Gathered } = await import("/src/csv.ts");
    const file = new Gathered();
    const texts = Array.from({ length: 10 }, (_, i) => String(i).repeat(1_000_000));
    for (const text of texts) file.write(text);
    return { made: [...made], whole: await file.blob().text() === texts.join("") };
  });
  assert.deepEqual(outcome, { made: [4, 4], whole: true });
});
