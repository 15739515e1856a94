import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ApiError, createClient, readToken } from "wechat-customers-client";
import { startServer } from "./server.mjs";

let server, client;
before(async () => {
  server = await startServer();
  client = createClient({ baseUrl: server.address, token: server.token });
});
after(() => server?.stop());

const all = async (options) => {
  const rows = [];
  for await (const row of client.rows(options)) rows.push(row);
  return rows;
};

test("the first page has the demonstration's rows, tags and employees", async () => {
  const { data, error } = await client.getList();
  assert.equal(error, undefined);
  assert.equal(data.total, 2000);
  assert.equal(data.data.length, 15);
  assert.equal(data.tag.length, 60);
  assert.equal(data.employee.length, 40);
});

test("omit, page and perPage reach the server", async () => {
  const { data } = await client.getList({ page: 3, perPage: 7, omit: ["tag", "employee"], cropId: 1 });
  assert.deepEqual([data.current_page, data.per_page, data.data.length, data.tag, data.employee], [3, 7, 7, [], []]);
});

suite("each filter keeps exactly the rows that it names", () => {
  let rows;
  before(async () => { rows = await all(); });
  const keeps = (name, search, keep) => test(name, async () => {
    const [filter, kept] = [search(), rows.filter(keep())];
    assert.ok(kept.length > 0 && kept.length < rows.length, `${kept.length} of ${rows.length}`);
    assert.deepEqual((await all({ search: filter })).map((row) => row.id), kept.map((row) => row.id));
  });
  const tagged = () => rows.filter((row) => row.tag_id).flatMap((row) => row.tag_id.split(",")).slice(0, 2);
  const middle = () => rows[1000].createtime;
  keeps("customer", () => ({ customer: "李" }), () => (row) => row.has_one_customer.name.includes("李"));
  keeps("customer by external_userid", () => ({ customer: rows[5].external_userid }), () => (row) => row.external_userid === rows[5].external_userid);
  keeps("member", () => ({ member: 0 }), () => (row) => row.has_one_customer.uid === 0);
  keeps("addWay, 0 included", () => ({ addWay: 0 }), () => (row) => row.add_way === "0");
  keeps("tags, any of them", () => ({ tags: tagged() }), () => (row) => tagged().some((id) => row.tag_id.split(",").includes(id)));
  keeps("employee", () => ({ employee: rows[9].userid }), () => (row) => row.userid === rows[9].userid);
  keeps("type", () => ({ type: 2 }), () => (row) => row.has_one_customer.external_type === 2);
  keeps("status", () => ({ status: -1 }), () => (row) => row.status === -1);
  keeps("time, both ends", () => ({ time: [middle() - 86400, new Date(middle() * 1000)] }), () => (row) => row.createtime >= middle() - 86400 && row.createtime <= middle());
  keeps("time, open start", () => ({ time: [null, middle()] }), () => (row) => row.createtime <= middle());
  keeps("time, open end", () => ({ time: [middle(), null] }), () => (row) => row.createtime >= middle());
  keeps("remark", () => ({ remark: rows.find((row) => row.remark).remark }), () => (row) => row.remark.includes(rows.find((other) => other.remark).remark));
  const ids = (row) => row.tag_id.split(",").filter(Boolean);
  const two = () => ids(rows.find((row) => ids(row).length > 2)).slice(0, 2);
  keeps("tags, all of them", () => ({ tagsAll: two() }),
    () => (row) => two().every((id) => ids(row).includes(id)));
  keeps("tags, none of them", () => ({ tagsNone: two() }),
    () => (row) => !two().some((id) => ids(row).includes(id)));
  keeps("tags, any at all", () => ({ tags: "*" }), () => (row) => row.tag_id !== "");
  keeps("no tag at all", () => ({ tagsNone: "*" }), () => (row) => row.tag_id === "");
  const employees = () => [...new Set(rows.map((row) => row.userid))].slice(0, 2);
  keeps("employee, any of several", () => ({ employee: employees() }),
    () => (row) => employees().includes(row.userid));
  keeps("gender, 0 included", () => ({ gender: 0 }),
    () => (row) => row.has_one_customer.gender === 0);
  keeps("mobile", () => ({ mobile: "154-0000 005" }),
    () => (row) => row.remark_mobiles.includes("1540000005"));
  keeps("keyword, as pinyin", () => ({ keyword: "liyitian" }),
    () => (row) => `${row.has_one_customer.name} ${row.remark}`.includes("李一天"));
  test("an unset filter does not filter", async () => {
    const { data } = await client.getList({ search: { customer: "", member: null, tags: [], time: [null, null], status: undefined } });
    assert.equal(data.total, rows.length);
  });
});

test("the order is by id or by the time added, equal times by id", async () => {
  const rows = await all();
  for (const [sort, compare] of [
    ["-id", () => 0],
    ["createtime", (a, b) => a.createtime - b.createtime],
    ["-createtime", (a, b) => b.createtime - a.createtime],
  ]) {
    const { data } = await client.getList({ sort, perPage: 100, page: 2 });
    const sorted = rows.toSorted((a, b) => compare(a, b) || b.id - a.id).slice(100, 200);
    assert.deepEqual(data.data.map(({ id }) => id), sorted.map(({ id }) => id), sort);
  }
});

test("facets count the rows of each value under all filters but its own", async () => {
  const rows = await all();
  const ids = (row) => row.tag_id.split(",").filter(Boolean);
  const [tagsNone] = ids(rows.find((row) => row.tag_id));
  const search = { status: -1, employee: rows[9].userid, tagsNone };
  const keeps = {
    status: (row) => row.status === -1,
    employee: (row) => row.userid === search.employee,
    tags_none: (row) => !ids(row).includes(tagsNone),
  };
  const without = (own) => rows.filter((row) => (
    Object.entries(keeps).every(([name, keep]) => name === own || keep(row))));
  const tally = (own, valuesOf) => {
    const counts = {};
    for (const value of without(own).flatMap(valuesOf)) counts[value] = (counts[value] ?? 0) + 1;
    return counts;
  };
  const { data, error } = await client.getFacets({ search });
  assert.equal(error, undefined);
  const kept = without();
  assert.ok(kept.length > 0);
  assert.equal(data.total, kept.length);
  assert.equal(data.customers, new Set(kept.map((row) => row.external_userid)).size);
  assert.equal(data.untagged, kept.filter((row) => row.tag_id === "").length);
  for (const [list, key, own, valuesOf] of [
    ["status", "value", "status", (row) => [row.status]],
    ["type", "value", "", (row) => [row.has_one_customer.external_type]],
    ["add_way", "value", "", (row) => [row.add_way]],
    ["gender", "value", "", (row) => [row.has_one_customer.gender]],
    ["employee", "user_id", "employee", (row) => [row.userid]],
    ["tag", "tag_id", "", ids],
  ]) {
    const counted = Object.fromEntries(data[list].map((entry) => [entry[key], entry.count]));
    assert.deepEqual(counted, tally(own, valuesOf), list);
  }
  assert.deepEqual(data.without, [
    { filter: "search[tags_none]", total: without("tags_none").length },
    { filter: "search[employee_member]", total: without("employee").length },
    { filter: "search[status]", total: without("status").length },
  ]);
});

test("facets leave out what is not wanted, and name a wrong parameter", async () => {
  const omit = ["status", "type", "add_way", "gender", "employee", "tag", "customers"];
  const { data } = await client.getFacets({ search: { status: -1 }, omit });
  const { total, without, customers, ...lists } = data;
  assert.ok(total > 0);
  assert.deepEqual(without, [{ filter: "search[status]", total: 2000 }]);
  assert.equal(customers, 0);
  for (const list of omit.slice(0, 6)) assert.deepEqual(lists[list], [], list);
  const { error } = await client.getFacets({ search: { mobile: "x" } });
  assert.equal(error.status, 400);
  assert.deepEqual(error.fields.map(({ field }) => field), ["search[mobile]"]);
});

test("a walk gives every row once, newest first", async () => {
  const ids = (await all({ perPage: 33 })).map((row) => row.id);
  assert.equal(ids.length, 2000);
  assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => b - a));
});

test("a wrong parameter is an error that names its field", async () => {
  const { data, error } = await client.getList({ search: { member: "abc" } });
  assert.equal(data, undefined);
  assert.ok(error instanceof ApiError);
  assert.equal(error.status, 400);
  assert.equal(error.fields[0].field, "search[member]");
  assert.ok(error.fields[0].message);
});

test("a walk ends in an error where a server does not know before_id", async () => {
  const forgetful = createClient({
    baseUrl: server.address, token: server.token,
    fetch(request) {
      const url = new URL(request.url);
      url.searchParams.delete("before_id");
      return fetch(new Request(url, request));
    },
  });
  const seen = [];
  await assert.rejects(async () => {
    for await (const row of forgetful.rows()) seen.push(row.id);
  }, /before_id/);
  assert.equal(seen.length, 100);
});

test("an undefined page size leaves a walk its own", async () => {
  const { value } = await client.batches({ perPage: undefined }).next();
  assert.equal(value.data.length, 100);
});

test("a fraction of a second belongs neither to an earlier nor to a later one", async () => {
  const asked = [];
  const seeing = createClient({ baseUrl: server.address, token: server.token, fetch(request) { asked.push(new URL(request.url).searchParams.getAll("search[time][]")); return fetch(request); } });
  await seeing.getList({ search: { time: [new Date(1631950639001), new Date(1632277573999)] } });
  await seeing.getList({ search: { time: [1631950639.5, 1632277573.5] } });
  await seeing.getList({ search: { time: [new Date(1631950639000), null] } });
  assert.deepEqual(asked, [["1631950640", "1632277573"], ["1631950640", "1632277573"], ["1631950639", ""]]);
});

test("filters, order and parts to omit go out by their names in the contract", async () => {
  const asked = [];
  const seeing = createClient({
    baseUrl: server.address, token: server.token,
    async fetch(request) {
      asked.push([...new URL(request.url).searchParams]);
      return new Response('{"result":1,"msg":"ok","data":{"data":[]}}');
    },
  });
  const search = {
    tags: ["a", "b"], tagsAll: ["c", "d"], tagsNone: "*", employee: ["A", "B"],
    gender: 0, mobile: "+86 135", keyword: "lyt",
  };
  const sent = [
    ["search[tags_data]", "a,b"], ["search[tags_all]", "c,d"], ["search[tags_none]", "*"],
    ["search[employee_member]", "A,B"], ["search[gender]", "0"], ["search[mobile]", "+86 135"],
    ["search[keyword]", "lyt"], ["crop_id", "1"],
  ];
  await seeing.getList({ search, cropId: 1, sort: "createtime", omit: ["tag"] });
  await seeing.getFacets({ search, cropId: 1, omit: ["without", "customers"] });
  await seeing.getFacets({ search: { tagsAll: [], tagsNone: "", employee: [], gender: null, mobile: "", keyword: null } });
  assert.deepEqual(asked, [
    [...sent, ["sort", "createtime"], ["omit", "tag"]],
    [...sent, ["omit", "without,customers"]],
    [],
  ]);
});

test("a walk throws the server's error", async () => {
  await assert.rejects(all({ cropId: 99 }), { name: "ApiError", status: 403, msg: "无权管理该企业" });
});

test("without a token and with a broken one there is an error, not an exception", async () => {
  const stranger = await createClient({ baseUrl: server.address, uniacid: 2 }).getList();
  const broken = await createClient({ baseUrl: server.address, token: `${server.token.slice(0, -4)}AAAA` }).getList();
  const nothing = await createClient({ baseUrl: server.address, token: () => undefined }).getBusinessList();
  for (const { error } of [stranger, broken, nothing]) assert.deepEqual([error.status, error.msg, error.isUnauthenticated], [401, "请登录", true]);
});

test("with neither a token nor an account no client is made", () => {
  for (const token of [undefined, ""]) assert.throws(() => createClient({ baseUrl: server.address, token }), { name: "TypeError", message: /uniacid/ });
});

test("a token function is asked before every call", async () => {
  let asked = 0;
  const lazy = createClient({ baseUrl: `${server.address}/`, token: async () => { asked++; return server.token; } });
  await lazy.getBusinessList();
  assert.equal((await lazy.getList()).data.total, 2000);
  assert.equal(asked, 2);
});

test("the member's enterprises are listed", async () => {
  const { data } = await client.getBusinessList();
  assert.equal(data[0].crop_id, 1);
  assert.ok(data.every(({ name }) => name));
  assert.equal((await client.getList({ cropId: data.at(-1).crop_id })).error, undefined);
});

test("an aborted call rejects with the signal's reason", async () => {
  const reason = new Error("enough");
  await assert.rejects(client.getList({ signal: AbortSignal.abort(reason) }), reason);
});

test("a lost connection rejects", async () => {
  await assert.rejects(createClient({ baseUrl: "http://127.0.0.1:1", token: server.token }).getList(), TypeError);
});

test("a token tells its member, and other text nothing", () => {
  const { uid, uniacid, cropId, expires } = readToken(server.token);
  assert.deepEqual([uid, uniacid, cropId], [7, 2, 1]);
  assert.ok(expires > new Date());
  for (const text of ["", "a.b.c", "no token", "..."]) assert.deepEqual(readToken(text), {});
});

test("an answer that is no envelope is an error with its status", async () => {
  const { error } = await createClient({ baseUrl: `${server.address}/healthz?`, token: server.token }).getList();
  assert.ok(error instanceof ApiError);
  assert.deepEqual([error.status, error.msg, error.fields], [200, "HTTP 200", []]);
});

test("a success without data is an error", async () => {
  for (const body of ['{"result":1}', '{"result":1,"msg":"ok","data":null}', '{"result":1,"data":"x"}']) {
    const hollow = createClient({ baseUrl: server.address, token: server.token, fetch: async () => new Response(body) });
    const { data, error } = await hollow.getList();
    assert.deepEqual([data, error.status, error.msg, error.fields], [undefined, 200, "HTTP 200", []], body);
  }
});

test("an error says by which id the server's log has the request, and whether the enterprise is another's", async () => {
  const { error } = await client.getList({ cropId: 99 });
  assert.match(error.requestId, /^\w+/);
  assert.deepEqual([error.isForbidden, error.isUnauthenticated], [true, false]);
});

test("a walk stays right while others write", async () => {
  const before = (await all()).map((row) => row.id);
  const seen = [];
  let written = 0;
  for await (const batch of client.batches({ perPage: 50 })) {
    seen.push(...batch.data.map((row) => row.id));
    if (written++ > 0) continue;
    const { has_one_customer, has_one_employee, ...row } = batch.data[0];
    // As many new rows as a batch: a walk by page number would now give the whole first batch again.
    const records = Array.from({ length: 50 }, (_, i) => JSON.stringify({ follow: { ...row, id: 900001 + i, userid: `Newcomer${i}` } }));
    await server.run(["import", "-"], records.join("\n"));
  }
  assert.deepEqual(seen, before);
  assert.equal((await client.getList()).data.total, before.length + 50);
});

test("a server that answers every error as 200 is understood", async () => {
  const legacy = await startServer({ LEGACY_STATUS: "true" });
  try {
    const old = createClient({ baseUrl: legacy.address, token: legacy.token });
    const { error } = await old.getList({ search: { member: "abc" } });
    assert.deepEqual([error.status, error.fields[0].field], [200, "search[member]"]);
    assert.equal((await createClient({ baseUrl: legacy.address, uniacid: 2 }).getList()).error.isUnauthenticated, true);
    assert.equal((await old.getList({ cropId: 99 })).error.isForbidden, true);
    assert.equal((await old.getList()).data.total, 2000);
  } finally {
    await legacy.stop();
  }
});
