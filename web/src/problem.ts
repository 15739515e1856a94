import { ApiError, type FieldError } from "wechat-customers-client";
import { filterOf } from "./filters";
import { t } from "./text";
import { cleared, SIZES, type View } from "./view";

/** What went wrong, for people, in the page's language; the server's own words where the page has none. */
export function problem(error: unknown): string {
  if (error instanceof TypeError) return t.value.network;
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  // The legacy mode has no status, so the text is looked at.
  const { status, msg, requestId, fields } = error;
  if (error.isUnauthenticated) return t.value.expired;
  if (error.isForbidden) return t.value.forbidden;
  if (fields.length) return fields.map(wrong).map(({ name, rule }) => name + t.value.colon + rule).join("; ");
  if (msg === "请先选择要管理的企业") return t.value.chooseEnterprise;
  if (status === 503 || msg.startsWith("服务暂时不可用")) return t.value.unavailable;
  if (status >= 500 || msg.startsWith("服务器内部错误")) return t.value.broken(requestId);
  return msg;
}

/** A wrong parameter's name on the page, what it may be, and what of the view to change to be rid of it. */
export function wrong({ field, message }: FieldError): { name: string; rule: string; change: Partial<View> } {
  const rule = t.value.rule(message);
  const filter = filterOf(field);
  if (filter) return { name: t.value.filter[filter].name, rule, change: cleared(filter) };
  if (field === "crop_id") return { name: t.value.enterprise, rule, change: { crop: 0 } };
  if (field === "per_page") return { name: t.value.rowsPerPage, rule, change: { size: SIZES[0]! } };
  return { name: field, rule, change: field === "page" ? { page: 1 } : {} };
}
