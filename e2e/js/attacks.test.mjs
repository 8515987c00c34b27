// What stopped the server once: floods, messages that never end, sessions without life. docs/reliability.md has the figures;
// `cargo xtask bench attacks` measures for longer. The bounds here are ones that only failure reaches. What the server's own
// deadlines and budgets do about it is in crates/server/tests/servers/arriving.rs.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { connect as dial } from "node:net";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";

import { connect } from "./client.mjs";
import { target } from "./engineio.mjs";
import { BIN, sleep, start, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { rssMb } from "./procfs.mjs";
import { BYTES, framed, RawClient } from "./rawclient.mjs";

const BENCH = join(dirname(BIN), "sightwire-bench");
const run = promisify(execFile);

/** The only row of a table that the bench prints, by column. */
function row(table) {
  const lines = table.trim().split("\n");
  const cells = (line) => line.split("|").map((cell) => cell.trim());
  const [names, values] = [cells(lines[0]), cells(lines[2])];
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

/** The first one that this process may use. */
function firstCore() {
  const [, list] = readFileSync("/proc/self/status", "utf8").match(/Cpus_allowed_list:\s+(\S+)/);
  return list.match(/^\d+/)[0];
}

describe("eight_clients_that_flood_a_server_on_one_core", () => {
  for (const kind of ["small", "large", "pings", "polling"]) {
    test(`others_are_served_beside_a_flood_of_${kind}`, async (t) => {
      const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
      execFileSync("taskset", ["-acp", firstCore(), String(server.pid)]);
      const times = ["--seconds", "2", "--rest", "0"];
      const args = ["attacks", "flood", "--url", server.url, "--kinds", kind, ...times];
      const { stdout } = await run(BENCH, args);
      const seen = row(stdout);
      t.diagnostic(JSON.stringify(seen));
      assert.equal(seen.lost, "0");
      assert.ok(Number(seen.replies) > 0);
      assert.ok(Number(seen["/livez p50 ms"]) < 2_000 && Number(seen.max) < 20_000, stdout);
      assert.ok(Number(seen["at most"]) - Number(seen["resident MB before"]) <= 100, stdout);
    });
  }
});

/** A frame of a message that is longer than what comes of it. */
const beginning = (length) => framed(BYTES, "", { length });

/** Sends `bytes` on each connection as far as the server takes them, for at most so long. */
async function pour(sockets, bytes, ms) {
  const piece = Buffer.alloc(bytes, "x");
  for (const socket of sockets) socket.write(piece);
  await Promise.race([
    Promise.all(
      sockets.map((socket) => new Promise((done) => socket.once("drain", done).once("close", done))),
    ),
    sleep(ms),
  ]);
}

describe("messages_that_never_end", () => {
  const LIMIT_MB = 16;
  const COUNT = 60;
  const SENT = 2 << 20;
  const options = {
    args: [
      "--set",
      `server.receive_memory_mb=${LIMIT_MB}`,
      "--set",
      "relay.max_streams=100",
      "--set",
      "recognizer.max_clients=100",
    ],
    // What is free is given back at once: the memory is what the server holds, not what its allocator may yet need.
    env: { USE_DUMMY_MODEL: "1", _RJEM_MALLOC_CONF: "dirty_decay_ms:0,muzzy_decay_ms:0" },
  };

  const kinds = {
    async of_streams_that_begin(server, number) {
      const client = await new RawClient(server, `/ws/stream/attack-${number}`).opened();
      client.raw(beginning(SENT * 2));
      return client.socket;
    },
    async of_pictures_that_are_posted(server) {
      const socket = dial({ host: "127.0.0.1", port: server.port });
      const head = "POST /api/v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n";
      socket.write(`${head}Content-Length: ${SENT * 2}\r\n\r\n`);
      return socket;
    },
  };

  for (const [name, open] of Object.entries(kinds)) {
    test(`${name}_share_one_budget_and_a_newcomer_is_served`, async (t) => {
      const server = await start(t, options);
      // The first picture loads the model, which is no part of what messages hold.
      const first = await fetch(`${server.url}/api/v1/read`, { method: "POST", body: png() });
      assert.equal(first.status, 200);
      const before = rssMb(server);
      const sockets = [];
      t.after(() => sockets.forEach((socket) => socket.destroy()));
      for (let number = 0; number < COUNT; number += 1) {
        const socket = await open(server, number);
        socket.on("error", () => {});
        sockets.push(socket);
      }
      let most = 0;
      const sampling = setInterval(() => (most = Math.max(most, rssMb(server))), 20);
      await pour(sockets, SENT, 1_500).finally(() => clearInterval(sampling));
      const client = await connect(t, server);
      client.frame({ image: `${png().toString("base64")}`, padding: "x".repeat(50_000) });
      await client.answered(1);
      most = Math.max(most, rssMb(server));
      const { connections } = (await server.get("/api/v1/status")).json;
      t.diagnostic(`${Math.round(most - before)} MB, ${connections.given_up} given up`);
      // All of them together sent 120 MB.
      assert.ok(most - before < 3 * LIMIT_MB + 20, `${Math.round(most - before)} MB`);
      assert.ok(connections.receiving_bytes <= LIMIT_MB << 20);
      assert.ok(connections.given_up > 0, `${connections.given_up} were given up`);
      assert.match(server.logs(), /server\.receive_memory_mb/);
    });
  }
});

test("a_picture_to_be_read_that_trickles_is_408", async (t) => {
  const options = { args: ["--set", "server.receive_timeout_s=1"], env: { USE_DUMMY_MODEL: "1" } };
  const server = await start(t, options);
  const socket = dial({ host: "127.0.0.1", port: server.port });
  t.after(() => socket.destroy());
  let text = "";
  socket.on("error", () => {}).on("data", (data) => (text += data));
  const head = "POST /api/v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n";
  socket.write(`${head}Content-Length: 1000\r\n\r\n`);
  const timer = setInterval(() => socket.destroyed || socket.write("4"), 100);
  t.after(() => clearInterval(timer));
  await until(() => text.includes("\r\n\r\n"), "an answer");
  assert.match(text, /^HTTP\/1\.1 408 /);
  assert.match(text, /server\.receive_timeout_s/);
});

test("thousands_of_polling_sessions_without_life_keep_nobody_out_and_end_nobody_who_polls", async (t) => {
  const server = await start(t, {
    args: ["--set", "server.max_connections=200"],
    env: { USE_DUMMY_MODEL: "1" },
  });
  const alive = await connect(t, server, { transports: ["polling"] });
  const before = rssMb(server);
  // From another address: who makes so many keeps others of its own address out for a while.
  const attack = () =>
    new Promise((done) => {
      const path = target({ EIO: 4, transport: "polling" });
      const request = get({ host: "127.0.0.1", port: server.port, path, localAddress: "127.0.0.2" });
      request.on("response", (response) => response.resume().on("end", done)).on("error", done);
    });
  for (let round = 0; round < 40; round += 1) await Promise.all(Array.from({ length: 50 }, attack));
  for (const transports of [["websocket"], ["polling"]]) {
    const client = await connect(t, server, { transports });
    client.send(png());
    await client.answered(1);
  }
  alive.send(png());
  await alive.answered(1);
  assert.deepEqual(alive.disconnects, []);
  const { connections } = (await server.get("/api/v1/status")).json;
  assert.ok(connections.polling_sessions <= 200, `${connections.polling_sessions}`);
  assert.ok(rssMb(server) - before < 100);
});
