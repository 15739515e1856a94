import { computed, reactive, shallowRef, watch } from "vue";
import { Gathered, MOST_ROWS, writeCSV } from "./csv";
import { clientOf, expire, token } from "./session";
import { toSearch, view } from "./view";

/** The export that is running or was the last; it belongs to no component, so that no way through the pages ends it unsaid. */
export const job = reactive<{ open: boolean; rows: number; total: number; outcome: "running" | "done" | "cut" | "cancelled" | "failed"; error: unknown }>(
  { open: false, rows: 0, total: 0, outcome: "done", error: undefined },
);
/** How much of what will be written is, in whole per cent. */
export const percent = computed(() => Math.min(100, Math.floor((100 * job.rows) / Math.max(1, Math.min(job.total, MOST_ROWS)))));

const running = shallowRef(new AbortController());

/** Stops the running export. */
export const cancel = () => running.value.abort();

// Nothing more is read for whom the page no longer knows; and the browser asks before it leaves the page.
watch(token, cancel);
watch(() => job.outcome === "running", (on) => (on ? addEventListener : removeEventListener)("beforeunload", ask));
function ask(event: Event): void {
  event.preventDefault();
}

type Picker = (options: { suggestedName: string; types: { accept: Record<string, string[]> }[] }) => Promise<FileSystemFileHandle>;

/** Writes the view's whole result, of about `total` rows, to a file that the member chooses or that the browser downloads. Does nothing where one is running. */
export async function save(total: number): Promise<void> {
  if (job.outcome === "running") return;
  const name = `customers-${view.crop}-${new Date().toISOString().slice(0, 10)}.csv`;
  const what = { search: toSearch(view), cropId: view.crop };
  const used = token.value;
  // Chromium streams to the file itself; elsewhere the text gathers in the browser, which may keep it on disk.
  const picker = (window as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  let file: FileSystemWritableFileStream | undefined;
  try {
    file = picker && await (await picker({ suggestedName: name, types: [{ accept: { "text/csv": [".csv"] } }] })).createWritable();
  } catch (error) {
    if ((error as Error).name === "AbortError") return;
  }
  const { signal } = (running.value = new AbortController());
  Object.assign(job, { open: true, rows: 0, total, outcome: "running", error: undefined });
  const gathered = new Gathered();
  try {
    const { cut } = await writeCSV(clientOf(used).batches({ ...what, signal }), file ?? gathered, (rows, of) => Object.assign(job, { rows, total: of }));
    if (file) await file.close();
    else download(gathered.blob(), name);
    job.outcome = cut ? "cut" : "done";
  } catch (error) {
    // What was there before the file was chosen stays.
    await file?.abort().catch(() => undefined);
    job.outcome = signal.aborted ? "cancelled" : "failed";
    job.error = error;
    expire(error, used);
  }
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
