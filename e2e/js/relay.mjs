// Clients of the relay, as their users wrote them: one that sends a stream and one that watches.
// They speak over the `ws` package, which offers permessage-deflate as browsers do.

import assert from "node:assert/strict";

import WebSocket from "ws";

import { until } from "./harness.mjs";

/** @import { Ending, FromSender, FromViewer, Of, Said, ViewerConnected } from "./types.ts" */
/** @typedef {{ url: string }} At A server, or what stands before one. */
/** @typedef {{ at: number, text?: string, json?: Said, bytes?: Buffer }} Heard */
/** @typedef {import("ws").ClientOptions & { protocols?: string[] }} SocketOptions */

/** Pictures as binary messages. */
export const BINARY = "sightwire.v1";
export const LIVE_ALREADY =
  "This patient already has an active stream. Please stop the other stream before starting a new one.";

/** What one end of a socket has heard. */
export class Ear {
  /**
   * In order of arrival: { at (ms), text, json } or { at, bytes }.
   * @type {Heard[]}
   */
  messages = [];
  /**
   * Set by the goodbye; code 1006 when there was none.
   * @type {{ code: number, reason: string, at: number }}
   */
  closed = undefined;
  /** Pings of the protocol itself: when each came. */
  pings = [];
  #taken = 0;

  hear(payload, isBinary) {
    const at = performance.now();
    if (isBinary) this.messages.push({ at, bytes: payload });
    else this.messages.push({ at, text: payload.toString(), json: JSON.parse(payload) });
  }

  /**
   * All messages of a type so far, of one stream or of any.
   * @template {Said["type"]} Type
   * @param {Type} type
   * @param {string} [stream]
   */
  all(type, stream) {
    const isOf = (/** @type {Said} */ json) =>
      stream === undefined || ("patient_id" in json && json.patient_id === stream);
    const jsons = this.messages.map(({ json }) => json);
    return /** @type {Of<Type>[]} */ (jsons.filter((json) => json?.type === type && isOf(json)));
  }

  /**
   * The next message after those that were waited for before; `which` is a type or a test.
   * @template {string} Type
   * @param {Type | ((message: Heard) => boolean)} which
   * @returns {Promise<Of<Type>>}
   */
  async next(which) {
    const is = typeof which === "string" ? (/** @type {Heard} */ { json }) => json?.type === which : which;
    const find = () => this.messages.findIndex((message, i) => i >= this.#taken && is(message));
    await until(() => find() >= 0 || this.closed, `${which}, after ${this.#brief()}`);
    const at = find();
    assert.ok(at >= 0, `${which}; closed with ${this.closed?.code} ${this.closed?.reason}, ${this.#brief()}`);
    this.#taken = at + 1;
    return /** @type {any} */ (this.messages[at].json ?? this.messages[at].bytes);
  }

  /** Waits for the next frame; its text. */
  async nextFrame(stream) {
    /** @type {Of<"live_frame">} */
    const { data } = await this.next(
      ({ json }) => json?.type === "live_frame" && (!stream || json.patient_id === stream),
    );
    return data.frame;
  }

  /** Forgets what came so far. */
  skip() {
    this.#taken = this.messages.length;
  }

  /** Waits for the goodbye. */
  async over() {
    await until(() => this.closed, `the end; ${this.#brief()}`);
    return this.closed;
  }

  #brief() {
    const last = this.messages
      .slice(-3)
      .map(({ text, bytes }) => text?.slice(0, 80) ?? `${bytes.length} bytes`);
    return `${this.messages.length} messages, the last: ${last.join(" | ")}`;
  }
}

/** One connection. */
export class Client extends Ear {
  /**
   * What a viewer was told first.
   * @type {ViewerConnected}
   */
  greeting = undefined;

  /**
   * @param {string} url
   * @param {SocketOptions} [options]
   */
  constructor(url, { protocols = [], ...options } = {}) {
    super();
    this.socket = new WebSocket(url, protocols, options);
    this.socket.on("open", () => (this.open = true));
    this.socket.on("message", (payload, isBinary) => this.hear(payload, isBinary));
    this.socket.on("ping", () => this.pings.push(performance.now()));
    // The status of an answer that was no upgrade.
    this.socket.on("unexpected-response", (_, response) => {
      this.refused = response.statusCode;
      response.destroy();
    });
    this.socket.on("error", (error) => (this.error = error));
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString(), at: performance.now() };
    });
  }

  async opened() {
    await until(() => this.open || this.closed || this.refused, "an open socket");
    assert.ok(this.open, `not open: ${this.refused ?? this.error}`);
    return this;
  }

  /**
   * Sends an object as JSON, a text, or bytes.
   * @param {FromSender | FromViewer | string | Buffer} what
   */
  say(what) {
    const isRaw = typeof what === "string" || Buffer.isBuffer(what);
    this.socket.send(isRaw ? what : JSON.stringify(what));
  }

  /** Sends a picture; a data URL. */
  frame(url) {
    this.say({ type: "frame", frame: url });
  }

  /** Sends a picture as a binary message. */
  jpeg(bytes, facts) {
    this.say(packed(bytes, facts));
  }

  close() {
    this.socket.close();
  }

  /** Is gone without a goodbye. */
  vanish() {
    this.socket.terminate();
  }
}

const socketUrl = (server, path) => server.url.replace(/^http/, "ws") + path;
export const streamPath = (name) => `/ws/stream/${encodeURIComponent(name)}`;

/**
 * A connection to a path of the server; it ends with the test.
 * @param {Ending} t
 * @param {At} server
 * @param {string} path
 * @param {SocketOptions} [options]
 */
export async function connect(t, server, path, options) {
  const client = new Client(socketUrl(server, path), options);
  t.after(() => client.vanish());
  return client.opened();
}

/**
 * Asks for a socket that has to be refused; the HTTP status.
 * @param {Ending} t
 * @param {At} server
 * @param {string} path
 * @param {SocketOptions} [options]
 */
export async function refusal(t, server, path, options) {
  const client = new Client(socketUrl(server, path), options);
  t.after(() => client.vanish());
  await until(() => client.refused || client.open || client.error, "an answer");
  assert.ok(!client.open, `${path} was let in`);
  return client.refused;
}

/**
 * Whoever sends a stream, once it may begin.
 * @param {Ending} t
 * @param {At} server
 * @param {string} name
 * @param {SocketOptions & { hello?: FromSender | string }} [options]
 */
export async function streamer(t, server, name, { hello = { analysis_mode: "normal" }, ...options } = {}) {
  const client = await connect(t, server, streamPath(name), options);
  client.say(hello);
  await client.next("connected");
  return client;
}

/**
 * Whoever watches, once it has been greeted.
 * @param {Ending} t
 * @param {At} server
 * @param {string} [query]
 * @param {SocketOptions} [options]
 */
export async function viewer(t, server, query = "", options = {}) {
  const client = await connect(t, server, `/ws/view${query}`, options);
  client.greeting = await client.next("viewer_connected");
  return client;
}

/**
 * Watches one stream only.
 * @param {Ending} t
 * @param {At} server
 * @param {string} name
 * @param {SocketOptions} [options]
 */
export async function viewerOf(t, server, name, options) {
  return viewer(t, server, `?streams=${encodeURIComponent(name)}`, options);
}

/** Calls it so many times a second, until the test ends or the function that it returns is called. */
export function often(t, fps, act) {
  let count = 0;
  const timer = setInterval(() => act((count += 1)), 1000 / fps);
  const stop = () => {
    clearInterval(timer);
    return count;
  };
  t.after(stop);
  return stop;
}

/** A data URL that nobody can take for a picture of another stream, number or size. */
export function url(name, number = 0, bytes = 0) {
  const filling = "x".repeat(bytes);
  return `data:image/jpeg;base64,${Buffer.from(`${name} ${number} ${filling}`).toString("base64")}`;
}

/** Stream and number of such a data URL. */
export function unpackUrl(text) {
  const [, base64] = text.match(/^data:image\/jpeg;base64,(.*)$/s);
  const [name, number] = Buffer.from(base64, "base64").toString().split(" ");
  return { name, number: Number(number) };
}

/** So many bytes that are a JPEG as far as the relay looks; `mark` is their end. */
export function jpeg(bytes, mark = "") {
  return Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
    Buffer.alloc(bytes - 4 - mark.length, 7),
    Buffer.from(mark),
  ]);
}

/** A binary picture message. */
export function packed(jpeg, { name = "", sequence = 0n, micros = 0n, kind = 1 } = {}) {
  const header = Buffer.alloc(20);
  header.writeUInt8(kind, 0);
  header.writeUInt8(Buffer.byteLength(name), 1);
  header.writeBigUInt64BE(BigInt(sequence), 4);
  header.writeBigUInt64BE(BigInt(micros), 12);
  return Buffer.concat([header, Buffer.from(name), jpeg]);
}

/** What is in a binary picture message. */
export function unpacked(message) {
  assert.equal(message[0], 1, "kind");
  assert.equal(message.readUInt16BE(2), 0);
  const end = 20 + message[1];
  return {
    name: message.subarray(20, end).toString(),
    sequence: Number(message.readBigUInt64BE(4)),
    takenMs: Number(message.readBigUInt64BE(12)) / 1000,
    jpeg: message.subarray(end),
  };
}

/**
 * The binary pictures that a viewer has got.
 * @param {Ear} client
 * @param {string} [name]
 */
export function picturesOf(client, name) {
  const all = client.messages
    .filter(({ bytes }) => bytes)
    .map(({ at, bytes }) => ({ at, ...unpacked(bytes) }));
  return name === undefined ? all : all.filter((picture) => picture.name === name);
}

/** Options of a server for such tests; `set` are keys of its configuration. */
export function relaying(set = {}, options = {}) {
  const flags = Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  return { ...options, args: flags, env: { USE_DUMMY_MODEL: "1" } };
}
