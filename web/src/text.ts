import { computed, ref, watchEffect } from "vue";
import type { Contact, Employee, Follow } from "wechat-customers-client";
import { keep, kept } from "./storage";

/** A row's own fields, without its contact and employee. */
type FollowField = Exclude<keyof Follow, "has_one_customer" | "has_one_employee">;

const zh = {
  title: "客户列表",
  skip: "跳到列表",
  other: "English",
  signOut: "退出",
  reference: "接口文档",
  enterprise: "企业",
  chooseEnterprise: "请先选择要管理的企业",
  otherEnterprise: "选择其他企业",
  noEnterprise: "您在该公众号下没有可管理的企业。请联系企业的创建人为您开通管理权限。",
  signIn: "登录",
  signInHint: "粘贴商城签发的令牌（JWT）。令牌只保存在本标签页中，关闭即清除。",
  token: "令牌",
  notAToken: "这不是有效的令牌：应为以点分隔的三段文字，并带有公众号（uniacid）。",
  expired: "登录已过期，请重新登录。筛选条件会保留。",
  filters: "筛选",
  filter: {
    customer: "客户", member: "会员 ID", source: "来源", tags: "标签", employee: "归属成员",
    type: "类型", status: "状态", from: "添加时间", to: "添加时间", remark: "备注",
  },
  hint: { customer: "名称或 external_userid", member: "数字", source: "全部来源", tags: "任一标签", employee: "全部成员", remark: "备注包含" },
  all: "全部",
  from: "起",
  to: "止",
  chinaTime: "中国标准时间",
  presets: { today: "今天", yesterday: "昨天", week: "近 7 天", days30: "近 30 天", month: "本月", lastMonth: "上月" },
  rowsPerPage: "每页条数",
  search: "查询",
  clear: (what: string) => `清除${what}`,
  clearAll: "清除全部",
  activeFilters: "当前筛选",
  noMatch: "没有匹配项",
  types: { 1: "微信", 2: "企业微信" } as Record<number, string>,
  status: { 1: "正常", [-1]: "已流失" } as Record<number, string>,
  genders: { 0: "未知", 1: "男", 2: "女" } as Record<number, string>,
  employeeStatus: { 1: "已激活", 2: "已禁用", 4: "未激活", 5: "退出企业" } as Record<number, string>,
  unknown: (code: string | number) => `未知（${code}）`,
  yes: "是",
  no: "否",
  total: (count: string) => `共 ${count} 位客户`,
  pageSize: (size: number) => `${size} 条/页`,
  loading: "正在加载…",
  column: { customer: "客户", remark: "备注", tags: "标签", employee: "归属成员", source: "来源", status: "状态", time: "添加时间", phones: "电话" },
  details: (name: string) => `查看 ${name} 的详情`,
  unnamed: "（未命名）",
  emptyAll: "该企业还没有客户。",
  emptyPage: "这一页没有内容，列表可能已变短。",
  firstPage: "回到第一页",
  emptyWhy: "没有客户同时符合所有条件。放宽其中一项可以看到：",
  emptyOne: "没有客户符合该条件。",
  emptyNone: "放宽任何一项都没有结果，请清除全部筛选。",
  emptyMany: "没有客户同时符合所有条件。",
  loosen: (what: string, count: string) => `去掉「${what}」：${count} 位客户`,
  failed: "加载失败",
  network: "无法连接服务器。请检查网络后重试。",
  badRequest: "有条件不正确：",
  clearWrong: "清除不正确的条件",
  rule: (message: string) => message.replace(/[,\uFF0C]收到的是 /, "，收到的是"),
  colon: "：",
  unavailable: "服务暂时不可用，请稍后再试。",
  broken: (id: string) => `服务器出错了${id && `（请求 ${id}）`}。请稍后重试；若仍然如此，请把请求编号告诉管理员。`,
  forbidden: "您不能管理该企业，或企业不存在。",
  retry: "重试",
  close: "关闭",
  back: "返回",
  contact: "客户资料",
  follow: "跟进信息",
  employeeCard: "归属成员资料",
  fields: {
    contact: {
      name: "名称", external_type: "类型", gender: "性别", is_member: "已同步会员", uid: "会员 ID", position: "职位", corp_name: "公司简称", corp_full_name: "公司全称",
      external_userid: "external_userid", unionid: "unionid", external_profile: "自定义信息", avatar: "头像地址", id: "编号", uniacid: "公众号 ID", crop_id: "企业 ID",
      created_at: "同步时间", updated_at: "更新时间", deleted_at: "删除时间",
    } as Record<keyof Contact, string>,
    follow: {
      remark: "备注", description: "描述", remark_corp_name: "备注公司", remark_mobiles: "电话", tag_name: "标签", tag_id: "标签 id", add_way: "来源", status: "状态",
      createtime: "添加时间", customer_create_time: "成员添加时间", userid: "userid", external_userid: "external_userid", oper_userid: "添加者", state: "渠道参数",
      uid: "跟进会员 ID", id: "编号", uniacid: "公众号 ID", crop_id: "企业 ID", created_at: "同步时间", updated_at: "更新时间", deleted_at: "删除时间",
    } as Record<FollowField, string>,
    employee: {
      name: "姓名", user_id: "userid", alias: "别名", position: "职位", gender: "性别", mobile: "手机", telephone: "座机", email: "邮箱", address: "地址", main_department: "主部门",
      status: "成员状态", disabled: "已禁用", right_type: "权限类型", uid: "会员 ID", open_userid: "open_userid", qr_code: "二维码", avatar: "头像地址", id: "编号",
      uniacid: "公众号 ID", business_id: "企业 ID", created_at: "同步时间", updated_at: "更新时间", deleted_at: "删除时间",
    } as Record<keyof Employee, string>,
  },
  noEmployee: "成员未知或已删除",
  export: "导出 CSV",
  exporting: (done: string, total: string) => `已导出 ${done} / ${total} 行`,
  exportingPart: (percent: number) => `正在导出，已完成 ${percent}%`,
  exportDone: (done: string) => `导出完成，共 ${done} 行。`,
  exportCut: (limit: string) => `已达到 Excel 的上限（含表头 1,048,576 行），只导出了前 ${limit} 行。请用添加时间等条件缩小范围，分几次导出。`,
  exportWillCut: (total: string) => `结果有 ${total} 行，超过 Excel 的上限（含表头 1,048,576 行），将在上限处停止。`,
  exportCancelled: "已取消导出。",
  exportFailed: "导出失败：",
  cancel: "取消",
};

// What the server says that a parameter may be, and what it got; the numbers are the contract's.
const rules: [pattern: RegExp, words: string][] = [
  [/^只能是 (\d+) 到 (\d+) 位数字/, "must be $1 to $2 digits"],
  [/^每项只能是最多 (\d+) 位数字或空/, "must be at most $1 digits on each side"],
  [/^只能是起、止两项/, "must have a start and an end"],
  [/^最多 (\d+) 个字符/, "must be at most $1 characters"],
  [/^只能是 (\d+) 到 (\d+) 的整数/, "must be a whole number from $1 to $2"],
  [/^只能是不小于 (\d+) 的整数/, "must be a whole number, $1 or more"],
  [/^只能是 (\S+) 或 (\S+?)(?=[,\uFF0C]|$)/, "must be $1 or $2"],
  [/^格式不正确/, "is not in the right form"],
  [/[,\uFF0C]收到的是 「(.*)」$/, ", not “$1”"],
];

const en: typeof zh = {
  title: "Customers",
  skip: "Skip to the list",
  other: "中文",
  signOut: "Sign out",
  reference: "API reference",
  enterprise: "Enterprise",
  chooseEnterprise: "Choose an enterprise",
  otherEnterprise: "Choose another enterprise",
  noEnterprise: "You manage no enterprise under this account. Ask its creator for the right to manage it.",
  signIn: "Sign in",
  signInHint: "Paste the token (JWT) that the mall issued. It stays in this tab and goes when the tab closes.",
  token: "Token",
  notAToken: "This is no token: it should be three parts joined by dots and name an account (uniacid).",
  expired: "Your sign-in has expired. Sign in again; your filters are kept.",
  filters: "Filters",
  filter: {
    customer: "Customer", member: "Member ID", source: "Source", tags: "Tags", employee: "Employee",
    type: "Type", status: "Status", from: "Time added", to: "Time added", remark: "Remark",
  },
  hint: { customer: "Name or external_userid", member: "Digits", source: "Any source", tags: "Any of these tags", employee: "Any employee", remark: "Remark contains" },
  all: "All",
  from: "From",
  to: "To",
  chinaTime: "China Standard Time",
  presets: { today: "Today", yesterday: "Yesterday", week: "7 days", days30: "30 days", month: "This month", lastMonth: "Last month" },
  rowsPerPage: "Rows per page",
  search: "Search",
  clear: (what) => `Clear ${what}`,
  clearAll: "Clear all",
  activeFilters: "Active filters",
  noMatch: "No match",
  types: { 1: "WeChat", 2: "WeCom" },
  status: { 1: "Following", [-1]: "Lost" },
  genders: { 0: "Unknown", 1: "Male", 2: "Female" },
  employeeStatus: { 1: "Active", 2: "Disabled", 4: "Not activated", 5: "Left" },
  unknown: (code) => `Unknown (${code})`,
  yes: "Yes",
  no: "No",
  total: (count) => (count === "1" ? "1 customer" : `${count} customers`),
  pageSize: (size) => `${size} per page`,
  loading: "Loading…",
  column: { customer: "Customer", remark: "Remark", tags: "Tags", employee: "Employee", source: "Source", status: "Status", time: "Time added", phones: "Phones" },
  details: (name) => `Details of ${name}`,
  unnamed: "(no name)",
  emptyAll: "This enterprise has no customers yet.",
  emptyPage: "This page is empty; the list may have become shorter.",
  firstPage: "Go to the first page",
  emptyWhy: "No customer meets all the conditions together. Dropping one of them shows:",
  emptyOne: "No customer meets this condition.",
  emptyMany: "No customer meets all the conditions together.",
  emptyNone: "Dropping any single one does not help: clear them all.",
  loosen: (what, count) => `Without “${what}”: ${count}`,
  failed: "The list could not be loaded",
  network: "The server cannot be reached. Check the connection and try again.",
  badRequest: "A condition is not right:",
  clearWrong: "Clear what is not right",
  rule: (message) => rules.reduce((text, [pattern, words]) => text.replace(pattern, words), message),
  colon: ": ",
  unavailable: "The service is not available just now. Try again in a while.",
  broken: (id) => `The server failed${id && ` (request ${id})`}. Try again in a while; if it fails still, tell your administrator the request's id.`,
  forbidden: "You may not manage this enterprise, or it does not exist.",
  retry: "Try again",
  close: "Close",
  back: "Back",
  contact: "Contact",
  follow: "Relation",
  employeeCard: "Employee",
  fields: {
    contact: {
      name: "Name", external_type: "Type", gender: "Gender", is_member: "Mall member", uid: "Member ID", position: "Position", corp_name: "Company", corp_full_name: "Company, full name",
      external_userid: "external_userid", unionid: "unionid", external_profile: "Profile", avatar: "Avatar address", id: "ID", uniacid: "Account ID", crop_id: "Enterprise ID",
      created_at: "Synchronised", updated_at: "Updated", deleted_at: "Deleted",
    },
    follow: {
      remark: "Remark", description: "Description", remark_corp_name: "Company (noted)", remark_mobiles: "Phones", tag_name: "Tags", tag_id: "Tag IDs", add_way: "Source", status: "Status",
      createtime: "Time added", customer_create_time: "Added by employee", userid: "userid", external_userid: "external_userid", oper_userid: "Added by", state: "Channel state",
      uid: "Relation's member ID", id: "ID", uniacid: "Account ID", crop_id: "Enterprise ID", created_at: "Synchronised", updated_at: "Updated", deleted_at: "Deleted",
    },
    employee: {
      name: "Name", user_id: "userid", alias: "Alias", position: "Position", gender: "Gender", mobile: "Mobile", telephone: "Telephone", email: "Email", address: "Address", main_department: "Main department",
      status: "Employee status", disabled: "Disabled", right_type: "Right", uid: "Member ID", open_userid: "open_userid", qr_code: "QR code", avatar: "Avatar address", id: "ID",
      uniacid: "Account ID", business_id: "Enterprise ID", created_at: "Synchronised", updated_at: "Updated", deleted_at: "Deleted",
    },
  },
  noEmployee: "Unknown or deleted employee",
  export: "Export CSV",
  exporting: (done, total) => `${done} of ${total} rows exported`,
  exportingPart: (percent) => `Exporting, ${percent}% done`,
  exportDone: (done) => `Done: ${done} rows exported.`,
  exportCut: (limit) => `Excel's limit (1,048,576 rows with the heading) is reached: only the first ${limit} rows were exported. Narrow the result, by time added say, and export in parts.`,
  exportWillCut: (total) => `The result has ${total} rows, more than Excel's 1,048,576: the export will stop there.`,
  exportCancelled: "The export was cancelled.",
  exportFailed: "The export failed: ",
  cancel: "Cancel",
};

const ways: Record<string, [zh: string, en: string]> = {
  0: ["未知来源", "Unknown"],
  1: ["扫描二维码", "QR code"],
  2: ["搜索手机号", "Searched mobile number"],
  3: ["名片分享", "Shared card"],
  4: ["群聊", "Group chat"],
  5: ["手机通讯录", "Phone contacts"],
  6: ["微信联系人", "WeChat contact"],
  7: ["来自微信的添加好友申请", "WeChat friend request"],
  8: ["安装第三方应用时自动添加的客服人员", "Support added by an app"],
  9: ["搜索邮箱", "Searched email"],
  10: ["视频号添加", "Channels"],
  11: ["通过日程参与人添加", "Calendar attendee"],
  12: ["通过会议参与人添加", "Meeting attendee"],
  13: ["添加微信好友对应的企业微信", "WeCom of a WeChat friend"],
  14: ["通过智慧硬件专属客服添加", "Smart hardware support"],
  15: ["通过上门服务客服添加", "On-site support"],
  16: ["通过获客链接添加", "Acquisition link"],
  17: ["通过定制开发添加", "Custom development"],
  18: ["通过需求回复添加", "Reply to a request"],
  21: ["通过第三方售前客服添加", "Third-party pre-sales"],
  22: ["通过可能的商务伙伴添加", "Possible partner"],
  24: ["通过接受微信账号收到的好友申请添加", "Accepted WeChat request"],
  201: ["内部成员共享", "Shared by a colleague"],
  202: ["管理员/负责人分配", "Assigned by an administrator"],
};

const KEY = "wechat-customers-language";

/** The language of the page; it outlives the tab. */
export const language = ref<"zh" | "en">(kept("localStorage", KEY) === "en" ? "en" : "zh");
watchEffect(() => {
  keep("localStorage", KEY, language.value);
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
});

/** Every text of the page in its language. */
export const t = computed(() => ({ zh, en })[language.value]);

/** The codes of the ways of adding a customer that have a name. */
export const wayCodes = Object.keys(ways);

/** The name of a way of adding a customer; WeCom adds codes, so one without a name keeps its number. */
export function wayName(code: string): string {
  return ways[code]?.[language.value === "zh" ? 0 : 1] ?? t.value.unknown(code);
}

/** A whole number with thousands separated. */
export function count(n: number): string {
  return n.toLocaleString("en-US");
}
