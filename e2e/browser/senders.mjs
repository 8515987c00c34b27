// Streams for the tests of the wall: senders in Node, as old and new clients are.

import WebSocket from "ws";

import { sleep, until } from "../js/harness.mjs";
import { known } from "./keys.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { AnalysisMode, FromSender, ToSender } from "../js/types.ts" */
/** @typedef {{ fps?: number, mode?: AnalysisMode, binary?: boolean, key?: string }} SenderOptions */

const clips = new Map();

/**
 * The JPEGs of a generated clip.
 * @param {Server} server
 */
export async function clip(server, gesture = "left") {
  const key = `${server.url} ${gesture}`;
  if (!clips.has(key)) {
    const get = () => server.get(`/api/v1/samples/${gesture}?seed=5`);
    // Once more where this process stood still: the server gives up on who does not read.
    const { json } = await get().catch(get);
    const bytes = json.frames.map((frame) => Buffer.from(frame.split(",")[1], "base64"));
    clips.set(key, bytes);
  }
  return clips.get(key);
}

/** Twenty zero bytes but the first: the header of a picture that a streamer sends. */
const HEADER = Buffer.concat([Buffer.from([1]), Buffer.alloc(19)]);

/** One sender. It plays its clip until it is told otherwise. */
export class Sender {
  /**
   * What the server said, texts parsed.
   * @type {ToSender[]}
   */
  said = [];
  /** Code and reason with which it was closed. */
  closed = undefined;
  /** "play"; "hold": nothing is sent; "junk": what no decoder takes. */
  mood = "play";
  #n = 0;

  /**
   * @param {Server} server
   * @param {string} stream
   * @param {Buffer[]} frames
   * @param {SenderOptions} [options]
   */
  constructor(server, stream, frames, { fps = 15, mode = "normal", binary = true, key } = {}) {
    const url = `${server.url.replace("http", "ws")}/ws/stream/${encodeURIComponent(stream)}`;
    this.stream = stream;
    this.frames = frames;
    this.binary = binary;
    this.socket = new WebSocket(url, binary ? ["sightwire.v1"] : [], known(key));
    this.socket.on("open", () => this.sendText({ analysis_mode: mode }));
    this.socket.on("message", (data, isBinary) => {
      if (!isBinary) this.said.push(JSON.parse(data.toString()));
    });
    this.socket.on("close", (code, reason) => {
      clearInterval(this.timer);
      this.closed = { code, reason: reason.toString() };
    });
    this.socket.on("error", () => {});
    this.timer = setInterval(() => this.#tick(), 1000 / fps);
  }

  /** Waits until the server has taken it. */
  async connected() {
    await until(() => this.said.some(({ type }) => type === "connected") || this.closed, this.stream);
    if (this.closed) throw new Error(`${this.stream}: ${JSON.stringify([this.closed, this.said])}`);
    return this;
  }

  #tick() {
    if (this.mood === "hold" || !this.said.some(({ type }) => type === "connected")) return;
    const jpeg = this.frames[this.#n++ % this.frames.length];
    if (this.mood === "junk") this.sendJpeg(Buffer.concat([jpeg.subarray(0, 200), Buffer.alloc(300, 0x55)]));
    else this.sendJpeg(jpeg);
  }

  sendJpeg(jpeg) {
    if (this.binary) this.socket.send(Buffer.concat([HEADER, jpeg]));
    else this.sendText({ type: "frame", frame: `data:image/jpeg;base64,${jpeg.toString("base64")}` });
  }

  sendText(/** @type {FromSender | string} */ message) {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Ends as a client that says goodbye. */
  async stop() {
    if (this.closed) return;
    this.socket.close(1000);
    await until(() => this.closed, `the end of ${this.stream}`);
  }

  /** Is gone without a word, as with its network. */
  vanish() {
    clearInterval(this.timer);
    this.socket.terminate();
  }
}

/** Senders that end with the test: `const send = senders(server)`, `await send("P-1")`. */
export function senders() {
  const all = [];
  return {
    /**
     * @param {Server} server
     * @param {string} stream
     * @param {{ gesture?: string } & SenderOptions} [options]
     */
    async send(server, stream, { gesture = "left", ...options } = {}) {
      const sender = new Sender(server, stream, await clip(server, gesture), options);
      all.push(sender);
      return sender.connected();
    },
    async stop() {
      await Promise.all(all.map((sender) => sender.stop()));
      await sleep(0);
    },
  };
}
