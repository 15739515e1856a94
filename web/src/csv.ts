import type { CustomerPage, Follow } from "wechat-customers-client";
import { t, wayName } from "./text";
import { clock } from "./view";

/** Excel opens no row beyond its 1,048,576th; the heading is one. */
export const MOST_ROWS = 1_048_576 - 1;

/** Where the lines go. */
export interface Sink {
  write(text: string): Promise<void> | void;
}

/** A file in the making where no file can be written to: text that is handed over to the browser every few megabytes. */
export class Gathered implements Sink {
  private blobs: Blob[] = [];
  private texts: string[] = [];
  private length = 0;

  write(text: string): void {
    this.texts.push(text);
    if ((this.length += text.length) < 4_000_000) return;
    this.blobs.push(new Blob(this.texts));
    this.texts = [];
    this.length = 0;
  }

  blob(): Blob {
    return new Blob([...this.blobs, ...this.texts], { type: "text/csv;charset=utf-8" });
  }
}

/** The telephone numbers of a remark_mobiles: the items of a JSON array's text; whatever else is written there is one, as it is. */
export function phones(text: string): string[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = text;
  }
  if (list === null) return [];
  if (!Array.isArray(list)) return [typeof list === "object" ? text : String(list)].filter((phone) => phone.trim() !== "");
  return list.filter((phone) => typeof phone === "number" || (typeof phone === "string" && phone !== "")).map(String);
}

const FIRST = /^(?=[\s"]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r\n])/;
const INSIDE = /(\r\n|[;\t\r\n])(?=[\s"]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g;
// In Excel's English and Chinese.
const NUMBER = /^(?=.*\d)[\s\d.,:/\-()%$¥€£年月日时分秒上下午]*(?:e[+-]?\d+|[ap]m?)?$/i;
const DATE = /^(?=.*\d)[\s\d.,/\-]*(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[\s\d.,:/\-]*$/i;

/**
 * The cell of a value that stays in a spreadsheet what it is here. In text there is an apostrophe before what would begin a formula: at the beginning, and after a line break, a
 * tab or a `;`, where Excel splits if that is the system's list separator, whatever the quotes say. Text that Excel would take for a number, a date, a time or a truth
 * value (02112345678, 100000000000000001, 1-2, 3E5, TRUE) begins with a tab, which Excel does not show and which keeps it text. A number is a cell as it is, and so is text that
 * is `meant` as what it looks like.
 */
export function cell(value: string | number, meant = false): string {
  let text = String(value).replaceAll("\0", "");
  if (typeof value === "string" && !meant) {
    const plain = text.normalize("NFKC").trim();
    const safe = text.replace(INSIDE, "$1'").replace(FIRST, "'");
    text = safe === text && (NUMBER.test(plain) || DATE.test(plain) || /^(true|false)$/i.test(plain)) ? `\t${text}` : safe;
  }
  return /[",\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function columns(): [heading: string, value: (row: Follow) => string | number, meant?: boolean][] {
  const { filter, column, fields, types, status, genders, unknown } = t.value;
  const { contact, follow } = fields;
  return [
    [follow.id, (row) => row.id],
    [column.customer, (row) => row.has_one_customer.name],
    [filter.type.name, (row) => types[row.has_one_customer.external_type] ?? unknown(row.has_one_customer.external_type)],
    [column.remark, (row) => row.remark],
    [follow.description, (row) => row.description],
    [column.tags, (row) => row.tag_name],
    [column.employee, (row) => row.has_one_employee?.name ?? ""],
    [follow.userid, (row) => row.userid],
    [column.source, (row) => wayName(row.add_way)],
    [column.status, (row) => status[row.status] ?? unknown(row.status)],
    [column.time, (row) => clock(row.createtime), true],
    [column.phones, (row) => phones(row.remark_mobiles).join(" ")],
    [follow.remark_corp_name, (row) => row.remark_corp_name],
    [contact.uid, (row) => row.has_one_customer.uid || ""],
    [contact.gender, (row) => genders[row.has_one_customer.gender] ?? unknown(row.has_one_customer.gender)],
    [contact.position, (row) => row.has_one_customer.position],
    [contact.corp_name, (row) => row.has_one_customer.corp_name],
    [contact.corp_full_name, (row) => row.has_one_customer.corp_full_name],
    [follow.external_userid, (row) => row.external_userid],
  ];
}

/**
 * Writes batches of rows as CSV that opens right in Excel: UTF-8 with its mark, CRLF. Returns the number of rows, at most `most`, and whether
 * there were more. What `batches` throws passes.
 */
export async function writeCSV(
  batches: AsyncIterable<CustomerPage>, sink: Sink, onProgress: (rows: number, total: number) => void, most = MOST_ROWS,
): Promise<{ rows: number; cut: boolean }> {
  const all = columns();
  const line = (cells: string[]) => `${cells.join(",")}\r\n`;
  await sink.write(`\uFEFF${line(all.map(([heading]) => cell(heading)))}`);
  let rows = 0;
  for await (const batch of batches) {
    const fitting = batch.data.slice(0, most - rows);
    await sink.write(fitting.map((row) => line(all.map(([, value, meant]) => cell(value(row), meant)))).join(""));
    rows += fitting.length;
    onProgress(rows, batch.total);
    if (fitting.length < batch.data.length) return { rows, cut: true };
  }
  return { rows, cut: false };
}
