import { computed } from "vue";
import { language } from "../language";

const zh = {
  title: "接口文档",
  console: "客户列表",
  document: "OpenAPI 文档",
  other: "English",
  skip: "跳到请求",
  loading: "加载中…",
  failed: "接口文档未能加载，请刷新页面。",
  token: "令牌",
  tokenHint: "粘贴商城签发的令牌（JWT）",
  use: "使用",
  forget: "退出",
  signedIn: (member: number | undefined, account: number | undefined) => `已使用会员 ${member}（公众号 ${account}）的令牌`,
  notAToken: "这不是有效的令牌。",
  calls: "接口",
  request: "请求",
  required: "必填",
  deprecated: "已不推荐",
  from: "起",
  to: "止",
  chinaTime: "中国标准时间",
  all: "不限",
  byDefault: (value: string) => `默认 ${value}`,
  example: "例：",
  hint: "点选一项，这里显示它的说明。留空的项不会发送。",
  send: "发送请求",
  sending: "请求中…",
  clear: "清空",
  answer: "返回",
  notSent: "还没有发送请求。",
  lost: (reason: string) => `请求没有得到返回：${reason}`,
  took: (ms: number, bytes: number) => `${ms} 毫秒，${bytes.toLocaleString("zh-CN")} 字节`,
  comma: "，",
  cut: (n: number) => `其余 ${n} 项`,
  fields: (n: number) => `${n} 个字段`,
  items: (n: number) => `${n} 项`,
  samples: "代码示例",
  samplesHint: "按上面的请求生成；令牌取自环境变量 TOKEN，不会出现在示例中。",
  copy: "复制",
  copied: "已复制",
  parameters: "参数说明",
  responses: "返回说明",
  guides: "指南",
  guide: {
    token: ["取得令牌", `每个请求都要带令牌（JWT）：请求头 \`Authorization: Bearer …\`，或由 \`JWT_COOKIE\` 指定名称的 cookie。

- 试用：\`make run\` 打印一个已登录的链接；\`wechat-customers token --uid 7 --uniacid 2 --crop-id 1\` 打印一个令牌。
- 正式：由商城为已登录的会员签发。声明：\`sub\` 会员 ID、\`uniacid\` 公众号 ID、\`exp\` 到期时间（必需），以及可选的 \`crop_id\` 默认企业。用 \`JWT_SECRET\` 签名（HS256），或用 \`JWT_JWKS\` 中的密钥（RS256、ES256、EdDSA）。
- 会员能否管理该企业，每次请求都在数据库中核对；收回权限立即生效。
- 粘贴到上面的令牌只保存在本标签页；链接 \`/docs#token=…\` 和 \`/console#token=…\` 打开即已登录。`],
    errors: ["错误", `出错时返回 \`{"result":0,"msg":"…","data":[…]}\`。先看 \`result\`：服务以 \`LEGACY_STATUS\` 运行时，错误的 HTTP 状态也是 200。程序请判断响应头 \`X-Error-Code\`（下列错误代码之一），不要比较文字。

- 400：\`data\` 逐项列出有误的参数（\`field\`、\`message\`、\`code\`）。拼错的参数名也是错误，例如 \`corp_id\` 会得到“您是否想用 crop_id”。
- 400 请先选择要管理的企业：会员管理多个企业，请用 \`crop_id\` 指定；\`getBusinessList\` 列出它们。
- 401：没有令牌，或已过期。请取得新令牌后重试。403：会员无权管理该企业。
- 429、503：请按响应头 \`Retry-After\` 稍后重试。413、414：请求过大；长的筛选请改用 POST。
- 请报告响应头 \`X-Request-Id\`：服务的日志里有同一个编号和原因。`],
    paging: ["分页与遍历", `\`page\` 从 1 开始，\`per_page\` 最多 100；\`total\`、\`last_page\` 说明总数，\`next_page_url\` 是下一页的地址，末页为 null。

- 第一页之后，\`omit=tag,employee\` 省去标签和成员列表，返回会小得多。
- 遍历全部：不要翻页，因为其他人同时写入会使行错位。请把上一批最后一行的 \`id\` 作为 \`before_id\`，直到 \`data\` 为空；每行恰好一次。
- 返回带有 \`ETag\`：下次把它放在请求头 \`If-None-Match\` 中，没有变化就得到 304，没有正文。
- 两个客户端都有现成的遍历：TypeScript 的 \`client.rows()\`，Go 的 \`c.Rows()\`。`],
  } as Record<string, [string, string]>,
  codes: "错误代码",
};

const en: typeof zh = {
  title: "API reference",
  console: "Customers",
  document: "OpenAPI document",
  other: "中文",
  skip: "Skip to the request",
  loading: "Loading…",
  failed: "The reference could not be loaded. Reload the page.",
  token: "Token",
  tokenHint: "Paste the token (JWT) that the mall issued",
  use: "Use",
  forget: "Sign out",
  signedIn: (member, account) => `Using the token of member ${member} (account ${account})`,
  notAToken: "This is no token.",
  calls: "Calls",
  request: "Request",
  required: "required",
  deprecated: "deprecated",
  from: "from",
  to: "to",
  chinaTime: "China Standard Time",
  all: "any",
  byDefault: (value) => `default ${value}`,
  example: "e.g. ",
  hint: "Choose a field, and its description stands here. Empty fields are not sent.",
  send: "Send",
  sending: "Sending…",
  clear: "Clear",
  answer: "Answer",
  notSent: "Nothing has been sent yet.",
  lost: (reason) => `No answer came: ${reason}`,
  took: (ms, bytes) => `${ms} ms, ${bytes.toLocaleString("en")} bytes`,
  comma: ", ",
  cut: (n) => `${n} more`,
  fields: (n) => `${n} fields`,
  items: (n) => `${n} items`,
  samples: "Samples",
  samplesHint: "Of the request above; the token comes from the environment (TOKEN) and is in none of them.",
  copy: "Copy",
  copied: "Copied",
  parameters: "Parameters",
  responses: "Answers",
  guides: "Guides",
  guide: {
    token: ["Getting a token", `Every request carries a token (JWT): in the header \`Authorization: Bearer …\`, or in the cookie that \`JWT_COOKIE\` names.

- To try: \`make run\` prints a link that is signed in; \`wechat-customers token --uid 7 --uniacid 2 --crop-id 1\` prints a token.
- For good: the mall issues it to a signed-in member. Claims: \`sub\` the member's id, \`uniacid\` the account's, \`exp\` (required), and \`crop_id\`, the default enterprise, where there is one. Signed with \`JWT_SECRET\` (HS256) or by a key of \`JWT_JWKS\` (RS256, ES256, EdDSA).
- That the member manages the enterprise is checked in the database on every request; a right that is taken back counts at once.
- A token that is pasted above is kept in this tab alone; \`/docs#token=…\` and \`/console#token=…\` open signed in.`],
    errors: ["Errors", `A failure is \`{"result":0,"msg":"…","data":[…]}\`. Look at \`result\` first: a server that runs with \`LEGACY_STATUS\` answers failures as HTTP 200 too. Programs go by the header \`X-Error-Code\`, one of the codes below, and compare no texts.

- 400: \`data\` names each wrong parameter (\`field\`, \`message\`, \`code\`). A misspelt name is one: \`corp_id\` is answered with a question whether \`crop_id\` was meant.
- 400 请先选择要管理的企业: the member manages several enterprises; say which by \`crop_id\`. \`getBusinessList\` lists them.
- 401: no token, or it has ended; get a new one. 403: the member may not manage the enterprise.
- 429, 503: try again after \`Retry-After\`. 413, 414: too large; send long filters by POST.
- Report the header \`X-Request-Id\`: the service's log has the cause under the same id.`],
    paging: ["Paging and walking", `\`page\` begins at 1, \`per_page\` ends at 100; \`total\` and \`last_page\` say how much there is, \`next_page_url\` is the next page, null on the last.

- After the first page \`omit=tag,employee\` leaves the lists of tags and employees out: far smaller answers.
- To walk everything, do not turn pages: rows shift while others write. Send the last row's \`id\` of each batch as \`before_id\` until \`data\` is empty; every row comes once.
- Answers have an \`ETag\`: send it as \`If-None-Match\`, and where nothing has changed a 304 without a body comes.
- Both clients walk: \`client.rows()\` in TypeScript, \`c.Rows()\` in Go.`],
  },
  codes: "Error codes",
};

/** Every text of the reference in its language. */
export const t = computed(() => ({ zh, en })[language.value]);
