// Those who come, do what such clients do, and go: politely, or without a word. Each has to get what it came for.

import assert from "node:assert/strict";
import { once } from "node:events";

import WebSocket from "ws";

import { Client as Signs, TRANSPORTS } from "../js/client.mjs";
import { listen } from "../js/events.mjs";
import { sleep, until } from "../js/harness.mjs";
import { BINARY, connect, streamPath, viewer } from "../js/relay.mjs";
import { watch } from "../js/viewer.mjs";
import { address, ask, bearer, expect, form, GOOD, socketIo } from "./world.mjs";

/** @import { Ending } from "../js/types.ts" */
/** @import { Dice } from "./dice.mjs" */
/** @import { World } from "./world.mjs" */
/** @typedef {(t: Ending, world: World, dice: Dice) => Promise<any>} Act Somebody comes, and everything has ended with `t`. */

/** As a frame of the prototype's client comes. */
const FRAME_MS = 40;
const LONGEST_STAY_MS = 2_000;
const VANISHES = 0.3;

const stay = (/** @type {Dice} */ dice) => sleep(dice.between(0, 1) ** 2 * LONGEST_STAY_MS);

/** Options of a WebSocket for somebody with a key; half of those who may have pictures as binary messages. */
export function socket(dice, key, protocols = []) {
  return { headers: bearer(key), localAddress: address(dice), protocols: dice.chance(0.5) ? protocols : [] };
}

/** A picture in the form that the client and the server have agreed on. */
export function show(client, picture) {
  if (client.socket.protocol) client.jpeg(picture);
  else client.frame(`data:image/jpeg;base64,${picture.toString("base64")}`);
}

/** Leaves; a server that does not say goodbye is as wrong as one that does not answer. */
async function leave(dice, client) {
  if (dice.chance(VANISHES)) return client.vanish();
  client.close();
  await client.over();
}

/** What anybody may see, without a key. */
const PUBLIC = ["/livez", "/readyz", "/healthz", "/login"];
/** What is shown to whom, the least role first. */
const PAGES = /** @type {const} */ ([
  ["viewer", "/api/v1/status"],
  ["viewer", "/api/v1/streams"],
  ["viewer", "/api/v1/cameras"],
  ["viewer", "/api/v1/session"],
  ["viewer", "/streams/active"],
  ["viewer", "/labels"],
  ["streamer", "/api/v1/jobs"],
  ["operator", "/api/v1/viewers"],
  ["operator", "/api/v1/models"],
  ["operator", "/metrics"],
  ["admin", "/api/v1/keys"],
]);
const WITHOUT_A_KEY = 0.15;

/** @type {Act} */
async function page(t, world, dice) {
  if (dice.chance(0.3)) return expect(world, dice, 200, dice.pick(PUBLIC));
  const [role, path] = dice.pick(PAGES);
  if (!dice.chance(WITHOUT_A_KEY)) return expect(world, dice, 200, path, { key: world.keys[role] });
  const wrong = dice.chance(0.5) ? "sw_00000000_nothingofthekind" : undefined;
  // Pages ask there whether somebody is logged in, and nobody is an answer.
  const right = path === "/api/v1/session" ? 200 : 401;
  return expect(world, dice, right, path, { key: wrong });
}

/** A client of Socket.IO: each of its frames has to be answered. @type {Act} */
async function signs(t, world, dice) {
  const transports = dice.pick(Object.values(TRANSPORTS));
  const client = new Signs(world.server.url, socketIo(dice, world.keys.streamer, transports));
  t.after(() => client.close());
  await client.ready();
  world.counts.connects += 1;
  const { clip } = world.pictures;
  const frames = 1 + dice.below(12);
  for (let i = 0; i < frames; i += 1) {
    client.send(clip[i % clip.length]);
    await sleep(FRAME_MS);
  }
  await client.answered();
  assert.deepEqual(client.errors, []);
  const overWebSocket = transports.length === 1 && transports[0] === "websocket";
  if (overWebSocket && dice.chance(VANISHES)) client.tcp.destroy();
  else client.close();
}

/** A sender of the relay: a stream begins and ends. @type {Act} */
async function send(t, world, dice) {
  const name = `soak-${world.number()}`;
  const client = await connect(
    t,
    world.server,
    streamPath(name),
    socket(dice, world.keys.streamer, [BINARY]),
  );
  world.counts.connects += 1;
  client.say({ analysis_mode: dice.chance(0.9) ? "normal" : "enhanced" });
  await client.next("connected");
  const frames = 1 + dice.below(10);
  for (let i = 0; i < frames; i += 1) {
    const picture = world.pictures.clip[i % world.pictures.clip.length];
    show(client, picture);
    await sleep(dice.between(0, 1) * FRAME_MS);
  }
  await leave(dice, client);
  world.counts.streams += 1;
}

/** Of all streams, of those that are always there, or of one that is not there yet. */
const VIEWS = [
  "",
  "?streams=*",
  "?streams=bench-0",
  "?streams=bench-0,bench-1&overlays=1",
  "?streams=nobody",
];

/** A viewer of the relay. @type {Act} */
async function view(t, world, dice) {
  const client = await viewer(t, world.server, dice.pick(VIEWS), socket(dice, world.keys.viewer, [BINARY]));
  world.counts.connects += 1;
  await stay(dice);
  await leave(dice, client);
}

const MJPEG = [
  "/stream",
  "/stream",
  "/stream/detect",
  "/stream/detect?conf=0.5",
  "/stream/tracking?show_trails=true",
];

/** A viewer of a camera over HTTP. @type {Act} */
async function mjpeg(t, world, dice) {
  const path = dice.pick(MJPEG);
  const camera = `${path.includes("?") ? "&" : "?"}camera=${dice.pick(GOOD)}`;
  const options = { headers: bearer(world.keys.viewer), from: address(dice) };
  const one = await watch(t, world.server, path + camera, options);
  world.counts.connects += 1;
  await one.next();
  await stay(dice);
  if (dice.chance(VANISHES)) one.reset();
  else one.fin();
}

const SOCKETS = ["/ws/stream/detect?fps=5", "/ws/stream/raw?fps=5", "/ws/viewer/detection?camera_id=street"];

/** A viewer of a camera, as the prototype's pages are. @type {Act} */
async function cameraSocket(t, world, dice) {
  const { server, keys } = world;
  const { headers, localAddress } = socket(dice, keys.viewer);
  // Some of them send no JSON.
  const client = new WebSocket(server.url.replace("http", "ws") + dice.pick(SOCKETS), {
    headers,
    localAddress,
  });
  t.after(() => client.terminate());
  client.on("error", () => {});
  const closed = once(client, "close");
  const [message] = await Promise.race([once(client, "message"), closed]);
  assert.ok(message.length > 2, "a first message");
  world.counts.connects += 1;
  await stay(dice);
  if (dice.chance(VANISHES)) return client.terminate();
  client.close();
  await closed;
}

/** Whoever wants to know what is found, and no picture. @type {Act} */
async function events(t, world, dice) {
  const path = `/api/v1/streams/street/detections?key=${world.keys.viewer}`;
  const heard = listen(t, world.server, path, { as: dice.pick(["sse", "websocket"]) });
  await until(() => heard.events.length > 0 || heard.closed, "an event");
  assert.ok(heard.events.length > 0, `no event; status ${heard.status}`);
  world.counts.connects += 1;
  await stay(dice);
  if (dice.chance(VANISHES)) heard.kill();
  else heard.close();
}

/** A page with live state. @type {Act} */
async function live(t, world, dice) {
  const client = await connect(t, world.server, "/api/v1/live", socket(dice, world.keys.operator));
  world.counts.connects += 1;
  await client.next("full");
  await stay(dice);
  await leave(dice, client);
}

/** Somebody who logs in with a name and a password, and out again. @type {Act} */
async function login(t, world, dice) {
  const { name, password } = USER;
  const { headers } = await expect(world, dice, 200, "/api/v1/login", {
    method: "POST",
    body: { name, password },
  });
  const cookie = { Cookie: headers["set-cookie"][0].split(";")[0] };
  await expect(world, dice, 200, "/api/v1/streams", { headers: cookie });
  await expect(world, dice, 204, "/api/v1/logout", { method: "POST", headers: cookie });
  await expect(world, dice, 401, "/api/v1/streams", { headers: cookie });
}

/** Who logs in; made before anybody comes. */
export const USER = { name: "anna", password: "correct horse battery", role: "viewer" };

/** One picture of a camera. @type {Act} */
async function snapshot(t, world, dice) {
  const path = `/api/v1/streams/${dice.pick(GOOD)}/snapshot.jpg`;
  await expect(world, dice, 200, path, { key: world.keys.viewer });
}

/** A page of text. @type {Act} */
export async function read(t, world, dice) {
  const { lines, pages } = world.pictures;
  const body = form("file", [dice.pick(dice.chance(0.3) ? pages : lines)]);
  const { json } = await expect(world, dice, 200, "/api/v1/read", {
    method: "POST",
    key: world.keys.streamer,
    body,
  });
  assert.ok(JSON.stringify(json).length > 100, "a text");
}

/** What is in one picture. @type {Act} */
async function detect(t, world, dice) {
  const { clip } = world.pictures;
  const asked = { method: "POST", key: world.keys.streamer, body: form("file", [dice.pick(clip)]) };
  await expect(world, dice, 200, "/api/v1/detect", asked);
}

/** A batch that is read, looked at and removed; or given up before. @type {Act} */
async function batch(t, world, dice) {
  const key = world.keys.streamer;
  const pictures = Array.from({ length: 1 + dice.below(3) }, () => dice.pick(world.pictures.lines));
  const body = form("files", pictures);
  const { json } = await expect(world, dice, 201, "/api/v1/jobs", { method: "POST", key, body });
  const path = `/api/v1/jobs/${json.id}`;
  t.after(() => removeBatch(world, dice, path));
  const isGivenUp = dice.chance(0.2);
  if (!isGivenUp) {
    if (dice.chance(0.3)) await heardToItsEnd(t, world, `${path}/events?key=${key}`);
    /** @type {import("../js/types.ts").Job} */
    let job;
    await until(async () => {
      job = (await expect(world, dice, 200, path, { key })).json;
      return job.state === "done" || sleep(150).then(() => false);
    }, "a batch to be read");
    assert.deepEqual([job.done, job.failed], [pictures.length, 0], JSON.stringify(job));
    const results = ["/files", "/files/0", "/export?format=csv"];
    for (const more of dice.chance(0.5) ? results : []) await expect(world, dice, 200, path + more, { key });
    // Of all batches together only the last few pictures are kept.
    if (dice.chance(0.5)) await expect(world, dice, [200, 410], `${path}/files/0/picture`, { key });
    const again = { method: "POST", key };
    if (dice.chance(0.2)) await expect(world, dice, [200, 410], `${path}/files/0/read`, again);
  }
  await removeBatch(world, dice, path);
  world.counts.batches += 1;
}

/** One that runs is ended first, and then removed. */
export async function removeBatch(world, dice, path) {
  const asked = { method: "DELETE", key: world.keys.streamer };
  const isGone = async () => (await ask(world, dice, path, asked)).status === 404;
  await until(async () => (await isGone()) || sleep(100).then(() => false), "a batch to be gone");
}

async function heardToItsEnd(t, world, path) {
  const heard = listen(t, world.server, path);
  await until(() => heard.events.some(({ event }) => event === "end") || heard.closed, "the end of a batch");
  heard.close();
}

/**
 * How many of each come in a minute, and how long one stays at most.
 * @type {Record<string, { act: Act, perMinute: number, lastsS: number }>}
 */
export const COMINGS = {
  page: { act: page, perMinute: 24, lastsS: 1 },
  signs: { act: signs, perMinute: 12, lastsS: 4 },
  send: { act: send, perMinute: 8, lastsS: 3 },
  view: { act: view, perMinute: 6, lastsS: 4 },
  mjpeg: { act: mjpeg, perMinute: 6, lastsS: 4 },
  "camera socket": { act: cameraSocket, perMinute: 3, lastsS: 4 },
  events: { act: events, perMinute: 3, lastsS: 4 },
  live: { act: live, perMinute: 2, lastsS: 4 },
  login: { act: login, perMinute: 1, lastsS: 2 },
  snapshot: { act: snapshot, perMinute: 3, lastsS: 1 },
  read: { act: read, perMinute: 3, lastsS: 3 },
  detect: { act: detect, perMinute: 1, lastsS: 2 },
  batch: { act: batch, perMinute: 2, lastsS: 5 },
};

/**
 * How many of each make a week's, beside streams and batches; whoever looks at a page makes up what is missing. Each batch
 * takes some six requests, and each login four.
 */
const WEEKS = { signs: 8_000, view: 8_000, mjpeg: 5_000, "camera socket": 2_000, events: 3_000, live: 3_000 };
const REQUESTS = { batch: 6, login: 4 };
const SEVERAL = { login: 100, snapshot: 3_000, read: 500, detect: 300 };
/** Of those who come, a few are refused or vanish too early to count. */
const MORE = 1.03;

/**
 * How many of each come in a round.
 * @param {import("./options.mjs").Plan} plan
 * @param {number} activeS
 * @returns {Record<string, number>}
 */
export function perRound(plan, activeS) {
  if (plan.week === undefined) {
    const each = Object.entries(COMINGS).map(([name, { perMinute }]) => [
      name,
      Math.ceil((perMinute * activeS) / 60),
    ]);
    return Object.fromEntries(each);
  }
  const { connects, streams, batches } = plan.week;
  const share = connects / 100_000;
  const some = Object.entries({ ...WEEKS, ...SEVERAL }).map(([name, count]) => [name, count * share]);
  const all = { ...Object.fromEntries(some), send: streams, batch: batches };
  const others = Object.entries(all).reduce((sum, [name, count]) => sum + count * (REQUESTS[name] ?? 1), 0);
  const total = { ...all, page: Math.max(0, connects - others) };
  const rounds = plan.windows * plan.rounds;
  return Object.fromEntries(
    Object.entries(total).map(([name, count]) => [name, Math.ceil((count * MORE) / rounds)]),
  );
}
