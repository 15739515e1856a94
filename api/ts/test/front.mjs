import { createServer, request } from "node:http";

/**
 * A server in front of the one at `target`: each request is told to `seen` with its body and answered by the
 * next of `steps`, a function of node's request and response, and by the target where there is none.
 */
export async function startFront(target) {
  const steps = [], seen = [];
  const server = createServer(async (incoming, answer) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    const { method, url, headers } = incoming;
    seen.push({ method, url, headers, body, params: new URL(url, target).searchParams });
    const step = steps.shift();
    if (step) return step(answer, incoming);
    const passed = request(new URL(url, target), { method, headers, agent: false }, (real) => {
      answer.writeHead(real.statusCode, real.headers);
      real.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    passed.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}`,
    steps,
    seen,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A step that answers with this. */
export const answers = (status, headers = {}, body = "") => (answer) => answer.writeHead(status, headers).end(body);
