import { computed, ref } from "vue";
import { createClient, readToken } from "wechat-customers-client";

const KEY = "wechat-customers-token";
const token = ref(sessionStorage.getItem(KEY) ?? "");

export const signedIn = computed(() => token.value !== "");
/** What the token says of its member; unverified. */
export const claims = computed(() => readToken(token.value));

/** Signs in with a pasted token; false where the text cannot be one. */
export function signIn(text: string): boolean {
  const bare = text.trim().replace(/^Bearer\s+/i, "");
  if (readToken(bare).uniacid === undefined) return false;
  token.value = bare;
  sessionStorage.setItem(KEY, bare);
  return true;
}

/** The token that this tab is signed in with; empty where it is not. */
export const storedToken = (): string => token.value;

/** Forgets the token. */
export function signOut(): void {
  token.value = "";
  sessionStorage.removeItem(KEY);
}

/** Takes the token of `#token=…` and removes it from the address and the history entry. */
export function takeTokenFromAddress(): void {
  const text = new URLSearchParams(location.hash.slice(1)).get("token");
  if (text === null) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  signIn(text);
}

/** The server beside this page, also where a proxy mounts both below a folder. */
export const client = createClient({ baseUrl: new URL(".", location.href), token: storedToken });
