type Area = "localStorage" | "sessionStorage";

/** What the browser keeps under this key, empty for nothing; undefined where it lets the page keep nothing at all. */
export function kept(area: Area, key: string): string | undefined {
  try {
    return window[area].getItem(key) ?? "";
  } catch {
    return undefined;
  }
}

/** Has the browser keep a text under this key; nothing where it is empty. Where the browser refuses, the page's memory has to do. */
export function keep(area: Area, key: string, text: string): void {
  try {
    if (text) window[area].setItem(key, text);
    else window[area].removeItem(key);
  } catch {
    // Blocked, or full.
  }
}
