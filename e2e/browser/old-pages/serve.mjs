// Serves stand-ins of the prototypes' pages, each at an origin of its own, as they were: no page of the server's.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { portOf } from "../../js/harness.mjs";

/** @typedef {Awaited<ReturnType<typeof serve>>} Site */

const here = fileURLToPath(new URL(".", import.meta.url));
const SOCKETIO = join(here, "../../node_modules/socket.io-client/dist/socket.io.esm.min.js");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };

/**
 * The pages of one prototype. Chromium itself knows that every name below `localhost` is this machine's; for the server
 * it is an origin from elsewhere, which has to be listed. `api`, the base URL that is built into the pages, is to be set.
 */
export async function serve(prototype) {
  const site = { origin: "", api: "", stop: async () => {} };
  const text = async (path) => {
    if (path === "/config.js") return `globalThis.API_URL = ${JSON.stringify(site.api)};`;
    if (path === "/socket.io.js") return readFile(SOCKETIO, "utf8");
    return readFile(join(here, prototype, basename(path)), "utf8").catch(() => undefined);
  };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const body = await text(pathname);
    const type = TYPES[extname(pathname)] ?? "text/plain";
    const status = body !== undefined ? 200 : pathname === "/favicon.ico" ? 204 : 404;
    response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" }).end(body);
  });
  const port = await portOf(server);
  site.origin = `http://${prototype}.localhost:${port}`;
  site.stop = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return site;
}

/**
 * The same as a fixture: the pages of one prototype for all tests of a worker.
 * @returns {[(shared: object, use: (site: Site) => Promise<void>) => Promise<void>, { scope: "worker" }]}
 */
export const pagesOf = (prototype) => [
  async ({}, use) => {
    const site = await serve(prototype);
    await use(site);
    await site.stop();
  },
  { scope: "worker" },
];
