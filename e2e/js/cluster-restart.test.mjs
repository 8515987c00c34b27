// Three servers behind a proxy of deploy/cluster are restarted one after the other while people send and watch: drain, SIGTERM, start,
// wait until it is ready, the next one. Nobody has to connect again more than once for each of them.

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { describe, test } from "node:test";

import { Client as SocketIo, TRANSPORTS } from "./client.mjs";
import { asUrl, clientsJs, picture, startCluster, startProcess } from "./cluster.mjs";
import { sleep, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { ask, PROXIES } from "./proxies.mjs";
import { BINARY, Client, streamPath, unpacked } from "./relay.mjs";
import { Viewer } from "./viewer.mjs";

/** @import { Process } from "./cluster.mjs" */
/** @import { Proxy } from "./proxies.mjs" */
/** @import { Ending } from "./types.ts" */

const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
/** How long a process is away in each round: one that loads a large model, or is on a machine that begins anew, takes its time. */
const AWAY_MS = IS_FULL ? [0, 1_000, 5_000] : [500];
const FPS = 10;
const STREAMS = Array.from({ length: 6 }, (_, i) => `ward-${i}`);
/** HAProxy has noticed by then that a process is back. */
const NOTICED_MS = 1_000;
/** A stream is back so soon after its sender has waited. */
const BACK_MS = 1_000;
/** As old clients wait before they connect again. */
const waits = () => 200 + Math.random() * 300;

/** A connection that was lost, how long its owner waited then, what became of each try after that, and when there was one again. */
class Loss {
  /** @type {(number | string)[]} */
  failures = [];
  backAt = Infinity;

  constructor(why, /** @type {number} */ waitMs) {
    this.why = why;
    this.waitMs = waitMs;
    this.at = performance.now();
  }

  /** How long there was none, beyond its owner's own wait. */
  get lateMs() {
    return this.backAt - this.at - this.waitMs;
  }

  toString() {
    const failures = this.failures.length > 0 ? `, failed with ${this.failures.join(", ")}` : "";
    return `${this.why}, waited ${this.waitMs.toFixed(0)} ms${failures}, back ${this.lateMs.toFixed(0)} ms later`;
  }
}

/** One who sends or watches, and connects again by themselves. */
class Person {
  /** @type {Loss[]} */
  losses = [];
  isThere = false;
  /** When the newest picture of a stream came, and the longest time in which none did. */
  pictures = new Map();

  /**
   * @param {string} name
   * @param {string[]} [streams] what they watch
   */
  constructor(name, streams = []) {
    this.name = name;
    this.streams = streams;
  }

  there() {
    if (!this.isThere && this.losses.length > 0) this.losses.at(-1).backAt = performance.now();
    this.isThere = true;
  }

  gone(/** @type {number | string} */ why, /** @type {number} */ waitMs) {
    if (this.isThere) this.losses.push(new Loss(why, waitMs));
    else if (this.losses.length > 0) this.losses.at(-1).failures.push(why);
    this.isThere = false;
  }

  saw(stream) {
    const at = performance.now();
    const { at: before = at, gap = 0 } = this.pictures.get(stream) ?? {};
    this.pictures.set(stream, { at, gap: Math.max(gap, at - before) });
  }

  hasSeenAllSince(at) {
    return this.streams.every((stream) => this.pictures.get(stream)?.at > at);
  }

  toString() {
    const gaps = Array.from(this.pictures.values(), ({ gap }) => gap);
    const gap =
      gaps.length > 0 ? ` (at most ${Math.max(...gaps).toFixed(0)} ms without a picture of a stream)` : "";
    return `${this.name}: ${this.losses.map(String).join("; ")}${gap}`;
  }
}

/**
 * Connects again and again until the test ends. `connect` says when the person is there, and what it gives is why not any more.
 * @param {Ending} t
 * @param {Person} person
 * @param {() => Promise<number | string>} connect
 */
function returns(t, person, connect) {
  let over = false;
  t.after(() => (over = true));
  const run = async () => {
    while (!over) {
      const why = await connect();
      const waitMs = waits();
      person.gone(why, waitMs);
      await sleep(waitMs);
    }
  };
  void run();
  return person;
}

/** Connects over the `ws` package; why it is over. */
function overWs(t, url, protocols, open, hear) {
  const client = new Client(url, { protocols });
  t.after(() => client.vanish());
  client.socket.on("open", () => open(client));
  client.socket.on("message", (/** @type {Buffer} */ message, isBinary) => hear(client, message, isBinary));
  return new Promise((done) => {
    client.socket.on("close", done);
    client.socket.on("unexpected-response", (_, { statusCode }) => done(`HTTP ${statusCode}`));
  });
}

const socketUrl = (/** @type {Proxy} */ at, path) => at.url.replace("http", "ws") + path;

function oldSender(t, /** @type {Proxy} */ at, name) {
  const person = new Person(`old sender of ${name}`);
  let number = 0;
  /** @type {Client} */
  let live;
  const timer = setInterval(() => {
    if (person.isThere && live.socket.readyState === live.socket.OPEN)
      live.frame(asUrl(picture(name, (number += 1))));
  }, 1000 / FPS);
  t.after(() => clearInterval(timer));
  const open = (/** @type {Client} */ client) => client.say({ analysis_mode: "normal" });
  const hear = (/** @type {Client} */ client) => {
    if (client.all("connected").length === 0) return;
    live = client;
    person.there();
  };
  return returns(t, person, () => overWs(t, socketUrl(at, streamPath(name)), [], open, hear));
}

/** Watches all streams, or those named. */
function oldViewer(t, /** @type {Proxy} */ at, number, protocols, /** @type {string[]} */ streams) {
  const person = new Person(`old viewer ${number}`, streams);
  const query = streams.length === STREAMS.length ? "" : `?streams=${streams.join()}`;
  const hear = (_, message, isBinary) => {
    if (isBinary) return void person.saw(unpacked(message).name);
    const json = JSON.parse(message.toString());
    if (json.type === "viewer_connected") person.there();
    else if (json.type === "live_frame") person.saw(json.patient_id);
  };
  return returns(t, person, () => overWs(t, socketUrl(at, `/ws/view${query}`), protocols, () => {}, hear));
}

/** A page with a video. */
function videoViewer(t, /** @type {Proxy} */ at, stream) {
  const person = new Person(`video of ${stream}`, [stream]);
  return returns(t, person, async () => {
    const video = new Viewer(at.url, `/stream?camera=${stream}`);
    t.after(() => video.socket.destroy());
    await new Promise((done) => {
      video.socket.on("close", done).on("data", () => {
        if (!video.head) return;
        if (video.head.status !== 200 || video.over) return void done(undefined);
        person.there();
        person.saw(stream);
      });
    });
    video.socket.destroy();
    // While its sender is away, there is no such stream.
    return video.head?.status ?? "no answer";
  });
}

/** Keeps account of one of our own clients, whose snapshots these are. */
function snapshots(/** @type {Person} */ person) {
  let before = "";
  return ({ state, code, why, retryAtMs }) => {
    if (state === "live" || state === "open") person.there();
    if (state === "waiting" && before !== "waiting") person.gone(code ?? why, retryAtMs - performance.now());
    assert.ok(!["refused", "ended"].includes(state), `${person.name}: ${state}, ${why}`);
    before = state;
  };
}

function ourSender(t, relay, /** @type {Proxy} */ at, name) {
  const person = new Person(`our sender of ${name}`);
  const onChange = snapshots(person);
  const streamer = relay.createStreamer({ url: at.url, stream: name, fps: FPS, onChange });
  t.after(() => streamer.stop());
  let number = 0;
  streamer.start(() => new Uint8Array(picture(name, (number += 1))));
  return person;
}

function ourViewer(t, relay, /** @type {Proxy} */ at, number) {
  const person = new Person(`our viewer ${number}`, STREAMS);
  const [onChange, onPicture] = [snapshots(person), ({ stream }) => person.saw(stream)];
  const viewer = relay.createViewer({ url: at.url, onChange, onPicture });
  t.after(() => viewer.stop());
  viewer.start();
  return person;
}

/** Sends frames, and counts the answers as pictures. */
function signer(t, /** @type {Proxy} */ at, what, localAddress, withCredentials) {
  const person = new Person(`Socket.IO, ${what}${withCredentials ? ", with cookies" : ""}`, ["replies"]);
  const waitMs = 300;
  const again = {
    reconnection: true,
    reconnectionDelay: waitMs,
    reconnectionDelayMax: waitMs,
    randomizationFactor: 0,
  };
  const agent = /** @type {any} */ (new Agent({ localAddress }));
  const client = new SocketIo(at.url, { transports: TRANSPORTS[what], ...again, agent, withCredentials });
  t.after(() => client.close());
  client.socket.on("status", () => person.there());
  client.socket.on("prediction", () => person.saw("replies"));
  client.socket.on("disconnect", (why) => person.gone(why, waitMs));
  client.socket.on("connect_error", ({ message }) => person.gone(message, waitMs));
  const frame = png();
  const timer = setInterval(() => person.isThere && client.send(frame), 1000 / FPS);
  t.after(() => clearInterval(timer));
  return person;
}

for (const [name, start] of Object.entries(PROXIES)) {
  if (name !== "nginx" && !IS_FULL) continue;
  describe(`three_servers_behind_${name}_that_are_restarted_one_after_the_other`, () => {
    test("are_missed_by_nobody", { timeout: 300_000 }, async (t) => {
      const set = { "access.mode": "open", "server.trusted_proxies": "127.0.0.1" };
      const { redis, servers } = await startCluster(t, { count: 3, set });
      const proxy = await start(
        t,
        servers.map(({ port }) => port),
      );
      const relay = await clientsJs(t);
      const senders = STREAMS.map((stream, i) =>
        i % 2 ? ourSender(t, relay, proxy, stream) : oldSender(t, proxy, stream),
      );
      const viewers = [
        ...Array.from({ length: 4 }, (_, i) => ourViewer(t, relay, proxy, i)),
        ...Array.from({ length: 4 }, (_, i) => oldViewer(t, proxy, i, [], STREAMS)),
        ...Array.from({ length: 4 }, (_, i) => oldViewer(t, proxy, 4 + i, [BINARY], STREAMS.slice(i, i + 3))),
      ];
      const videos = [0, 1, 2].map((i) => videoViewer(t, proxy, STREAMS[i]));
      const signers = [
        signer(t, proxy, "polling, then upgraded", "127.0.0.11", false),
        signer(t, proxy, "polling only", "127.0.0.12", true),
      ];
      const cookieless = signer(t, proxy, "polling only", "127.0.0.13", false);
      const all = [...senders, ...viewers, ...videos, ...signers, cookieless];
      /** Waits until all are there and see whatever they watch. */
      const flows = async (/** @type {number} */ since) => {
        const missing = () => all.filter((one) => !(one.isThere && one.hasSeenAllSince(since)));
        await until(() => missing().length === 0, "").catch(() => assert.fail(`not there: ${missing()}`));
      };
      const begun = performance.now();
      await flows(begun);
      // So that our own clients have seen the connection last.
      await sleep(6_000 - (performance.now() - begun));
      for (const one of all) {
        one.losses = [];
        one.pictures.clear();
      }

      const during = (/** @type {Person} */ one, { from, to }) =>
        one.losses.filter(({ at }) => at >= from && at < to);
      const times = [];
      for (const awayMs of AWAY_MS) {
        for (const [i, server] of servers.entries()) {
          // As docs/operations.md says. Nobody new comes from now on where the proxy asks who is ready.
          const from = performance.now();
          await ask(server, `/api/v1/cluster/processes/${server.name}/drain`, { method: "POST" });
          await until(async () => (await ask(server, "/readyz")).status === 503, "it drains");
          await sleep(NOTICED_MS);
          for (const one of [...senders, ...viewers, ...videos]) {
            const lost = during(one, { from, to: Infinity });
            assert.deepEqual(lost, [], `${one}, while ${server.name} drained`);
          }
          const asked = performance.now();
          const { code, ms } = await server.stop();
          assert.equal(code, 0);
          await sleep(awayMs);
          servers[i] = await startProcess(t, redis, { name: server.name, port: server.port, set });
          await until(async () => (await servers[i].get("/readyz")).status === 200, "it is ready");
          const took = performance.now() - asked;
          t.diagnostic(
            `${server.name} ended after ${ms.toFixed(0)} ms, and was ready after ${took.toFixed(0)}`,
          );
          await sleep(NOTICED_MS);
          times.push({ server: server.name, from, to: performance.now() });
        }
      }
      await flows(performance.now());
      for (const one of all) t.diagnostic(`${one}`);

      for (const time of times) {
        for (const one of [...senders, ...viewers, ...videos, ...signers]) {
          assert.ok(during(one, time).length <= 1, `${one}, while ${time.server} was restarted`);
        }
        // Those by address come back to the one that was restarted; whoever has the cookie does not.
        const most = name === "nginx" ? 2 : 1;
        assert.ok(
          during(cookieless, time).length <= most,
          `${cookieless}, while ${time.server} was restarted`,
        );
      }
      for (const one of [...senders, ...viewers, ...signers]) {
        for (const loss of one.losses) {
          assert.deepEqual(loss.failures, [], `${one}: it was let in at the first try`);
        }
      }
      for (const one of senders) {
        for (const { lateMs } of one.losses) assert.ok(lateMs <= BACK_MS, `${one}`);
      }
      for (const one of videos) {
        // Nothing but that the stream is not there.
        for (const { failures } of one.losses)
          assert.ok(
            failures.every((why) => why === 404),
            `${one}`,
          );
      }
      assert.ok(
        senders.some(({ losses }) => losses.length > 0) && viewers.some(({ losses }) => losses.length > 0),
      );
    });
  });
}
