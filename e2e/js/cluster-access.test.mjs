// Processes that need a key, each with a store of its own, over a real Redis: who may do what is the same at all of them, within
// a second; and what becomes of that while Redis is away.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ask } from "./api.mjs";
import { Client as SocketIo, TRANSPORTS } from "./client.mjs";
import { BEAT_MS, heartbeat, marked, sends, startProcess } from "./cluster.mjs";
import { command, temporary, until } from "./harness.mjs";
import { startRedis } from "./redis.mjs";
import { BINARY, connect, picturesOf, refusal, streamer, streamPath, viewer, viewerOf } from "./relay.mjs";
import { camera, table } from "./simulator.mjs";
import { refused, watch } from "./viewer.mjs";

/** @import { Process } from "./cluster.mjs" */
/** @import { Redis } from "./redis.mjs" */
/** @import { Client } from "./relay.mjs" */
/** @import { Ending, NewKey } from "./types.ts" */
/** @typedef {{ redis: Redis, a: Process, b: Process, homes: string[], admin: string, foreign: string }} Two */

/** Within so long a change counts at all processes; */
const PROMISED_MS = 1_000;
/** and this process and the machine may add this, as several servers share it. */
const SLACK_MS = 1_000;
const LIMIT = { timeout: 60_000 };
const binary = { protocols: [BINARY] };

const bearer = (/** @type {string} */ key) => ({ Authorization: `Bearer ${key}` });
const options = (/** @type {string} */ key) => ({ headers: bearer(key) });
/** As it stands in the key. */
const idOf = (/** @type {string} */ key) => key.split("_")[1];

/**
 * Two processes, the first of which was there before; `admin` is the key that it printed, `foreign` the other's.
 * @param {Ending} t
 * @param {{ set?: object, files?: Record<string, string> }} [more]
 * @returns {Promise<Two>}
 */
async function started(t, { set, files } = {}) {
  // The other way round: a process that runs brings back what is missing of its store.
  const ends = [];
  const own = { after: (end) => ends.push(end) };
  t.after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const redis = await startRedis(own);
  const homes = ["a", "b"].map((name) => temporary(own, `home-${name}`));
  const begin = (/** @type {number} */ index) =>
    startProcess(own, redis, {
      name: "ab"[index],
      set: { "access.mode": "protected", ...set },
      env: { SIGHTWIRE_HOME: homes[index] },
      files,
    });
  const [a, b] = [await begin(0), await begin(1)];
  const [admin, foreign] = [a, b].map((server) => server.logs().match(/admin key: (sw_\S+) /)[1]);
  await counts(b, admin);
  return { redis, a, b, homes, admin, foreign };
}

/** What is answered to whoever has that key: the status, and the words of a refusal. */
async function answer(/** @type {Process} */ server, /** @type {string} */ key) {
  const { status, json } = await server.get("/api/v1/streams", bearer(key));
  return { status, detail: json.detail };
}

const statusAt = async (/** @type {Process} */ server, /** @type {string} */ key) =>
  (await answer(server, key)).status;

/** Names of what is live, as a process tells whoever has that key. */
const activeAt = async (/** @type {Process} */ server, /** @type {string} */ key) =>
  (await server.get("/streams/active", bearer(key))).json.active_streams;

/** Waits until a key counts; how long that took. */
const counts = (/** @type {Process} */ server, /** @type {string} */ key) =>
  until(async () => (await statusAt(server, key)) === 200, `a key counts at ${server.name}`);

/** Makes one over the API. */
async function makes(
  /** @type {Process} */ server,
  /** @type {string} */ admin,
  /** @type {NewKey} */ wanted,
) {
  const { status, json } = await ask(server, "POST", "/api/v1/keys", wanted, bearer(admin));
  assert.equal(status, 201, json.detail);
  return json.key;
}

/** Makes one that counts at both. */
async function known(/** @type {Two} */ { a, b, admin }, /** @type {NewKey} */ wanted) {
  const key = await makes(a, admin, wanted);
  await counts(b, key);
  return key;
}

async function revokes(
  /** @type {Process} */ server,
  /** @type {string} */ admin,
  /** @type {string} */ key,
) {
  const { status } = await ask(server, "DELETE", `/api/v1/keys/${idOf(key)}`, undefined, bearer(admin));
  assert.equal(status, 204);
}

/** The same and more by the command, on the machine of the first process. */
async function commands(/** @type {Two} */ { homes }, /** @type {string[]} */ ...args) {
  const env = { SIGHTWIRE_HOME: homes[0] };
  const { stdout, stderr, code } = await command(["keys", ...args], { env });
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What one process knows counts at the other within so long; what a command has changed is known to one as soon. */
function isInTime(t, /** @type {string} */ what, /** @type {number} */ ms, promised = PROMISED_MS) {
  t.diagnostic(`${what} after ${ms.toFixed(0)} ms`);
  assert.ok(ms < promised + SLACK_MS, `${what} after ${ms} ms`);
}

/**
 * Everything that can be open at a server, opened with a key. `stream` is what is watched, `own` what is sent.
 * @param {Ending} t
 * @param {Process} at
 * @param {string} key
 * @param {{ stream: string, own: string }} names
 */
async function opened(t, at, key, { stream, own }) {
  const has = options(key);
  const sockets = {
    "a viewer of one stream": await viewerOf(t, at, stream, { ...has, ...binary }),
    "an old viewer of all": await viewer(t, at, `?key=${key}`),
    "a sender": await streamer(t, at, own, has),
    "live updates": await connect(t, at, "/api/v1/live", has),
  };
  const path = encodeURIComponent(stream);
  const answers = {
    "a video": await watch(t, at, `/stream?camera=${path}`, has),
    "objects, one by one": await watch(t, at, `/api/v1/streams/${path}/detections`, has),
  };
  const signs = Object.values(TRANSPORTS).map(
    (transports) => new SocketIo(at.url, { transports, auth: { key } }),
  );
  for (const one of signs) t.after(() => one.close());
  await Promise.all(signs.map((one) => one.ready()));
  await sockets["an old viewer of all"].nextFrame(stream);
  await until(() => picturesOf(sockets["a viewer of one stream"], stream).length > 0, "pictures");
  await answers["a video"].next(1);
  return {
    sockets,
    answers,
    signs,
    /** What of it is still open. */
    left: () => [
      ...Object.entries(sockets).flatMap(([what, socket]) => (socket.closed ? [] : [what])),
      ...Object.entries(answers).flatMap(([what, one]) => (one.over || one.closed ? [] : [what])),
      ...signs.flatMap((one, i) => (one.disconnects.length > 0 ? [] : [Object.keys(TRANSPORTS)[i]])),
    ],
  };
}

describe("keys_of_two_processes", { concurrency: true, ...LIMIT }, () => {
  const ends = [];
  const two = /** @type {Two} */ ({});
  before(async () => {
    const owner = { after: (end) => ends.push(end) };
    const { url } = await camera(owner);
    Object.assign(two, await started(owner, { files: { "sightwire.toml": table({ id: "lift", url }) } }));
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  test("are_those_of_whoever_was_there_first", async () => {
    const { a, b, foreign, redis, admin } = two;
    for (const server of [a, b]) {
      const { status, detail } = await answer(server, foreign);
      assert.equal(status, 401);
      assert.match(detail, /this key is not known: it was revoked/i);
    }
    assert.match(b.logs(), /WARN .*what this process had before is kept in .*access\.before-cluster\.json/);
    // Who reads along in Redis has no key.
    const kept = await redis.cli("GET", "{sightwire}:rights");
    assert.ok(kept.includes(idOf(admin)), "it is about that key");
    for (const key of [admin, foreign]) assert.ok(!kept.includes(key.slice(12)), "and has not got it");
  });

  test("count_at_both_within_a_second_wherever_and_however_they_are_made", async (t) => {
    const { a, b, admin } = two;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      const key = await makes(from, admin, { role: "viewer" });
      isInTime(t, `what ${from.name} makes counts at ${to.name}`, await counts(to, key));
    }
    // A running server takes up what a command has changed within a second, too.
    const key = (await commands(two, "add", "--role", "viewer")).match(/^key: (sw_\S+)$/m)[1];
    const made = performance.now();
    await counts(b, key);
    isInTime(t, "what a command makes counts", performance.now() - made, 2 * PROMISED_MS);
    await commands(two, "revoke", key);
    const begun = performance.now();
    await until(async () => {
      // A request that is under way ends with its key.
      const status = await statusAt(b, key).catch(() => undefined);
      return status === 401;
    }, "it does not count any more");
    isInTime(t, "what a command revokes counts no more", performance.now() - begun, 2 * PROMISED_MS);
  });

  test("end_all_that_they_opened_elsewhere_when_they_are_revoked_and_nothing_else", async (t) => {
    const { a, b, admin } = two;
    const [mine, other] = [await known(two, { role: "streamer" }), await known(two, { role: "streamer" })];
    sends(t, await streamer(t, a, "ward", { ...options(admin), ...binary }), "ward");
    await until(
      async () => (await ask(b, "GET", "/streams/active", undefined, bearer(admin))).json.count > 0,
      "a stream",
    );
    const names = { stream: "ward", own: "sent with it" };
    const all = await opened(t, b, mine, names);
    const stays = await opened(t, b, other, { ...names, own: "sent with another" });
    const login = await ask(b, "POST", "/api/v1/login", { key: mine });
    const Cookie = login.headers.get("set-cookie").split(";")[0];
    const session = async () => (await b.get("/api/v1/streams", { Cookie })).status;
    assert.deepEqual([all.left().length, await session()], [9, 200]);
    // It is seen at both, as long as it is sent.
    const watching = await viewer(t, a, "", options(admin));
    assert.ok(watching.greeting.active_streams.includes(names.own), "it is known there");

    const begun = performance.now();
    await revokes(a, admin, mine);
    await until(() => all.left().length === 0, `the end of all; left: ${all.left()}`);
    isInTime(t, "all of it has ended", performance.now() - begun);
    for (const [what, { closed }] of Object.entries(all.sockets)) assert.equal(closed.code, 1006, what);
    for (const one of all.signs) assert.equal(one.errors.length, 0);
    await watching.next(({ json }) => json?.type === "stream_ended" && json.patient_id === names.own);
    for (const server of [a, b]) {
      const { status, detail } = await answer(server, mine);
      assert.equal(status, 401);
      assert.match(detail, /was revoked/);
    }
    assert.equal(await session(), 401);
    assert.equal(await refusal(t, b, "/ws/view", options(mine)), 401);
    assert.equal(await refusal(t, b, streamPath(names.own), options(mine)), 401);
    const late = new SocketIo(b.url, { auth: { key: mine } });
    t.after(() => late.close());
    const why = await new Promise((said) => late.socket.on("connect_error", ({ message }) => said(message)));
    assert.match(why, /was revoked/);

    // The other one's goes on.
    const before = picturesOf(stays.sockets["a viewer of one stream"], "ward").length;
    await until(
      () => picturesOf(stays.sockets["a viewer of one stream"], "ward").length > before + 10,
      "pictures",
    );
    await stays.answers["a video"].next(2);
    assert.equal(stays.left().length, 9);
  });

  test("for_some_streams_show_those_of_the_other_process_and_no_others", async (t) => {
    const { a, b, admin } = two;
    const gates = await known(two, { role: "streamer", streams: ["gate-*"] });
    const from = { ...options(admin), ...binary };
    const [inside, outside] = [await streamer(t, a, "gate-1", from), await streamer(t, a, "yard-1", from)];
    sends(t, inside, "gate-1");
    sends(t, outside, "yard-1");
    const active = async () => (await b.get("/streams/active", bearer(gates))).json;
    await until(async () => (await active()).count > 0, "a stream of the other process");
    const watching = await viewer(t, b, "", options(gates));
    assert.deepEqual(watching.greeting.active_streams, ["gate-1"]);
    const live = await connect(t, b, "/api/v1/live", options(gates));
    const [later] = [await streamer(t, a, "gate-2", from), await streamer(t, a, "yard-2", from)];
    sends(t, later, "gate-2");
    await watching.nextFrame("gate-2");
    await watching.nextFrame("gate-1");
    for (const { json } of watching.messages) assert.doesNotMatch(JSON.stringify(json), /yard/);
    const { active_streams: names, stream_details: details, count } = await active();
    assert.deepEqual(
      [names.toSorted(), Object.keys(details).toSorted(), count],
      [["gate-1", "gate-2"], ["gate-1", "gate-2"], 2],
    );
    const { streams } = (await b.get("/api/v1/streams", bearer(gates))).json;
    assert.deepEqual(streams.map(({ id }) => id).toSorted(), ["gate-1", "gate-2"]);
    await live.next("full");
    for (const { json } of live.messages) assert.doesNotMatch(JSON.stringify(json), /yard/);

    for (const path of ["/ws/view?streams=yard-1", "/ws/view?streams=gate-1,yard-1", "/ws/stream/yard-3"])
      assert.equal(await refusal(t, b, path, options(gates)), 403, path);
    for (const path of [
      "/stream?camera=yard-1",
      "/api/v1/streams/yard-1/snapshot.jpg",
      "/api/v1/streams/yard-1/detections",
    ]) {
      const { status, body } = await refused(t, b, path, options(gates));
      assert.equal(status, 403, path);
      assert.match(body.detail, /gate-\*/, path);
    }
    // What it may see is there in each way.
    const video = await watch(t, b, "/stream?camera=gate-1", options(gates));
    for (const { jpeg } of await video.next(3)) assert.equal(marked(jpeg).name, "gate-1");
    // And it is one key at both: what is sent with it at one is seen with it at the other.
    const sending = await streamer(t, b, "gate-3", options(gates));
    sends(t, sending, "gate-3");
    const there = await viewer(t, a, "", options(gates));
    assert.equal(marked(await there.nextFrame("gate-3")).name, "gate-3");
    for (const { json } of there.messages) assert.doesNotMatch(JSON.stringify(json), /yard/);
  });

  test("for_some_uses_show_of_the_other_process_what_is_for_these", async (t) => {
    const { a, b, admin } = two;
    // The camera is read by the first process as long as this one watches.
    await (await viewerOf(t, a, "lift", options(admin))).nextFrame("lift");
    sends(t, await streamer(t, a, "hall", { ...options(admin), ...binary }), "hall");
    await until(async () => (await activeAt(b, admin)).includes("hall"), "a stream of the other process");
    for (const [use, own, other] of /** @type {const} */ ([
      ["cameras", "lift", "hall"],
      ["relay", "hall", "lift"],
    ])) {
      const key = await known(two, { role: "streamer", uses: [use] });
      const { streams } = (await b.get("/api/v1/streams", bearer(key))).json;
      const ids = streams.map(({ id }) => id);
      assert.deepEqual([ids.includes(own), ids.includes(other)], [true, false], `${use}: ${ids}`);
      assert.equal((await activeAt(b, key)).includes("hall"), own === "hall", use);
      const everything = await viewer(t, b, "", options(key));
      assert.equal(everything.greeting.active_streams.includes("hall"), own === "hall", use);
      if (own === "hall") await everything.nextFrame("hall");
      // Whoever names both gets what the key is for.
      const watching = await viewer(t, b, "?streams=hall,lift", options(key));
      for (let i = 0; i < 20; i += 1) await watching.nextFrame(own);
      assert.deepEqual(watching.all("live_frame", other), [], use);
      assert.equal(everything.all("live_frame", "hall").length > 0, own === "hall", use);
      const { status } = await refused(t, b, `/stream?camera=${other}`, options(key));
      assert.equal(status, 403, use);
    }
  });
});

/** So long keys count after Redis was heard of last. */
const MAX_AGE_S = 5;

/** What goes wrong with Redis, and how it comes back: with nothing in it, or with what it had. */
const AWAY = {
  is_killed: { begin: (redis) => redis.kill(), end: (redis) => redis.again() },
  stands_still: { begin: (redis) => redis.stop(), end: (redis) => redis.cont() },
};

describe("where_redis", { concurrency: true, ...LIMIT }, () => {
  for (const [what, { begin, end }] of Object.entries(AWAY)) {
    test(`${what}_keys_count_for_as_long_as_was_said_and_again_when_it_is_back`, async (t) => {
      const set = { "access.mode": "protected", "cluster.rights_max_age_s": MAX_AGE_S };
      const two = await started(t, { set });
      const { redis, a, b, admin } = two;
      const [stays, goes] = [await known(two, { role: "streamer" }), await known(two, { role: "viewer" })];
      sends(t, await streamer(t, a, "ward", { ...options(stays), ...binary }), "ward");
      const watching = await viewerOf(t, b, "ward", { ...options(stays), ...binary });
      const doomed = await viewerOf(t, b, "ward", { ...options(goes), ...binary });
      for (const one of [watching, doomed]) await until(() => picturesOf(one).length > 0, "pictures");

      await heartbeat(redis, b);
      const begun = performance.now();
      await begin(redis);
      // What changes now counts where it changes, and the other cannot know.
      const made = await makes(a, admin, { role: "viewer" });
      await revokes(a, admin, goes);
      assert.deepEqual([await statusAt(a, made), await statusAt(a, goes)], [200, 401]);
      assert.deepEqual([await statusAt(b, made), await statusAt(b, goes)], [401, 200]);
      await until(async () => (await statusAt(b, stays)) === 401, "nobody's key counts any more");
      const took = performance.now() - begun;
      t.diagnostic(`no key counted any more after ${took.toFixed(0)} ms`);
      assert.ok(took > MAX_AGE_S * 1_000 - BEAT_MS, `after ${took} ms`);
      assert.ok(took < MAX_AGE_S * 1_000 + SLACK_MS, `after ${took} ms`);
      for (const key of [stays, admin, goes]) {
        const { status, detail } = await answer(b, key);
        assert.equal(status, 401);
        assert.match(
          detail,
          /^Keys and users could not be confirmed for \d+ s, since this process's Redis does not answer/,
        );
      }
      assert.equal(await refusal(t, b, "/ws/view", options(stays)), 401);
      await until(async () => (await statusAt(a, stays)) === 401, "at the other neither");
      // With the second one's store: who begins anew does not begin to count anew.
      const env = { SIGHTWIRE_HOME: two.homes[1] };
      const anew = await startProcess(t, redis, { name: "anew", set, env, joins: false });
      assert.match((await answer(anew, stays)).detail, /could not be confirmed/);
      assert.equal((await anew.stop()).code, 0);
      // What is open stays so.
      for (const one of [watching, doomed]) {
        const before = picturesOf(one).length;
        await until(() => picturesOf(one).length > before + 5, "pictures");
      }

      await end(redis);
      const back = performance.now();
      for (const server of [a, b]) await counts(server, stays);
      t.diagnostic(`they count again ${(performance.now() - back).toFixed(0)} ms after it is back`);
      await counts(b, made);
      // What was revoked meanwhile is revoked: also where nobody could be told, and where Redis had it still.
      assert.equal((await doomed.over()).code, 1006);
      for (const server of [a, b]) assert.match((await answer(server, goes)).detail, /was revoked/);
      assert.deepEqual([await statusAt(a, made), await statusAt(b, admin)], [200, 200]);
      await watching.next(({ bytes }) => bytes !== undefined);
      assert.equal(watching.closed, undefined);
    });
  }
});
