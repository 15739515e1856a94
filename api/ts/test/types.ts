// Compiled, never run: each @ts-expect-error fails the build where the wrong call would compile.
import {
  ApiError, createClient, type CustomerPage, type ErrorCode, type Facets, type FieldError, type Follow, fromQuery,
  type ListQuery, type Middleware, type operations, toQuery,
} from "../src/index.js";
import type { FILTERS, OTHERS } from "../src/query.js";

const client = createClient({ baseUrl: "https://example.com", token: "t" });
createClient({ baseUrl: new URL("https://example.com"), token: async () => "t", uniacid: 2 });

client.getList();
client.getList({ search: { customer: "李", tags: ["a", "b"], time: [new Date(), null], addWay: 0, member: 0, type: 1, status: -1 }, page: 2, cropId: 1 });
client.getList({ search: { tags: "a,b", member: "3061", time: [1631950639, 1632277573], customer: undefined, status: null } });
client.getList({ search: { tagsAll: ["a", "b"], tagsNone: "*", employee: ["A", "B"], gender: 0, mobile: "135", keyword: "lyt" }, sort: "-createtime" });
client.getFacets();
client.getFacets({ search: { customer: "李" }, cropId: 1, omit: ["without", "customers"], signal: new AbortController().signal });
client.getList({ perPage: 100, omit: ["tag", "employee"], signal: new AbortController().signal });

// Consumers with exactOptionalPropertyTypes, as this project is, may hand on what they do not have.
client.getList({ search: undefined, cropId: undefined, page: undefined, perPage: undefined, sort: undefined, omit: undefined, signal: undefined });
client.getFacets({ search: undefined, cropId: undefined, omit: undefined, signal: undefined });
client.getList({ search: { tagsAll: undefined, tagsNone: null, employee: undefined, gender: undefined, mobile: undefined, keyword: null } });
client.rows({ search: undefined, cropId: undefined, perPage: undefined, signal: undefined });
client.getBusinessList({ signal: undefined });
createClient({
  baseUrl: "", token: undefined, uniacid: 2, fetch: undefined, headers: undefined, middleware: undefined,
  timeout: undefined, retries: undefined, cacheSize: undefined,
});
const middleware: Middleware = { onRequest: ({ request }) => request };
createClient({
  baseUrl: "", token: async (refused) => refused?.slice(1), headers: { a: "b" }, middleware: [middleware], timeout: 1, retries: 0, cacheSize: 0,
});

// Every parameter of the document has its natural name; before_id is the walks' own.
type Parameter = keyof NonNullable<operations["getList"]["parameters"]["query"]>;
type Of<T> = T[keyof T] extends readonly [infer Name, unknown] ? Name : never;
type Nameless = Exclude<Parameter, Of<typeof FILTERS> | Of<typeof OTHERS> | "search[类型]" | "before_id">;
export const complete: [Nameless] extends [never] ? true : Nameless = true;

const link: ListQuery = fromQuery(new URLSearchParams());
console.log(`?${toQuery(link)}`);
// @ts-expect-error a link is of a list: it aborts nothing
toQuery({ signal: new AbortController().signal });
// @ts-expect-error there is no such option
createClient({ baseUrl: "", token: "t", retry: 1 });

// @ts-expect-error a filter that does not exist
client.getList({ search: { custmer: "李" } });
// @ts-expect-error 0 is no status
client.getList({ search: { status: 0 } });
// @ts-expect-error there are two types
client.getList({ search: { type: 3 } });
// @ts-expect-error the way is a number
client.getList({ search: { addWay: "1" } });
// @ts-expect-error a range has two sides
client.getList({ search: { time: [1631950639] } });
// @ts-expect-error a range has two sides, not three
client.getList({ search: { time: [1, 2, 3] } });
// @ts-expect-error moments are dates or seconds
client.getList({ search: { time: ["2021-09-28", "2021-09-29"] } });
// @ts-expect-error filters go into search
client.getList({ customer: "李" });
// @ts-expect-error only these two lists can be left out
client.getList({ omit: ["data"] });
// @ts-expect-error a walk decides its pages itself
client.rows({ page: 2 });
// @ts-expect-error a walk goes by id
client.rows({ sort: "createtime" });
// @ts-expect-error there are three genders
client.getList({ search: { gender: 3 } });
// @ts-expect-error rows are not sorted by name
client.getList({ sort: "name" });
// @ts-expect-error facets have no pages
client.getFacets({ page: 2 });
// @ts-expect-error only these parts can be left out
client.getFacets({ omit: ["total"] });
// @ts-expect-error the server's address is needed
createClient({ token: "t" });

export async function facets(): Promise<Facets> {
  const { data, error } = await client.getFacets();
  if (error) throw error;
  const way: string = data.add_way[0]!.value;
  const status: number = data.status[0]!.value;
  const gone: boolean = data.employee[0]!.deleted;
  console.log(way, status, gone, data.tag[0]!.group_name, data.without[0]!.filter);
  return data;
}

export async function narrowing(): Promise<CustomerPage> {
  const result = await client.getList();
  // @ts-expect-error there may be an error instead
  result.data.total;
  if (result.error) {
    const error: ApiError = result.error;
    const fields: readonly FieldError[] = error.fields;
    const code: ErrorCode = error.code;
    const seconds: number | undefined = error.retryAfter;
    // @ts-expect-error it may be that nothing was sent
    result.response.status;
    console.log(code, seconds, result.response?.status);
    const none: undefined = result.data;
    throw new Error(error.msg + fields.map((f) => f.field + f.message) + none);
  }
  const way: string = result.data.data[0]!.add_way;
  const employee: string | undefined = result.data.data[0]!.has_one_employee?.name;
  // @ts-expect-error an unknown employee is null
  result.data.data[0]!.has_one_employee.name;
  console.log(way, employee);
  console.log(result.response.headers.get("ETag"));
  for await (const row of client.rows({ search: { status: 1 } })) {
    const follow: Follow = row;
    console.log(follow.id);
  }
  return result.data;
}
