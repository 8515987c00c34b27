// The prototype's JavaScript client, as its users wrote it: socket.io-client, one `frame` every
// 40 ms, listeners for `status`, `prediction` and `error`. It knows nothing of our extensions.

import { io } from "socket.io-client";

import { FPS } from "./clips.mjs";
import { sleep, until } from "./harness.mjs";

/** @import { DetailedPrediction, Prediction, SignFrame, SignMessage } from "./types.ts" */

export const TRANSPORTS = {
  "websocket only": ["websocket"],
  "polling only": ["polling"],
  "polling, then upgraded": ["polling", "websocket"],
};

/** One client with everything it was told, in order of arrival. */
export class Client {
  /** @type {SignMessage[]} */
  statuses = [];
  /** @type {(Prediction & Partial<Pick<DetailedPrediction, "id" | "scores" | "seen">>)[]} */
  predictions = [];
  /** @type {SignMessage[]} */
  errors = [];
  /** [name, payload] of every event, to see order and strangers. */
  events = [];
  disconnects = [];
  sent = 0;

  /**
   * @param {string} url
   * @param {Parameters<typeof io>[1]} [options]
   */
  constructor(url, options = {}) {
    this.socket = io(url, { transports: ["websocket"], reconnection: false, forceNew: true, ...options });
    this.socket.on("status", (payload) => this.statuses.push(payload));
    this.socket.on("prediction", (payload) => this.predictions.push(payload));
    this.socket.on("error", (payload) => this.errors.push(payload));
    this.socket.onAny((name, payload) => this.events.push([name, payload]));
    this.socket.on("disconnect", (reason) => this.disconnects.push(reason));
  }

  /** Connected and told that the server is ready. */
  async ready() {
    await until(() => this.statuses.length > 0, "status after connect");
    return this;
  }

  /**
   * One JPEG or PNG, in base64 as the browser's canvas gives it, without waiting.
   * @param {Buffer} picture
   * @param {Partial<SignFrame>} [extra]
   */
  send(picture, extra = {}) {
    /** @type {SignFrame} */
    const frame = { image: picture.toString("base64"), ...extra };
    this.frame(frame);
  }

  /** Any payload as a `frame`. */
  frame(payload) {
    this.sent += 1;
    this.socket.emit("frame", payload);
  }

  /** An EVENT packet as text, for what JavaScript's own values cannot say. */
  raw(json) {
    this.sent += 1;
    this.socket.io.engine.write(`2${json}`);
  }

  /** Sends pictures at the prototype's pace. */
  async play(pictures, fps = FPS) {
    const started = performance.now();
    for (const [i, picture] of pictures.entries()) {
      await sleep(Math.max(0, started + (i * 1000) / fps - performance.now()));
      this.send(picture);
    }
  }

  /** Waits until `n` predictions have come. */
  async answered(n = this.sent) {
    await until(() => this.predictions.length >= n, `${n} replies, got ${this.predictions.length}`);
  }

  /** The TCP socket under a websocket client, for tests that end it rudely. */
  get tcp() {
    return /** @type {any} */ (this.socket.io.engine.transport).ws._socket;
  }

  close() {
    this.socket.disconnect();
  }
}

/**
 * A connected client that the test `t` closes at its end.
 * @param {import("./types.ts").Ending} t
 * @param {{ url: string }} server
 * @param {Parameters<typeof io>[1]} [options]
 */
export async function connect(t, server, options) {
  const client = new Client(server.url, options);
  t.after(() => client.close());
  return client.ready();
}
