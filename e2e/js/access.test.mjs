// Who may do what, with the clients that people have: keys by command, in headers, addresses, Socket.IO's `auth` and
// cookies; and what happens to all that is open when a key is revoked.

import assert from "node:assert/strict";
import { mkdtempSync, statSync, symlinkSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import WebSocket from "ws";

import { ask } from "./api.mjs";
import { Client, TRANSPORTS } from "./client.mjs";
import { command, HOME, removeFolder, start, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { connect, refusal, streamPath, url, viewer } from "./relay.mjs";
import { camera, serving } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */

const ends = [];
const owner = { after: (end) => ends.push(end) };
const home = mkdtempSync(join(tmpdir(), "sightwire-access-"));
const env = { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "1" };
let /** @type {Server} */ server;
/** What the server printed as its first key. */
let admin = "";
before(async () => {
  for (const folder of ["models", "runtime"]) symlinkSync(join(HOME, folder), join(home, folder));
  const [gate, yard] = await Promise.all([camera(owner), camera(owner)]);
  const cameras = [
    { id: "gate-1", url: gate.url, default: true },
    { id: "yard", url: yard.url },
  ];
  const settings = serving({ cameras, set: { "access.mode": "protected" }, env: { RUST_LOG: "trace" } });
  server = await start(owner, { ...settings, env: { ...settings.env, ...env } });
  await until(() => /admin key: /.test(server.logs()), "the first key");
  admin = server.logs().match(/admin key: (sw_\S+) /)[1];
});
after(async () => {
  for (const end of ends.reverse()) await end();
  removeFolder(home);
});

/** Makes a key by command, and waits until the running server knows it. */
async function key(...args) {
  const { stdout, stderr, code } = await command(["keys", "add", ...args], { env });
  assert.equal(code, 0, stderr);
  const made = stdout.match(/^key: (sw_\S+)$/m)[1];
  await until(async () => (await server.get("/api/v1/session", bearer(made))).json.role, "the key to count");
  return made;
}

const bearer = (key) => ({ Authorization: `Bearer ${key}` });

async function revoke(key) {
  const { code, stderr } = await command(["keys", "revoke", key], { env });
  assert.equal(code, 0, stderr);
  return performance.now();
}

test("the_first_start_prints_an_admin_key_and_keeps_only_its_hash", async (t) => {
  assert.equal((await server.get("/api/v1/status")).status, 401);
  assert.equal((await server.get("/api/v1/keys", bearer(admin))).status, 200);
  assert.equal(statSync(join(home, "access.json")).mode & 0o777, 0o600);
  const second = await start(t, {
    args: ["--set", "access.mode=protected"],
    env,
  });
  await until(() => /listening on/.test(second.logs()), "the second server");
  assert.doesNotMatch(second.logs(), /admin key/);
  assert.equal((await second.get("/api/v1/keys", bearer(admin))).status, 200);
});

describe("a_client_of_Socket.IO", { concurrency: true }, () => {
  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    const ways = {
      "in its auth": (key) => ({ auth: { key } }),
      "in its address": (key) => ({ query: { key } }),
    };
    for (const [way, options] of Object.entries(ways)) {
      test(`with_a_key_${way}_(${name})`.replaceAll(/[ ,]/g, "_"), async (t) => {
        const client = new Client(server.url, { transports, ...options(await key("--role", "streamer")) });
        t.after(() => client.socket.disconnect());
        await client.ready();
        client.send(png());
        await until(() => client.predictions.length > 0, "an answer");
      });
    }

    test(`without_one_is_told_so_(${name})`.replaceAll(/[ ,]/g, "_"), async (t) => {
      const viewers = await key("--role", "viewer");
      for (const [options, said] of [
        [{}, /key is needed to have signs recognised: send it as `auth: \{ key \}`/],
        [{ auth: { key: "sw_wrong" } }, /not a key/],
        [{ auth: { key: viewers } }, /is a viewer; to have signs recognised takes a streamer/],
      ]) {
        const client = new Client(server.url, { transports, .../** @type {object} */ (options) });
        t.after(() => client.socket.disconnect());
        const why = await new Promise((refused) => client.socket.on("connect_error", refused));
        assert.match(why.message, /** @type {RegExp} */ (said));
        assert.equal(client.statuses.length, 0);
      }
    });
  }
});

describe("a_revoked_key", () => {
  test("ends_all_that_it_opened_and_nothing_else", async (t) => {
    const mine = await key("--role", "streamer");
    const other = await key("--role", "streamer");
    const headers = bearer(mine);
    const [pictures, stays] = await Promise.all([
      watch(t, server, "/stream?camera=gate-1", { headers }),
      watch(t, server, "/stream?camera=gate-1", { headers: bearer(other) }),
    ]);
    await Promise.all([pictures.next(1), stays.next(1)]);
    const events = await watch(t, server, "/api/v1/streams/gate-1/detections", { headers });
    const live = await connect(t, server, "/api/v1/live", { headers });
    const watching = await viewer(t, server, `?key=${mine}`);
    const sending = await connect(t, server, streamPath("mine"), { headers });
    sending.say({ analysis_mode: "normal" });
    await sending.next("connected");
    const signs = await Promise.all(
      Object.values(TRANSPORTS).map(async (transports) => {
        const client = new Client(server.url, { transports, auth: { key: mine } });
        t.after(() => client.socket.disconnect());
        return client.ready();
      }),
    );
    // With a byte of the next request the server's HTTP library does not look at the connection while it answers.
    const sly = createConnection({ host: "127.0.0.1", port: server.port });
    t.after(() => sly.destroy());
    sly.on("error", () => {});
    sly.resume();
    sly.write(
      `GET /api/v1/streams/gate-1/detections?key=${mine} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\nG`,
    );
    await until(() => sly.bytesRead > 0, "the first event");
    const at = await revoke(mine);
    const sockets = [live, watching, sending];
    const gone = () =>
      pictures.socket.destroyed &&
      events.socket.destroyed &&
      sly.closed &&
      sockets.every((socket) => socket.closed !== undefined || socket.error !== undefined || !socket.open) &&
      signs.every((client) => client.disconnects.length > 0);
    await until(gone, "everything to end");
    t.diagnostic(`all had ended ${Math.round(performance.now() - at)} ms after the command`);
    await stays.next(2);
    assert.equal((await server.get("/api/v1/cameras", headers)).status, 401);
    assert.equal((await server.get("/api/v1/cameras", bearer(other))).status, 200);
  });
});

describe("a_key_for_some_streams", { concurrency: true }, () => {
  test("shows_those_and_no_others_in_lists_sockets_and_live_state", async (t) => {
    const gates = await key("gate", "--role", "viewer", "--streams", "gate-*");
    const [inside, outside] = await Promise.all(
      ["gate-sent", "yard-sent"].map(async (name) => {
        const client = await connect(t, server, streamPath(name), { headers: bearer(admin) });
        client.say({ analysis_mode: "normal" });
        await client.next("connected");
        return client;
      }),
    );
    const watching = await viewer(t, server, `?key=${gates}`);
    assert.deepEqual(watching.greeting.active_streams, ["gate-sent"]);
    for (const sender of [outside, inside, outside]) sender.frame(url("frame"));
    await until(
      () => watching.all("live_frame", "gate-sent").length > 0,
      "a frame of the stream at the gate",
    );
    assert.equal(watching.all("live_frame", "yard-sent").length, 0);
    assert.equal(await refusal(t, server, "/ws/view?streams=yard-sent", { headers: bearer(gates) }), 403);
    const ids = async (path, list) => (await server.get(path, bearer(gates))).json[list].map(({ id }) => id);
    assert.deepEqual(await ids("/api/v1/cameras", "cameras"), ["gate-1"]);
    assert.ok((await ids("/api/v1/streams", "streams")).every((id) => id.startsWith("gate-")));
    const active = (await server.get("/streams/active", bearer(gates))).json;
    assert.deepEqual([active.active_streams, active.count], [["gate-sent"], 1]);
    const full = async () => {
      const live = await connect(t, server, "/api/v1/live", { headers: bearer(gates) });
      const { data } = await live.next("full");
      live.vanish();
      return data;
    };
    let data = await full();
    // An edition may be a second old.
    await until(async () => {
      data = await full();
      return "gate-sent" in data.streams;
    }, "the stream in the live state");
    assert.ok(Object.keys(data.streams).every((id) => id.startsWith("gate-")));
    assert.deepEqual(data.viewers, {});
  });
});

/** The first message of a socket, a text. */
async function firstText(t, path, headers) {
  const socket = new WebSocket(server.url.replace(/^http/, "ws") + path, { headers });
  t.after(() => socket.terminate());
  const message = new Promise((said, failed) => socket.once("message", said).once("error", failed));
  const text = String(await message);
  socket.terminate();
  return text;
}

describe("the_sockets_of_the_camera_prototype", { concurrency: true }, () => {
  for (const path of [
    "/ws/stream/detect",
    "/ws/camera/detect",
    "/ws/stream/raw",
    "/ws/camera/raw",
    "/ws/ws/stream/raw",
    "/ws/viewer/detection",
  ]) {
    test(`show_nothing_of_another_camera_(${path.slice(1).replaceAll("/", "-")})`, async (t) => {
      const mine = await key("--role", "operator", "--streams", "elsewhere-*");
      const [of, all] = [bearer(mine), bearer(admin)];
      // The first one's name is its user's, and the last one's its own; who names none gets the default one.
      const camera = path.startsWith("/ws/viewer") ? "&camera_id=yard" : "";
      for (const query of [`?fps=5&user_id=nobody${camera}`, "?fps=5"]) {
        assert.match(await firstText(t, path + query, of), /elsewhere-\*/, query);
        // A reason is a sentence; a frame, also within JSON, has hundreds of letters.
        const shown = await firstText(t, path + query, all);
        assert.ok(shown.startsWith('{"type":"info"') || shown.length > 500, shown);
      }
    });
  }
});

test("a_page_from_elsewhere_is_not_the_user_of_this_machine", async (t) => {
  const open = await start(t, { args: ["--set", "recognizer.dummy=true"], env: { SIGHTWIRE_HOME: home } });
  const from = async (origin, options = {}) => {
    const client = new Client(open.url, { extraHeaders: { Origin: origin }, ...options });
    t.after(() => client.socket.disconnect());
    return new Promise((said) => {
      client.socket.on("connect", () => said("welcome"));
      client.socket.on("connect_error", ({ message }) => said(message));
    });
  };
  for (const transports of Object.values(TRANSPORTS)) {
    const evil = await from("https://evil.example", { transports });
    assert.match(evil, /Pages from elsewhere may not have signs recognised; add its origin/);
    assert.equal(await from(open.url, { transports }), "welcome");
    // The page of the prototype comes from another port of this machine; and whoever has a key may come from anywhere.
    assert.equal(await from("http://localhost:3000", { transports }), "welcome");
    assert.equal(await from("https://evil.example", { transports, auth: { key: admin } }), "welcome");
  }
  const reads = async (path, origin) => (await open.get(path, { Origin: origin })).status;
  for (const path of ["/metrics", "/api/v1/keys", "/api/v1/users"]) {
    assert.equal(await reads(path, open.url), 200, path);
    for (const origin of ["https://evil.example", "http://localhost:3000"]) {
      assert.equal(await reads(path, origin), 403, `${path} ${origin}`);
    }
  }
  assert.equal(await reads("/api/v1/status", "https://evil.example"), 200);
});

test("a_batch_belongs_to_who_sent_it", async () => {
  const [mine, other] = [await key("--role", "streamer"), await key("--role", "streamer")];
  const body = new FormData();
  body.append("files", new Blob([/** @type {BlobPart} */ (png(320, 96))]), "page.png");
  const sent = await fetch(`${server.url}/api/v1/jobs`, { method: "POST", headers: bearer(mine), body });
  assert.equal(sent.status, 201, await sent.clone().text());
  const { id } = await sent.json();
  const ids = async (of) => (await server.get("/api/v1/jobs", bearer(of))).json.jobs.map((job) => job.id);
  assert.deepEqual([await ids(mine), await ids(other), await ids(admin)], [[id], [], [id]]);
  for (const path of ["", "/files", "/events", "/files/0", "/files/0/picture", "/export"]) {
    const { status, json } = await server.get(`/api/v1/jobs/${id}${path}`, bearer(other));
    assert.equal(status, 404, path);
    assert.match(json.detail, /There is no batch/);
  }
  const ended = await ask(server, "DELETE", `/api/v1/jobs/${id}`, undefined, bearer(other));
  const readAgain = await ask(server, "POST", `/api/v1/jobs/${id}/files/0/read`, undefined, bearer(other));
  assert.deepEqual([ended.status, readAgain.status], [404, 404]);
  assert.equal((await server.get(`/api/v1/jobs/${id}`, bearer(mine))).status, 200);
  const elsewhere = await key("--role", "streamer", "--uses", "relay");
  const refused = await server.get("/api/v1/jobs", bearer(elsewhere));
  assert.equal(refused.status, 403);
  assert.match(refused.json.detail, /is for relay, not for reading/);
});

test("keys_are_made_and_revoked_over_the_API_too", async () => {
  const made = await ask(
    server,
    "POST",
    "/api/v1/keys",
    { role: "viewer", name: "wall", expires_s: 3600 },
    bearer(admin),
  );
  assert.equal(made.status, 201);
  const { about, key: own } = made.json;
  assert.equal((await server.get("/api/v1/cameras", bearer(own))).status, 200);
  const listed = (await server.get("/api/v1/keys", bearer(admin))).json.keys.find(
    ({ id }) => id === about.id,
  );
  assert.deepEqual(listed, about);
  assert.ok(!JSON.stringify(listed).includes(own.slice(12)));
  assert.equal((await server.get("/api/v1/keys", bearer(own))).status, 403);
  assert.equal(
    (await ask(server, "DELETE", `/api/v1/keys/${about.id}`, undefined, bearer(admin))).status,
    204,
  );
  assert.equal((await server.get("/api/v1/cameras", bearer(own))).status, 401);
  for (const { said, ...body } of [
    { role: "root", said: /viewer, streamer, operator, admin/ },
    { role: "viewer", streams: [""], said: /pattern of streams is empty/ },
    { role: "viewer", name: "x".repeat(65), said: /1 to 64 characters/ },
    { role: "viewer", expires_s: 0, said: /expired already/ },
  ]) {
    const headers = { ...bearer(admin), "Content-Type": "application/json" };
    const { status, json } = await ask(server, "POST", "/api/v1/keys", JSON.stringify(body), headers);
    assert.equal(status, 422, JSON.stringify(body));
    assert.match(json.detail, said);
  }
});

// The last one: all of the above is in the log then.
test("no_key_is_ever_in_the_log", () => {
  const log = server.logs().replace(/admin key: \S+/, "");
  assert.ok(log.length > 10_000, "it is a log at trace level");
  const found = log.match(/.*sw_[0-9a-f]{8}_[\w-]{4}.*/);
  assert.equal(found?.[0].slice(0, 1000), undefined);
});
