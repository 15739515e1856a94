import { reactive, shallowRef, watch } from "vue";
import type { CustomerPage, EmployeeName, Tag } from "wechat-customers-client";
import { type Filter, filterOf } from "./filters";
import { client, expire, token } from "./session";
import { active, toSearch, view } from "./view";

/** The page of rows that the view asks for; the one before stays while the next is on its way. */
export const page = shallowRef<CustomerPage>();
interface Lists { crop: number; tags: Tag[]; employees: EmployeeName[] }
const noLists: Lists = { crop: 0, tags: [], employees: [] };
/** The enterprise's tags and employees, fetched with its first page. */
export const lists = shallowRef(noLists);
/** Where the loading stands. An error that is no ApiError is a lost connection. */
export const state = reactive<{ loading: boolean; error: unknown }>({ loading: false, error: undefined });
/**
 * For an empty result: how many rows each filter alone keeps away, the most first; none where that
 * could not be asked, undefined while it is.
 */
export const hints = shallowRef<{ filter: Filter; total: number }[]>();

let running = new AbortController();
let reader = "";

/** Fetches the view's page; `fresh` fetches the tags and employees as well. */
export async function load(fresh = false): Promise<void> {
  running.abort();
  hints.value = undefined;
  state.error = undefined;
  const used = token.value;
  const { crop } = view;
  // What another member or another enterprise's was shown is gone before anything is asked.
  if (used !== reader || crop !== lists.value.crop) {
    page.value = undefined;
    lists.value = noLists;
  }
  reader = used;
  state.loading = used !== "" && crop !== 0;
  if (!state.loading) return;
  running = new AbortController();
  const { signal } = running;
  const known = lists.value.crop === crop && !fresh;
  try {
    const { data, error } = await client.getList({
      search: toSearch(view), cropId: crop, page: view.page, perPage: view.size, signal,
      ...(view.sort && { sort: view.sort }),
      ...(known && { omit: ["tag", "employee"] as const }),
    });
    if (signal.aborted) return;
    if (error) throw error;
    if (!known) lists.value = { crop, tags: data.tag, employees: data.employee };
    page.value = data;
    if (data.total === 0 && active(view).length > 1) void explain(signal);
  } catch (error) {
    if (signal.aborted) return;
    page.value = undefined;
    if (!expire(error, used)) state.error = error;
  }
  state.loading = false;
}

async function explain(signal: AbortSignal): Promise<void> {
  const used = token.value;
  const { data, error } = await client.getFacets({
    search: toSearch(view), cropId: view.crop, signal,
    omit: ["status", "type", "add_way", "gender", "employee", "tag", "customers"],
  }).catch(() => ({ data: undefined, error: undefined }));
  if (signal.aborted) return;
  expire(error, used);
  hints.value = (data?.without ?? []).flatMap(({ filter: param, total }) => {
    const filter = filterOf(param);
    return filter ? [{ filter, total }] : [];
  }).sort((a, b) => b.total - a.total);
}

watch([() => ({ ...view }), token], () => void load(), { immediate: true });
