// Generated clips: JPEG frames from `sightwire sample`, made once per process.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { command } from "./harness.mjs";

/** The gestures that the built-in model knows, in the order of its labels. */
export const GESTURES = ["still", "left", "right", "up", "down", "push", "pull", "wave"];
/** The frame rate of the prototype's clients. */
export const FPS = 25;
/** A clip of each gesture that the model knows; it misses some of push and pull, as its card says. */
export const SEED = 2;

const made = new Map();

/** The JPEG files of one clip as Buffers; `rest` pictures of the hand at rest come first. */
export async function clip(gesture, { seed = SEED, rest = 0, frames = FPS } = {}) {
  const key = `${gesture} ${seed} ${rest} ${frames}`;
  if (!made.has(key)) made.set(key, generate(gesture, seed, rest, frames));
  return made.get(key);
}

async function generate(gesture, seed, rest, frames) {
  const out = mkdtempSync(join(tmpdir(), "sightwire-clip-"));
  try {
    const args = ["sample", gesture, "--out", out, "--seed", String(seed)];
    args.push("--rest", String(rest), "--frames", String(frames));
    const ended = await command(args);
    if (ended.code !== 0) throw new Error(`sightwire ${args.join(" ")}: ${ended.stderr}`);
    const names = readdirSync(out).filter((name) => /\.jpe?g$/.test(name));
    return names.sort().map((name) => readFileSync(join(out, name)));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
