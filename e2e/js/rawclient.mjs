// A WebSocket client that does just what it is told, right or wrong, and looks closely at what it gets.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

import { until } from "./harness.mjs";
import { Ear, streamPath } from "./relay.mjs";
import { dial } from "./secured.mjs";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Kinds of frames. */
export const CONTINUATION = 0;
export const TEXT = 1;
export const BYTES = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** @import { Ending, FromSender, FromViewer } from "./types.ts" */
/** @typedef {{ fin?: boolean, masked?: boolean, rsv?: number, length?: number }} FrameOptions */

/**
 * One frame as it is on the wire.
 * @param {number} opcode
 * @param {string | Buffer} payload
 * @param {FrameOptions} [options]
 */
export function framed(opcode, payload, { fin = true, masked = true, rsv = 0, length } = {}) {
  const body = Buffer.from(/** @type {Buffer} */ (payload));
  const claimed = length ?? body.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const mask = masked ? 0x80 : 0;
  if (claimed < 126) head.push(mask | claimed);
  else if (claimed < 65_536) head.push(mask | 126, claimed >> 8, claimed & 0xff);
  else {
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(BigInt(claimed));
    head.push(mask | 127, ...long);
  }
  if (!masked) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  for (let i = 0; i < body.length; i += 1) body[i] ^= key[i & 3];
  return Buffer.concat([Buffer.from(head), key, body]);
}

/** One connection. */
export class RawClient extends Ear {
  /** Set when the server has closed the connection itself. */
  gone = false;
  bytes = 0;
  #chunks = [];
  #held = 0;
  #needs = 1;
  #problem = undefined;
  /**
   * Is told what a pong holds.
   * @type {(payload: Buffer) => void}
   */
  onPong = undefined;

  /**
   * `answers`: to pings of the protocol; `from` is the address that it comes from.
   * @param {{ url: string, ca?: string }} server
   * @param {string} path
   * @param {{ protocol?: string, headers?: object, answers?: boolean, from?: string }} [options]
   */
  constructor(server, path, { protocol, headers = {}, answers = true, from: localAddress } = {}) {
    super();
    const { host } = new URL(server.url);
    const key = randomBytes(16).toString("base64");
    this.accept = createHash("sha1")
      .update(key + GUID)
      .digest("base64");
    this.answers = answers;
    const lines = {
      Host: host,
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": key,
      ...(protocol && { "Sec-WebSocket-Protocol": protocol }),
      ...headers,
    };
    const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
    // A small buffer: who is told to read slowly does so in small bites.
    const onread = { buffer: Buffer.alloc(16_384), callback: (count, buffer) => this.#read(count, buffer) };
    this.socket = dial(server, { noDelay: true, onread, localAddress });
    this.socket.write(`GET ${path} HTTP/1.1\r\n${text.join("")}\r\n`);
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.gone = true;
      this.closed ??= { code: 1006, reason: "", at: performance.now() };
    });
  }

  /** Whether to go on reading. */
  #read(count, buffer) {
    this.#take(Buffer.from(buffer.subarray(0, count)));
    return !this.isAhead?.();
  }

  #take(bytes) {
    this.bytes += bytes.length;
    this.#chunks.push(bytes);
    this.#held += bytes.length;
    if (this.#held < this.#needs) return;
    let rest = Buffer.concat(this.#chunks);
    try {
      for (;;) {
        const took = this.head === undefined ? this.#readHead(rest) : this.#readFrame(rest);
        if (!took) break;
        rest = rest.subarray(took);
        this.#needs = 1;
      }
    } catch (problem) {
      this.#problem ??= problem;
    }
    this.#chunks = [rest];
    this.#held = rest.length;
  }

  #readHead(bytes) {
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const [line, ...fields] = bytes.subarray(0, end).toString("latin1").split("\r\n");
    const headers = fields
      .map((field) => field.split(/: (.*)/s))
      .map(([name, value]) => [name.toLowerCase(), value]);
    this.head = { status: Number(line.split(" ")[1]), headers: new Map(headers) };
    return end + 4;
  }

  /** The bytes of the frame, if it is all there. */
  #readFrame(bytes) {
    if (bytes.length < 2) return 0;
    const short = bytes[1] & 0x7f;
    const start = { 126: 4, 127: 10 }[short] ?? 2;
    if (bytes.length < start) return 0;
    const length =
      { 4: () => bytes.readUInt16BE(2), 10: () => Number(bytes.readBigUInt64BE(2)) }[start]?.() ?? short;
    if (bytes.length < start + length) {
      this.#needs = start + length;
      return 0;
    }
    assert.equal(bytes[0] & 0x70, 0, "no extension was agreed on");
    assert.equal(bytes[1] & 0x80, 0, "a server does not mask");
    assert.ok(bytes[0] & 0x80, "one frame for each message");
    assert.equal(this.closed, undefined, "a frame after the goodbye");
    this.#heard(bytes[0] & 0x0f, Buffer.from(bytes.subarray(start, start + length)));
    return start + length;
  }

  #heard(opcode, payload) {
    if (opcode === TEXT || opcode === BYTES) return this.hear(payload, opcode === BYTES);
    if (opcode === PING) {
      this.pings.push(performance.now());
      if (this.answers) this.frame(PONG, payload);
    } else if (opcode === CLOSE) {
      const code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.closed = { code, reason: payload.subarray(2).toString(), at: performance.now() };
      if (this.answers) this.frame(CLOSE, payload.subarray(0, 2));
    } else {
      assert.equal(opcode, PONG);
      this.onPong?.(payload);
    }
  }

  async opened() {
    await until(() => this.head || this.gone, "an answer");
    assert.equal(this.head?.status, 101);
    assert.equal(this.head.headers.get("sec-websocket-accept"), this.accept);
    return this;
  }

  /** @type {Ear["next"]} */
  async next(which) {
    const message = await super.next(which);
    if (this.#problem) throw this.#problem;
    return message;
  }

  /**
   * Sends a frame.
   * @param {number} opcode
   * @param {string | Buffer} [payload]
   * @param {FrameOptions} [options]
   */
  frame(opcode, payload = "", options) {
    if (!this.socket.destroyed) this.socket.write(framed(opcode, payload, options));
  }

  /**
   * Sends a text, or an object as JSON.
   * @param {FromSender | FromViewer | string | Buffer} what
   */
  text(what) {
    this.frame(TEXT, typeof what === "string" ? what : JSON.stringify(what));
  }

  /** Sends bytes that need be no frame. */
  raw(bytes) {
    this.socket.write(bytes);
  }

  close(code = 1000) {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.frame(CLOSE, payload);
  }

  /** Reads no more. */
  pause() {
    this.socket.pause();
  }

  /** Reads again. */
  resume() {
    this.socket.resume();
  }

  /** Reads at most so many bytes a second. */
  throttle(bytesPerSecond) {
    const begun = performance.now();
    const before = this.bytes;
    this.isAhead = () => this.bytes - before > (bytesPerSecond * (performance.now() - begun)) / 1000;
    const timer = setInterval(() => this.isAhead() || this.socket.resume(), 5);
    this.socket.once("close", () => clearInterval(timer));
  }

  destroy() {
    this.socket.destroy();
  }
}

/** A sender on a bare socket, once it may begin. */
export async function rawStreamer(t, at, name, options) {
  const sender = new RawClient(at, streamPath(name), options);
  t.after(() => sender.destroy());
  await sender.opened();
  sender.text({ analysis_mode: "normal" });
  await sender.next("connected");
  return sender;
}
