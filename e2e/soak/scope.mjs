// What a test is to the helpers of e2e/js: whatever is begun in it ends with it.

import { setTimeout as sleep } from "node:timers/promises";

/** @import { Ending } from "../js/types.ts" */

/** @implements {Ending} */
export class Scope {
  /** @type {(() => unknown)[]} */
  #ends = [];

  after(end) {
    this.#ends.push(end);
  }

  /** Ends all of it, the last first, whatever goes wrong. */
  async close() {
    for (const end of this.#ends.splice(0).reverse()) {
      try {
        await end();
      } catch {
        // It was ended already.
      }
    }
  }
}

/**
 * What comes of it, or an error after so many seconds.
 * @template T
 * @param {Promise<T>} work
 * @param {number} seconds
 * @returns {Promise<T>}
 */
export async function within(work, seconds, what) {
  const stop = new AbortController();
  const late = sleep(seconds * 1000, undefined, stop).then(() => {
    throw new Error(`not within ${seconds} s: ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
  }
}
