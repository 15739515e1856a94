import { reactive, readonly } from "vue";
import type { Search, Sort } from "wechat-customers-client";
import { type Filter, filters, type Key, keysOf, names } from "./filters";

/** The filters' texts in the address; empty is unset. */
export type Filters = Record<Key, string>;

/** What the address says: the enterprise, the filters, the order and the page. Empty is unset. */
export interface View extends Filters {
  crop: number;
  sort: Exclude<Sort, "-id"> | "";
  page: number;
  size: number;
}

export const SIZES = [15, 30, 50, 100];
/** The orders beside the default, newest id first; the head of the table takes them in turn. */
export const SORTS: readonly View["sort"][] = ["", "-createtime", "createtime"];

/** The view that an address's query stands for; what cannot be understood in it is left out. */
export function parse(query: string): View {
  const q = new URLSearchParams(query);
  const whole = (key: string) => (/^[1-9]\d{0,9}$/.test(q.get(key) ?? "") ? Number(q.get(key)) : 0);
  const texts = none();
  for (const name of names) {
    for (const key of keysOf(name)) {
      const { control, form } = filters[name];
      const text = q.get(key) ?? "";
      if (form?.test(text) === false) continue;
      texts[key] = control === "several" ? text.split(",").filter(Boolean).join(",") : text;
    }
  }
  return {
    ...texts,
    crop: whole("crop_id"),
    sort: SORTS.find((sort) => sort === q.get("sort")) ?? "",
    page: whole("page") || 1,
    size: SIZES.includes(whole("per_page")) ? whole("per_page") : SIZES[0]!,
  };
}

/** The query of an address for this view; parse(format(v)) is v. */
export function format(v: View): string {
  const q = new URLSearchParams();
  if (v.crop) q.set("crop_id", String(v.crop));
  for (const key of names.flatMap(keysOf)) if (v[key]) q.set(key, v[key]);
  if (v.sort) q.set("sort", v.sort);
  if (v.page > 1) q.set("page", String(v.page));
  if (v.size !== SIZES[0]) q.set("per_page", String(v.size));
  const query = q.toString();
  return query && `?${query}`;
}

const current = reactive(parse(location.search));
addEventListener("popstate", () => Object.assign(current, parse(location.search)));

/** The view that the page shows. */
export const view = readonly(current);

/**
 * Moves to another view. A filter, an enterprise, an order or a size that changes
 * leads to page 1. `replace` leaves no step to go back to.
 */
export function go(change: Partial<View>, how: { replace?: boolean } = {}): void {
  const next = { page: 1, ...change };
  if (format({ ...current, ...next } as View) === format(current as View)) return;
  Object.assign(current, next);
  const address = location.pathname + format(current as View);
  if (how.replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}

/** No filter. */
export function none(): Filters {
  return Object.fromEntries(names.flatMap(keysOf).map((key) => [key, ""])) as Filters;
}

/** The filters that are set. */
export function active(v: Readonly<Filters>): Filter[] {
  return names.filter((name) => keysOf(name).some((key) => v[key]));
}

/** What clears this filter. */
export function cleared(name: Filter): Partial<Filters> {
  return Object.fromEntries(keysOf(name).map((key) => [key, ""]));
}

/** The client's filters for these. */
export function toSearch(v: Readonly<Filters>): Search {
  const set = active(v).map((name) => filters[name].search(...keysOf(name).map((key) => v[key])));
  return Object.assign({}, ...set) as Search;
}

const china = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "medium" });

/** Unix seconds as China Standard Time, YYYY-MM-DD hh:mm:ss; empty for 0, and the number itself where it is no time of the calendar. */
export function clock(seconds: number): string {
  if (seconds === 0) return "";
  return seconds > 0 && seconds <= 8.64e12 ? china.format(seconds * 1000) : String(seconds);
}

export type Preset = "today" | "yesterday" | "week" | "days30" | "month" | "lastMonth";

/** The usual ranges of days, as of now. */
export function presets(now: Date): Record<Preset, [string, string]> {
  const today = china.format(now).slice(0, 10);
  const back = (days: number) => new Date(Date.parse(`${today}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
  const firstOfMonth = `${today.slice(0, 7)}-01`;
  const endOfLast = new Date(Date.parse(`${firstOfMonth}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
  return {
    today: [today, today],
    yesterday: [back(1), back(1)],
    week: [back(6), today],
    days30: [back(29), today],
    month: [firstOfMonth, today],
    lastMonth: [`${endOfLast.slice(0, 7)}-01`, endOfLast],
  };
}
