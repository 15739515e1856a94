import { reactive, readonly } from "vue";
import type { ContactType, FollowStatus, Search } from "wechat-customers-client";

/** What the address says: the enterprise, the filters and the page. Empty is unset. */
export interface View extends Filters {
  crop: number;
  page: number;
  size: number;
}

export interface Filters {
  customer: string;
  member: string;
  source: string;
  tags: readonly string[];
  employee: string;
  type: string;
  status: string;
  /** Days in China, YYYY-MM-DD, both included. */
  from: string;
  to: string;
  remark: string;
}

export type Filter = keyof Filters;

export const SIZES = [15, 30, 50, 100];
const TEXTS = ["customer", "member", "source", "employee", "type", "status", "from", "to", "remark"] as const;
const FORMS: Partial<Record<Filter, { test(value: string): boolean }>> = { source: /^\d{1,5}$/, type: /^[12]$/, status: /^-?1$/, from: { test: isDay }, to: { test: isDay } };

/** The view that an address's query stands for; what cannot be understood in it is left out. */
export function parse(query: string): View {
  const q = new URLSearchParams(query);
  const text = (key: Filter) => {
    const value = q.get(key) ?? "";
    return FORMS[key]?.test(value) === false ? "" : value;
  };
  const whole = (key: string) => (/^[1-9]\d{0,9}$/.test(q.get(key) ?? "") ? Number(q.get(key)) : 0);
  return {
    ...(Object.fromEntries(TEXTS.map((key) => [key, text(key)])) as Omit<Filters, "tags">),
    tags: (q.get("tags") ?? "").split(",").filter(Boolean),
    crop: whole("crop_id"),
    page: whole("page") || 1,
    size: SIZES.includes(whole("per_page")) ? whole("per_page") : SIZES[0]!,
  };
}

// The calendar's own days alone: 2026-02-31 reads as one of March.
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString() === `${text}T00:00:00.000Z`;
}

/** The query of an address for this view; parse(format(v)) is v. */
export function format(v: View): string {
  const q = new URLSearchParams();
  if (v.crop) q.set("crop_id", String(v.crop));
  for (const key of TEXTS) if (v[key]) q.set(key, v[key]);
  if (v.tags.length) q.set("tags", v.tags.join(","));
  if (v.page > 1) q.set("page", String(v.page));
  if (v.size !== SIZES[0]) q.set("per_page", String(v.size));
  const query = q.toString();
  return query && `?${query}`;
}

const current = reactive(parse(location.search));
addEventListener("popstate", () => Object.assign(current, parse(location.search)));

/** The view that the page shows. */
export const view = readonly(current);

/** Moves to another view. A filter, an enterprise or a size that changes leads to page 1. `replace` leaves no step to go back to. */
export function go(change: Partial<View>, how: { replace?: boolean } = {}): void {
  const next = { page: 1, ...change };
  if (format({ ...current, ...next } as View) === format(current as View)) return;
  Object.assign(current, next);
  const address = location.pathname + format(current as View);
  if (how.replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}

/** No filter. */
export const none = (): Filters => ({ customer: "", member: "", source: "", tags: [], employee: "", type: "", status: "", from: "", to: "", remark: "" });

/** The filters that are set; the two ends of the time are one. */
export function active(v: Readonly<Filters>): Filter[] {
  const keys: Filter[] = ["customer", "member", "source", "tags", "employee", "type", "status", "remark"];
  const set = keys.filter((key) => v[key].length > 0);
  return v.from || v.to ? [...set, "from"] : set;
}

/** What clears this filter. */
export function cleared(key: Filter): Partial<Filters> {
  if (key === "from" || key === "to") return { from: "", to: "" };
  return key === "tags" ? { tags: [] } : { [key]: "" };
}

/** The client's filters for these. */
export function toSearch(v: Readonly<Filters>): Search {
  return {
    customer: v.customer,
    member: v.member,
    addWay: v.source === "" ? null : Number(v.source),
    tags: [...v.tags],
    employee: v.employee,
    type: v.type === "" ? null : (Number(v.type) as ContactType),
    status: v.status === "" ? null : (Number(v.status) as FollowStatus),
    time: [day(v.from, "00:00:00"), day(v.to, "23:59:59")],
    remark: v.remark,
  };
}

// The list's times are China's, so a day is China's day wherever the reader sits. The server takes 1e11 and more for milliseconds.
function day(date: string, clock: string): number | null {
  return isDay(date) ? Math.min(Math.max(Date.parse(`${date}T${clock}+08:00`) / 1000, 0), 1e11 - 1) : null;
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
