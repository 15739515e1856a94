import type { CustomerPage, Follow } from "wechat-customers-client";
import { t, wayName } from "./text";
import { clock } from "./view";

/** Excel opens no row beyond its 1,048,576th; the heading is one. */
export const MOST_ROWS = 1_048_576 - 1;

/** Where the lines go. */
export interface Sink {
  write(text: string): Promise<void> | void;
}

/** The telephone numbers of a row's remark_mobiles, the text of a JSON array. */
export function phones(row: Follow): string[] {
  try {
    const list: unknown = JSON.parse(row.remark_mobiles);
    return Array.isArray(list) ? list.filter((phone) => typeof phone === "string" && phone !== "") : [];
  } catch {
    return [];
  }
}

/** A cell that no spreadsheet takes for a formula, also not one in full width. */
export function cell(value: string | number): string {
  let text = String(value).replaceAll("\0", "");
  if (/^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function columns(): [heading: string, value: (row: Follow) => string | number][] {
  const { filter, column, card, types, status, genders, unknown } = t.value;
  return [
    [card.id, (row) => row.id],
    [column.customer, (row) => row.has_one_customer.name],
    [filter.type, (row) => types[row.has_one_customer.external_type] ?? unknown(row.has_one_customer.external_type)],
    [column.remark, (row) => row.remark],
    [card.description, (row) => row.description],
    [column.tags, (row) => row.tag_name],
    [column.employee, (row) => row.has_one_employee?.name ?? ""],
    [card.userid, (row) => row.userid],
    [column.source, (row) => wayName(row.add_way)],
    [column.status, (row) => status[row.status] ?? unknown(row.status)],
    [column.time, (row) => clock(row.createtime)],
    [column.phones, (row) => phones(row).join(" ")],
    [card.remarkCorp, (row) => row.remark_corp_name],
    [card.uid, (row) => row.has_one_customer.uid || ""],
    [card.gender, (row) => genders[row.has_one_customer.gender] ?? unknown(row.has_one_customer.gender)],
    [card.position, (row) => row.has_one_customer.position],
    [card.corpName, (row) => row.has_one_customer.corp_name],
    [card.corpFullName, (row) => row.has_one_customer.corp_full_name],
    [card.externalUserid, (row) => row.external_userid],
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
  const line = (cells: (string | number)[]) => `${cells.map(cell).join(",")}\r\n`;
  await sink.write(`\uFEFF${line(all.map(([heading]) => heading))}`);
  let rows = 0;
  for await (const batch of batches) {
    const fitting = batch.data.slice(0, most - rows);
    await sink.write(fitting.map((row) => line(all.map(([, value]) => value(row)))).join(""));
    rows += fitting.length;
    onProgress(rows, batch.total);
    if (fitting.length < batch.data.length) return { rows, cut: true };
  }
  return { rows, cut: false };
}
