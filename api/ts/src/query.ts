import { ApiError, type FieldError } from "./error.js";
import type { components, operations } from "./schema.js";

/** 1: a WeChat user, 2: a WeCom user. */
export type ContactType = components["schemas"]["ExternalTypeFilter"];
/** 1: following, -1: lost. */
export type FollowStatus = components["schemas"]["StatusFilter"];
/** 0: unknown, 1: male, 2: female. */
export type Gender = components["schemas"]["GenderFilter"];
/** The order of the rows; rows of equal times come by id, newest first. */
export type Sort = components["schemas"]["Sort"];
/** A moment: a `Date`, or unix seconds (1e11 and more are milliseconds). */
export type TimePoint = Date | number;

/** The filters. What is undefined, null or empty does not filter. */
export interface Search {
  /** Contacts whose name contains this, or whose external_userid is exactly it. */
  customer?: string | null | undefined;
  /** The contact's mall member id; 0 is "no member". */
  member?: number | string | null | undefined;
  /** The way the customer was added, a row's `add_way`; 0 is "unknown". */
  addWay?: number | null | undefined;
  /** Tag ids: rows that carry any of them; `"*"`: rows with a tag. */
  tags?: string | readonly string[] | null | undefined;
  /** Tag ids: rows that carry all of them. */
  tagsAll?: string | readonly string[] | null | undefined;
  /** Tag ids: rows that carry none of them; `"*"`: rows without a tag. */
  tagsNone?: string | readonly string[] | null | undefined;
  /** The employee's userid; or several, for rows of any of them. */
  employee?: string | readonly string[] | null | undefined;
  type?: ContactType | null | undefined;
  /** The contact's gender; 0 is "unknown". */
  gender?: Gender | null | undefined;
  status?: FollowStatus | null | undefined;
  /** Time added, both ends included and to the second: a fraction rounds *from* up and *to* down. null leaves a side open. */
  time?: readonly [from: TimePoint | null | undefined, to: TimePoint | null | undefined] | null | undefined;
  /** Rows whose remark contains this. */
  remark?: string | null | undefined;
  /** Rows of which a phone number contains these digits; spaces, `+` and `-` do not count. */
  mobile?: string | null | undefined;
  /**
   * One box for all: looked for in the contact's name and companies, in the row's remark,
   * description and company, as pinyin in name and remark (`liyitian`, `lyt`), in phone numbers, and
   * compared with the external_userid, userid and unionid.
   */
  keyword?: string | null | undefined;
}

/** What a list shows: all that is said of it in an address, so that a link can hold it. */
export interface ListQuery {
  /** The filters; all apply together. */
  search?: Search | undefined;
  /** The enterprise. Default: the token's `crop_id`, else the only one that the member manages. */
  cropId?: number | undefined;
  /** From 1 (the default). */
  page?: number | undefined;
  /** Rows per page, 1 to 100; by default 15, and 100 in a walk. */
  perPage?: number | undefined;
  /** By default `"-id"`, newest id first. */
  sort?: Sort | undefined;
  /** Dictionaries to answer empty, for pages after the first. */
  omit?: readonly ("tag" | "employee")[] | undefined;
}

/** The contract's literal parameters. */
type Parameter = keyof NonNullable<operations["getList"]["parameters"]["query"]>;
type Kind = "text" | "number" | "list" | "time";
type Names<T> = Record<keyof T, readonly [Parameter, Kind]>;

/** Each filter's parameter, in the order of addresses. */
export const FILTERS = {
  customer: ["search[customer]", "text"],
  member: ["search[member]", "number"],
  addWay: ["search[add_way_type]", "number"],
  tags: ["search[tags_data]", "list"],
  tagsAll: ["search[tags_all]", "list"],
  tagsNone: ["search[tags_none]", "list"],
  employee: ["search[employee_member]", "list"],
  type: ["search[type]", "number"],
  gender: ["search[gender]", "number"],
  status: ["search[status]", "number"],
  time: ["search[time][]", "time"],
  remark: ["search[remark]", "text"],
  mobile: ["search[mobile]", "text"],
  keyword: ["search[keyword]", "text"],
} as const satisfies Names<Search>;

/** The other parameters of {@link ListQuery}. */
export const OTHERS = {
  cropId: ["crop_id", "number"],
  perPage: ["per_page", "number"],
  sort: ["sort", "text"],
  omit: ["omit", "list"],
  page: ["page", "number"],
} as const satisfies Names<Omit<ListQuery, "search">>;

const KINDS = [["search", FILTERS], ["", OTHERS]] as const;
const fieldsOf = (names: object) => Object.entries(names) as [string, readonly [Parameter, Kind]][];
const unknown = (field: string): FieldError => ({ field, message: "没有这个参数", code: "unknown_parameter" });
const check = (wrong: readonly FieldError[]) => {
  if (!wrong.length) return;
  const texts = wrong.map(({ field, message }) => `${field} ${message}`);
  throw new ApiError(0, `参数错误:${texts.join(";")}`, wrong, "", wrong[0]!.code);
};

/**
 * The contract's parameters for these filters and this page, as in `"?" + toQuery({ search })`.
 * Throws an {@link ApiError} that names the fields which the server would refuse or not know.
 */
export function toQuery({ search, ...others }: ListQuery): URLSearchParams {
  const sent = new URLSearchParams();
  const wrong: FieldError[] = [];
  for (const [place, names] of KINDS) {
    const values: Record<string, unknown> = { ...(place ? search : others) };
    // Else a misspelt name would answer another list.
    for (const name of Object.keys(values)) {
      if (!(name in names)) wrong.push(unknown(place ? `${place}.${name}` : name));
    }
    for (const [name, [field, kind]] of fieldsOf(names)) {
      const value = values[name];
      if (value == null || value === "" || (Array.isArray(value) && !value.length)) continue;
      try {
        for (const text of texts[kind](value)) sent.append(field, text);
      } catch (reason) {
        wrong.push({ field, message: reason as string, code: "invalid_parameter" });
      }
    }
  }
  check(wrong);
  return sent;
}

/** What a value of each kind is in an address; throws what it may be. */
const texts: Record<Kind, (value: unknown) => string[]> = {
  text: (value) => [String(value)],
  number(value) {
    if (typeof value !== "string" && !Number.isSafeInteger(value)) throw "应为整数";
    return [String(value)];
  },
  list(value) {
    if (typeof value === "string") return [value];
    if (!Array.isArray(value) || !value.every((id) => typeof id === "string" && id.trim() && !id.includes(","))) {
      throw "每一项都不能为空,也不能含有逗号";
    }
    return [value.join(",")];
  },
  time(value) {
    if (!Array.isArray(value) || value.length !== 2) throw "只能是起、止两项";
    const [from, to] = [seconds(value[0], Math.ceil), seconds(value[1], Math.floor)];
    if (from && to && Number(from) > Number(to)) throw "开始时间不能晚于结束时间";
    return from || to ? [from, to] : [];
  },
};

function seconds(moment: unknown, round: (n: number) => number): string {
  if (moment == null) return "";
  const n = moment instanceof Date ? moment.getTime() / 1000 : moment;
  if (typeof n !== "number" || !Number.isFinite(n)) throw "应为有效的 Date 或 unix 秒,不限的一侧为 null";
  return String(round(n >= 1e11 && n === moment ? n / 1000 : n));
}

/**
 * The inverse of {@link toQuery}, for links: the filters and the page in an address's query. Other
 * parameters than the contract's are not looked at. Throws as toQuery does, also for a filter that
 * it does not know.
 */
export function fromQuery(query: string | URLSearchParams): ListQuery {
  const given: Record<string, string[]> = {};
  // The document has two names for the type of contact.
  new URLSearchParams(query).forEach((text, key) => (given[key === "search[类型]" ? "search[type]" : key] ??= []).push(text));
  const values: Record<string, Record<string, unknown>> = { search: {}, "": {} };
  for (const [place, names] of KINDS) {
    for (const [name, [field, kind]] of fieldsOf(names)) {
      const sent = given[field];
      delete given[field];
      if (sent?.some(Boolean)) values[place]![name] = read[kind](sent);
    }
  }
  check(Object.keys(given).filter((key) => key.startsWith("search[")).map(unknown));
  const { search, "": others } = values;
  const result: ListQuery = { ...others, ...(Object.keys(search!).length && { search }) };
  toQuery(result);
  return result;
}

/** A value of each kind from an address's texts, the last of several as on the server. */
const read: Record<Kind, (sent: string[]) => unknown> = {
  text: (sent) => sent.at(-1),
  number: (sent) => (sent.at(-1) ? Number(sent.at(-1)) : undefined),
  list: (sent) => (sent.at(-1) ? sent.at(-1)!.split(",") : undefined),
  time: (sent) => sent.map((side) => (side ? Number(side) : null)),
};
