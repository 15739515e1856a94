import type { components } from "./schema.js";

/** What is wrong with one parameter: its literal name, what it may be, and the code of just that. */
export type FieldError = components["schemas"]["FieldError"] & { code?: ErrorCode };

/** Which kind of error it is, for programs; a later server may know more. */
export type ErrorCode =
  | "unauthenticated" | "forbidden" | "no_enterprise" | "invalid_parameter" | "unknown_parameter"
  | "invalid_body" | "unsupported_media_type" | "too_large" | "not_found" | "method_not_allowed"
  | "too_many_requests" | "unavailable" | "internal";

/** A refusal: by the server, or of input that it would refuse, which is then not sent. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** The HTTP status; 200 where the server runs in its legacy mode, 0 where nothing was sent. */
    readonly status: number,
    /** The server's reason, for people. */
    readonly msg: string,
    /** One entry per wrong parameter; empty for every other error. */
    readonly fields: readonly FieldError[],
    /** By which the server's log has the request; empty where none is known. */
    readonly requestId = "",
    /** Which kind of error it is. Default: what the status says. */
    readonly code: ErrorCode = codeOf(status, msg),
    /** Seconds after which to try again, by the answer's `Retry-After`. */
    readonly retryAfter?: number,
  ) {
    super(msg);
  }

  /** Whether signing in (again) would help. */
  get isUnauthenticated(): boolean {
    return this.code === "unauthenticated";
  }

  /** Whether the member may not manage the enterprise, or it does not exist. */
  get isForbidden(): boolean {
    return this.code === "forbidden";
  }
}

const codes: Record<number, ErrorCode> = {
  400: "invalid_parameter", 401: "unauthenticated", 403: "forbidden", 404: "not_found",
  405: "method_not_allowed", 413: "too_large", 414: "too_large", 415: "unsupported_media_type",
  429: "too_many_requests", 431: "too_large", 503: "unavailable",
};
// A server that names no code: its legacy mode has no status, so its texts are looked at.
const texts: Record<string, ErrorCode> = {
  请登录: "unauthenticated", 无权管理该企业: "forbidden", 请先选择要管理的企业: "no_enterprise",
};

function codeOf(status: number, msg: string): ErrorCode {
  return texts[msg] ?? codes[status] ?? "internal";
}
