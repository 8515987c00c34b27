// Processes that speak over TLS with each other, as they do with everybody else.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { sends, startProcess } from "./cluster.mjs";
import { command, temporary, until } from "./harness.mjs";
import { startRedis } from "./redis.mjs";
import { connect, streamPath, streamer, viewerOf } from "./relay.mjs";

/** @import { Ending } from "./types.ts" */

/** A store with a certificate authority of its own: what a process is started with, and what trusts it. */
async function authority(/** @type {Ending} */ t, name) {
  const home = temporary(t, name);
  const env = { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "1" };
  const { stdout: ca } = await command(["tls", "show", "--pem"], { env });
  return { env, ca };
}

/** A process whose connections are encrypted. */
function encrypted(t, redis, name, { env, ca }, set = {}) {
  return startProcess(t, redis, {
    name,
    env,
    scheme: "https",
    set: { "tls.mode": "self-signed", ...set },
  }).then((server) => ({ server, at: { ca } }));
}

test("processes_that_share_a_store_trust_each_other", async (t) => {
  const redis = await startRedis(t);
  const own = await authority(t, "home");
  const [a, b] = await Promise.all(["a", "b"].map((name) => encrypted(t, redis, name, own)));
  assert.match(a.server.url, /^https:/);
  const sender = await streamer(t, a.server, "ward", a.at);
  const watching = await viewerOf(t, b.server, "ward", b.at);
  sends(t, sender, "ward");
  await watching.nextFrame("ward");
  const second = await connect(t, b.server, streamPath("ward"), b.at);
  assert.equal((await second.over()).code, 4090);
});

test("others_are_trusted_by_cluster.ca_file_and_not_without_it", async (t) => {
  const redis = await startRedis(t);
  const [first, other] = [await authority(t, "first"), await authority(t, "other")];
  const both = join(temporary(t, "authorities"), "both.pem");
  writeFileSync(both, first.ca + other.ca);
  const a = await encrypted(t, redis, "a", first, { "cluster.ca_file": both });
  const b = await encrypted(t, redis, "b", other, { "cluster.ca_file": both });
  const c = await encrypted(t, redis, "c", other);
  const sender = await streamer(t, a.server, "ward", a.at);
  sends(t, sender, "ward");
  const watching = await viewerOf(t, b.server, "ward", b.at);
  await watching.nextFrame("ward");
  const inVain = await viewerOf(t, c.server, "ward", c.at);
  await until(() => /another process cannot be reached/.test(c.server.logs()), "its log says so");
  assert.match(c.server.logs(), /certificate/);
  assert.deepEqual(inVain.all("live_frame"), []);
  await watching.nextFrame("ward");
});
