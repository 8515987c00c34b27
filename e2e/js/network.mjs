// A way to a server over a network that delays and loses, is narrow, or is cut: the kernel that tests run on has no such thing.

import { connect, createServer } from "node:net";

import { portOf } from "./harness.mjs";

/** @import { Socket } from "node:net" */
/** @import { Ending } from "./types.ts" */
/**
 * What is wrong with one direction: how long bytes take, how often a piece of them is lost, how many go through in a second.
 * @typedef {{ delayMs?: number, lossRate?: number, bytesPerS?: number }} Troubles
 */
/** @typedef {Awaited<ReturnType<typeof link>>} Link */

/** What was lost TCP sends again after so long. Until then all that came behind it waits, too. */
const SENT_AGAIN_MS = 200;
/** Bytes under way at once; the rest waits where it came from. */
const WINDOW = 1 << 20;

/** Numbers from 0 to 1 at random, the same ones from the same seed (mulberry32). */
export function seeded(/** @type {number} */ seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Stands before a server of this machine, at `to`, which may be said later; counts what goes through. `there` is what is wrong on the
 * way to the server, `back` on the way from it; both may be changed. `t` ends it.
 * @param {Ending} t
 * @param {{ to?: number, seed?: number, there?: Troubles, back?: Troubles }} [options]
 */
export async function link(t, { to = 0, seed = 1, there = {}, back = {} } = {}) {
  const random = seeded(seed);
  /** @type {Set<Way>} */
  const ways = new Set();
  const self = {
    port: 0,
    to,
    there,
    back,
    connections: 0,
    /** Bytes that came from the server. */
    received: 0,
    /** Pieces that were sent again. */
    lost: 0,
    isCut: false,
    /** Nothing gets through any more, neither bytes nor the end of a connection, and nobody is told of it. */
    cut() {
      self.isCut = true;
      for (const way of ways) way.turn();
    },
    /** What did not get through comes now, as TCP sends it again; from those who have given up, its end. */
    mend() {
      self.isCut = false;
      for (const way of ways) way.turn();
    },
  };
  const server = createServer((near) => {
    self.connections += 1;
    const far = connect({ host: "127.0.0.1", port: self.to, noDelay: true });
    near.setNoDelay(true);
    far.on("data", (bytes) => (self.received += bytes.length));
    for (const way of [new Way(self, near, far, there, random), new Way(self, far, near, back, random)]) {
      ways.add(way);
      way.to.on("close", () => ways.delete(way));
    }
  });
  t.after(() => {
    server.close();
    self.isCut = false;
    for (const { from, to } of ways) for (const socket of [from, to]) socket.destroy();
  });
  self.port = await portOf(server);
  return self;
}

/** One direction of a connection: pieces come in order, each when it is due. */
class Way {
  #link;
  #troubles;
  #random;
  /**
   * Without bytes: the end.
   * @type {{ due: number, bytes?: Buffer }[]}
   */
  #underWay = [];
  #bytes = 0;
  /** When the last of them is due. */
  #last = 0;
  /** When there is room for the next. */
  #free = 0;
  /** @type {NodeJS.Timeout} */
  #timer = undefined;

  /**
   * @param {{ isCut: boolean, lost: number }} link
   * @param {Socket} from
   * @param {Socket} to
   * @param {Troubles} troubles
   * @param {() => number} random
   */
  constructor(link, from, to, troubles, random) {
    this.from = from;
    this.#link = link;
    this.to = to;
    this.#troubles = troubles;
    this.#random = random;
    from.on("data", (bytes) => this.#take(bytes));
    from.on("error", () => {});
    from.on("close", () => this.#take());
    to.on("drain", () => this.turn());
    this.turn();
  }

  #take(/** @type {Buffer} */ bytes = undefined) {
    const { delayMs = 0, lossRate = 0, bytesPerS = Infinity } = this.#troubles;
    const size = bytes?.length ?? 0;
    this.#free = Math.max(this.#free, performance.now()) + (size / bytesPerS) * 1_000;
    const isLost = this.#random() < lossRate;
    if (isLost) this.#link.lost += 1;
    this.#last = Math.max(this.#last, this.#free + delayMs + (isLost ? SENT_AGAIN_MS : 0));
    this.#underWay.push({ due: this.#last, bytes });
    this.#bytes += size;
    this.turn();
  }

  /** Passes on what is due, and takes more if there is room for it. */
  turn() {
    clearTimeout(this.#timer);
    const now = performance.now();
    const isDue = () => this.#underWay.length > 0 && this.#underWay[0].due <= now;
    while (!this.#link.isCut && !this.to.writableNeedDrain && isDue()) {
      const { bytes } = this.#underWay.shift();
      if (bytes === undefined) this.to.destroySoon();
      else if (!this.to.destroyed) this.to.write(bytes);
      this.#bytes -= bytes?.length ?? 0;
    }
    const isNarrow = this.#free > now;
    if (this.#link.isCut || isNarrow || this.#bytes >= WINDOW) this.from.pause();
    else this.from.resume();
    const times = [this.#free, this.#underWay[0]?.due].filter((time) => time > now);
    if (times.length > 0) this.#timer = setTimeout(() => this.turn(), Math.min(...times) - now);
  }
}
