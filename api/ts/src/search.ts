import type { components, operations } from "./schema.js";

/** 1: a WeChat user, 2: a WeCom user. */
export type ContactType = components["schemas"]["ExternalTypeFilter"];
/** 1: following, -1: lost. */
export type FollowStatus = components["schemas"]["StatusFilter"];
/** 0: unknown, 1: male, 2: female. */
export type Gender = components["schemas"]["GenderFilter"];
/** A moment: a `Date`, or unix seconds. */
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

type Query = Pick<NonNullable<operations["getList"]["parameters"]["query"]>, Extract<keyof NonNullable<operations["getList"]["parameters"]["query"]>, `search[${string}`>>;

/** The contract's literal parameters for these filters. */
export function toQuery(search: Search): Query {
  const query: Query = {};
  if (search.customer) query["search[customer]"] = search.customer;
  if (search.member != null && search.member !== "") query["search[member]"] = String(search.member);
  if (search.addWay != null) query["search[add_way_type]"] = search.addWay;
  if (search.tags?.length) query["search[tags_data]"] = list(search.tags);
  if (search.tagsAll?.length) query["search[tags_all]"] = list(search.tagsAll);
  if (search.tagsNone?.length) query["search[tags_none]"] = list(search.tagsNone);
  if (search.employee?.length) query["search[employee_member]"] = list(search.employee);
  if (search.type != null) query["search[type]"] = search.type;
  if (search.gender != null) query["search[gender]"] = search.gender;
  if (search.status != null) query["search[status]"] = search.status;
  const [from, to] = [seconds(search.time?.[0], Math.ceil), seconds(search.time?.[1], Math.floor)];
  if (from || to) query["search[time][]"] = [from, to];
  if (search.remark) query["search[remark]"] = search.remark;
  if (search.mobile) query["search[mobile]"] = search.mobile;
  if (search.keyword) query["search[keyword]"] = search.keyword;
  return query;
}

function list(ids: string | readonly string[]): string {
  return typeof ids === "string" ? ids : ids.join(",");
}

function seconds(moment: TimePoint | null | undefined, round: (n: number) => number): string {
  if (moment == null) return "";
  return String(round(moment instanceof Date ? moment.getTime() / 1000 : moment));
}
