// What stopped the server once: floods, messages that never end, sessions without life. docs/reliability.md has the figures;
// `cargo xtask bench attacks` measures for longer. The bounds here are ones that only failure reaches.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { connect as dial } from "node:net";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";

import { connect } from "./client.mjs";
import { ask, dummy, EngineSocket, FRAME, Polling, PREDICTION, STATUS, target } from "./engineio.mjs";
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
      const args = ["attacks", "flood", "--url", server.url, "--kinds", kind, "--seconds", "5"];
      const { stdout } = await run(BENCH, args);
      const seen = row(stdout);
      t.diagnostic(JSON.stringify(seen));
      assert.equal(seen.lost, "0");
      assert.ok(Number(seen.replies) > 0);
      assert.ok(Number(seen["/livez p50 ms"]) < 2_000 && Number(seen.max) < 2_000, stdout);
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
    env: { USE_DUMMY_MODEL: "1" },
  };

  const kinds = {
    async of_socketio_before_the_namespace_is_entered(server) {
      const client = new EngineSocket(server, { EIO: 4, transport: "websocket" });
      await client.take();
      client.raw(beginning(SENT * 2));
      return client.socket;
    },
    async of_socketio_after_it(server) {
      const client = new EngineSocket(server, { EIO: 4, transport: "websocket" });
      await client.take();
      client.send("40");
      await client.take();
      client.raw(beginning(SENT * 2));
      return client.socket;
    },
    async of_streams_that_begin(server, number) {
      const client = await new RawClient(server, `/ws/stream/attack-${number}`).opened();
      client.raw(beginning(SENT * 2));
      return client.socket;
    },
    async of_posts_of_polling_clients(server) {
      const session = await Polling.open(server);
      await session.send("40");
      return body(server, target(session.parameters));
    },
    async of_pictures_that_are_posted(server) {
      return body(server, "/api/v1/read");
    },
  };

  function body(server, path) {
    const socket = dial({ host: "127.0.0.1", port: server.port });
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: ${SENT * 2}\r\n\r\n`;
    socket.write(head);
    return socket;
  }

  // Of these nothing long is read: nobody has said who it is, or the server cannot read text yet.
  const unread = ["of_socketio_before_the_namespace_is_entered", "of_pictures_that_are_posted"];

  for (const [name, open] of Object.entries(kinds)) {
    const isRead = !unread.includes(name);
    test(`${name}_share_one_budget_and_a_newcomer_is_served`, async (t) => {
      const server = await start(t, options);
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
      await pour(sockets, SENT, 3_000).finally(() => clearInterval(sampling));
      const client = await connect(t, server);
      client.frame({ image: `${png().toString("base64")}`, padding: "x".repeat(50_000) });
      await client.answered(1);
      most = Math.max(most, rssMb(server));
      const { connections } = (await server.get("/api/v1/status")).json;
      t.diagnostic(`${Math.round(most - before)} MB, ${connections.given_up} given up`);
      // All of them together sent 120 MB.
      assert.ok(most - before < 3 * LIMIT_MB + 20, `${Math.round(most - before)} MB`);
      assert.ok(connections.receiving_bytes <= LIMIT_MB << 20);
      assert.equal(connections.given_up > 0, isRead, `${connections.given_up} were given up`);
    });
  }

  test("one_that_is_given_up_is_told_why", async (t) => {
    const server = await start(t, { ...options, args: ["--set", "server.receive_memory_mb=1"] });
    const client = await new RawClient(server, "/ws/stream/long").opened();
    client.raw(Buffer.concat([beginning(SENT), Buffer.alloc(SENT / 2)]));
    await until(() => client.closed, 10_000, "the end");
    assert.equal(client.closed.code, 1013);
    assert.match(client.closed.reason, /too much is arriving/i);
    assert.match(server.logs(), /server\.receive_memory_mb/);
    const { text } = await server.get("/metrics");
    assert.match(text, /sightwire_receive_given_up_total 1\b/);
  });
});

describe("what_does_not_arrive_whole_in_time", () => {
  const options = { args: ["--set", "server.receive_timeout_s=1"], env: { USE_DUMMY_MODEL: "1" } };

  test("a_message_is_given_up_with_its_reason_though_a_byte_comes_now_and_then", async (t) => {
    const server = await start(t, options);
    const client = await new RawClient(server, "/ws/stream/slow").opened();
    client.raw(beginning(1000));
    const timer = setInterval(() => client.raw("x"), 100);
    t.after(() => clearInterval(timer));
    await until(() => client.closed, 10_000, "the end");
    assert.equal(client.closed.code, 1008);
    assert.match(client.closed.reason, /in time/);
  });

  /** The status line of whatever answers a body that trickles. */
  async function trickle(t, server, path, type) {
    const socket = dial({ host: "127.0.0.1", port: server.port });
    t.after(() => socket.destroy());
    let text = "";
    socket.on("error", () => {}).on("data", (data) => (text += data));
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: 1000\r\n\r\n`,
    );
    const timer = setInterval(() => socket.destroyed || socket.write("4"), 100);
    t.after(() => clearInterval(timer));
    await until(() => text.includes("\r\n\r\n"), 10_000, `an answer on ${path}`);
    return text;
  }

  for (const [path, type] of [
    ["/api/v1/detect", "image/jpeg"],
    ["/api/v1/cameras", "application/json"],
    ["/api/v1/read", "image/png"],
  ]) {
    test(`a_body_that_trickles_is_408 (${path})`, async (t) => {
      const text = await trickle(t, await start(t, options), path, type);
      assert.match(text, /^HTTP\/1\.1 408 /);
      assert.match(text, /server\.receive_timeout_s/);
    });
  }

  test("a_post_of_a_polling_client_that_trickles_is_408", async (t) => {
    const server = await start(t, options);
    const session = await Polling.open(server);
    const text = await trickle(t, server, target(session.parameters), "text/plain");
    assert.match(text, /^HTTP\/1\.1 408 /);
  });

  for (const path of ["/api/v1/detect", "/api/v1/cameras"]) {
    test(`a_body_with_broken_chunks_is_400 (${path})`, async (t) => {
      const server = await start(t, options);
      const socket = dial({ host: "127.0.0.1", port: server.port });
      t.after(() => socket.destroy());
      let text = "";
      socket.on("data", (data) => (text += data));
      const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\nnonsense\r\n`);
      await until(() => text.includes("\r\n\r\n"), 10_000, "an answer");
      assert.match(text, /^HTTP\/1\.1 400 /);
    });
  }
});

describe("polling_sessions_without_life", () => {
  test("thousands_of_them_keep_nobody_out_and_end_nobody_who_polls", async (t) => {
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

  test("none_of_them_takes_a_place_of_clients_with_a_websocket", async (t) => {
    const server = await start(t, dummy({ "server.max_connections": 20 }));
    for (let number = 0; number < 60; number += 1) await ask(server, { EIO: 4, transport: "polling" });
    const client = new EngineSocket(server, { EIO: 4, transport: "websocket" });
    t.after(() => client.destroy());
    await client.take();
    client.send("40");
    await client.take();
    client.send(FRAME);
    assert.deepEqual([await client.take(), await client.take()], [STATUS, PREDICTION]);
  });
});

describe("what_goes_around_the_bounds", () => {
  const head = (path, fields) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${fields}\r\n`;
  const KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

  async function answer(t, server, request) {
    const socket = dial({ host: "127.0.0.1", port: server.port });
    t.after(() => socket.destroy());
    let text = "";
    socket.on("error", () => {}).on("data", (data) => (text += data));
    socket.write(request);
    await until(() => text.includes("\r\n\r\n"), 10_000, "an answer");
    return text;
  }

  test("polling_with_the_header_of_a_websocket_is_counted_as_polling", async (t) => {
    const server = await start(t, dummy());
    const path = target({ EIO: 4, transport: "polling" });
    await answer(t, server, head(path, `Connection: Upgrade\r\nUpgrade: websocket\r\n${KEY}`));
    assert.equal((await server.get("/api/v1/status")).json.connections.polling_sessions, 1);
  });

  for (const transport of ["websocket=", "websocket=x", "WebSocket", "tcp"]) {
    test(`a_transport_that_is_none_is_400 (${transport})`, async (t) => {
      const server = await start(t, dummy());
      const path = `/socket.io/?EIO=4&transport=${transport}`;
      const text = await answer(t, server, head(path, `Connection: Upgrade\r\nUpgrade: x\r\n${KEY}`));
      assert.match(text, /^HTTP\/1\.1 400 /);
    });
  }
});

describe("a_sender_of_a_name_that_is_taken", () => {
  test("is_told_so_before_it_has_said_anything", async (t) => {
    const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
    const first = await new RawClient(server, "/ws/stream/ward").opened();
    t.after(() => first.destroy());
    first.text({ analysis_mode: "normal" });
    await first.next(() => true);
    const second = await new RawClient(server, "/ws/stream/ward").opened();
    await until(() => second.closed, 10_000, "the refusal");
    assert.equal(second.closed.code, 4090);
    assert.equal(first.closed, undefined);
  });
});
