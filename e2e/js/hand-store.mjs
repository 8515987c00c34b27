// Stores with the model of drawn hands, for one test each.

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { MODEL, addModel } from "../drawn-hand.mjs";
import { HOME, removeFolder, temporary } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */

/** A store with the library and nothing else. @param {Ending} t */
export function emptyStore(t) {
  const home = temporary(t, "store");
  mkdirSync(join(home, "models"));
  symlinkSync(join(HOME, "runtime"), join(home, "runtime"));
  const trials = join(HOME, "trials");
  if (existsSync(trials)) cpSync(trials, join(home, "trials"), { recursive: true });
  return home;
}

/** A store with the library, and with the model under its name or another one. @param {Ending} t */
export function store(t, name = MODEL) {
  const home = emptyStore(t);
  addModel(home);
  if (name !== MODEL) {
    const manifest = join(home, "models", `${MODEL}.toml`);
    const text = readFileSync(manifest, "utf8").replace(`name = "${MODEL}"`, `name = "${name}"`);
    writeFileSync(join(home, "models", `${name}.toml`), text);
    removeFolder(manifest);
    renameSync(join(home, "models", MODEL), join(home, "models", name));
  }
  return home;
}
