// One call by the client that @hey-api/openapi-ts makes.
import { getList } from "./generated/index.js";
import { client } from "./generated/client.gen.js";

const [, , address, token] = process.argv;
client.setConfig({ baseUrl: address!, auth: token! });
async function call() {
  for (const [userid, known] of [["GaoFei", false], ["LiuYang", true]] as const) {
    const { data, error } = await getList({
      path: { uniacid: 2 },
      query: { "search[employee_member]": userid, "search[status]": 1, per_page: 5 },
    });
    if (!data) throw new Error(JSON.stringify(error));
    const rows = data.data.data;
    if (rows.length === 0 || data.data.total > 500) throw new Error(`${userid}: ${rows.length} rows of ${data.data.total}`);
    for (const row of rows) {
      if (row.userid !== userid || row.status !== 1 || (row.has_one_employee !== null) !== known) throw new Error(JSON.stringify(row));
    }
  }
  console.log("@hey-api/openapi-ts: rows");
}
void call();
