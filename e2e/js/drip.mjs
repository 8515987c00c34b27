// A connection whose client writes and reads as slowly as it is told, over plain TCP and over TLS. Node takes all that there is;
// here the kernel's own buffer fills, as that of a client does who takes a byte a second.

import { once } from "node:events";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

import { until } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */
/** @import { At } from "./secured.mjs" */

const LARGE = Buffer.alloc(65_536);
const ONE = Buffer.alloc(1);

/** What is under TLS: Node passes its own sockets by. */
class Under extends Duplex {
  constructor(socket) {
    super();
    this.socket = socket;
    socket.on("close", () => this.push(null));
  }

  _read() {}

  _write(bytes, _, done) {
    this.socket.write(bytes, () => done());
  }

  _final(done) {
    this.socket.end();
    done();
  }
}

export class Drip {
  /** What came, decrypted. */
  text = "";
  /** When the connection ended, or was given up by the server. */
  endedAt = undefined;
  /** Its own port. */
  port = 0;
  #isSlow = false;
  #timer = undefined;
  #open;

  /**
   * @param {Ending} t
   * @param {Pick<At, "url" | "ca">} at
   */
  constructor(t, { url, ca }) {
    const { hostname: host, port, protocol } = new URL(url);
    const onread = {
      buffer: () => (this.#isSlow ? ONE : LARGE),
      callback: (count, bytes) => this.#took(Buffer.from(bytes.subarray(0, count))),
    };
    this.socket = connect({ host, port: Number(port), noDelay: true, onread: /** @type {any} */ (onread) });
    this.socket.on("connect", () => (this.port = this.socket.localPort)).on("error", () => {});
    this.socket.on("close", () => (this.endedAt ??= performance.now()));
    if (protocol === "https:") {
      this.under = new Under(this.socket);
      this.secured = connectTls({ socket: this.under, ca, host });
      this.secured.on("data", (bytes) => (this.text += bytes.toString("latin1"))).on("error", () => {});
    }
    t.after(() => this.destroy());
    this.#open = once(this.secured ?? this.socket, this.secured ? "secureConnect" : "connect");
  }

  /** Waits until something can be sent. */
  async opened() {
    await this.#open;
    return this;
  }

  #took(bytes) {
    if (this.under) this.under.push(bytes);
    else this.text += bytes.toString("latin1");
    if (!this.#isSlow) return true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.socket.resume(), 1_000);
    return false;
  }

  /** Sends it. */
  write(text) {
    (this.secured ?? this.socket).write(text);
    return this;
  }

  /** Sends it a byte at a time, each after so long. */
  trickle(text, ms) {
    let sent = 0;
    const timer = setInterval(() => {
      if (this.endedAt || sent === text.length) clearInterval(timer);
      else this.write(text[sent++]);
    }, ms);
    this.socket.once("close", () => clearInterval(timer));
    return this;
  }

  /** Waits for it in what comes. */
  async hears(part) {
    await until(() => this.text.includes(part) || this.endedAt, `${part}, after ${this.text.slice(0, 200)}`);
    if (!this.text.includes(part)) throw new Error(`ended after ${JSON.stringify(this.text.slice(-200))}`);
    return this;
  }

  /** From now on it takes a byte a second. */
  slowly() {
    this.#isSlow = true;
    return this;
  }

  destroy() {
    clearTimeout(this.#timer);
    this.secured?.destroy();
    this.socket.destroy();
  }
}
