// What the server's process takes: every ten seconds, and at the end of each round, when all but the steady load have left.

import { appendFileSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { sleep, until } from "../js/harness.mjs";
import { descriptors, rssMb, threads } from "../js/procfs.mjs";
import { STEADY } from "./load.mjs";

/** @typedef {{ s: number, window: number, isQuiet: boolean, rssMb: number, threads: number, descriptors: number }} Sample */
/** @typedef {Sample & { threadNames: Record<string, number>, files: Record<string, number>, left: string, sessions: number, isSteady: boolean }} Quiet */

const EVERY_MS = 10_000;
/** Long after threads of the runtime that have nothing to do end (a second), and memory is given back (half of one). */
const IDLE_MS = 11_000;
const EMPTY_MS = 15_000;
const LOOKS = 6;
const LOOK_MS = 400;
/** Clock ticks a second, in which `/proc/PID/stat` counts CPU time. */
const TICKS = 100;

export class Samples {
  /** @type {Sample[]} */
  all = [];
  /** @type {Quiet[]} */
  quiets = [];
  /** Where it is; told by whoever plays the rounds. */
  window = 0;
  isQuiet = false;
  #server;
  #begun = performance.now();
  #file;
  #quietFile;

  /**
   * @param {{ pid: number, url: string, admin: string }} server
   * @param {string} folder
   */
  constructor(server, folder) {
    this.#server = server;
    this.#file = join(folder, "samples.tsv");
    this.#quietFile = join(folder, "quiet.tsv");
    const columns = [
      "s",
      "window",
      "quiet",
      "rss_mb",
      "threads",
      "descriptors",
      "cpu_s",
      "clients",
      "streams",
    ];
    columns.push("relay_viewers", "camera_viewers", "analyses", "views", "connections", "batches");
    writeFileSync(this.#file, `${columns.join("\t")}\n`);
    const quiet = [
      "s",
      "window",
      "rss_mb",
      "threads",
      "descriptors",
      "left",
      "sessions",
      "steady",
      "threads_by_name",
      "descriptors_by_kind",
    ];
    writeFileSync(this.#quietFile, `${quiet.join("\t")}\n`);
  }

  /** Seconds since the beginning. */
  get s() {
    return (performance.now() - this.#begun) / 1000;
  }

  /** Samples until the function that it returns is called. */
  start() {
    const timer = setInterval(() => this.#sample().catch(() => {}), EVERY_MS);
    return () => clearInterval(timer);
  }

  /** @returns {Sample} */
  #look() {
    const { window, isQuiet } = this;
    const [mb, count, open] = [rssMb, threads, descriptors].map((of) => of(this.#server));
    return { s: this.s, window, isQuiet, rssMb: mb, threads: count, descriptors: open };
  }

  async #sample() {
    const sample = this.#look();
    this.all.push(sample);
    const { recognizer, relay, cameras, connections, reader } = await this.#status();
    const counts = [
      recognizer.clients,
      relay.streams,
      relay.viewers,
      cameras.viewers,
      cameras.analyses,
      cameras.views,
    ];
    const cells = [
      sample.s.toFixed(1),
      sample.window,
      Number(sample.isQuiet),
      sample.rssMb.toFixed(2),
      sample.threads,
    ];
    cells.push(sample.descriptors, cpuS(this.#server.pid), ...counts, connections.open, reader.jobs.running);
    appendFileSync(this.#file, `${cells.join("\t")}\n`);
  }

  async #status() {
    const headers = { Authorization: `Bearer ${this.#server.admin}`, Connection: "close" };
    return (await fetch(`${this.#server.url}/api/v1/status`, { headers })).json();
  }

  /** Waits until all but the steady load have left, and looks: the least of a few looks, so that who asks is not counted. */
  async quiet() {
    this.isQuiet = true;
    let left = "";
    const isEmpty = async () => {
      const { recognizer, relay, cameras, connections, reader } = await this.#status();
      const more = {
        clients: recognizer.clients - STEADY.clients,
        streams: relay.streams - STEADY.streams,
        "viewers of the relay": relay.viewers - STEADY.viewers,
        "viewers of cameras": cameras.viewers - STEADY.cameraViewers,
        "polling sessions": connections.polling_sessions,
        batches: reader.jobs.running,
      };
      const there = Object.entries(more).filter(([, count]) => count > 0);
      left = there.map(([what, count]) => `${count} ${what}`).join(", ");
      return left === "" || sleep(250).then(() => false);
    };
    await until(isEmpty, "all to have left", EMPTY_MS).catch(() => {});
    await sleep(IDLE_MS);
    const looks = [];
    for (let i = 0; i < LOOKS; i += 1) {
      looks.push(this.#look());
      await sleep(LOOK_MS);
    }
    const { recognizer, relay, cameras, reader } = await this.#status();
    const there = [recognizer.clients, relay.streams, relay.viewers, cameras.viewers];
    const least = (of) => Math.min(...looks.map(of));
    const quiet = {
      ...looks[0],
      rssMb: least((look) => look.rssMb),
      threads: least((look) => look.threads),
      descriptors: least((look) => look.descriptors),
      threadNames: byName(this.#server.pid),
      files: byKind(this.#server.pid),
      left,
      sessions: reader.sessions,
      isSteady: there.every((count, i) => count === Object.values(STEADY)[i]),
    };
    this.quiets.push(quiet);
    const cells = [
      quiet.s.toFixed(1),
      quiet.window,
      quiet.rssMb.toFixed(2),
      quiet.threads,
      quiet.descriptors,
      left || "-",
      quiet.sessions,
      Number(quiet.isSteady),
    ];
    appendFileSync(
      this.#quietFile,
      `${[...cells, JSON.stringify(quiet.threadNames), JSON.stringify(quiet.files)].join("\t")}\n`,
    );
    this.isQuiet = false;
    return quiet;
  }
}

export function cpuS(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function counted(names) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const name of names.sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Its threads by their names; of numbered ones without the number. */
function byName(pid) {
  const of = (id) =>
    quietly(() =>
      readFileSync(`/proc/${pid}/task/${id}/comm`, "utf8")
        .trim()
        .replace(/-?\d+$/, ""),
    );
  return counted(readdirSync(`/proc/${pid}/task`).map(of));
}

/** What its descriptors are. */
function byKind(pid) {
  const of = (id) =>
    quietly(() =>
      readlinkSync(`/proc/${pid}/fd/${id}`)
        .replace(/:\[\d+\]$/, "")
        .replace(/^\/.*\//, ""),
    );
  return counted(readdirSync(`/proc/${pid}/fd`).map(of));
}

function quietly(look) {
  try {
    return look();
  } catch {
    return "gone";
  }
}
