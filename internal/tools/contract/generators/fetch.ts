// One call by the client that openapi-generator makes for typescript-fetch.
import { Configuration, WechatCustomersApi } from "./generated/index.js";

const [, , address, token] = process.argv;
const api = new WechatCustomersApi(new Configuration({ basePath: address!, accessToken: token! }));
for (const [userid, known] of [["GaoFei", false], ["LiuYang", true]] as const) {
  const { data } = await api.getList({ uniacid: 2, searchEmployeeMember: userid, searchStatus: 1, perPage: 5 });
  const rows = data.data;
  if (rows.length === 0 || data.total > 500) throw new Error(`${userid}: ${rows.length} rows of ${data.total}`);
  for (const row of rows) {
    if (row.userid !== userid || row.status !== 1 || (row.hasOneEmployee !== null) !== known) throw new Error(JSON.stringify(row));
  }
}
console.log("typescript-fetch: rows");
