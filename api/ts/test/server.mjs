import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = process.env.WECHAT_CUSTOMERS ?? fileURLToPath(new URL("../../../bin/wechat-customers", import.meta.url));

/**
 * The real program on a free port with the demonstration enterprise in a database of its own: where it listens, a token of its manager,
 * how to run another command on that database, and how to stop it.
 */
export async function startServer(env = {}) {
  const data = await mkdtemp(join(tmpdir(), "wc-"));
  const settings = { ...process.env, DATA_DIR: data, LISTEN_ADDR: "127.0.0.1:0", ...env };
  delete settings.DATABASE_DSN;
  const child = spawn(program, ["serve", "--demo"], { env: settings, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "", logged = "";
  child.stderr.on("data", (text) => { logged += text; });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const [, token, address] = await new Promise((resolve, reject) => {
    child.once("error", reject);
    exited.then((code) => reject(new Error(`the program ended with ${code}:\n${logged}`)));
    child.stdout.on("data", (text) => {
      printed += text;
      const hint = /Bearer ([\w.-]+)' '(http:\/\/[^/']+)/.exec(printed);
      if (hint) resolve(hint);
    });
  });
  // It listens before it has seen that its database is ready.
  for (const until = Date.now() + 10_000; ;) {
    const { ok, status } = await fetch(`${address}/readyz`);
    if (ok) break;
    if (Date.now() > until) throw new Error(`/readyz: ${status}\n${logged}`);
  }
  return {
    address,
    token,
    run: (args, input) => run(args, settings, input),
    async stop() {
      child.kill("SIGTERM");
      await exited;
      await rm(data, { recursive: true, force: true });
    },
  };
}

function run(args, env, input = "") {
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
  let printed = "", logged = "";
  child.stdout.on("data", (text) => { printed += text; });
  child.stderr.on("data", (text) => { logged += text; });
  child.stdin.end(input);
  return new Promise((resolve, reject) => child.once("exit", (code) => (code === 0 ? resolve(printed.trim()) : reject(new Error(`${args[0]}: ${code}\n${printed}\n${logged}`)))));
}
