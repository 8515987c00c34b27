// `cargo xtask soak`: all uses at once for long, while clients come and go and everything goes wrong; does anything grow?
//
// - options.mjs: what is asked for; dice.mjs: chance from one seed; scope.mjs: whatever begins ends
// - server.mjs: the server under test; world.mjs: what all who come share
// - load.mjs, steady-cameras.mjs: the steady load, which is measured
// - comings.mjs, faults.mjs and its three parts: who comes, what goes wrong; rounds.mjs: when
// - samples.mjs, logs.mjs: what is seen of the server; verdict.mjs, summary.mjs: whether that is as promised

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { sleep, until } from "../js/harness.mjs";
import { camera } from "../js/simulator.mjs";
import { perRound, read, USER } from "./comings.mjs";
import { Dice } from "./dice.mjs";
import { bench, steadyCameras } from "./load.mjs";
import { Log } from "./logs.mjs";
import { plan, USAGE } from "./options.mjs";
import { Outcomes, round } from "./rounds.mjs";
import { cpuS, Samples } from "./samples.mjs";
import { Scope } from "./scope.mjs";
import { startServer } from "./server.mjs";
import { summary } from "./summary.mjs";
import { Counts, expect, makePictures } from "./world.mjs";

/** @import { Plan } from "./options.mjs" */
/** @import { Measured } from "./verdict.mjs" */
/** @import { World } from "./world.mjs" */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** Three that are watched as they fail, one that is added and removed, and one that is configured for a while. */
const WATCHED_CAMERAS = 3;
const OWNERS_CAMERAS = 2;
/** Text is read all the time, also so that its sessions are not let go and made again. */
const READ_EVERY_MS = 4_000;
const FIRST_PICTURE_MS = 60_000;
const LOADING_MS = 120_000;
const SETTLED_AFTER = 10;

/** A folder of its own for each run. */
function makeFolder() {
  const name = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  const folder = join(ROOT, ".sightwire/soak", name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Cameras, server, keys and pictures.
 * @param {Scope} t
 * @param {string} folder
 */
async function makeWorld(t, folder) {
  const steady = await steadyCameras(t);
  const street = await camera(t, { args: ["--source", "street"], size: "640x480", fps: 5 });
  const faulty = await Promise.all(
    Array.from({ length: WATCHED_CAMERAS + OWNERS_CAMERAS }, () => camera(t, { fps: 10 })),
  );
  const server = await startServer(t, folder, [
    { id: "street", url: street.url, default: true },
    { id: "steady", url: steady.camera },
    ...faulty.slice(0, WATCHED_CAMERAS).map(({ url }, number) => ({ id: `faulty-${number}`, url })),
  ]);
  let number = 0;
  const pictures = await makePictures();
  const { admin } = server;
  const keys = { admin, operator: admin, streamer: admin, viewer: admin };
  /** @type {World} */
  const world = {
    server,
    keys,
    pictures,
    faulty,
    spare: faulty.slice(WATCHED_CAMERAS),
    counts: new Counts(),
    number: () => (number += 1),
  };
  const dice = new Dice(1);
  for (const role of /** @type {const} */ (["operator", "streamer", "viewer"])) {
    const asked = { method: "POST", key: admin, body: { role, name: role } };
    keys[role] = (await expect(world, dice, 201, "/api/v1/keys", asked)).json.key;
  }
  await expect(world, dice, 201, "/api/v1/users", { method: "POST", key: admin, body: USER });
  steady.watch(server.url, keys.viewer);
  return { world, steady };
}

/**
 * Has text read, one picture alone and several at once, until no sessions are added any more: each size of picture, width of line
 * and number of threads has sessions of its own, which stay.
 * @param {World} world
 */
async function loadSessions(world) {
  const dice = new Dice(1);
  const t = new Scope();
  const sessions = async () =>
    (await expect(world, dice, 200, "/api/v1/status", { key: world.keys.admin })).json.reader.sessions;
  const deadline = performance.now() + LOADING_MS;
  let [most, unchanged] = [0, 0];
  while (unchanged < SETTLED_AFTER && performance.now() < deadline) {
    for (const count of [1, 2, 4]) {
      await Promise.all(Array.from({ length: count }, () => read(t, world, dice)));
    }
    const now = await sessions();
    unchanged = now > most ? 0 : unchanged + 1;
    most = Math.max(most, now);
  }
}

/** Text is read single, one picture after the other, but not in quiet moments; until the function that it returns is called. */
function readSteadily(world, dice, samples, outcomes) {
  let isGoing = true;
  const reading = (async () => {
    while (isGoing) {
      const begun = performance.now();
      if (!samples.isQuiet) {
        const one = new Scope();
        await read(one, world, dice).then(
          () => outcomes.count("steady read", "done"),
          (error) => outcomes.count("steady read", "failed", error.message.slice(0, 160)),
        );
        await one.close();
      }
      await sleep(Math.max(0, begun + READ_EVERY_MS - performance.now()));
    }
  })();
  return async () => {
    isGoing = false;
    await reading;
  };
}

/**
 * All windows, one after the other; what was measured in each.
 * @param {Scope} t
 * @param {Plan} plan
 * @param {{ world: World, steady: Awaited<ReturnType<typeof steadyCameras>> }} there
 * @param {{ samples: Samples, log: Log, outcomes: Outcomes, folder: string }} kept
 */
async function play(t, plan, { world, steady }, { samples, log, outcomes, folder }) {
  const dice = new Dice(plan.seed);
  const activeS = plan.roundS - plan.quietS;
  const counts = perRound(plan, activeS);
  const stopReading = readSteadily(world, dice.another(), samples, outcomes);
  /** @type {Measured[]} */
  const windows = [];
  const begun = performance.now();
  for (let window = 0; window < plan.windows; window += 1) {
    samples.window = window;
    await steady.take();
    const measuring = bench(t, world.server, plan.windowS, folder);
    measuring.catch(() => {});
    for (let number = 0; number < plan.rounds; number += 1) {
      await round(world, dice.another(), outcomes, { counts, activeS, isOver: world.server.hasEnded });
      if (world.server.hasEnded()) throw new Error(`the server has ended; its log is ${world.server.log}`);
      const cameras = number === plan.rounds - 1 ? await steady.take() : undefined;
      const quiet = await samples.quiet();
      log.read();
      say(samples, window, number, quiet, world, outcomes);
      if (cameras) windows.push({ ...(await measuring), cameras });
      const due = begun + (window * plan.windowS + (number + 1) * plan.roundS) * 1000;
      await sleep(Math.max(0, due - performance.now()));
    }
    writeFileSync(join(folder, `window-${window + 1}.json`), JSON.stringify(windows.at(-1), undefined, 2));
  }
  await stopReading();
  return windows;
}

function say(samples, window, number, quiet, world, outcomes) {
  const { connects, streams, batches } = world.counts;
  const cores = (cpuS(world.server.pid) / samples.s).toFixed(2);
  const words = [
    `${(samples.s / 60).toFixed(1).padStart(5)} min, window ${window + 1}, round ${number + 1}:`,
    `${quiet.rssMb.toFixed(1)} MB, ${quiet.threads} threads, ${quiet.descriptors} descriptors, ${cores} cores;`,
    `${connects} connects, ${streams} streams, ${batches} batches, ${outcomes.sum("failed")} failed`,
  ];
  console.log(words.join(" "));
}

/** The server's own counters that matter here. */
async function metricsOf(world) {
  const headers = { Authorization: `Bearer ${world.keys.admin}` };
  const text = await (await fetch(`${world.server.url}/metrics`, { headers })).text();
  const names = ["sightwire_panics_total", "sightwire_log_lines_dropped_total"];
  return Object.fromEntries(
    names.map((name) => [name, Number(text.match(new RegExp(`^${name} (\\S+)`, "m"))?.[1])]),
  );
}

/** @param {Scope} t @param {Plan} plan */
async function soak(t, plan) {
  const folder = makeFolder();
  console.log(`seed ${plan.seed}; ${plan.minutes} minutes, kept in ${relative(ROOT, folder)}`);
  const there = await makeWorld(t, folder);
  const { world } = there;
  const see = () => expect(world, new Dice(1), 200, "/api/v1/status", { key: world.keys.admin });
  await until(async () => (await see()).json.recognizer.state === "ready", "the model", FIRST_PICTURE_MS);
  await loadSessions(world);
  const samples = new Samples(world.server, folder);
  t.after(samples.start());
  const log = new Log(world.server.log);
  const outcomes = new Outcomes();
  const windows = await play(t, plan, there, { samples, log, outcomes, folder });
  const metrics = await metricsOf(world);
  const { version } = (await see()).json;
  const ended = await world.server.stop();
  log.close();
  const machine = `${cpus().length} × ${cpus()[0].model.trim()}`;
  const about = { version: `sightwire ${version}`, machine, detector: world.server.detector };
  const run = { plan, samples, windows, log, outcomes, counts: world.counts, metrics, ended };
  const { text, holds } = summary(run, about);
  writeFileSync(join(folder, "summary.md"), text);
  console.log(`\n${text}`);
  return holds;
}

async function main() {
  let asked;
  try {
    asked = plan(process.argv.slice(2));
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  const t = new Scope();
  const interrupted = new Promise((done, failed) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => done("interrupted"));
    // Nothing stays behind of a mistake of ours either.
    process.once("uncaughtException", failed);
  });
  try {
    const holds = await Promise.race([soak(t, asked), interrupted]);
    if (holds === "interrupted") return 130;
    return holds ? 0 : 1;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await t.close();
  }
}

process.exit(await main());
