// Requests and connections on bare sockets, and what the server says on them, as lines.

import { connect } from "node:net";

import { until } from "../harness.mjs";
import { inspect } from "../jpeg.mjs";
import { BYTES, CLOSE, PING, PONG, TEXT, framed } from "../rawclient.mjs";
import * as documented from "./documented.mjs";
import { hash, masked } from "./mask.mjs";

export const PATIENCE_MS = 60_000;
/** So that the answer to a handshake is the same each time. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const HANDSHAKE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": KEY,
};
/**
 * @typedef {{
 *   headers?: object, body?: string | Buffer, host?: string, shows?: string, masks?: object, as?: (body: Buffer) => string,
 *   heads?: object, varies?: boolean, folds?: boolean, again?: (answer: Answer) => Promise<boolean>,
 * }} Exchange
 */

/** So many bytes are shown themselves. */
const TINY = 64;
/** Headers that are measured. */
const MEASURED = ["x-sightwire-age-ms", "x-sightwire-wait-ms"];
/** Headers of every answer. Where all three are there, with these values, they are one line. */
const USUAL = {
  "content-security-policy":
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; media-src 'self' blob:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** An answer as it comes: its head, and what of its body is there, without the chunked coding. */
export class Answer {
  /** @type {Buffer} */
  body = Buffer.alloc(0);
  /** @type {string} */
  head = undefined;
  fields = [];
  /** The whole body is there. */
  whole = false;
  gone = false;
  #rest = Buffer.alloc(0);
  #left = Infinity;

  constructor(server, text, body, { isHead = false } = {}) {
    this.isHead = isHead;
    this.request = text.split(" HTTP/1.1")[0];
    const { hostname, port } = new URL(server.url);
    this.socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.socket.write(text);
    if (body) this.socket.write(body);
    this.socket.on("data", (bytes) => this.#take(bytes));
    this.socket.on("error", () => {});
    this.socket.on("close", () => (this.gone = true));
  }

  /** The server has given up on this process, which did not read for seconds. */
  get isCut() {
    return this.gone && !this.whole && this.header("content-length") !== undefined;
  }

  header(name) {
    return this.fields.find(([field]) => field.toLowerCase() === name)?.[1];
  }

  #take(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.head === undefined) {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      const [line, ...fields] = this.#rest.subarray(0, end).toString("latin1").split("\r\n");
      [this.head, this.fields] = [line, fields.map((field) => field.split(/: ?(.*)/s).slice(0, 2))];
      this.#rest = this.#rest.subarray(end + 4);
      // What follows the head of a WebSocket's answer belongs to the WebSocket.
      const isEmpty = this.isHead || /^HTTP\/1\.[01] (204|304)/.test(line);
      this.#left = isEmpty ? 0 : Number(this.header("content-length") ?? Infinity);
    }
    if (this.header("transfer-encoding") === "chunked") {
      this.#dechunk();
      return;
    }
    const part = this.#rest.subarray(0, Math.min(this.#left, this.#rest.length));
    this.body = Buffer.concat([this.body, part]);
    this.#left -= part.length;
    this.#rest = this.#rest.subarray(part.length);
    this.whole = this.#left === 0;
  }

  #dechunk() {
    for (;;) {
      const line = this.#rest.indexOf("\r\n");
      if (line < 0) return;
      const size = parseInt(this.#rest.subarray(0, line).toString("latin1"), 16);
      if (this.#rest.length < line + 4 + size) return;
      this.body = Buffer.concat([this.body, this.#rest.subarray(line + 2, line + 2 + size)]);
      this.#rest = this.#rest.subarray(line + 4 + size);
      if (size === 0) {
        this.whole = true;
        return;
      }
    }
  }

  async answered() {
    await until(() => this.head !== undefined || this.gone, "an answer", PATIENCE_MS);
    return this;
  }

  async ended() {
    await until(
      () => this.whole || this.gone,
      `the end of the answer to ${this.request}; ${this.head}`,
      PATIENCE_MS,
    );
    return this;
  }

  /** The status line and all headers but the date, sorted. */
  headLines({ lengthVaries = false, folds = true, masks = {} } = {}) {
    if (this.head === undefined) return ["< (the connection was closed without an answer)"];
    const shown = ([name, value]) => {
      if (lengthVaries && name.toLowerCase() === "content-length") return "<int>";
      if (MEASURED.includes(name) && /^\d+$/.test(value)) return "<int>";
      return masks[name.toLowerCase()]?.(value) ?? value;
    };
    const fields = this.fields.filter(([name]) => name.toLowerCase() !== "date");
    const usual = Object.entries(USUAL);
    const isUsual =
      folds && usual.every(([name, value]) => fields.some((f) => f[0] === name && f[1] === value));
    const others = isUsual ? fields.filter(([name]) => !(name in USUAL)) : fields;
    const lines = others.map((field) => `< ${field[0]}: ${shown(field)}`).sort();
    if (isUsual) lines.push("< (and the usual headers)");
    return [`< ${this.head}`, ...lines];
  }
}

/**
 * Sends a request on a connection of its own; the answer as it comes.
 * @param {{ url: string }} server
 * @param {string} request
 * @param {{ headers?: object, body?: string | Buffer, host?: string }} [options]
 */
export function ask(server, request, { headers = {}, body, host } = {}) {
  const [method] = request.split(" ");
  const all = { Host: host ?? new URL(server.url).host, ...headers };
  for (const [name, value] of Object.entries(all)) if (value === undefined) delete all[name];
  if (body !== undefined) all["Content-Length"] ??= Buffer.byteLength(body);
  const lines = Object.entries(all).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return new Answer(server, `${request} HTTP/1.1\r\n${lines.join("")}\r\n`, body, {
    isHead: method === "HEAD",
  });
}

/**
 * What is at a path, as JSON; nothing is recorded.
 * @template {string} Path
 * @param {{ url: string }} server
 * @param {Path} path
 * @returns {Promise<import("../types.ts").Answer<"GET", Path>>}
 */
export async function look(server, path) {
  const answer = await ask(server, `GET ${path}`).ended();
  answer.socket.destroy();
  return JSON.parse(answer.body.toString());
}

/**
 * The request as it is shown: the line, what headers were given, and a body that is text.
 * @param {string} request
 * @param {Exchange} options
 */
function requestLines(request, { headers = {}, body, host, shows }) {
  const given = Object.entries({ ...(host && { Host: host }), ...headers }).filter(
    ([, value]) => value !== undefined,
  );
  const isHandshake = (name, value) => HANDSHAKE[name] === value;
  const lines = given
    .filter(([name, value]) => !isHandshake(name, value))
    .flatMap(([name, value]) => [value].flat().map((one) => `> ${name}: ${one}`));
  const rest = given.length > lines.length ? ["> (and a WebSocket handshake)"] : [];
  const sent = shows ?? (typeof body === "string" ? body : body && `(${body.length} bytes)`);
  return [`> ${request}`, ...lines, ...rest, ...(sent ? [`> ${sent}`] : [])];
}

/**
 * One request and its whole answer, recorded in the section; the body as a Buffer.
 * `masks` are rules for JSON in the body, `as` shows another body, `heads` masks headers by name, `varies` says that the length
 * does; `again` tells whether to ask once more instead of recording it, as is done where a GET's answer was cut.
 * @param {import("./book.mjs").Section} section
 * @param {{ url: string }} server
 * @param {string} request
 * @param {Exchange} [options]
 */
export async function exchange(section, server, request, options = {}) {
  let answer;
  let isUpgrade;
  let cuts = 0;
  const isCut = () => request.startsWith("GET ") && answer.isCut && (cuts += 1) <= 3;
  do {
    answer = await ask(server, request, options).answered();
    isUpgrade = answer.head?.startsWith("HTTP/1.1 101");
    if (!isUpgrade) await answer.ended();
    answer.socket.destroy();
  } while (isCut() || (await options.again?.(answer)));
  const isJson = answer.header("content-type") === "application/json" && answer.body.length > 0;
  if (isJson) documented.answered(request, Number(answer.head.split(" ")[1]), answer.body.toString());
  const shown = isUpgrade ? "" : shownBody(answer, options);
  const lengthVaries = options.varies ?? section.replaced(shown) !== answer.body.toString();
  section.write(
    ...requestLines(request, options),
    ...answer.headLines({ lengthVaries, folds: options.folds, masks: options.heads }),
    ...(shown === "" ? [] : [shown]),
    "",
  );
  return answer;
}

function shownBody(/** @type {Answer} */ answer, /** @type {Exchange} */ { masks, as }) {
  const { body } = answer;
  if (as) return as(body);
  const kind = answer.header("content-type") ?? "";
  if (kind === "image/jpeg") return jpegShown(body);
  const text = body.toString();
  const isJson = kind.startsWith("application/json") && text !== "";
  return isJson ? masked(text, masks) : text;
}

/** What is asked of a picture of a camera: that it is one. */
export function jpegShown(bytes) {
  if (bytes.length <= TINY) return `(bytes ${bytes.toString("hex")})`;
  const { width, height, quality } = inspect(bytes);
  return `(a JPEG of ${width}x${height}, quality ${quality})`;
}

/** An answer without end: Server-Sent Events. Each that came, as its lines; `data` is masked. */
export class Events {
  #taken = 0;

  constructor(server, request, options = {}) {
    this.answer = ask(server, request, options);
    /** @type {[string, Exchange]} */
    this.request = [request, options];
  }

  async begun(section) {
    await this.answer.answered();
    section.write(...requestLines(...this.request), ...this.answer.headLines(), "");
    return this;
  }

  #all() {
    return this.answer.body.toString().split("\n\n").slice(0, -1);
  }

  /** The next event that `is` what is looked for, however many come before it. */
  async next(is) {
    const find = () => this.#all().findIndex((event, i) => i >= this.#taken && is(event));
    await until(() => find() >= 0 || this.answer.gone, `an event; ${this.#all().at(-1)}`, PATIENCE_MS);
    const at = find();
    this.#taken = at + 1;
    documented.happened(this.request[0], this.#all()[at]);
    return this.#all()[at];
  }

  /** All events to the end of the answer. */
  async rest() {
    await this.answer.ended();
    const rest = this.#all().slice(this.#taken);
    for (const event of rest) documented.happened(this.request[0], event);
    return rest;
  }

  end() {
    this.answer.socket.destroy();
  }
}

/** An event with its data masked. */
export function eventShown(event, masks) {
  return event.replace(/^data: (.*)$/m, (_, data) => `data: ${masked(data, masks)}`) + "\n";
}

/**
 * @typedef {{
 *   headers?: object, protocol?: string, masks?: object, answers?: boolean, host?: string, leaves?: (text: string) => boolean,
 *   shows?: (bytes: Buffer) => string,
 * }} LineOptions
 */

/** A WebSocket: what is said on it in either direction, in order. */
export class Line {
  /** As they are recorded. */
  log = [];
  /** What came, as it came: { text } or { bytes } or { ping } or { close }. */
  heard = [];
  ended = false;
  #taken = 0;
  #rest = Buffer.alloc(0);

  /**
   * `answers`: to pings. `leaves` texts out. `shows`: bytes as text; else they are hexadecimal.
   * @param {{ url: string }} server
   * @param {string} target
   * @param {LineOptions} [options]
   */
  constructor(server, target, options = {}) {
    const { headers = {}, protocol, masks = {}, answers = true, leaves, shows, host } = options;
    this.target = target;
    this.masks = masks;
    this.answers = answers;
    this.leaves = leaves;
    this.shows = shows;
    const offered = protocol && { "Sec-WebSocket-Protocol": protocol };
    this.options = { headers: { ...HANDSHAKE, ...offered, ...headers }, host };
    this.answer = ask(server, `GET ${target}`, this.options);
    this.socket = this.answer.socket;
    this.socket.on("close", () => this.#hear({ gone: true }));
  }

  /** Waits for the answer to the handshake, whose lines are recorded if a section is given. */
  async opened(section) {
    await this.answer.answered();
    section?.write(...requestLines(`GET ${this.target}`, this.options), ...this.answer.headLines(), "");
    // What follows the head is no body.
    const early = this.answer.body;
    this.socket.removeAllListeners("data");
    this.socket.on("data", (bytes) => this.#take(bytes));
    this.#take(early);
    return this;
  }

  #take(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const all = this.#rest;
      if (all.length < 2) return;
      const short = all[1] & 0x7f;
      const start = { 126: 4, 127: 10 }[short] ?? 2;
      if (all.length < start) return;
      const length =
        start === 4 ? all.readUInt16BE(2) : start === 10 ? Number(all.readBigUInt64BE(2)) : short;
      if (all.length < start + length) return;
      this.#rest = all.subarray(start + length);
      this.#frame(all[0], all.subarray(start, start + length));
    }
  }

  #frame(first, payload) {
    const opcode = first & 0x0f;
    if (opcode === TEXT) this.#hear({ text: payload.toString() });
    else if (opcode === BYTES) this.#hear({ bytes: Buffer.from(payload) });
    else if (opcode === PONG) this.#hear({ pong: payload.toString("hex") });
    else if (opcode === PING) {
      this.#hear({ ping: payload.toString("hex") });
      if (this.answers) this.raw(framed(PONG, payload));
    } else if (opcode === CLOSE) {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : "without a code";
      this.#hear({ close: `${code} ${JSON.stringify(payload.subarray(2).toString())}` });
      if (this.answers) this.raw(framed(CLOSE, payload.subarray(0, 2)));
    }
    if ((first & 0xf0) !== 0x80) this.log.push(`< (frame with the bits ${first.toString(16)})`);
  }

  #hear(what) {
    if (what.text !== undefined && this.leaves?.(what.text)) return;
    this.heard.push(what);
    const { text, bytes, ping, pong, close, gone } = what;
    if (text !== undefined) {
      documented.said(this.target, text);
      this.log.push(`< ${this.#shown(text)}`);
    }
    if (bytes !== undefined) this.log.push(`< ${this.shows?.(bytes) ?? `bytes ${bytes.toString("hex")}`}`);
    if (ping !== undefined) this.log.push(`< ping ${ping}`.trimEnd());
    if (pong !== undefined) this.log.push(`< pong ${pong}`.trimEnd());
    if (close !== undefined) this.log.push(`< close ${close}`);
    if (close !== undefined || gone) this.ended = true;
  }

  #shown(text) {
    const json = text.match(/^(\d*-?)([{[].*)$/s);
    if (!json) return text;
    try {
      return json[1] + masked(json[2], this.masks);
    } catch {
      return text;
    }
  }

  /**
   * Sends a text, or an object as JSON; recorded, unless `quiet`.
   * @param {import("../types.ts").FromSender | import("../types.ts").FromViewer | string} what
   */
  say(what, { quiet = false } = {}) {
    const text = typeof what === "string" ? what : JSON.stringify(what);
    if (!quiet)
      this.log.push(`> ${text.length > 300 ? `${text.slice(0, 100)}… (${text.length} characters)` : text}`);
    this.raw(framed(TEXT, text));
    return this;
  }

  /** Sends bytes as a message. */
  bytes(bytes, shown = `bytes ${bytes.toString("hex")}`) {
    this.log.push(`> ${shown}`);
    this.raw(framed(BYTES, bytes));
    return this;
  }

  /** Sends bytes that need be no frame. */
  raw(bytes, shown) {
    if (shown) this.log.push(`> ${shown}`);
    if (!this.socket.destroyed) this.socket.write(bytes);
    return this;
  }

  /** Says goodbye. */
  bye(code = 1000, reason = "") {
    const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
    return this.raw(framed(CLOSE, payload), `close ${code} ${JSON.stringify(reason)}`);
  }

  /** Waits for the next thing in which that stands: of a text any part, else "ping", "pong", "bytes" or "close". */
  async next(what) {
    const is = (one) => one.text?.includes(what) || (one[what] !== undefined && what !== "text");
    const find = () => this.heard.findIndex((one, i) => i >= this.#taken && is(one));
    const last = () => JSON.stringify(this.heard.slice(-3)).slice(0, 500);
    await until(() => find() >= 0 || this.ended, `${what}; ${last()}`, PATIENCE_MS);
    const at = find();
    if (at < 0) throw new Error(`no ${what} on ${this.target} before its end; ${last()}`);
    this.#taken = at + 1;
    return this.heard[at];
  }

  /** Waits for the goodbye or the end. */
  async over() {
    await until(() => this.ended, `the end of ${this.target}`, PATIENCE_MS);
    if (!this.heard.some(({ close }) => close !== undefined)) this.log.push("< (closed without a goodbye)");
    this.socket.destroy();
    return this;
  }

  /** Is gone. */
  vanish() {
    this.socket.destroy();
  }
}

/**
 * A WebSocket that is open; it ends with the test.
 * @param {import("../types.ts").Ending} t
 * @param {{ url: string }} server
 * @param {string} target
 * @param {LineOptions} [options]
 */
export async function dial(t, server, target, options) {
  const line = new Line(server, target, options);
  t.after(() => line.vanish());
  await line.opened();
  if (!line.answer.head.startsWith("HTTP/1.1 101")) throw new Error(`${target}: ${line.answer.head}`);
  return line;
}

/** Bytes that are no text, by their length and hash. */
export const hashed = (bytes) => `(${bytes.length} bytes, sha256 ${hash(bytes)})`;
