import { computed, readonly, ref } from "vue";
import { ApiError, createClient, readToken } from "wechat-customers-client";
import { keep, kept } from "./storage";

const KEY = "wechat-customers-token";
const current = ref(kept("sessionStorage", KEY) ?? "");

/** The token that this tab is signed in with; empty where it is not. */
export const token = readonly(current);
export const signedIn = computed(() => current.value !== "");
/** What the token says of its member; unverified. */
export const claims = computed(() => readToken(current.value));
/** Why nobody is signed in, where that was not the member's wish. */
export const ended = ref<"" | "expired" | "notAToken">("");

// A link's token takes the place of the tab's own before anything else can ask with that, read the address or send it somewhere.
takeTokenFromAddress();
addEventListener("hashchange", takeTokenFromAddress);
// A page that the browser kept may be of a member whom another followed in this tab.
addEventListener("pageshow", ({ persisted }) => { if (persisted) current.value = kept("sessionStorage", KEY) ?? current.value; });

/** Signs in with a pasted token; false where the text cannot be one. */
export function signIn(text: string): boolean {
  const bare = text.trim().replace(/^Bearer\s+/i, "");
  if (readToken(bare).uniacid === undefined) return false;
  set(bare, "");
  return true;
}

/** Forgets the token. */
export function signOut(): void {
  set("", "");
}

/** Whether an error says that the token `used` does not hold (any more); signs out then, unless another has taken its place. */
export function expire(error: unknown, used: string): boolean {
  if (!(error instanceof ApiError && error.isUnauthenticated)) return false;
  if (used === current.value) set("", "expired");
  return true;
}

function takeTokenFromAddress(): void {
  const text = new URLSearchParams(location.hash.slice(1)).get("token");
  if (text === null) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  // Whoever follows a broken link must not take what is shown for what it leads to.
  if (!signIn(text)) set("", "notAToken");
}

function set(text: string, why: typeof ended.value): void {
  current.value = text;
  ended.value = why;
  keep("sessionStorage", KEY, text);
}

/** The server beside this page, also where a proxy mounts both below a folder; as the member of this token, or of the tab's at each call. */
export const clientOf = (of: string | (() => string)) => createClient({ baseUrl: new URL(".", location.href), token: of });
export const client = clientOf(() => current.value);
