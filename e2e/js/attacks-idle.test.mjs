// Connections that do no more than stay: they cost memory, and nobody else any time. `cargo xtask bench attacks idle` measures them
// without encryption and on one core.

import assert from "node:assert/strict";
import { test } from "node:test";

import { attack } from "./attackers.mjs";
import { dummy, opened } from "./engineio.mjs";
import { sleep, start, until } from "./harness.mjs";
import { honest, shown } from "./honest.mjs";
import { descriptors, rssMb } from "./procfs.mjs";
import { RawClient } from "./rawclient.mjs";

/** @import { Told } from "./attackers.mjs" */

const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
/** Of each of two kinds. */
const COUNT = IS_FULL ? 5_000 : 250;
/** So many have a process of their own. */
const OF_A_PROCESS = 2_500;
const HONEST = 10;
/** A bound that only failure reaches. */
const LATE_MS = 15_000;
const NOTICED_MS = IS_FULL ? 10_000 : 800;
/** Who does not answer pings is ended long before the test is over, if all of it is run. */
const [PING_INTERVAL_S, PING_TIMEOUT_S] = IS_FULL ? [10, 10] : [2, 30];

const OPTIONS = dummy({
  "server.max_connections": 2 * COUNT + 100,
  "recognizer.max_clients": COUNT + HONEST + 1,
  "relay.max_viewers": COUNT + 1,
  "relay.ping_interval_s": PING_INTERVAL_S,
  "socketio.ping_interval_s": PING_INTERVAL_S,
  "socketio.ping_timeout_s": PING_TIMEOUT_S,
});

/** Two that do not answer pings. */
async function deaf(t, server) {
  const client = await opened(t, server, { pongs: false });
  client.send("40");
  const viewer = await new RawClient(server, "/ws/view", { answers: false }).opened();
  t.after(() => viewer.destroy());
  return [client, viewer];
}

test(`${2 * COUNT}_idle_connections_are_held_and_nobody_else_waits_for_them`, async (t) => {
  const server = await start(t, OPTIONS);
  const clients = await honest(t, server, { count: HONEST });
  await clients.notice(300);
  const before = await clients.notice(NOTICED_MS);
  const [rssBefore, openBefore] = [rssMb(server), descriptors(server)];

  const begun = performance.now();
  const attacks = ["socketio", "viewers"].flatMap((kind) =>
    Array.from({ length: Math.ceil(COUNT / OF_A_PROCESS) }, (_, index) => {
      const count = Math.min(COUNT, OF_A_PROCESS);
      return attack(t, { at: { url: server.url, port: server.port }, kind, count, network: 1 + index });
    }),
  );
  await Promise.all(attacks.map((one) => one.has(Math.min(COUNT, OF_A_PROCESS))));
  const opening = performance.now() - begun;
  const silent = IS_FULL ? await deaf(t, server) : [];
  if (IS_FULL) await sleep(1_000);
  const beside = await clients.notice(NOTICED_MS);
  await until(() => silent.every(({ closed }) => closed), "the end of those who do not answer", 120_000);
  let /** @type {Told[]} */ told;
  const answered = async () => {
    told = await Promise.all(attacks.map((one) => one.told()));
    return told.every(({ opened, pongs }) => pongs >= opened);
  };
  await until(answered, "a ping that each has answered");
  const kb = ((rssMb(server) - rssBefore) * 1024) / (2 * COUNT);
  t.diagnostic(`before ${shown(before)}`);
  t.diagnostic(`beside ${shown(beside)}`);
  t.diagnostic(`opened in ${Math.round(opening)} ms, ${kb.toFixed(1)} KiB each, ${shown(told)}`);

  for (const { open, opened, ended, failed } of told) {
    assert.deepEqual([open, ended, failed], [opened, 0, 0], "each is held");
  }
  const { json } = await server.get("/api/v1/status");
  assert.ok(json.connections.open >= 2 * COUNT + HONEST - 2, `${json.connections.open} open`);
  assert.equal(json.recognizer.clients, COUNT + HONEST);
  assert.equal(json.relay.viewers, COUNT);
  assert.deepEqual([before.lost, beside.lost], [0, 0]);
  // A frame or an answer that waits for all of them once would be late by far more. Among the few of a short look the p99 is the
  // slowest, and any pause of the machine.
  const most = (/** @type {number} */ p99) => (IS_FULL ? 4 * p99 + 100 : LATE_MS);
  assert.ok(beside.p99 < most(before.p99), "replies come as before");
  assert.ok(beside.livezP99 < most(before.livezP99), "answers come as before");
  assert.ok(kb < 60, `${kb} KiB each`);

  await Promise.all(attacks.map((one) => one.stop()));
  await until(() => descriptors(server) <= openBefore + 5, "their descriptors are free");
  const after = await clients.notice(300);
  assert.equal(after.lost, 0);
  t.diagnostic(`${Math.round(rssBefore)} MB before, ${Math.round(rssMb(server))} MB after`);
});
