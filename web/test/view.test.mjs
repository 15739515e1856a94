import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { modules } from "./browser.mjs";

let page, close;
before(async () => { ({ page, close } = await modules()); });
after(() => close?.());

const view = (name, ...inputs) => page.evaluate(async ([key, all]) => {
  const module = await import("/src/view.ts");
  return all.map((input) => module[key](input));
}, [name, inputs]);

test("a day that the calendar does not have is no filter", async () => {
  const days = async (...texts) => (await view("parse", ...texts.map((text) => `?from=${text}&to=${text}`))).map(({ from, to }) => [from, to]);
  for (const [from, to] of await days("2026-13-45", "2026-02-31", "2025-02-29", "2026-00-10", "2026-1-2", "today", "2026-01-01T00:00:00Z", "")) assert.deepEqual([from, to], ["", ""]);
  for (const day of ["2024-02-29", "2026-12-31", "0001-01-01", "9999-12-31"]) assert.deepEqual(await days(day), [[day, day]]);
});

test("a day of another age asks for what the server takes for seconds", async () => {
  const filters = { customer: "", member: "", source: "", tags: "", employee: "", type: "", status: "", remark: "" };
  const asked = await view("toSearch", { ...filters, from: "0001-01-01", to: "9999-12-31" }, { ...filters, from: "2026-07-01", to: "2026-07-01" });
  assert.deepEqual(asked.map(({ time }) => time), [[0, 99_999_999_999], [1_782_835_200, 1_782_921_599]]);
});

test("a time that is none of the calendar is printed as it is", async () => {
  assert.deepEqual(await view("clock", 0, 1_631_950_639, 8.64e12 + 1, 1e300, -5), ["", "2021-09-18 15:37:19", "8640000000001", "1e+300", "-5"]);
});
