import createFetchClient, { type Middleware } from "openapi-fetch";
import { ApiError, type ErrorCode, type FieldError } from "./error.js";
import { type ListQuery, toQuery } from "./query.js";
import type { components, paths } from "./schema.js";

export { ApiError, type ErrorCode, type FieldError } from "./error.js";
export { fromQuery, toQuery } from "./query.js";
export type {
  ContactType, FollowStatus, Gender, ListQuery, Search, Sort, TimePoint,
} from "./query.js";
export type { components, operations, paths } from "./schema.js";
export type { Middleware } from "openapi-fetch";

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
/** An enterprise that the member manages. */
export type Business = components["schemas"]["Business"];

/**
 * What a call answers: the data, or the error that the server named. Test `error` and the other is
 * narrowed. `response` has the status (304 where the data is what was kept) and the headers
 * (`X-Request-Id`, `ETag`); its body has been read. It is undefined where nothing was sent.
 */
export type Result<T> =
  | { data: T; error?: undefined; response: Response }
  | { data?: undefined; error: ApiError; response?: Response | undefined };

export interface ClientOptions {
  /** Where the server is, e.g. `https://example.com`; in a browser `""` is the page's own origin. */
  baseUrl: string | URL;
  /**
   * The JWT, or a function that is asked before every call, and once more, with the token that was
   * refused, after a 401: the call is sent again where it then has another. Without a token the
   * browser's cookie stands, and `uniacid` is needed.
   */
  token?: string | ((refused?: string) => string | undefined | Promise<string | undefined>) | undefined;
  /** The mall's account id. Default: the `uniacid` that the token carries. */
  uniacid?: number | undefined;
  /** A replacement for the global `fetch`. */
  fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Headers of every request. */
  headers?: Record<string, string> | undefined;
  /** openapi-fetch's middleware, around every request that is sent. */
  middleware?: readonly Middleware[] | undefined;
  /**
   * Milliseconds that a call may take, its retries included, 30,000 by default: then it rejects with a
   * `TimeoutError`. `Infinity` waits for ever.
   */
  timeout?: number | undefined;
  /**
   * How often a 429 or a 503 is asked again, by default twice: after what `Retry-After` says, or a second.
   * Where that would end after `timeout`, the error is answered at once.
   */
  retries?: number | undefined;
  /**
   * How many answers are kept, by default 20, to ask for them with `If-None-Match`: a 304 gives the
   * one that was kept. Walks keep none.
   */
  cacheSize?: number | undefined;
}

export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface ListOptions extends ListQuery, CallOptions {}

/** How to walk a whole result: as {@link ListOptions}, without what the walk itself decides. */
export interface WalkOptions extends Omit<ListOptions, "page" | "sort" | "omit"> {}

export interface FacetOptions extends Pick<ListOptions, "search" | "cropId" | "signal"> {
  /** What is not needed: its list is then empty, `customers` 0. */
  omit?: readonly Facet[] | undefined;
}

export interface Client {
  /**
   * One page of the customer list. Rejects only where no answer came (network, abort, timeout): what
   * the server would refuse is an error with its `fields`, too, of status 0, and is not sent.
   */
  getList(options?: ListOptions): Promise<Result<CustomerPage>>;
  /** How many rows each value of a filter has, under all filters but that one. Rejects as getList does. */
  getFacets(options?: FacetOptions): Promise<Result<Facets>>;
  /** The enterprises that the token's member manages. Rejects as getList does. */
  getBusinessList(options?: CallOptions): Promise<Result<Business[]>>;
  /**
   * Every row of the result, newest first and each once, also while others write: the walk goes down by id, not by page number.
   * Throws {@link ApiError}, and an `Error` where the server does not know `before_id`.
   */
  rows(options?: WalkOptions): AsyncGenerator<Follow, void, undefined>;
  /** What {@link Client.rows} is made of: the same walk, a page at a time, with the `total` for a progress bar. Throws as it does. */
  pages(options?: WalkOptions): AsyncGenerator<CustomerPage, void, undefined>;
  /** @deprecated The former name of {@link Client.pages}. */
  batches(options?: WalkOptions): AsyncGenerator<CustomerPage, void, undefined>;
}

const LIST = "/business/{uniacid}/plugin/WechatCustomers/getList";
const FACETS = "/business/{uniacid}/plugin/WechatCustomers/getFacets";
const BUSINESSES = "/business/{uniacid}/plugin/WechatCustomers/getBusinessList";
const LARGEST_PAGE = 100;
/** Longer queries go out as a form, by POST: proxies take addresses of 4 to 8 KB. */
const LONGEST_QUERY = 3500;
/** The longest that a timer can wait, about 25 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * A client of one server, for one member's token. Throws a `TypeError` where there is neither a
 * token nor a `uniacid`, or where an option is no number that it can be.
 */
export function createClient(options: ClientOptions): Client {
  const { token: source, timeout = 30_000, retries = 2, cacheSize = 20 } = options;
  if (!source && options.uniacid === undefined) throw new TypeError("createClient: without a token the account is not known, so uniacid is needed");
  for (const [name, value] of Object.entries({ timeout, retries, cacheSize })) {
    if (!(value >= 0)) throw new TypeError(`createClient: ${name} must be a number from 0`);
  }
  const http = createFetchClient<paths>({
    baseUrl: String(options.baseUrl).replace(/\/+$/, ""),
    // An undefined fetch is the global one.
    fetch: options.fetch!,
    headers: options.headers ?? {},
  });
  http.use(...(options.middleware ?? []));
  /** The last answers, the oldest first. */
  const kept = new Map<string, { etag: string; text: string }>();

  async function send<T>(
    path: typeof LIST | typeof FACETS | typeof BUSINESSES, query: string, token: string | undefined,
    signal: AbortSignal, cached: boolean,
  ): Promise<Result<T>> {
    const uniacid = options.uniacid ?? (token ? readToken(token).uniacid : undefined);
    if (uniacid === undefined) return { error: new ApiError(401, "请登录", []) };
    const post = query.length > LONGEST_QUERY && path !== BUSINESSES;
    const key = [token, uniacid, path, query].join("\n");
    const before = post || !cached ? undefined : kept.get(key);
    const init = {
      params: { path: { uniacid } },
      headers: {
        Authorization: token ? `Bearer ${token}` : undefined,
        "If-None-Match": before?.etag,
        "Content-Type": post ? "application/x-www-form-urlencoded" : undefined,
      },
      // Text, because an answer of a proxy in between may be anything; read parses it.
      parseAs: "text" as const,
      signal,
    };
    const { data, error, response } = post
      ? await http.POST(path, { ...init, body: query as never })
      : await http.GET(path, { ...init, querySerializer: () => query });
    const text = response.status === 304 && before ? before.text : data ?? error;
    const result = read<T>(text, response, before !== undefined);
    const etag = response.headers.get("ETag") ?? before?.etag;
    if (!post && cached && cacheSize && etag && !result.error) {
      kept.delete(key);
      kept.set(key, { etag, text: text as string });
      if (kept.size > cacheSize) kept.delete(kept.keys().next().value!);
    }
    return result;
  }

  async function call<T>(
    path: typeof LIST | typeof FACETS | typeof BUSINESSES, query: URLSearchParams,
    outer: AbortSignal | undefined, cached = true,
  ): Promise<Result<T>> {
    const end = Date.now() + timeout;
    return within(timeout, outer, async (signal) => {
      let token = typeof source === "function" ? await source() : source;
      let renewed = false;
      for (let again = 0; ;) {
        const result = await send<T>(path, String(query), token, signal, cached);
        const { code, retryAfter = 1 } = result.error ?? {};
        if (code === "unauthenticated" && token && !renewed && typeof source === "function") {
          renewed = true;
          const next = await source(token);
          if (!next || next === token) return result;
          token = next;
        } else if ((code === "too_many_requests" || code === "unavailable") && again < retries) {
          again++;
          if (Date.now() + retryAfter * 1000 >= end) return result;
          await pause(retryAfter * 1000, signal);
        } else {
          return result;
        }
      }
    });
  }

  async function checked<T>(
    path: typeof LIST | typeof FACETS, { signal, ...query }: Omit<ListOptions, "omit"> & { omit?: readonly string[] | undefined },
  ): Promise<Result<T>> {
    let sent;
    try {
      sent = toQuery(query as ListQuery);
    } catch (error) {
      return { error: error as ApiError };
    }
    return call(path, sent, signal);
  }

  async function* pages({ signal, ...walk }: WalkOptions = {}): AsyncGenerator<CustomerPage, void, undefined> {
    const query = toQuery({ ...walk, perPage: walk.perPage ?? LARGEST_PAGE, omit: ["tag", "employee"] });
    for (let before = Infinity; ;) {
      const { data, error } = await call<CustomerPage>(LIST, query, signal, false);
      if (error) throw error;
      // Such a server would send its first rows for ever.
      if (data.data.some(({ id }) => id >= before)) throw new Error("the server does not know before_id");
      yield data;
      const last = data.data.at(-1);
      if (!last || data.data.length < data.per_page) return;
      before = last.id;
      query.set("before_id", String(before));
    }
  }

  return {
    getList: (list = {}) => checked(LIST, list),
    getFacets: (facets = {}) => checked(FACETS, facets),
    getBusinessList: ({ signal } = {}) => call(BUSINESSES, new URLSearchParams(), signal),
    pages,
    batches: pages,
    async *rows(walk) {
      for await (const page of pages(walk)) yield* page.data;
    },
  };
}

/** What a token says of itself, unverified: only the server can tell whether it holds. Empty where the text is no JWT. */
export function readToken(token: string): { uid?: number; uniacid?: number; cropId?: number; expires?: Date } {
  try {
    const bytes = atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"));
    const claims: Record<string, unknown> = JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0))));
    const said: Record<string, number | Date> = {};
    for (const [name, claim] of [["uid", "sub"], ["uniacid", "uniacid"], ["cropId", "crop_id"], ["expires", "exp"]] as const) {
      const value = claims[claim] === "" ? undefined : claims[claim];
      const number = typeof value === "string" ? Number(value) : value;
      if (typeof number === "number" && Number.isFinite(number)) said[name] = name === "expires" ? new Date(number * 1000) : number;
    }
    return said;
  } catch {
    return {};
  }
}

/** Does the work until `outer` aborts or the time is over, then rejects, whatever the work goes on doing. */
function within<T>(ms: number, outer: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const inner = new AbortController();
    const stop = (reason: unknown) => {
      inner.abort(reason);
      reject(reason);
    };
    const aborted = () => stop(outer!.reason);
    if (outer?.aborted) return aborted();
    outer?.addEventListener("abort", aborted);
    const timer = ms <= LONGEST_TIMER
      ? setTimeout(() => stop(new DOMException(`no answer within ${ms} ms`, "TimeoutError")), ms) : undefined;
    work(inner.signal).then(resolve, reject).finally(() => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", aborted);
    });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** `result` decides, not the HTTP status: a server in its legacy mode sends every error as 200. */
function read<T>(text: unknown, response: Response, known: boolean): Result<T> {
  const { status, headers } = response;
  const { result, msg, data } = parse(text);
  const success = result === 1;
  if ((response.ok || known) && success && typeof data === "object" && data) return { data: data as T, response };
  const entries: FieldError[] = Array.isArray(data) && !success ? data : [];
  // A browser shows a page of another origin few headers.
  const code = headers.get("X-Error-Code") ?? (data as { code?: ErrorCode } | null | undefined)?.code ?? entries[0]?.code;
  return {
    error: new ApiError(
      status, typeof msg === "string" && !success ? msg : `HTTP ${status}`, entries.filter(({ field }) => field),
      headers.get("X-Request-Id") ?? "", code as ErrorCode | undefined, wait(headers.get("Retry-After")),
    ),
    response,
  };
}

/** The seconds that a Retry-After, which may be a date, says. */
function wait(header: string | null): number | undefined {
  if (!header) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

function parse(body: unknown): { result?: unknown; msg?: unknown; data?: unknown } {
  try {
    return Object(typeof body === "string" ? JSON.parse(body) : body);
  } catch {
    return {};
  }
}
