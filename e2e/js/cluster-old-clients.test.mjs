// The relay prototype's own clients, which know of one server, before three processes behind nginx and HAProxy.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";

import { sharedCluster } from "./cluster.mjs";
import { until } from "./harness.mjs";
import { PROXIES } from "./proxies.mjs";
import { LIVE_ALREADY } from "./relay.mjs";

/** @import { Process } from "./cluster.mjs" */
/** @typedef {{ shown: Record<string, number>, foreign: number, late: number, ended: string[], kinds: string[] }} Watched */
/** @typedef {{ names: string[], answers: [string, string, null][], everything: Watched[], chosen: Watched[], refused: object[], still_open: number, again: number }} Told */

const LIMIT = { timeout: 60_000 };
/** The Python that setup has made, with what the Python suites need. */
const PYTHON = join(import.meta.dirname, "../../.sightwire/venv/bin/python");
const CLIENTS = join(import.meta.dirname, "../python/relay_behind_proxy.py");
const skip = !existsSync(PYTHON) && "no Python environment (python3-venv is missing)";
/** Of those that are sent; a machine that is busy may lose some. */
const FEWEST_FRAMES = 5;

const told = (all) => [...new Set(all)].toSorted();

/** Streams of the clients, by the process that has each. */
async function streamsOf(/** @type {Process[]} */ servers, /** @type {string} */ prefix) {
  const { streams } = (await servers[0].get("/api/v1/streams")).json;
  // Its own are said to be nobody's.
  return streams.filter(({ id }) => id.startsWith(prefix)).map((one) => one.process ?? servers[0].name);
}

/** How many watch at each process, but for other processes. */
async function watching(/** @type {Process[]} */ servers) {
  const all = await Promise.all(servers.map((server) => server.get("/api/v1/viewers")));
  return all.map(({ json }) => json.viewers.filter(({ kind }) => kind === "relay").length);
}

describe(
  "the_relay_prototypes_clients_before_three_processes_behind",
  { concurrency: true, ...LIMIT },
  () => {
    const set = { "access.mode": "open", "server.trusted_proxies": "127.0.0.1" };
    const cluster = sharedCluster({ count: 3, set });

    for (const [name, start] of Object.entries(PROXIES)) {
      test(`${name}_see_each_stream_and_its_end_and_none_twice`, { skip }, async (t) => {
        const { servers } = cluster;
        const proxy = await start(
          t,
          servers.map(({ port }) => port),
        );
        const running = promisify(execFile)(PYTHON, [CLIENTS, proxy.url, name], LIMIT);
        let over = false;
        running.finally(() => (over = true)).catch(() => {});
        // They come to all processes, those that send and those that watch.
        let [sent, watched] = [[], []];
        await until(async () => {
          [sent, watched] = [await streamsOf(servers, name), await watching(servers)];
          return over || (sent.length === 6 && watched.every((count) => count > 1));
        }, "streams and viewers");
        const result = /** @type {Told} */ (JSON.parse((await running).stdout));
        t.diagnostic(`streams at ${sent}, viewers ${watched}`);
        assert.deepEqual(told(sent), ["a", "b", "c"]);

        const { names } = result;
        const modes = ["normal", "enhanced", "enhanced", "normal", "normal", "enhanced"];
        assert.deepEqual(
          result.answers,
          names.map((id, i) => [id, modes[i], null]),
        );
        const kinds = ["live_frame", "pong", "stream_ended", "viewer_connected"];
        for (const one of result.everything) {
          for (const id of names) assert.ok(one.shown[id] >= FEWEST_FRAMES, `${id}: ${one.shown[id]}`);
          assert.deepEqual([one.foreign, one.late, one.ended, one.kinds], [0, 0, names, kinds]);
        }
        for (const [i, one] of result.chosen.entries()) {
          const shown = Object.entries(one.shown).filter(([, count]) => count > 0);
          assert.deepEqual(
            shown.map(([id]) => id),
            [names[i]],
          );
          assert.ok(shown[0][1] >= FEWEST_FRAMES, `${shown}`);
          assert.deepEqual([one.foreign, one.late, one.ended, one.kinds], [0, 0, [names[i]], kinds]);
        }
        const refused = { code: 4090, heard: [{ type: "error", message: LIVE_ALREADY }] };
        assert.deepEqual(result.refused, Array(18).fill(refused));
        assert.deepEqual([result.still_open, result.again], [6, 6]);
      });
    }
  },
);
