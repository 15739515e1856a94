import createFetchClient from "openapi-fetch";
import { ApiError } from "./error.js";
import { type Search, toQuery } from "./search.js";
import type { components, paths } from "./schema.js";

export { ApiError, type FieldError } from "./error.js";
export type { ContactType, FollowStatus, Gender, Search, TimePoint } from "./search.js";
export type { components, operations, paths } from "./schema.js";

/** One page of rows with Laravel's page fields, the tags and the employees. */
export type CustomerPage = components["schemas"]["CustomerPage"];
/** A row: an employee's relation to a contact. */
export type Follow = components["schemas"]["Follow"];
/** The external contact of a row. */
export type Contact = components["schemas"]["Contact"];
/** The employee of a row. */
export type Employee = components["schemas"]["Employee"];
/** A tag of the enterprise. */
export type Tag = components["schemas"]["Tag"];
/** An entry of the employee dictionary. */
export type EmployeeName = components["schemas"]["EmployeeName"];
/** How the rows divide among the filters' values. */
export type Facets = components["schemas"]["CustomerFacets"];
/** A part of {@link Facets} that can be left out. */
export type Facet =
  | "status" | "type" | "add_way" | "gender" | "employee" | "tag" | "without" | "customers";
/** The order of the rows; rows of equal times come by id, newest first. */
export type Sort = components["schemas"]["Sort"];
/** An enterprise that the member manages. */
export type Business = components["schemas"]["Business"];

/** What a call answers: the data, or the error that the server named. Test `error` and the other is narrowed. */
export type Result<T> = { data: T; error?: undefined } | { data?: undefined; error: ApiError };

export interface ClientOptions {
  /** Where the server is, e.g. `https://example.com`; in a browser `""` is the page's own origin. */
  baseUrl: string | URL;
  /** The JWT, or a function that is asked before every call; without one the browser's cookie stands, and `uniacid` is needed. */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** The mall's account id. Default: the `uniacid` that the token carries. */
  uniacid?: number | undefined;
  /** A replacement for the global `fetch`. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
}

export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Which rows. */
export interface RowOptions extends CallOptions {
  /** The filters; all apply together. */
  search?: Search | undefined;
  /** The enterprise. Default: the token's `crop_id`, else the only one that the member manages. */
  cropId?: number | undefined;
}

export interface ListOptions extends RowOptions {
  /** From 1 (the default). */
  page?: number | undefined;
  /** Rows per page, 1 to 100; by default 15, and 100 in a walk. */
  perPage?: number | undefined;
  /** By default `"-id"`, newest id first. */
  sort?: Sort | undefined;
  /** Dictionaries to answer empty, for pages after the first. */
  omit?: readonly ("tag" | "employee")[] | undefined;
}

/** How to walk a whole result: as {@link ListOptions}, without what the walk itself decides. */
export interface WalkOptions extends Omit<ListOptions, "page" | "sort" | "omit"> {}

export interface FacetOptions extends RowOptions {
  /** What is not needed: its list is then empty, `customers` 0. */
  omit?: readonly Facet[] | undefined;
}

export interface Client {
  /** One page of the customer list. Rejects only where no answer came (network, abort). */
  getList(options?: ListOptions): Promise<Result<CustomerPage>>;
  /**
   * How many rows each value of a filter has, under all filters but that one. Rejects only where no
   * answer came.
   */
  getFacets(options?: FacetOptions): Promise<Result<Facets>>;
  /** The enterprises that the token's member manages. Rejects only where no answer came. */
  getBusinessList(options?: CallOptions): Promise<Result<Business[]>>;
  /**
   * Every row of the result, newest first and each once, also while others write: the walk goes down by id, not by page number.
   * Throws {@link ApiError}, and an `Error` where the server does not know `before_id`.
   */
  rows(options?: WalkOptions): AsyncGenerator<Follow, void, undefined>;
  /** What {@link Client.rows} is made of: the same walk, a batch at a time, with the `total` for a progress bar. Throws as it does. */
  batches(options?: WalkOptions): AsyncGenerator<CustomerPage, void, undefined>;
}

const LIST = "/business/{uniacid}/plugin/WechatCustomers/getList";
const FACETS = "/business/{uniacid}/plugin/WechatCustomers/getFacets";
const BUSINESSES = "/business/{uniacid}/plugin/WechatCustomers/getBusinessList";
const LARGEST_PAGE = 100;

/** A client of one server, for one member's token. Throws a `TypeError` where there is neither a token nor a `uniacid`. */
export function createClient(options: ClientOptions): Client {
  if (!options.token && options.uniacid === undefined) throw new TypeError("createClient: without a token the account is not known, so uniacid is needed");
  const baseUrl = String(options.baseUrl).replace(/\/+$/, "");
  const http = createFetchClient<paths>(options.fetch ? { baseUrl, fetch: options.fetch } : { baseUrl });

  async function common(signal: AbortSignal | undefined) {
    const token = typeof options.token === "function" ? await options.token() : options.token;
    const uniacid = options.uniacid ?? (token ? readToken(token).uniacid : undefined);
    return {
      uniacid,
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      // Text, because an answer of a proxy in between may be anything; openResult parses it.
      parseAs: "text" as const,
      ...(signal && { signal }),
    };
  }

  async function getList(list: ListOptions = {}): Promise<Result<CustomerPage>> {
    return call({ ...filters(list), ...page(list) }, list.signal);
  }

  async function call(query: ReturnType<typeof filters> & ReturnType<typeof page> & { before_id?: number }, signal?: AbortSignal) {
    const { uniacid, ...init } = await common(signal);
    if (uniacid === undefined) return { error: notSignedIn() };
    return openResult<CustomerPage>(await http.GET(LIST, { params: { path: { uniacid }, query }, ...init }));
  }

  async function* batches(walk: WalkOptions = {}): AsyncGenerator<CustomerPage, void, undefined> {
    const query = {
      ...filters(walk),
      ...page({ perPage: walk.perPage ?? LARGEST_PAGE, omit: ["tag", "employee"] }),
    };
    let before: number | undefined;
    for (;;) {
      const { data, error } = await call(before === undefined ? query : { ...query, before_id: before }, walk.signal);
      if (error) throw error;
      // Such a server would send its first rows for ever.
      if (data.data.some(({ id }) => before !== undefined && id >= before)) throw new Error("the server does not know before_id");
      yield data;
      const last = data.data.at(-1);
      if (!last || data.data.length < data.per_page) return;
      before = last.id;
    }
  }

  return {
    getList,
    batches,
    async *rows(walk) {
      for await (const batch of batches(walk)) yield* batch.data;
    },
    async getFacets(options = {}) {
      const { uniacid, ...init } = await common(options.signal);
      if (uniacid === undefined) return { error: notSignedIn() };
      const query = { ...filters(options), ...omitted(options.omit) };
      return openResult<Facets>(await http.GET(FACETS, { params: { path: { uniacid }, query }, ...init }));
    },
    async getBusinessList({ signal } = {}) {
      const { uniacid, ...init } = await common(signal);
      if (uniacid === undefined) return { error: notSignedIn() };
      return openResult<Business[]>(await http.GET(BUSINESSES, { params: { path: { uniacid } }, ...init }));
    },
  };
}

/** What a token says of itself, unverified: only the server can tell whether it holds. Empty where the text is no JWT. */
export function readToken(token: string): { uid?: number; uniacid?: number; cropId?: number; expires?: Date } {
  try {
    const bytes = atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"));
    const claims: Record<string, unknown> = JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
    const number = (claim: unknown) => {
      const value = typeof claim === "string" && claim !== "" ? Number(claim) : claim;
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    };
    const [uid, uniacid, cropId, exp] = [claims.sub, claims.uniacid, claims.crop_id, claims.exp].map(number);
    return {
      ...(uid !== undefined && { uid }),
      ...(uniacid !== undefined && { uniacid }),
      ...(cropId !== undefined && { cropId }),
      ...(exp !== undefined && { expires: new Date(exp * 1000) }),
    };
  } catch {
    return {};
  }
}

function filters({ search, cropId }: RowOptions) {
  return { ...search && toQuery(search), ...(cropId !== undefined && { crop_id: cropId }) };
}

function page(list: ListOptions) {
  return {
    ...(list.perPage !== undefined && { per_page: list.perPage }),
    ...(list.sort !== undefined && { sort: list.sort }),
    ...omitted(list.omit),
    ...(list.page !== undefined && { page: list.page }),
  };
}

function omitted(lists: readonly string[] | undefined) {
  return { ...(lists?.length && { omit: lists.join(",") }) };
}

function notSignedIn(): ApiError {
  return new ApiError(401, "请登录", []);
}

/** `result` decides, not the HTTP status: a server in its legacy mode sends every error as 200. */
function openResult<T>({ data, error, response }: { data?: unknown; error?: unknown; response: Response }): Result<T> {
  const body = parse(data ?? error);
  const success = body?.result === 1;
  if (response.ok && success && typeof body.data === "object" && body.data !== null) return { data: body.data as T };
  const msg = typeof body?.msg === "string" && !success ? body.msg : `HTTP ${response.status}`;
  const fields = Array.isArray(body?.data) && !success ? body.data : [];
  return { error: new ApiError(response.status, msg, fields, response.headers.get("X-Request-Id") ?? "") };
}

function parse(body: unknown): { result?: unknown; msg?: unknown; data?: unknown } | undefined {
  try {
    const value = typeof body === "string" ? JSON.parse(body) : body;
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
