// Pages of another build in front of a running server: files of a folder, everything else from the server. Both of a pair come
// this way.

import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml" };

/** @import { IncomingMessage } from "node:http" */

/** The file that a browser wants, or the page itself for one of its routes; undefined for what is the server's. */
async function file(/** @type {string} */ dist, /** @type {IncomingMessage} */ { url = "/", headers }) {
  const path = normalize(decodeURIComponent(new URL(url, "http://here").pathname));
  const isRoute = extname(path) === "" && headers.accept?.includes("text/html") === true;
  const name = isRoute ? "/index.html" : path;
  if (!isRoute && !(extname(name) in TYPES)) return undefined;
  const body = await readFile(join(dist, name)).catch(() => undefined);
  return body && { body, type: TYPES[extname(name)] };
}

/**
 * @param {string} dist a folder with index.html
 * @param {string} server
 * @returns {Promise<{ url: string, stop: () => void }>}
 */
export async function serve(dist, server) {
  await readFile(join(dist, "index.html"));
  const { hostname, port } = new URL(server);
  const http = createServer(async (wanted, answer) => {
    const found = await file(dist, wanted);
    if (found !== undefined) {
      answer.writeHead(200, { "content-type": found.type }).end(found.body);
      return;
    }
    const { method, headers, url: path } = wanted;
    const on = request({ hostname, port, method, headers, path }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    on.on("error", () => answer.destroy());
    answer.on("close", () => on.destroy());
    wanted.pipe(on);
  });
  http.on("upgrade", ({ method, url, rawHeaders }, near, head) => {
    const far = connect(Number(port), hostname);
    const lines = [];
    for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
    far.write(`${method} ${url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    far.write(head);
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    }
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", () => done(undefined)));
  const own = /** @type {import("node:net").AddressInfo} */ (http.address());
  return {
    url: `http://127.0.0.1:${own.port}`,
    stop() {
      http.closeAllConnections();
      http.close();
    },
  };
}
