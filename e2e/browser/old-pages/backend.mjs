// The base URL of the relay's application: the old backend answers what is in its database, everything else, WebSockets
// included, is the server's.

import { createServer, request as ask } from "node:http";
import { connect } from "node:net";

import { portOf } from "../../js/harness.mjs";

const PATIENTS = Array.from({ length: 9 }, (_, n) => ({ id: `P-${n + 1}`, name: `Patient ${n + 1}` }));

const ANSWERS = {
  "/patients": () => ({ patients: PATIENTS }),
  "/patients/search": (query) => ({
    patients: PATIENTS.filter(({ name }) => name.includes(query.get("q") ?? "")),
  }),
  "/stats": () => ({ patients: PATIENTS.length }),
  "/alerts": () => ({ alerts: [{ id: 7, text: "Bed 3 is empty" }] }),
  "/rooms": () => ({ rooms: PATIENTS.map(({ id }, n) => ({ number: 100 + n, patient: id })) }),
};

/** Listens for pages of `origin`; `server` is the one behind it. */
export async function serveBase(origin, server) {
  const pass = (/** @type {import("node:http").IncomingMessage} */ { method, url, headers }) => ({
    host: "127.0.0.1",
    port: server.port,
    method,
    path: url,
    headers: { ...headers, "X-Forwarded-For": "127.0.0.1" },
  });
  const proxy = createServer((incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url, "http://localhost");
    const own = ANSWERS[pathname];
    if (own !== undefined) {
      response.writeHead(200, { "Content-Type": "application/json", "Access-Control-Allow-Origin": origin });
      response.end(JSON.stringify(own(searchParams)));
      return;
    }
    const passed = ask(pass(incoming), (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.writableEnded || response.writeHead(502).end());
    response.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  const sockets = new Set();
  proxy.on("upgrade", ({ method, url, rawHeaders }, socket, head) => {
    const upstream = connect(server.port, "127.0.0.1");
    const lines = [`${method} ${url} HTTP/1.1`];
    for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
    upstream.write([...lines, "X-Forwarded-For: 127.0.0.1", "", ""].join("\r\n"));
    upstream.write(head);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ]) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.end();
      });
    }
  });
  const port = await portOf(proxy);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      proxy.closeAllConnections();
      await new Promise((done) => proxy.close(done));
    },
  };
}
