// Chance, the same from the same seed.

import { seeded } from "../js/network.mjs";

export class Dice {
  #next;

  constructor(/** @type {number} */ seed) {
    this.#next = seeded(seed);
  }

  /** From `low` to below `high`. */
  between(low, high) {
    return low + this.#next() * (high - low);
  }

  /** A whole number below it. */
  below(/** @type {number} */ count) {
    return Math.floor(this.#next() * count);
  }

  chance(/** @type {number} */ share) {
    return this.#next() < share;
  }

  /**
   * @template T
   * @param {readonly T[]} list
   */
  pick(list) {
    return list[this.below(list.length)];
  }

  /** For somebody who rolls beside others: what they roll does not change what comes here. */
  another() {
    return new Dice(this.below(2 ** 32));
  }
}
