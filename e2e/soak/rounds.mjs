// A round: everybody comes and everything goes wrong as often as in any other round, at other moments.

import { sleep } from "../js/harness.mjs";
import { COMINGS } from "./comings.mjs";
import { FAULTS } from "./faults.mjs";
import { Scope, within } from "./scope.mjs";
import { Refused } from "./world.mjs";

/** @import { Act } from "./comings.mjs" */
/** @import { Dice } from "./dice.mjs" */
/** @import { World } from "./world.mjs" */
/** @typedef {{ name: string, act: Act, at: number, dice: Dice }} Turn */

/** At once; the next one waits. */
const MOST_AT_ONCE = 150;
/** None takes so long that is well. */
const PATIENCE_S = 60;
const MOST_REASONS = 5;

/** What became of all who came. */
export class Outcomes {
  /** @type {Map<string, { done: number, refused: number, failed: number, reasons: Map<string, number> }>} */
  all = new Map();

  /** @param {"done" | "refused" | "failed"} what */
  count(name, what, reason = "") {
    const one = this.all.get(name) ?? { done: 0, refused: 0, failed: 0, reasons: new Map() };
    this.all.set(name, one);
    one[what] += 1;
    const known = one.reasons.get(reason);
    if (reason && (known || one.reasons.size < MOST_REASONS)) one.reasons.set(reason, (known ?? 0) + 1);
  }

  /** @param {"done" | "refused" | "failed"} what */
  sum(what) {
    return [...this.all.values()].reduce((sum, one) => sum + one[what], 0);
  }
}

/**
 * Who comes when, in seconds from the round's beginning.
 * @param {Dice} dice
 * @param {Record<string, number>} counts
 * @param {number} activeS
 */
function turns(dice, counts, activeS) {
  /** @type {Turn[]} */
  const all = [];
  const add = (name, { act, lastsS }) => {
    all.push({ name, act, at: dice.between(0, Math.max(1, activeS - lastsS)), dice: dice.another() });
  };
  for (const [name, count] of Object.entries(counts))
    for (let i = 0; i < count; i += 1) add(name, COMINGS[name]);
  for (const [name, fault] of Object.entries(FAULTS)) add(name, fault);
  return all.sort((a, b) => a.at - b.at);
}

/**
 * Plays a round, and returns when all have gone.
 * @param {World} world
 * @param {Dice} dice
 * @param {Outcomes} outcomes
 * @param {{ counts: Record<string, number>, activeS: number, isOver: () => boolean }} options
 */
export async function round(world, dice, outcomes, { counts, activeS, isOver }) {
  const begun = performance.now();
  /** @type {Set<Promise<void>>} */
  const running = new Set();
  for (const turn of turns(dice, counts, activeS)) {
    await sleep(Math.max(0, begun + turn.at * 1000 - performance.now()));
    while (running.size >= MOST_AT_ONCE) await Promise.race(running);
    if (isOver()) break;
    const playing = play(world, turn, outcomes).finally(() => running.delete(playing));
    running.add(playing);
  }
  await Promise.all(running);
}

/**
 * @param {World} world
 * @param {Turn} turn
 * @param {Outcomes} outcomes
 */
async function play(world, { name, act, dice }, outcomes) {
  const t = new Scope();
  try {
    await within(Promise.resolve(act(t, world, dice)), PATIENCE_S, name);
    outcomes.count(name, "done");
  } catch (error) {
    const reason = String(error.message).split("\n")[0].slice(0, 160);
    outcomes.count(name, error instanceof Refused ? "refused" : "failed", reason);
  }
  await t.close();
}
