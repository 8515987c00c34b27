// A real Prometheus on a free port of this machine, with the rules of deploy/, whose minutes are made shorter.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

import { freePort, temporary, terminate, until } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */
/** @typedef {{ labels: Record<string, string>, annotations: Record<string, string>, state: string }} Alert */
/** @typedef {Awaited<ReturnType<typeof startPrometheus>>} Prometheus */

export const ROOT = join(import.meta.dirname, "../..");
export const DEPLOY = join(ROOT, "deploy");
const STOP_MS = 5_000;
/** Somebody else may take a port between its choice and the start. */
const TRIES = 5;
const TARGETS = "targets.json";

export const rules = () => readFileSync(join(DEPLOY, "prometheus/rules.yml"), "utf8");

/** The names of all alerts. */
export const alertNames = () => Array.from(rules().matchAll(/^ *- alert: (\w+)$/gm), ([, name]) => name);

/** The machine's own, or what setup has unpacked (xtask/src/setup/unpacked.rs looks in the same places). */
function program(name) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const all = [...folders, "/usr/bin", join(ROOT, ".sightwire/prometheus/usr/bin")];
  const found = all.map((folder) => join(folder, name)).find((file) => existsSync(file));
  assert.ok(
    found,
    `${name} is not there: \`cargo xtask setup\` brings it where there is apt-get; or install it`,
  );
  return found;
}

/** Runs promtool to its end, in a folder; what it said, and its exit code. */
export async function promtool(args, cwd) {
  const child = spawn(program("promtool"), args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (t) => (said += t));
  const code = await new Promise((done, fail) => child.on("error", fail).on("close", done));
  return { code, said };
}

/**
 * The rules, with a second in place of each minute that an expression looks back, and a fifth of one in place of each that an
 * alert waits. Whatever else is in minutes would go on as it is, so there must not be anything.
 */
export function quickly(text) {
  const quick = text
    .replaceAll(/\[(\d+)m\]/g, (_, minutes) => `[${minutes}s]`)
    .replaceAll(/^( *)for: (\d+)m$/gm, (_, indent, minutes) => `${indent}for: ${Number(minutes) * 200}ms`);
  assert.doesNotMatch(quick, /(\[|for: )\d+[mhdw]\b/, "durations are in whole minutes");
  return quick;
}

/** Watches what TARGETS lists, once a second, and looks at the rules as often. */
const OWN_CONFIG = {
  global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
  rule_files: ["rules.yml"],
  scrape_configs: [
    {
      job_name: "sightwire",
      file_sd_configs: [{ files: [TARGETS], refresh_interval: "1s" }],
      tls_config: { insecure_skip_verify: true },
    },
  ],
};

/**
 * Starts Prometheus, which ends with the test. What it watches is said later, unless there are other files than these, with
 * another `prometheus.yml`.
 * @param {Ending} t
 * @param {Record<string, string>} [files]
 */
export async function startPrometheus(t, files = {}) {
  const folder = temporary(t, "prometheus");
  const targets = join(folder, TARGETS);
  // JSON is YAML, too.
  const own = {
    [TARGETS]: "[]",
    "rules.yml": quickly(rules()),
    "prometheus.yml": JSON.stringify(OWN_CONFIG),
  };
  for (const [name, text] of Object.entries({ ...own, ...files })) writeFileSync(join(folder, name), text);

  let run;
  for (let left = TRIES; ; left -= 1) {
    run = launch(folder, await freePort());
    t.after(run.stop);
    const isReady = async () => (await fetch(`${run.url}/-/ready`).catch(() => undefined))?.ok;
    await until(async () => run.hasEnded() || (await isReady()), `Prometheus to start: ${run.log()}`);
    if (!run.hasEnded()) break;
    assert.ok(left > 1 && /address already in use/.test(run.log()), `Prometheus did not start: ${run.log()}`);
  }

  /** @type {{ targets: string[], labels: Record<string, string> }[]} */
  const watched = [];
  /** Of its API. */
  const ask = async (path) => {
    const { status, data, error } = await (await fetch(`${run.url}/api/v1/${path}`)).json();
    assert.equal(status, "success", `${path}: ${error}`);
    return data;
  };
  const alerts = async () => /** @type {{ alerts: Alert[] }} */ (await ask("alerts")).alerts;
  return {
    ask,
    /** The value of an expression that has one at most. */
    async value(expression) {
      const { result } = await ask(`query?query=${encodeURIComponent(expression)}`);
      return result.length ? Number(result[0].value[1]) : undefined;
    },
    /** Has a server watched from now on; returns when it was asked once, after this. */
    async watch({ url }) {
      const now = Date.now() / 1000;
      const { host, protocol } = new URL(url);
      watched.push({ targets: [host], labels: { __scheme__: protocol.replace(":", "") } });
      // In one step: it may look at any time.
      writeFileSync(`${targets}.new`, JSON.stringify(watched));
      renameSync(`${targets}.new`, targets);
      const up = `up{instance="${host}"}`;
      const isSeen = async () => (await this.value(`${up} == 1 and timestamp(${up}) > ${now}`)) === 1;
      await until(isSeen, `${host} is watched`);
    },
    /** Waits until an alert of that name fires for a server; the alert. */
    async fires(name, { url }) {
      const { host } = new URL(url);
      const isIt = ({ labels, state }) =>
        labels.alertname === name && labels.instance === host && state === "firing";
      /** @type {Alert} */
      let found;
      await until(async () => (found = (await alerts()).find(isIt)) !== undefined, `${name} fires`, 60_000);
      return found;
    },
  };
}

function launch(folder, port) {
  const args = [
    "--config.file=prometheus.yml",
    "--storage.tsdb.path=data",
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=warn",
  ];
  const child = spawn(program("prometheus"), args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  let ended = false;
  child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
  const end = new Promise((done) => child.on("error", done).on("close", done)).then(() => (ended = true));
  return {
    url: `http://127.0.0.1:${port}`,
    log: () => log,
    hasEnded: () => ended,
    async stop() {
      await terminate(child, end, STOP_MS);
    },
  };
}
