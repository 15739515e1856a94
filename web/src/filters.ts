import type {
  ContactType, EmployeeName, FollowStatus, Gender, Search, Tag,
} from "wechat-customers-client";
import { t, wayCodes, wayName } from "./text";

/** What the page knows of the enterprise, for the options of the filters. */
export interface Known {
  readonly tags: readonly Tag[];
  readonly employees: readonly EmployeeName[];
  /** The ways of adding that the rows in sight have. */
  readonly ways: readonly string[];
}

/** A choice, or a group of choices. */
export interface Option { value: string; label: string; options?: Option[] }

interface Common {
  /** Its name in the contract, without `search[…]`. */
  param: string;
  /** What its text in the address may be; any other is left out. */
  form?: { test(value: string): boolean };
  /** The client's filter for its texts, of which one at least is not empty. */
  search(...texts: string[]): Search;
}
interface Text extends Common { control: "text"; max: number; inputmode?: "numeric" | "tel" }
/** Few values are segments side by side, many a select; `several` of them are joined by commas. */
interface Choice extends Common {
  control: "segments" | "one" | "several";
  options(known: Known): Option[];
  /** The name of a value that is not among the options; by default the value itself. */
  name?(value: string): string;
}
/** Two days in China, YYYY-MM-DD, both included. */
interface Days extends Common { control: "days"; keys: readonly ["from", "to"] }
export type Declaration = Text | Choice | Days;

const declare = <Name extends string>(list: Record<Name, Declaration>) => list;

/**
 * Every filter of the page, in the order of the panel. An entry here and its words in text.ts are
 * all that the page needs for one: the panel, the chips, the address, the request and what is said
 * of errors and empty results are made from it. Its name is its key in the address.
 */
export const filters = declare({
  keyword: { param: "keyword", control: "text", max: 200, search: (keyword) => ({ keyword }) },
  customer: { param: "customer", control: "text", max: 200, search: (customer) => ({ customer }) },
  member: {
    param: "member", control: "text", max: 20, inputmode: "numeric",
    search: (member) => ({ member }),
  },
  mobile: {
    param: "mobile", control: "text", max: 40, inputmode: "tel",
    search: (mobile) => ({ mobile }),
  },
  remark: { param: "remark", control: "text", max: 200, search: (remark) => ({ remark }) },
  tags: {
    param: "tags_data", control: "several", search: (tags) => ({ tags }),
    options: ({ tags }) => groups(tags, t.value.anyTag),
  },
  tags_all: {
    param: "tags_all", control: "several", search: (tagsAll) => ({ tagsAll }),
    options: ({ tags }) => groups(tags),
  },
  tags_none: {
    param: "tags_none", control: "several", search: (tagsNone) => ({ tagsNone }),
    options: ({ tags }) => groups(tags, t.value.noTag),
  },
  employee: {
    param: "employee_member", control: "several", search: (employee) => ({ employee }),
    options: ({ employees }) => employees.map(({ user_id, name }) => ({
      value: user_id, label: !name || name === user_id ? user_id : `${name} (${user_id})`,
    })),
  },
  source: {
    param: "add_way_type", control: "one", form: /^\d{1,5}$/, name: wayName,
    options: ({ ways }) => [...new Set([...wayCodes, ...ways])]
      .map((value) => ({ value, label: wayName(value) })),
    search: (way) => ({ addWay: Number(way) }),
  },
  gender: {
    param: "gender", control: "one", ...coded([0, 1, 2], () => t.value.genders),
    search: (gender) => ({ gender: Number(gender) as Gender }),
  },
  type: {
    param: "type", control: "segments", ...coded([1, 2], () => t.value.types),
    search: (type) => ({ type: Number(type) as ContactType }),
  },
  status: {
    param: "status", control: "segments", ...coded([1, -1], () => t.value.status),
    search: (status) => ({ status: Number(status) as FollowStatus }),
  },
  time: {
    param: "time", control: "days", keys: ["from", "to"], form: { test: isDay },
    search: (from = "", to = "") => ({ time: [second(from, "00:00:00"), second(to, "23:59:59")] }),
  },
});

export type Filter = keyof typeof filters;
/** A filter's key in the address. */
export type Key = Exclude<Filter, "time"> | Days["keys"][number];

export const names = Object.keys(filters) as Filter[];

/** The keys in the address of this filter. */
export function keysOf(name: Filter): readonly Key[] {
  const filter = filters[name];
  return filter.control === "days" ? filter.keys : [name as Key];
}

/** The filter that the contract calls so, `search[…]`. */
export function filterOf(param: string): Filter | undefined {
  return names.find((name) => param.startsWith(`search[${filters[name].param}]`));
}

// Before the tags in their groups, `any` is for all of them.
function groups(tags: readonly Tag[], any?: string): Option[] {
  const found = new Map<string, Required<Option>>();
  for (const { group_id, group_name, tag_id, name } of tags) {
    const group = found.get(group_id)
      ?? { value: `group:${group_id}`, label: group_name, options: [] };
    group.options.push({ value: tag_id, label: name });
    found.set(group_id, group);
  }
  return [...any && tags.length ? [{ value: "*", label: any }] : [], ...found.values()];
}

function coded(codes: number[], said: () => Record<number, string>) {
  return {
    form: new RegExp(`^(${codes.join("|")})$`),
    options: () => codes.map((code) => ({ value: String(code), label: said()[code]! })),
  };
}

// The calendar's own days alone: 2026-02-31 reads as one of March.
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString() === `${text}T00:00:00.000Z`;
}

// The list's times are China's, so a day is China's day wherever the reader sits. The server takes
// 1e11 and more for milliseconds.
function second(day: string, clock: string): number | null {
  if (!isDay(day)) return null;
  return Math.min(Math.max(Date.parse(`${day}T${clock}+08:00`) / 1000, 0), 1e11 - 1);
}
