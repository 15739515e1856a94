/** A request as the form has it: its values by the document's literal names, none of them empty. */
export interface Asked {
  id: string;
  method: "GET" | "POST";
  /** With its parameters filled in. */
  path: string;
  uniacid: string;
  values: Record<string, string | string[]>;
  /** Where the server is, without a slash at the end. */
  base: string;
}

interface Name { ts: string; go: string; as?: "number" | "list" }

// What the clients call the contract's parameters.
const filters: Record<string, Name> = {
  "search[customer]": { ts: "customer", go: "Customer" },
  "search[member]": { ts: "member", go: "Member", as: "number" },
  "search[add_way_type]": { ts: "addWay", go: "AddWay", as: "number" },
  "search[tags_data]": { ts: "tags", go: "Tags", as: "list" },
  "search[tags_all]": { ts: "tagsAll", go: "TagsAll", as: "list" },
  "search[tags_none]": { ts: "tagsNone", go: "TagsNone", as: "list" },
  "search[employee_member]": { ts: "employee", go: "Employees", as: "list" },
  "search[类型]": { ts: "type", go: "Type", as: "number" },
  "search[type]": { ts: "type", go: "Type", as: "number" },
  "search[gender]": { ts: "gender", go: "Gender", as: "number" },
  "search[status]": { ts: "status", go: "Status", as: "number" },
  "search[remark]": { ts: "remark", go: "Remark" },
  "search[mobile]": { ts: "mobile", go: "Mobile" },
  "search[keyword]": { ts: "keyword", go: "Keyword" },
};
const others: Record<string, Name> = {
  crop_id: { ts: "cropId", go: "CropID", as: "number" },
  per_page: { ts: "perPage", go: "PerPage", as: "number" },
  sort: { ts: "sort", go: "Sort" },
  page: { ts: "page", go: "Page", as: "number" },
};
const constants: Record<string, Record<string, string>> = {
  Type: { 1: "client.TypeWeChat", 2: "client.TypeWeCom" },
  Status: { 1: "client.StatusFollowing", [-1]: "client.StatusLost" },
  Sort: { "-id": "client.SortByIDDesc", "-createtime": "client.SortByCreatetimeDesc", createtime: "client.SortByCreatetime" },
};
// Fields that are pointers, because 0 is a value of theirs.
const pointers: Record<string, string> = { Member: "int64", AddWay: "int32", Gender: "client.Gender" };

const list = (text: string) => text.split(",").map((item) => item.trim()).filter(Boolean);
const isNumber = (text: string) => /^-?\d{1,15}$/.test(text);

/** The values as the JSON body of a POST: search[status] is {"search": {"status": …}}, digits are numbers. */
export function body(values: Asked["values"], numeric: (name: string) => boolean): Record<string, unknown> {
  const whole: Record<string, unknown> = {};
  const search: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const inner = /^search\[(.+?)\]/.exec(name)?.[1];
    const as = (text: string) => (numeric(name) && isNumber(text) ? Number(text) : text);
    const given = Array.isArray(value) ? value.map((item) => (item === "" ? null : as(item))) : as(value);
    if (inner) search[inner] = given;
    else whole[name] = given;
  }
  return Object.keys(search).length ? { search, ...whole } : whole;
}

/** The values as a query. */
export function pairs(values: Asked["values"]): [string, string][] {
  return Object.entries(values).flatMap(([name, value]) => (Array.isArray(value) ? value.map((item): [string, string] => [name, item]) : [[name, value] as [string, string]]));
}

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The request for a shell in which TOKEN is set; the token itself is in no sample. */
export function curl({ method, path, values, base }: Asked, json: unknown): string {
  const lines = [`curl -s ${method === "GET" && Object.keys(values).length ? "-G " : ""}${quoted(base + path)}`, `-H "Authorization: Bearer $TOKEN"`];
  if (method === "POST") lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(json))}`);
  else lines.push(...pairs(values).map(([name, value]) => `--data-urlencode ${quoted(`${name}=${value}`)}`));
  return lines.join(" \\\n  ");
}

/** The same by the TypeScript client. */
export function typescript({ id, values, base, uniacid }: Asked): string {
  const options: string[] = [], search: string[] = [];
  const literal = ({ as }: Name, text: string) => (as === "number" && isNumber(text) ? text : JSON.stringify(as === "list" ? list(text) : text)).replaceAll('","', '", "');
  for (const [name, value] of Object.entries(values)) {
    const filter = filters[name], other = others[name];
    if (Array.isArray(value)) search.push(`time: [${value.map((item) => item || "null").join(", ")}]`);
    else if (filter) search.push(`${filter.ts}: ${literal(filter, value)}`);
    else if (other) options.push(`${other.ts}: ${literal(other, value)}`);
    else if (name === "omit") options.push(`omit: ${JSON.stringify(list(value)).replaceAll('","', '", "')}`);
  }
  if (search.length) options.unshift(`search: { ${search.join(", ")} }`);
  const call = id.replace(/^post/, "get");
  const given = (except = "") => {
    const left = options.filter((option) => !except || !new RegExp(`^(${except})`).test(option));
    return left.length ? `{ ${left.join(", ")} }` : "";
  };
  const lines = [
    `import { createClient } from "wechat-customers-client";`, "",
    `const client = createClient({ baseUrl: ${JSON.stringify(base)}, token: process.env.TOKEN, uniacid: ${uniacid} });`,
  ];
  if (values.before_id) {
    lines.push(`// before_id: rows() walks down by it.`, `for await (const row of client.rows(${given("page:|sort:|omit:")})) console.log(row.id);`);
  } else {
    lines.push(`const { data, error } = await client.${call}(${given()});`, "if (error) throw error;", "console.log(data);");
  }
  return lines.join("\n");
}

/** The same by the Go client. */
export function go({ id, values, base, uniacid }: Asked): string {
  const fields: string[] = [], before: string[] = [];
  let time = false, facets = "";
  for (const [name, value] of Object.entries(values)) {
    const known = filters[name] ?? others[name];
    if (Array.isArray(value)) {
      value.forEach((item, i) => {
        if (item) fields.push(`${i ? "To" : "From"}: time.Unix(${item}, 0)`);
      });
      time = value.some(Boolean);
    } else if (name === "omit") {
      if (id.includes("Facets")) facets = list(value).map((item) => `, ${JSON.stringify(item)}`).join("");
      else fields.push(...list(value).map((item) => (item === "tag" ? "OmitTags: true" : "OmitEmployees: true")));
    } else if (name === "before_id") {
      fields.push(`BeforeID: ${value}`);
    } else if (known) {
      const { go: field, as } = known;
      if (pointers[field]) {
        const variable = field[0]!.toLowerCase() + field.slice(1);
        before.push(`${variable} := ${pointers[field]}(${value})`);
        fields.push(`${field}: &${variable}`);
      } else {
        const text = as === "list" ? `[]string{${list(value).map((item) => JSON.stringify(item)).join(", ")}}` : as === "number" ? value : JSON.stringify(value);
        fields.push(`${field}: ${constants[field]?.[value] ?? text}`);
      }
    }
  }
  const call = id.replace(/^post/, "get");
  const query = call === "getBusinessList" ? "" : `, client.Query{${fields.join(", ")}}${facets}`;
  return [
    "package main", "", "import (", '\t"context"', '\t"fmt"', '\t"log"', '\t"os"', ...(time ? ['\t"time"'] : []), "",
    '\t"example.com/wechatcustomers/api/client"', ")", "", "func main() {",
    `\tc, err := client.New(${JSON.stringify(base)}, client.WithToken(os.Getenv("TOKEN")))`,
    "\tif err != nil {", "\t\tlog.Fatal(err)", "\t}",
    ...(call === "getBusinessList" ? [] : before.map((line) => `\t${line}`)),
    `\tanswer, err := c.${call[0]!.toUpperCase()}${call.slice(1)}(context.Background(), ${uniacid}${query})`,
    "\tif err != nil {", "\t\tlog.Fatal(err)", "\t}",
    '\tfmt.Printf("%+v\\n", answer)', "}",
  ].join("\n");
}
