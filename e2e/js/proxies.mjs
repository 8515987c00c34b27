// The proxies of deploy/cluster before processes of this machine, and processes that only say what they were asked.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";

import { WebSocketServer } from "ws";

import { portOf } from "./harness.mjs";
import { startHaproxy } from "./haproxy.mjs";
import { startNginx } from "./nginx.mjs";

/** @import { Ending } from "./types.ts" */
/** @typedef {{ url: string, port: number, log: () => string }} Proxy */
/** @typedef {Awaited<ReturnType<typeof standIn>>} StandIn */

/** The cookie that tells which process a client comes to. */
export const COOKIE = "sightwire_process";

/** A configuration of deploy/, with addresses of this machine. */
function configured(/** @type {string} */ file, /** @type {string[][]} */ changes) {
  const text = readFileSync(join(import.meta.dirname, "../../deploy/cluster", file), "utf8");
  return changes.reduce((before, [from, to]) => {
    assert.ok(before.includes(from), `${file} has "${from}"`);
    return before.replaceAll(from, to);
  }, text);
}

const addresses = (/** @type {number[]} */ ports) =>
  ports.map((port, i) => [`127.0.0.1:${8001 + i}`, `127.0.0.1:${port}`]);

/**
 * Each starts one before three processes; it ends with the test. With `pem`, a file with a certificate and its key, it speaks TLS, by
 * the lines that are comments.
 * @type {Record<string, (t: Ending, ports: number[], pem?: string) => Promise<Proxy>>}
 */
export const PROXIES = {
  nginx: (t, ports, pem) =>
    startNginx(t, (listen) =>
      configured("nginx.conf", [
        ...(pem === undefined
          ? [["listen 80;", `listen 127.0.0.1:${listen};`]]
          : [
              ["    listen 80;\n", ""],
              ["# listen 443 ssl;", `listen 127.0.0.1:${listen} ssl;`],
              ["# ssl_certificate     /etc/ssl/vision.example.com.pem;", `ssl_certificate ${pem};`],
              ["# ssl_certificate_key /etc/ssl/vision.example.com.key;", `ssl_certificate_key ${pem};`],
            ]),
        ...addresses(ports),
      ]),
    ),
  HAProxy: (t, ports, pem) =>
    startHaproxy(t, (listen) =>
      configured("haproxy.cfg", [
        ...(pem === undefined
          ? [["bind :80\n", `bind 127.0.0.1:${listen}\n`]]
          : [
              ["    bind :80\n", ""],
              [
                "# bind :443 ssl crt /etc/haproxy/vision.example.com.pem",
                `bind 127.0.0.1:${listen} ssl crt ${pem}`,
              ],
              ['attr "SameSite=Lax"', 'attr "SameSite=Lax" secure'],
            ]),
        ["log /dev/log ", "log stderr format raw "],
        ...addresses(ports),
      ]),
    ),
};

/**
 * One request and its whole answer. `from` is the client's address, `cookie` what it knows of ours.
 * @param {{ url: string }} at
 * @param {string} path
 * @param {{ method?: string, headers?: Record<string, string>, from?: string, cookie?: string, body?: string }} [options]
 * @returns {Promise<{ status: number, headers: import("node:http").IncomingHttpHeaders, bytes: Buffer, json: any, given: string }>}
 */
export function ask(at, path, { method = "GET", headers = {}, from, cookie, body } = {}) {
  const own = cookie === undefined ? {} : { Cookie: `${COOKIE}=${cookie}` };
  const options = {
    method,
    headers: { ...own, ...headers },
    agent: false,
    localAddress: from,
    timeout: 10_000,
  };
  return new Promise((done, fail) => {
    const asked = request(at.url + path, options, (answer) => {
      /** @type {Buffer[]} */
      const parts = [];
      answer.on("data", (bytes) => parts.push(bytes)).on("error", fail);
      answer.on("end", () => {
        const bytes = Buffer.concat(parts);
        const isJson = answer.headers["content-type"]?.includes("json");
        const json = isJson ? JSON.parse(bytes.toString()) : undefined;
        done({
          status: answer.statusCode,
          headers: answer.headers,
          bytes,
          json,
          given: given(answer.headers),
        });
      });
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer to ${method} ${path}`)));
    asked.on("error", fail);
    asked.end(body);
  });
}

/** The process that an answer's cookie names, if it has one. */
function given(headers) {
  const cookies = headers["set-cookie"] ?? [];
  return cookies.map((cookie) => new RegExp(`^${COOKIE}=([^;]*)`).exec(cookie)?.[1]).find(Boolean);
}

/** As a browser asks for a page. */
export const PAGE = { headers: { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };

/**
 * So many bytes are answered at this path, as fast as they are taken;
 */
export const POURING = { path: "/pour", bytes: 128 << 20 };
/** here is one picture of a video, and the others come when they are sent; */
export const VIDEO = "/stream";
/** and here what is sent is counted as it comes. */
export const UPLOAD = "/upload";

/**
 * A process that answers with what it was asked; it ends with the test.
 * @param {Ending} t
 * @param {string} name
 */
async function standIn(t, name) {
  const stand = {
    name,
    port: 0,
    /** What it was asked, but for whether it is ready. */
    requests: [],
    isReady: true,
    /** It takes connections, and answers nothing. */
    stands: false,
    /** It breaks connections as soon as they have asked for something. */
    breaks: false,
    poured: 0,
    uploaded: 0,
    /** @type {import("node:http").ServerResponse} */
    video: undefined,
    /** @type {WebSocketServer} */
    sockets: undefined,
    /** Sends one more picture. */
    picture: (/** @type {string} */ text) =>
      stand.video.write(
        `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${text.length}\r\n\r\n${text}\r\n`,
      ),
    async start() {
      server = serve(stand);
      stand.port = await portOf(server, "127.0.0.1", stand.port);
    },
    stop() {
      for (const socket of stand.sockets.clients) socket.terminate();
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
  /** @type {import("node:http").Server} */
  let server;
  await stand.start();
  t.after(() => server.listening && stand.stop());
  return stand;
}

/** Three of them. */
export const standIns = (/** @type {Ending} */ t) =>
  Promise.all(["a", "b", "c"].map((name) => standIn(t, name)));

function serve(/** @type {StandIn} */ stand) {
  const server = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    if (stand.stands) return;
    if (path === "/readyz") return void answer.writeHead(stand.isReady ? 200 : 503).end();
    stand.requests.push({ method, path, headers });
    asked.on("data", (bytes) => (stand.uploaded += path === UPLOAD ? bytes.length : 0));
    asked.on("end", () => {
      if (stand.breaks) return asked.socket.destroy();
      if (path === POURING.path) return pour(stand, answer);
      if (path === VIDEO) {
        stand.video = answer.writeHead(200, { "Content-Type": "multipart/x-mixed-replace; boundary=frame" });
        return stand.picture("first");
      }
      answer.setHeader("Content-Type", "application/json");
      answer.end(JSON.stringify({ process: stand.name, method, path, headers }));
    });
  });
  stand.sockets = new WebSocketServer({ server });
  stand.sockets.on("connection", (socket, { headers }) => {
    socket.on("message", (message, isBinary) => socket.send(message, { binary: isBinary }));
    socket.send(JSON.stringify({ type: "process", process: stand.name, headers }));
  });
  return server;
}

const PIECE = Buffer.alloc(1 << 20, "x");

function pour(stand, answer) {
  if (stand.poured >= POURING.bytes) return answer.end();
  answer.write(PIECE, (error) => {
    if (error) return;
    stand.poured += PIECE.length;
    pour(stand, answer);
  });
}
