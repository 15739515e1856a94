import type { components } from "./schema.js";

/** What is wrong with one parameter: its literal name and what it may be. */
export type FieldError = components["schemas"]["FieldError"];

/** An error that the server answered. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    /** The HTTP status; 200 where the server runs in its legacy mode. */
    readonly status: number,
    /** The server's reason, for people. */
    readonly msg: string,
    /** One entry per wrong parameter; empty for every other error. */
    readonly fields: readonly FieldError[],
    /** By which the server's log has the request; empty where none is known. */
    readonly requestId = "",
  ) {
    super(msg);
  }

  /** Whether signing in (again) would help. The legacy mode has no status, so its text is looked at. */
  get isUnauthenticated(): boolean {
    return this.status === 401 || (this.status === 200 && this.msg === "请登录");
  }

  /** Whether the member may not manage the enterprise, or it does not exist. */
  get isForbidden(): boolean {
    return this.status === 403 || (this.status === 200 && this.msg === "无权管理该企业");
  }
}
