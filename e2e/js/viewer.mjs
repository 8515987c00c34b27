// A viewer on a bare socket, as strict as the strictest old client: every byte of the answer has to
// be as the prototype sent it.

import assert from "node:assert/strict";
import { connect } from "node:net";

import { until } from "./harness.mjs";

const CRLF2 = Buffer.from("\r\n\r\n");
const PART = /^--frame\r\nContent-Type: image\/jpeg\r\nContent-Length: (\d+)\r\n\r\n$/;

/** @import { Ending } from "./types.ts" */
/** @typedef {{ headers?: object, version?: string, method?: string, from?: string }} ViewerOptions */

/** The type of every stream. */
export const MULTIPART = "multipart/x-mixed-replace; boundary=frame";

/** Takes the chunked transfer coding off. */
class Dechunker {
  /** Set when the last chunk has come. */
  ended = false;
  #rest = Buffer.alloc(0);

  /** The bytes within. */
  take(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const out = [];
    for (;;) {
      const line = this.#rest.indexOf("\r\n");
      if (line < 0) break;
      const size = parseInt(this.#rest.subarray(0, line).toString("latin1"), 16);
      assert.ok(Number.isInteger(size), "the size of a chunk");
      const end = line + 2 + size + 2;
      if (this.#rest.length < end) break;
      out.push(this.#rest.subarray(line + 2, line + 2 + size));
      this.#rest = this.#rest.subarray(end);
      if (size === 0) {
        this.ended = true;
        break;
      }
    }
    return Buffer.concat(out);
  }
}

/** One connection that asks for a stream. */
export class Viewer {
  /**
   * Pictures in order of arrival: { at (ms), jpeg }.
   * @type {{ at: number, jpeg: Buffer }[]}
   */
  pictures = [];
  /** Status line and headers, as they came. */
  head = undefined;
  /** What does not belong there. */
  problem = undefined;
  /** Set when the server has closed the connection. */
  closed = false;
  bytes = 0;
  #rest = Buffer.alloc(0);
  #chunks = undefined;
  #length = undefined;

  /**
   * @param {string} url
   * @param {string} path
   * @param {ViewerOptions} [options]
   */
  constructor(url, path, { headers = {}, version = "1.1", method = "GET", from: localAddress } = {}) {
    const { hostname, port, host } = new URL(url);
    const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port),
      localAddress,
      noDelay: true,
    });
    this.socket.write(`${method} ${path} HTTP/${version}\r\n${lines.join("")}\r\n`);
    this.socket.on("data", (bytes) => this.#take(bytes));
    this.socket.on("error", () => {});
    this.socket.on("close", () => (this.closed = true));
  }

  #take(bytes) {
    this.bytes += bytes.length;
    if (this.problem) return;
    try {
      if (this.head === undefined) this.#readHead(bytes);
      else this.#readBody(bytes);
    } catch (problem) {
      this.problem = problem;
    }
  }

  #readHead(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const end = this.#rest.indexOf(CRLF2);
    if (end < 0) return;
    const [line, ...fields] = this.#rest.subarray(0, end).toString("latin1").split("\r\n");
    const headers = fields.map((field) => field.split(/: (.*)/s));
    this.head = { line, status: Number(line.split(" ")[1]), fields, headers: lowered(headers) };
    const body = this.#rest.subarray(end + 4);
    this.#rest = Buffer.alloc(0);
    this.isStream = this.head.headers.get("content-type") === MULTIPART;
    if (this.head.headers.get("transfer-encoding") === "chunked") this.#chunks = new Dechunker();
    this.#readBody(body);
  }

  #readBody(bytes) {
    const plain = this.#chunks ? this.#chunks.take(bytes) : bytes;
    this.#rest = Buffer.concat([this.#rest, plain]);
    while (this.isStream && this.#readPart());
  }

  /** Whether a whole part was there. */
  #readPart() {
    if (this.#length === undefined) {
      const end = this.#rest.indexOf(CRLF2);
      if (end < 0) {
        assert.ok(this.#rest.length < 200, "the head of a part");
        return false;
      }
      const head = this.#rest.subarray(0, end + 4).toString("latin1");
      const found = head.match(PART);
      assert.ok(found, `the head of part ${this.pictures.length}: ${JSON.stringify(head)}`);
      this.#length = Number(found[1]);
      this.#rest = this.#rest.subarray(end + 4);
    }
    if (this.#rest.length < this.#length + 2) return false;
    const jpeg = Buffer.from(this.#rest.subarray(0, this.#length));
    const end = this.#rest.subarray(this.#length, this.#length + 2).toString("latin1");
    assert.equal(end, "\r\n", "the end of a part");
    this.pictures.push({ at: performance.now(), jpeg });
    this.#rest = this.#rest.subarray(this.#length + 2);
    this.#length = undefined;
    return true;
  }

  /** Whether the stream is over: the answer has ended, or the connection. */
  get over() {
    return this.closed || Boolean(this.#chunks?.ended);
  }

  /** Waits for the head of the answer. */
  async answered() {
    await until(() => this.head || this.problem || this.closed, "an answer");
    if (this.problem) throw this.problem;
    assert.ok(this.head, "the connection was closed without an answer");
    return this.head;
  }

  /** Waits for so many more pictures; those. */
  async next(count = 1, is = (/** @type {Buffer} */ jpeg) => jpeg.length > 0) {
    const from = this.pictures.length;
    const found = () => this.pictures.slice(from).filter(({ jpeg }) => is(jpeg));
    await until(
      () => this.problem || this.over || found().length >= count,
      `${count} pictures; ${this.head?.line}, ${this.pictures.length - from} came`,
    );
    if (this.problem) throw this.problem;
    assert.ok(found().length >= count, `the stream ended; ${this.head?.line}`);
    return found().slice(0, count);
  }

  /**
   * The body of an answer that is no stream, once it is there.
   * @returns {Promise<import("./types.ts").Error>}
   */
  async json() {
    await this.answered();
    const parse = () => {
      try {
        return JSON.parse(this.#rest.toString());
      } catch {
        return undefined;
      }
    };
    await until(() => parse() !== undefined, "a body of JSON");
    return parse();
  }

  /** Pictures of the last so many ms. */
  recent(ms) {
    const now = performance.now();
    return this.pictures.filter(({ at }) => at > now - ms);
  }

  /** Reads no more. */
  pause() {
    this.socket.pause();
  }

  /** Reads again. */
  resume() {
    this.socket.resume();
  }

  /** Reads at most so many bytes a second, until the function that it returns is called. */
  throttle(bytesPerSecond) {
    const begun = performance.now();
    const before = this.bytes;
    const isAhead = () => this.bytes - before > (bytesPerSecond * (performance.now() - begun)) / 1000;
    // Where the bytes come in, or a whole burst would be taken before the next look.
    const brake = () => isAhead() && this.socket.pause();
    this.socket.on("data", brake);
    const timer = setInterval(() => isAhead() || this.socket.resume(), 5);
    this.socket.once("close", () => clearInterval(timer));
    return () => {
      clearInterval(timer);
      this.socket.off("data", brake);
      this.socket.resume();
    };
  }

  /** Says goodbye. */
  fin() {
    this.socket.end();
  }

  /** Is gone without a word. */
  reset() {
    this.socket.resetAndDestroy();
  }
}

function lowered(headers) {
  return new Map(Array.from(headers, ([name, value]) => [name.toLowerCase(), value]));
}

/**
 * Opens a stream that has to be answered with 200; it ends with the test.
 * @param {Ending} t
 * @param {{ url: string }} server
 * @param {string} path
 * @param {ViewerOptions} [options]
 */
export async function watch(t, server, path, options) {
  const viewer = new Viewer(server.url, path, options);
  t.after(() => viewer.socket.destroy());
  const head = await viewer.answered();
  assert.equal(head.status, 200, `${path}: ${head.line}`);
  return viewer;
}

/**
 * Asks for a stream that has to be refused; status, headers and body.
 * @param {Ending} t
 * @param {{ url: string }} server
 * @param {string} path
 * @param {ViewerOptions} [options]
 */
export async function refused(t, server, path, options) {
  const viewer = new Viewer(server.url, path, options);
  t.after(() => viewer.socket.destroy());
  const { status, headers } = await viewer.answered();
  assert.ok(status >= 400, `${path}: ${status}`);
  const body = await viewer.json();
  viewer.socket.destroy();
  return { status, headers, body };
}
