import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ApiError, createClient, fromQuery, toQuery } from "wechat-customers-client";
import { answers, startFront } from "./front.mjs";
import { startServer } from "./server.mjs";

let server;
// Many calls of one member, and tokens that do not hold, on purpose.
const unlimited = { RATE_MEMBER: "0", RATE_ADDRESS: "0", RATE_FAILURES: "0" };
before(async () => { server = await startServer(unlimited); });
after(() => server?.stop());

/** A client of the real program through a front that first answers `steps`. */
async function through(t, steps = [], options = {}) {
  const front = await startFront(server.address);
  t.after(() => front.stop());
  front.steps.push(...steps);
  return { front, client: createClient({ baseUrl: front.address, token: server.token, ...options }) };
}

const busy = (status, after = "0") => answers(status, after === undefined ? {} : { "Retry-After": after });

test("a 429 and a 503 are asked again after Retry-After", async (t) => {
  const { front, client } = await through(t, [busy(429), busy(503, new Date(0).toUTCString())]);
  const { data } = await client.getList();
  assert.deepEqual([data.total, front.seen.length], [2000, 3]);
  assert.deepEqual(front.seen[2].url, front.seen[0].url);
});

test("so are those of a server that answers every error as 200", async (t) => {
  const body = '{"result":0,"msg":"请求过于频繁","data":[]}';
  const { front, client } = await through(t, [answers(200, { "Retry-After": "0", "X-Error-Code": "too_many_requests" }, body)]);
  assert.deepEqual([(await client.getList()).data.total, front.seen.length], [2000, 2]);
});

test("retries are bounded in number", async (t) => {
  for (const [options, asked] of [[{}, 3], [{ retries: 1 }, 2], [{ retries: 0 }, 1]]) {
    const { front, client } = await through(t, [busy(503), busy(503), busy(503), busy(503)], options);
    const { error } = await client.getBusinessList();
    assert.deepEqual([error.status, error.code, error.retryAfter, front.seen.length], [503, "unavailable", 0, asked]);
  }
});

test("a wait that would end after the timeout is not begun", async (t) => {
  for (const after of ["3600", new Date(Date.now() + 3_600_000).toUTCString()]) {
    const { front, client } = await through(t, [busy(429, after)]);
    const { error } = await client.getList();
    assert.deepEqual([error.code, Math.round(error.retryAfter / 60), front.seen.length], ["too_many_requests", 60, 1]);
  }
});

test("other errors are not asked again", async (t) => {
  for (const status of [400, 403, 500, 502]) {
    const { front, client } = await through(t, [busy(status)]);
    assert.deepEqual([(await client.getList()).error.status, front.seen.length], [status, 1]);
  }
});

test("an abort ends a wait for the next try", async (t) => {
  const reason = new Error("enough"), stop = new AbortController();
  const { front, client } = await through(t, [(answer) => {
    answer.on("close", () => setImmediate(() => stop.abort(reason)));
    busy(503, "20")(answer);
  }]);
  await assert.rejects(client.getList({ signal: stop.signal }), reason);
  assert.equal(front.seen.length, 1);
});

test("a call without an answer ends with its timeout, and so does one whose token never comes", async (t) => {
  let closed;
  const gone = new Promise((resolve) => { closed = resolve; });
  const silent = await through(t, [(answer) => answer.on("close", closed)], { timeout: 50 });
  await assert.rejects(silent.client.getList(), { name: "TimeoutError" });
  await gone; // the connection is given up, too
  const waiting = await through(t, [], { timeout: 50, token: () => new Promise(() => {}) });
  await assert.rejects(waiting.client.getList(), { name: "TimeoutError" });
  assert.equal(waiting.front.seen.length, 0);
});

test("a call may take for ever where it is told so", async (t) => {
  const { client } = await through(t, [busy(503)], { timeout: Infinity });
  assert.equal((await client.getList()).data.total, 2000);
});

test("after a 401 the token is asked for once more, and the call sent again with the new one", async (t) => {
  const old = `${server.token.slice(0, -4)}AAAA`;
  const asked = [];
  const { front, client } = await through(t, [], { token: (refused) => { asked.push(refused); return refused ? server.token : old; } });
  assert.equal((await client.getList()).data.total, 2000);
  assert.deepEqual(asked, [undefined, old]);
  assert.deepEqual(front.seen.map(({ headers }) => headers.authorization), [`Bearer ${old}`, `Bearer ${server.token}`]);
});

test("a token that is refused again, or stays the same, is an error", async (t) => {
  const old = (i) => `${server.token.slice(0, -4)}AAA${i}`;
  for (const [tokens, sent] of [[[old(1), old(2), old(3)], 2], [[old(1), old(1)], 1], [[old(1), undefined], 1]]) {
    let asked = 0;
    const { front, client } = await through(t, [], { token: () => tokens[asked++] });
    const { error } = await client.getList();
    assert.deepEqual([error.isUnauthenticated, asked, front.seen.length], [true, 2, sent]);
  }
  const { front, client } = await through(t, [], { token: old(1) });
  assert.deepEqual([(await client.getList()).error.code, front.seen.length], ["unauthenticated", 1]);
});

test("an answer that has not changed is the kept one", async (t) => {
  const { front, client } = await through(t);
  const first = await client.getList({ search: { status: 1 } });
  const again = await client.getList({ search: { status: 1 } });
  assert.deepEqual([first.response.status, again.response.status], [200, 304]);
  assert.equal(front.seen[1].headers["if-none-match"], first.response.headers.get("ETag"));
  assert.ok(first.data.data.length);
  assert.deepEqual(again.data, first.data);
  // What a caller does to one answer is not in the next.
  again.data.data.length = 0;
  assert.deepEqual((await client.getList({ search: { status: 1 } })).data, first.data);
  await client.getList({ search: { status: -1 } });
  assert.equal(front.seen[3].headers["if-none-match"], undefined);
  const facets = await client.getFacets();
  assert.deepEqual(await client.getFacets().then(({ data, response }) => [data, response.status]), [facets.data, 304]);
});

test("a changed answer replaces the kept one", async (t) => {
  const own = await startServer();
  t.after(() => own.stop());
  const client = createClient({ baseUrl: own.address, token: own.token });
  const before = (await client.getList()).data;
  const { has_one_customer, has_one_employee, ...row } = before.data[0];
  await own.run(["import", "-"], JSON.stringify({ follow: { ...row, id: 900001, userid: "Newcomer" } }));
  const { data, response } = await client.getList();
  assert.deepEqual([response.status, data.total], [200, before.total + 1]);
  assert.deepEqual((await client.getList()).data, data);
});

test("what is kept is bounded, another token's is not used, and walks keep nothing", async (t) => {
  const asked = (front) => front.seen.map(({ headers }) => headers["if-none-match"] !== undefined);
  const one = await through(t, [], { cacheSize: 1 });
  for (const page of [1, 1, 2, 1]) await one.client.getList({ page });
  assert.deepEqual(asked(one.front), [false, true, false, false]);
  const none = await through(t, [], { cacheSize: 0 });
  for (const page of [1, 1]) await none.client.getList({ page });
  assert.deepEqual(asked(none.front), [false, false]);
  const tokens = [server.token, (await server.run(["token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"])).split(/\s/).at(-1)];
  assert.notEqual(tokens[0], tokens[1]);
  const other = await through(t, [], { token: () => tokens.shift() });
  for (let i = 0; i < 2; i++) assert.equal((await other.client.getList()).data.total, 2000);
  assert.deepEqual(asked(other.front), [false, false]);
  const walk = await through(t);
  for (let i = 0; i < 2; i++) for await (const page of walk.client.pages({ search: { status: -1 } })) assert.ok(page.data.length);
  assert.ok(walk.front.seen.length >= 2 && !asked(walk.front).includes(true));
});

test("filters too long for an address go out as a form, by POST, and keep the same rows", async (t) => {
  const { front, client } = await through(t);
  const tags = (await client.getList()).data.tag.slice(0, 2).map(({ tag_id }) => tag_id);
  const many = [...tags, ...Array.from({ length: 120 }, (_, i) => `et${String(i).padStart(30, "0")}`)];
  const search = { status: 1, time: [1500000000, null] };
  for (const call of [client.getList, client.getFacets]) {
    const short = await call({ search: { ...search, tags } });
    const long = await call({ search: { ...search, tags: many } });
    assert.equal(long.error, undefined);
    assert.ok(long.data.total > 0 && long.data.total < 2000);
    assert.equal(long.data.total, short.data.total);
    const [get, post] = front.seen.slice(-2);
    assert.deepEqual([get.method, post.method, post.params.size], ["GET", "POST", 0]);
    assert.equal(post.headers["content-type"], "application/x-www-form-urlencoded");
    assert.equal(new URLSearchParams(post.body).get("search[tags_data]"), many.join(","));
  }
  const rows = [];
  for await (const row of client.rows({ search: { ...search, tags: many }, perPage: 10 })) rows.push(row.id);
  assert.equal(new Set(rows).size, (await client.getList({ search: { ...search, tags } })).data.total);
});

test("headers and middleware are around every request", async (t) => {
  const seen = [];
  const { front, client } = await through(t, [busy(503)], {
    headers: { "X-Requested-With": "me" },
    middleware: [{
      onRequest({ request, schemaPath }) {
        request.headers.set("X-Try", String(seen.length));
        seen.push(schemaPath.split("/").at(-1));
      },
      onResponse({ response }) { seen.push(response.status); },
    }],
  });
  assert.equal((await client.getList()).data.total, 2000);
  assert.deepEqual(seen, ["getList", 503, "getList", 200]);
  assert.deepEqual(front.seen.map(({ headers }) => [headers["x-requested-with"], headers["x-try"]]), [["me", "0"], ["me", "2"]]);
});

test("the response is at hand, of an error as well", async (t) => {
  const { client } = await through(t);
  const fine = await client.getList();
  assert.match(fine.response.headers.get("X-Request-Id"), /^\w+/);
  assert.match(fine.response.headers.get("ETag"), /^(W\/)?"/);
  const wrong = await client.getList({ search: { member: "abc" } });
  assert.deepEqual([wrong.response.status, wrong.response.headers.get("X-Request-Id")], [400, wrong.error.requestId]);
});

test("an error's code is the header's, else the data's, else the status's", async (t) => {
  const body = (data) => JSON.stringify({ result: 0, msg: "…", data });
  const field = { field: "corp", message: "您是否想用 crop_id", code: "unknown_parameter" };
  for (const [status, header, data, code, fields] of [
    [400, "no_enterprise", [field], "no_enterprise", 1],
    [400, undefined, [field], "unknown_parameter", 1],
    [200, undefined, [{ field: "", message: "", code: "forbidden" }], "forbidden", 0],
    [200, undefined, { code: "not_found" }, "not_found", 0],
    [401, undefined, [], "unauthenticated", 0], [403, undefined, [], "forbidden", 0],
    [404, undefined, [], "not_found", 0], [414, undefined, [], "too_large", 0],
    [500, undefined, [], "internal", 0], [502, undefined, null, "internal", 0],
  ]) {
    const { client } = await through(t, [answers(status, header ? { "X-Error-Code": header } : {}, body(data))]);
    const { error } = await client.getList();
    assert.deepEqual([error.code, error.fields.length], [code, fields], JSON.stringify([status, header, data]));
  }
});

const refused = [
  ["an empty tag", { search: { tags: [""] } }, "search[tags_data]", /不能为空/],
  ["a blank tag among others", { search: { tagsAll: ["a", " "] } }, "search[tags_all]", /不能为空/],
  ["two tags in one", { search: { tagsNone: ["a,b"] } }, "search[tags_none]", /逗号/],
  ["an empty employee", { search: { employee: ["a", ""] } }, "search[employee_member]", /不能为空/],
  ["an invalid Date", { search: { time: [new Date("yesterday"), null] } }, "search[time][]", /Date/],
  ["a time that is a text", { search: { time: [null, "2021-09-28"] } }, "search[time][]", /Date/],
  ["NaN seconds", { search: { time: [NaN, null] } }, "search[time][]", /unix 秒/],
  ["a start after the end", { search: { time: [new Date("2021-09-02"), new Date("2021-09-01")] } }, "search[time][]", /晚于/],
  ["one side of a range", { search: { time: [1] } }, "search[time][]", /两项/],
  ["a member that is no number", { search: { member: NaN } }, "search[member]", /整数/],
  ["half a page", { page: 1.5 }, "page", /整数/],
  ["a misspelt filter", { search: { custmer: "李" } }, "search.custmer", /没有这个参数/],
  ["a misspelt option", { cropid: 1 }, "cropid", /没有这个参数/],
];
test("wrong input is refused in words, before it is sent", async (t) => {
  const { front, client } = await through(t);
  for (const [name, options, field, message] of refused) {
    const { data, error, response } = await client.getList(options);
    assert.ok(error instanceof ApiError, name);
    assert.deepEqual([data, response, error.status, error.fields.map((f) => f.field)], [undefined, undefined, 0, [field]], name);
    assert.match(error.fields[0].message, message, name);
    assert.ok(error.msg.includes(field) && error.msg.includes(error.fields[0].message), name);
    assert.equal(error.code, /没有/.test(error.msg) ? "unknown_parameter" : "invalid_parameter", name);
    assert.deepEqual((await client.getFacets(options)).error.fields, error.fields, name);
    assert.throws(() => toQuery(options), { name: "ApiError", msg: error.msg });
    await assert.rejects(client.rows(options).next(), { name: "ApiError", msg: error.msg });
  }
  const { error } = await client.getList({ page: 0.5, search: { tags: [""], nothing: 1 } });
  assert.deepEqual(error.fields.map(({ field }) => field), ["search.nothing", "search[tags_data]", "page"]);
  assert.equal(front.seen.length, 0);
});

test("what is no option of a client is refused", () => {
  for (const options of [{ timeout: -1 }, { timeout: NaN }, { retries: "many" }, { cacheSize: NaN }]) {
    assert.throws(() => createClient({ baseUrl: server.address, token: server.token, ...options }), { name: "TypeError", message: new RegExp(Object.keys(options)[0]) });
  }
});

test("milliseconds are seconds, as on the server", () => {
  const of = (time) => toQuery({ search: { time } }).getAll("search[time][]");
  assert.deepEqual(of([1631950639001, 1632277573999]), ["1631950640", "1632277573"]);
  assert.deepEqual(of([1631950639000, 1632277573]), ["1631950639", "1632277573"]);
});

test("a link holds what a list shows, and gives it back", async (t) => {
  const shown = {
    search: {
      customer: "a&b=李 +%", member: 0, addWay: 0, tags: ["a", "b"], tagsAll: ["c"], tagsNone: ["*"], employee: ["A", "B"],
      type: 2, gender: 0, status: -1, time: [1631950639, null], remark: "备注", mobile: "+86 135", keyword: "lyt",
    },
    cropId: 1, page: 3, perPage: 7, sort: "-createtime", omit: ["tag", "employee"],
  };
  assert.deepEqual(fromQuery(toQuery(shown)), shown);
  assert.deepEqual(fromQuery(`?${toQuery(shown)}&utm_source=mail&theme=dark`), shown);
  assert.deepEqual(fromQuery(""), {});
  assert.deepEqual(fromQuery("search[customer]=&search[time][]=&search[time][]=&page="), {});
  assert.deepEqual(fromQuery("search%5B%E7%B1%BB%E5%9E%8B%5D=1&page=2&page=4"), { search: { type: 1 }, page: 4 });
  for (const [link, field] of [
    ["search[custmer]=a", "search[custmer]"], ["page=x", "page"], ["search[status]=1.5", "search[status]"],
    ["search[time][]=2&search[time][]=1", "search[time][]"], ["search[time][]=1", "search[time][]"],
    ["search[tags_data]=a,,b", "search[tags_data]"],
  ]) assert.throws(() => fromQuery(link), (error) => error instanceof ApiError && error.fields[0].field === field, link);
  // The link's parameters are the contract's own.
  const { front, client } = await through(t);
  const list = { search: { status: -1, employee: [(await client.getList()).data.data[0].userid] }, page: 2, perPage: 3 };
  const kept = await client.getList(fromQuery(String(toQuery(list))));
  assert.equal(front.seen[1].url.split("?")[1], String(toQuery(list)));
  assert.ok(kept.data.data.length > 0 && kept.data.data.every((row) => row.status === -1));
});

test("every page of a walk, and the same by its former name", async (t) => {
  const { client } = await through(t);
  const sizes = async (walk) => {
    const all = [];
    for await (const page of walk) all.push(page.data.length);
    return all;
  };
  const pages = await sizes(client.pages({ perPage: 90 }));
  assert.deepEqual([pages.length, pages[0], pages.reduce((a, b) => a + b)], [23, 90, 2000]);
  assert.deepEqual(await sizes(client.batches({ perPage: 90 })), pages);
});
