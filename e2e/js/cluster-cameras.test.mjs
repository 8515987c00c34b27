// Cameras that several processes know: each is read by one of them, and given on when that one goes.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { TTL_MS, heartbeat, marked, startCluster } from "./cluster.mjs";
import { portOf, sleep, until } from "./harness.mjs";
import { viewer } from "./relay.mjs";

/** @import { Ending } from "./types.ts" */

const CAMERAS = 12;
const FPS = 10;
/** Until a process that is to read a camera has connected to it, and the first frame has come. */
const CONNECTS_MS = 1_000;

/** A frame of a camera that nobody can take for another's: a comment and nothing to see, in the parts that a JPEG has. */
function frame(name, number) {
  const mark = Buffer.from(`|${name}|${number}|`);
  const length = Buffer.from([0, mark.length + 2]);
  const parts = [[0xff, 0xd8, 0xff, 0xfe], length, mark, [0xff, 0xda, 0, 2], Buffer.alloc(200), [0xff, 0xd9]];
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

/**
 * Boards, each at a path of its own, with the number of connections to it. They end with the test.
 * @param {Ending} t
 */
async function startBoards(t) {
  const boards = Array.from({ length: CAMERAS }, (_, index) => ({
    id: `camera-${index}`,
    readers: 0,
  }));
  const server = createServer((request, response) => {
    const board = boards.find(({ id }) => request.url === `/${id}`);
    if (board === undefined) return response.writeHead(404).end();
    board.readers += 1;
    response.writeHead(200, { "content-type": "multipart/x-mixed-replace; boundary=frame" });
    let number = 0;
    const timer = setInterval(() => {
      const jpeg = frame(board.id, (number += 1));
      response.write(`--frame\r\ncontent-type: image/jpeg\r\ncontent-length: ${jpeg.length}\r\n\r\n`);
      response.write(jpeg);
      response.write("\r\n");
    }, 1000 / FPS);
    response.on("close", () => {
      clearInterval(timer);
      board.readers -= 1;
    });
  });
  const port = await portOf(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const tables = boards.map(({ id }) => `[[camera]]\nid = "${id}"\nurl = "http://127.0.0.1:${port}/${id}"\n`);
  return { boards, toml: tables.join("\n") };
}

const EVERYTHING = Array.from({ length: CAMERAS }, (_, index) => `camera-${index}`);

/** Three processes that know all cameras, and a viewer of all of them at each. */
async function wall(/** @type {Ending} */ t) {
  const { boards, toml } = await startBoards(t);
  const { redis, servers } = await startCluster(t, {
    count: 3,
    files: { "sightwire.toml": toml },
    set: { "cameras.max_upstreams": CAMERAS },
  });
  const viewers = await Promise.all(
    servers.map((server) => viewer(t, server, `?streams=${EVERYTHING}`, { protocols: ["sightwire.v1"] })),
  );
  const frames = (at) => framesOf(viewers[at]);
  const owner = async (id) =>
    (await redis.cli("HGET", "{sightwire}:streams", id)).split(" ")[1]?.split("/")[1];
  const owners = async () => Promise.all(EVERYTHING.map(owner));
  const areSeen = (at) => EVERYTHING.every((id) => frames(at).some((frame) => frame.name === id));
  await until(() => [0, 1, 2].every(areSeen), "every camera is seen at every process");
  return { boards, redis, servers, frames, owners };
}

function areReadOnce(boards) {
  assert.deepEqual(
    boards.map(({ readers }) => readers),
    Array(CAMERAS).fill(1),
  );
}

/** When which frame of which camera came. */
function framesOf(client) {
  return client.messages
    .filter(({ bytes }) => bytes)
    .map(({ at, bytes }) => ({ at, ...marked(fileOf(bytes)) }));
}

const fileOf = (/** @type {Buffer} */ message) => message.subarray(20 + message[1]);

/** The longest time without a frame of a camera since then. */
function gap(frames, id, since) {
  const times = [since, ...frames.filter(({ name, at }) => name === id && at > since).map(({ at }) => at)];
  return Math.max(...times.map((at, index) => (times[index + 1] ?? performance.now()) - at));
}

/** Has a process give its cameras away, by asking another; the status of the answer. */
async function drain(/** @type {{ url: string }} */ server, name) {
  const answer = await fetch(`${server.url}/api/v1/cluster/processes/${name}/drain`, { method: "POST" });
  await answer.body?.cancel();
  return answer.status;
}

test("twelve_cameras_are_read_once_each_by_three_processes", async (t) => {
  const { boards, owners } = await wall(t);
  await sleep(1_000);
  areReadOnce(boards);
  assert.deepEqual([...new Set(await owners())].toSorted(), ["a", "b", "c"], "each reads some");
});

test("cameras_of_a_process_that_is_killed_are_read_by_others_within_the_ttl", async (t) => {
  const { boards, redis, servers, frames, owners } = await wall(t);
  await sleep(500);
  const before = await owners();
  await heartbeat(redis, servers[1]);
  const killed = performance.now();
  await servers[1].kill();
  await sleep(TTL_MS + CONNECTS_MS);
  for (const at of [0, 2]) {
    for (const [index, id] of EVERYTHING.entries()) {
      const moved = before[index] === "b";
      const most = moved ? TTL_MS + CONNECTS_MS : CONNECTS_MS;
      const longest = gap(frames(at), id, killed);
      assert.ok(longest < most, `${id} of ${before[index]}, at ${at}: ${Math.round(longest)} ms`);
    }
  }
  areReadOnce(boards);
  assert.ok((await owners()).every((name) => name === "a" || name === "c"));
});

test("a_process_that_drains_gives_its_cameras_away_within_2_s", async (t) => {
  const { boards, servers, frames, owners } = await wall(t);
  await sleep(500);
  assert.ok((await owners()).includes("a"));
  const begun = performance.now();
  // Asked of another: it tells that one.
  assert.equal(await drain(servers[1], "a"), 204);
  await until(async () => !(await owners()).includes("a"), "it has none any more", 2_000);
  await sleep(2_000);
  for (const at of [0, 1, 2]) {
    for (const id of EVERYTHING) {
      const longest = gap(frames(at), id, begun);
      assert.ok(longest < 2_000, `${id} at ${at}: ${Math.round(longest)} ms`);
    }
  }
  areReadOnce(boards);
  const ready = await servers[0].get("/readyz");
  assert.equal(ready.status, 503);
  assert.match(JSON.stringify(ready.json), /The server drains/);
  assert.equal(await drain(servers[0], "nobody"), 404);
});
