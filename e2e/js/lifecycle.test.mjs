// Start and end.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import WebSocket from "ws";

import { HANGING, showWhite, withModel } from "./broken-models.mjs";
import { clip } from "./clips.mjs";
import { connect } from "./client.mjs";
import { command, sleep, start, until } from "./harness.mjs";
import { streamPath } from "./relay.mjs";

for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT"])) {
  test(`${signal}_drains_and_ends_with_exit_code_0`, async (t) => {
    const server = await start(t);
    const frames = await clip("left");
    const clients = await Promise.all([
      connect(t, server),
      connect(t, server, { transports: ["polling"] }),
      connect(t, server),
    ]);
    await Promise.all(clients.map((client) => client.play(frames.slice(0, 12))));
    const { code, ms } = await server.stop(signal);
    assert.equal(code, 0, server.logs());
    t.diagnostic(`${Math.round(ms)} ms`);
    assert.ok(ms < 10_000, `${Math.round(ms)} ms`);
    for (const client of clients) {
      await until(() => client.disconnects.length === 1, "the client notices");
    }
  });
}

test("libraries_have_two_heaps_unless_somebody_says_otherwise", async (t) => {
  const heapsOf = async (/** @type {Record<string, string>} */ env) => {
    const server = await start(t, { env: { USE_DUMMY_MODEL: "1", ...env } });
    const variables = readFileSync(`/proc/${server.pid}/environ`, "utf8").split("\0");
    return variables.filter((variable) => variable.startsWith("MALLOC_ARENA_MAX="));
  };
  assert.deepEqual(await heapsOf({}), ["MALLOC_ARENA_MAX=2"]);
  assert.deepEqual(await heapsOf({ MALLOC_ARENA_MAX: "5" }), ["MALLOC_ARENA_MAX=5"]);
  assert.deepEqual(await heapsOf({ GLIBC_TUNABLES: "glibc.malloc.arena_max=3" }), []);
  assert.deepEqual(await heapsOf({ GLIBC_TUNABLES: "glibc.malloc.perturb=0" }), ["MALLOC_ARENA_MAX=2"]);
});

test("which_gpus_are_there_may_stand_in_the_env_file", async (t) => {
  const gpusOf = async (/** @type {string} */ line, /** @type {Record<string, string>} */ env) => {
    const server = await start(t, { env, files: { ".env": `${line}\nUSE_DUMMY_MODEL=1\n` } });
    const variables = readFileSync(`/proc/${server.pid}/environ`, "utf8").split("\0");
    return variables.filter((variable) => variable.startsWith("CUDA_VISIBLE_DEVICES="));
  };
  assert.deepEqual(await gpusOf("CUDA_VISIBLE_DEVICES=", {}), ["CUDA_VISIBLE_DEVICES="]);
  assert.deepEqual(await gpusOf("CUDA_VISIBLE_DEVICES=1", {}), ["CUDA_VISIBLE_DEVICES=1"]);
  const set = { CUDA_VISIBLE_DEVICES: "0" };
  assert.deepEqual(await gpusOf("CUDA_VISIBLE_DEVICES=1", set), ["CUDA_VISIBLE_DEVICES=0"]);
});

test("a_server_without_clients_ends_at_once", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const { code, ms } = await server.stop();
  assert.equal(code, 0);
  // Not the 5 s that clients have to leave.
  assert.ok(ms < 4_500, `${Math.round(ms)} ms`);
});

test("a_run_that_does_not_come_back_keeps_no_server_from_its_end", async (t) => {
  const server = await start(t, { env: withModel(t, HANGING) });
  const client = await connect(t, server);
  await showWhite(client);
  await sleep(1_000); // it is at it now
  const { code, ms } = await server.stop();
  // `server.drain_s`, and 3 s for the run.
  assert.ok(code === 0 && ms < 10_000, `exit code ${code} after ${ms} ms`);
});

test("a_port_that_is_taken_is_said_so", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const listen = `127.0.0.1:${server.port}`;
  const { code, stderr } = await command(["serve", "--listen", listen], { env: { USE_DUMMY_MODEL: "1" } });
  assert.notEqual(code, 0);
  assert.match(stderr, new RegExp(String(server.port)));
  assert.match(stderr, /in use/);
});

test("the_client_comes_back_by_itself_after_a_restart", async (t) => {
  const first = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const options = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };
  const client = await connect(t, first, options);
  const frames = await clip("left");
  client.send(frames[0]);
  await client.answered(1);
  const listen = `127.0.0.1:${first.port}`;
  await first.stop();
  await until(() => client.disconnects.length === 1, "the end noticed");
  await start(t, { env: { USE_DUMMY_MODEL: "1" }, listen });
  await until(() => client.statuses.length === 2, "a second status");
  client.send(frames[0]);
  await client.answered(2);
});

test("viewers_and_senders_are_told_when_to_come_back", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const sockets = ["/ws/view", "/ws/view", streamPath("P-1")].map(
    (path) => new WebSocket(server.url.replace("http", "ws") + path),
  );
  await Promise.all(sockets.map((socket) => once(socket, "open")));
  sockets[2].send(JSON.stringify({ analysis_mode: "normal" }));
  await once(sockets[2], "message");
  const closed = sockets.map((socket) => once(socket, "close"));
  await server.stop();
  for (const end of closed) {
    const [code, reason] = await end;
    assert.equal(code, 1001);
    assert.match(String(reason), /^the server stops; come back in [1-4] s\.?$/i);
  }
});
