// Clients that read slowly or not at all, send nonsense or far too much, stop in the middle, or are cut off.

import assert from "node:assert/strict";
import { connect as dial } from "node:net";

import { Client as Signs, TRANSPORTS } from "../js/client.mjs";
import { sleep, until } from "../js/harness.mjs";
import { link } from "../js/network.mjs";
import { jpegBomb, png, pngBomb } from "../js/pictures.mjs";
import { BINARY, connect, streamer, streamPath, viewer } from "../js/relay.mjs";
import { watch } from "../js/viewer.mjs";
import { removeBatch, show, socket } from "./comings.mjs";
import { address, ask, bearer, Counts, expect, form, socketIo } from "./world.mjs";

/** @import { Act } from "./comings.mjs" */

const SLOW_MS = 8_000;
const SLOW_BYTES_PER_S = 20_000;

/** Those who read nothing, or little, of pictures of a camera, of the relay, and of replies. @type {Act} */
async function slowReaders(t, world, dice) {
  const options = { headers: bearer(world.keys.viewer), from: address(dice) };
  const open = (path) => watch(t, world.server, path, options);
  const [none, little] = await Promise.all([
    open("/stream?camera=steady"),
    open("/stream/detect?camera=street"),
  ]);
  none.pause();
  t.after(little.throttle(SLOW_BYTES_PER_S));
  const watching = await viewer(t, world.server, "", socket(dice, world.keys.viewer, [BINARY]));
  watching.socket.pause();
  const deaf = new Signs(world.server.url, socketIo(dice, world.keys.streamer, TRANSPORTS["websocket only"]));
  t.after(() => deaf.tcp.destroy());
  await deaf.ready();
  deaf.tcp.pause();
  world.counts.connects += 4;
  const end = performance.now() + SLOW_MS;
  while (performance.now() < end) {
    deaf.send(world.pictures.clip[0]);
    await sleep(20);
  }
}

/** What is sent instead of a picture in base64. */
const NO_FRAMES = [
  {},
  { image: "" },
  { image: "not base64!" },
  { image: 7 },
  "text",
  null,
  { image: "/9j/4AAQ" },
];
/** What no JSON or no frame is, for the relay. */
const NO_MESSAGES = [
  "{ no JSON",
  "[]",
  JSON.stringify({ type: "frame" }),
  JSON.stringify({ type: "frame", frame: "nothing" }),
  JSON.stringify({ type: "frame", frame: "data:image/jpeg;base64,!!!" }),
  Buffer.from([1, 2, 3]),
];
let bombs;

/** Frames and files that are broken, empty, of another kind, or far larger than they look. @type {Act} */
async function corrupt(t, world, dice) {
  const { clip } = world.pictures;
  bombs ??= [jpegBomb(clip[0]), pngBomb()];
  const half = clip[0].subarray(0, clip[0].length / 2);
  const key = world.keys.streamer;
  const client = new Signs(world.server.url, socketIo(dice, key, TRANSPORTS["websocket only"]));
  t.after(() => client.close());
  await client.ready();
  for (const frame of NO_FRAMES) client.frame(frame);
  for (const picture of [half, png(1, 1), ...bombs]) client.send(picture);
  const sender = await streamer(t, world.server, `soak-${world.number()}`, socket(dice, key, [BINARY]));
  for (const message of NO_MESSAGES) sender.say(message);
  world.counts.connects += 2;
  for (const bytes of [half, Buffer.from("no picture"), ...bombs]) {
    const asked = { method: "POST", key, body: form("file", [bytes]) };
    await expect(world, dice, [200, 413, 415, 422], "/api/v1/read", asked);
    await expect(world, dice, [200, 400, 413, 415, 422], "/api/v1/detect", asked);
  }
  const made = await ask(world, dice, "/api/v1/jobs", {
    method: "POST",
    key,
    body: form("files", [half, ...bombs]),
  });
  if (made.status === 201) await removeBatch(world, dice, `/api/v1/jobs/${made.json.id}`);
  const good = client.predictions.length;
  client.send(clip[0]);
  await until(() => client.predictions.length > good, "an answer to a good frame after bad ones");
}

const FLOOD_MS = 2_500;

/** Does it as fast as it can for a while, and lets others have their turn. */
async function flood(act) {
  const end = performance.now() + FLOOD_MS;
  while (performance.now() < end) {
    await act();
    await new Promise((done) => setImmediate(done));
  }
}

/** Frames of a pixel, and hardly anybody who reads the answers. @type {Act} */
async function floodOfFrames(t, world, dice) {
  const client = new Signs(
    world.server.url,
    socketIo(dice, world.keys.streamer, TRANSPORTS["websocket only"]),
  );
  t.after(() => client.tcp.destroy());
  await client.ready();
  world.counts.connects += 1;
  const image = png(1, 1).toString("base64");
  await flood(() => {
    for (let i = 0; i < 20; i += 1) client.frame({ image });
  });
}

/** Pings, with nobody reading the pongs. @type {Act} */
async function floodOfPings(t, world, dice) {
  const client = await viewer(t, world.server, "?streams=nobody", socket(dice, world.keys.viewer));
  world.counts.connects += 1;
  client.socket.pause();
  const filling = Buffer.alloc(100);
  await flood(() => {
    for (let i = 0; i < 50; i += 1) client.socket.ping(filling);
  });
}

/** A stream that begins. @type {(...args: Parameters<Act>) => ReturnType<typeof streamer>} */
async function begun(t, world, dice) {
  const options = socket(dice, world.keys.streamer, [BINARY]);
  const sender = await streamer(t, world.server, `soak-${world.number()}`, options);
  world.counts.connects += 1;
  return sender;
}

/** Pictures of a stream, faster than anybody may send. @type {Act} */
async function floodOfPictures(t, world, dice) {
  const client = await begun(t, world, dice);
  const [picture] = world.pictures.clip;
  await flood(async () => {
    show(client, picture);
    if (client.socket.bufferedAmount > 1 << 20) await sleep(10);
  });
}

/** Requests without a pause, half of which may not. @type {Act} */
async function floodOfRequests(t, world, dice) {
  const key = world.keys.viewer;
  // These are not the connects of a week.
  const uncounted = { ...world, counts: new Counts() };
  await flood(() =>
    Promise.all([
      expect(uncounted, dice, 200, "/api/v1/status", { key }),
      expect(uncounted, dice, 403, "/api/v1/keys", { key }),
      expect(uncounted, dice, 401, "/api/v1/streams"),
    ]),
  );
}

/** Beginnings without an end: of a request, of a body, of a handshake, of a message; and what is no HTTP. */
const BEGINNINGS = [
  "GET /livez HT",
  "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n",
  "POST /api/v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\nabc",
  "POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n4",
  "\u0016\u0003\u0001\u0002",
  "",
];
const HALF_MS = 4_000;

/** @type {Act} */
async function halves(t, world, dice) {
  const sockets = BEGINNINGS.map((text) => {
    const socket = dial({ host: "127.0.0.1", port: world.server.port, localAddress: address(dice) });
    t.after(() => socket.destroy());
    socket.on("error", () => {});
    socket.resume();
    socket.write(text);
    return socket;
  });
  world.counts.connects += sockets.length;
  const sender = await connect(
    t,
    world.server,
    streamPath(`soak-${world.number()}`),
    socket(dice, world.keys.streamer),
  );
  // The head of a text message of 100 bytes, and nothing more of it.
  /** @type {any} */ (sender.socket)._socket.write(Buffer.from([0x81, 0x80 | 100, 1, 2, 3, 4, 5]));
  await sleep(HALF_MS);
}

/** A sender who says nothing any more is warned, and its stream is ended. @type {Act} */
async function silentSender(t, world, dice) {
  const sender = await begun(t, world, dice);
  const [picture] = world.pictures.clip;
  show(sender, picture);
  await sender.over();
  world.counts.streams += 1;
}

const CUT_MS = 9_000;

/** All uses over a network that is slow, then lets nothing through and tells nobody. @type {Act} */
async function cut(t, world, dice) {
  const there = { delayMs: 30, lossRate: 0.02 };
  const way = await link(t, {
    to: world.server.port,
    seed: dice.below(1e9),
    there,
    back: { ...there, bytesPerS: 2e6 },
  });
  const at = { url: `http://127.0.0.1:${way.port}` };
  const { streamer: key, viewer: look } = world.keys;
  const client = new Signs(at.url, { transports: dice.pick(Object.values(TRANSPORTS)), auth: { key } });
  t.after(() => client.close());
  await client.ready();
  for (let i = 0; i < 5; i += 1) client.send(world.pictures.clip[i]);
  const watching = await viewer(t, at, "?streams=bench-0", { headers: bearer(look) });
  const camera = await watch(t, at, "/stream?camera=steady", { headers: bearer(look) });
  const sender = await streamer(t, at, `soak-${world.number()}`, { headers: bearer(key) });
  await camera.next();
  world.counts.connects += 4;
  way.cut();
  await sleep(CUT_MS);
  for (const one of [watching, sender]) one.vanish();
  assert.ok(way.received > 1_000, "something came through before");
}

/** Errors of pages, and passwords that are guessed. @type {Act} */
async function strangers(t, world, dice) {
  const key = world.keys.viewer;
  const body = { message: "TypeError: x is undefined", page: "/wall", place: "/assets/index.js:1:2345" };
  await expect(world, dice, 204, "/api/v1/page-errors", { method: "POST", key, body });
  const guess = { name: "anna", password: `guess ${dice.below(1e9)}` };
  await expect(world, dice, [401, 429], "/api/v1/login", { method: "POST", body: guess });
  await expect(world, dice, 421, "/livez", { headers: { Host: "evil.example" } });
  await expect(world, dice, 404, "/api/v1/streams/nobody", { key });
}

/** @type {Record<string, { act: Act, lastsS: number }>} */
export const CLIENT_FAULTS = {
  "slow readers": { act: slowReaders, lastsS: 10 },
  "corrupt frames": { act: corrupt, lastsS: 10 },
  "flood of frames": { act: floodOfFrames, lastsS: 5 },
  "flood of pings": { act: floodOfPings, lastsS: 5 },
  "flood of pictures": { act: floodOfPictures, lastsS: 5 },
  "flood of requests": { act: floodOfRequests, lastsS: 5 },
  "halves of messages": { act: halves, lastsS: 5 },
  "silent sender": { act: silentSender, lastsS: 12 },
  "network cut": { act: cut, lastsS: 13 },
  strangers: { act: strangers, lastsS: 2 },
};
