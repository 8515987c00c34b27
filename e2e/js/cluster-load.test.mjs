// Many streams and many viewers, spread by nginx over three processes: what goes from process to process is what is watched
// elsewhere, once for each process, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { countingProxy, marked, metric, picture, startCluster } from "./cluster.mjs";
import { sleep, until } from "./harness.mjs";
import { seeded } from "./network.mjs";
import { COOKIE, PROXIES } from "./proxies.mjs";
import { BINARY, Client, picturesOf, streamer } from "./relay.mjs";

/** @import { Process } from "./cluster.mjs" */
/** @import { Redis } from "./redis.mjs" */
/** @import { Ending } from "./types.ts" */
/** @typedef {{ name: string, owner: string, sender: Client, sent: number }} Stream */
/** @typedef {{ stream: string, process: string, client: Client }} Viewer */

const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
const STREAMS = 20;
const VIEWERS = 200;
/** Of the streams, so many are watched by nobody, */
const UNWATCHED = 3;
/** and so many only where they are sent to, */
const AT_HOME = 3;
/** by so many each. */
const VIEWERS_AT_HOME = 5;
const PICTURES = IS_FULL ? 150 : 40;
const FPS = 8;
const BYTES = 4_000;
/** What a picture's message has beside it: the WebSocket's own header, ours, and the name. */
const sizeOf = (/** @type {string} */ name) => 4 + 20 + Buffer.byteLength(name) + BYTES;
/** Less, where pictures were skipped, */
const LEAST = 0.85;
/** by one viewer more than by another; */
const LEAST_OF_ONE = 0.6;
/** more, for what is said beside them. */
const MOST = 1.03;
/** Of a connection that had no picture for long, as everybody connects at once, another is made. */
const MADE_ANEW = 2;
/** What processes and Redis say to each other in a second, for each stream, at most. */
const REDIS_BYTES = 1_000;
/** Viewers that connect at once. */
const AT_ONCE = 20;
/** How long a stream of another process is got after its last viewer here has left. */
const LINGER_MS = 2_000;
/** What this process and the machine may add, as all of them share it. */
const SLACK_MS = 5_000;

const binary = { protocols: [BINARY] };
const sum = (/** @type {number[]} */ all) => all.reduce((one, other) => one + other, 0);

/**
 * Watches a stream through nginx; the process that it comes to is the one that its cookie names then.
 * @param {Ending} t
 * @param {{ url: string }} proxy
 * @param {string} stream
 * @param {string} [at] a process, by its cookie
 * @returns {Promise<Viewer>}
 */
async function watches(t, proxy, stream, at) {
  const headers = at === undefined ? {} : { Cookie: `${COOKIE}=${at}` };
  const url = `${proxy.url.replace(/^http/, "ws")}/ws/view?streams=${encodeURIComponent(stream)}`;
  const client = new Client(url, { ...binary, headers });
  t.after(() => client.vanish());
  let process = at;
  client.socket.once("upgrade", ({ headers }) => {
    process ??= new RegExp(`^${COOKIE}=(\\w+)`).exec(`${headers["set-cookie"]}`)?.[1];
  });
  await client.opened();
  await client.next("viewer_connected");
  assert.match(process, /^[abc]$/);
  return { stream, process, client };
}

/**
 * What each process gets of the others, as the one that has it sees it: a name stands there once for each that gets it.
 * @param {Process[]} servers
 */
async function pulled(servers) {
  const found = {};
  for (const server of servers) {
    const { viewers } = (await server.get("/api/v1/viewers")).json;
    const others = viewers.filter(({ kind }) => kind === "process");
    found[server.name] = others.flatMap(({ streams }) => streams).toSorted();
  }
  return found;
}

/** How many streams of others each gets, as it says itself, in both places where it does. */
async function pulls(/** @type {Process[]} */ servers) {
  const all = servers.map(async (server) => {
    const { cluster } = (await server.get("/api/v1/status")).json;
    return [server.name, [cluster.pulls, await metric(server, "sightwire_cluster_pulls")]];
  });
  return Object.fromEntries(await Promise.all(all));
}

/**
 * Sends so many pictures of each stream, one stream after the other.
 * @param {Stream[]} streams
 * @param {number} count
 */
async function sendAll(streams, count) {
  const begun = performance.now();
  const every = 1_000 / FPS / streams.length;
  for (let i = 0; i < count * streams.length; i += 1) {
    const stream = streams[i % streams.length];
    stream.sent += 1;
    stream.sender.jpeg(picture(stream.name, stream.sent, BYTES));
    const early = begun + (i + 1) * every - performance.now();
    if (early > 1) await sleep(early);
  }
}

/** Every picture is of the stream that was asked for, none comes twice or late, and most come. */
function isServed(/** @type {Viewer} */ { client, stream }, count) {
  const pictures = picturesOf(client);
  const numbers = pictures.map(({ jpeg }) => marked(jpeg).number);
  const named = new Set(pictures.flatMap(({ name, jpeg }) => [name, marked(jpeg).name]));
  assert.deepEqual([...named], [stream]);
  for (const one of [numbers, pictures.map(({ sequence }) => sequence)]) {
    assert.ok(
      one.every((number, i) => i === 0 || number > one[i - 1]),
      `${stream}: ${one}`,
    );
  }
  assert.ok(numbers.length >= LEAST_OF_ONE * count, `${numbers.length} of ${count} pictures of ${stream}`);
  assert.equal(client.closed, undefined);
  return numbers.length;
}

/** Bytes that came to Redis and went from it so far. */
async function saidToRedis(/** @type {Redis} */ redis) {
  const stats = await redis.cli("INFO", "stats");
  const of = (name) => Number(new RegExp(`^total_net_${name}_bytes:(\\d+)`, "m").exec(stats)[1]);
  return of("input") + of("output");
}

/** Three processes, each reached by the others over a proxy of its own that counts, behind nginx. */
async function started(/** @type {Ending} */ t) {
  const proxies = await Promise.all(["a", "b", "c"].map(() => countingProxy(t)));
  const each = proxies.map(({ port }) => ({
    env: { SIGHTWIRE_CLUSTER_ADVERTISE_URL: `http://127.0.0.1:${port}` },
  }));
  const set = { "access.mode": "open", "server.trusted_proxies": "127.0.0.1" };
  const { redis, servers } = await startCluster(t, { count: 3, set, each });
  for (const [i, { port }] of servers.entries()) proxies[i].to = port;
  const nginx = await PROXIES.nginx(
    t,
    servers.map(({ port }) => port),
  );
  return { redis, servers, nginx, proxies };
}

/**
 * Streams that are sent to whichever process nginx chooses.
 * @param {Ending} t
 * @param {Process[]} servers
 * @param {{ url: string }} nginx
 * @returns {Promise<Stream[]>}
 */
async function begun(t, servers, nginx) {
  const names = Array.from({ length: STREAMS }, (_, i) => `Ward ${i}`);
  const senders = await Promise.all(names.map((name) => streamer(t, nginx, name, binary)));
  for (const server of servers) await server.knows(...names);
  const owners = new Map();
  for (const server of servers) {
    const { streams } = (await server.get("/api/v1/streams")).json;
    // Its own are said to be nobody's.
    for (const { id, process } of streams) if (process === undefined) owners.set(id, server.name);
  }
  assert.deepEqual([...owners.keys()].toSorted(), names.toSorted(), "each has one owner");
  return names.map((name, i) => ({ name, owner: owners.get(name), sender: senders[i], sent: 0 }));
}

test("what_goes_between_processes_is_what_is_watched_elsewhere_once_for_each", async (t) => {
  const seed = Number(process.env.SIGHTWIRE_SEED ?? Date.now() % 1e6);
  t.diagnostic(`SIGHTWIRE_SEED=${seed}`);
  const random = seeded(seed);
  const { redis, servers, nginx, proxies } = await started(t);
  const streams = await begun(t, servers, nginx);
  const ofOwner = (/** @type {string} */ name) => streams.filter(({ owner }) => owner === name);
  t.diagnostic(`streams sent to each: ${servers.map(({ name }) => ofOwner(name).length)}`);
  const counts = () => proxies.map(({ received, connections }) => ({ received, connections }));

  // While nobody watches there is not even a connection.
  let before = counts();
  await sendAll(streams, 5);
  assert.deepEqual(counts(), before);

  // Some are watched by many, and some by few. The first ones are not, or only where they are.
  const atHome = streams.slice(UNWATCHED, UNWATCHED + AT_HOME);
  const elsewhere = streams.slice(UNWATCHED + AT_HOME);
  const chances = elsewhere.map((_, i) => 1 / (i + 1) ** 1.5);
  const chosen = () => {
    let left = random() * sum(chances);
    return elsewhere[chances.findIndex((chance) => (left -= chance) < 0)];
  };
  /** @type {{ name: string, at?: string }[]} */
  const wanted = atHome.flatMap(({ name, owner: at }) => Array(VIEWERS_AT_HOME).fill({ name, at }));
  while (wanted.length < VIEWERS) wanted.push({ name: chosen().name });
  /** @type {Viewer[]} */
  const viewers = [];
  while (viewers.length < VIEWERS) {
    const some = wanted.slice(viewers.length, viewers.length + AT_ONCE);
    viewers.push(...(await Promise.all(some.map(({ name, at }) => watches(t, nginx, name, at)))));
  }
  t.diagnostic(
    `viewers at each: ${servers.map(({ name }) => viewers.filter(({ process }) => process === name).length)}`,
  );

  // What has to be got: whatever somebody watches at a process that does not have it.
  const gets = (/** @type {string} */ at) =>
    streams.filter(
      ({ name, owner }) => owner !== at && viewers.some((one) => one.stream === name && one.process === at),
    );
  const all = servers.flatMap(({ name }) => gets(name));
  const expected = Object.fromEntries(
    servers.map(({ name }) => [
      name,
      all
        .filter(({ owner }) => owner === name)
        .map((one) => one.name)
        .toSorted(),
    ]),
  );
  const told = Object.fromEntries(servers.map(({ name }) => [name, [gets(name).length, gets(name).length]]));
  const areGot = async () => JSON.stringify(await pulled(servers)) === JSON.stringify(expected);
  await until(areGot, "just what is watched elsewhere is got", 10_000).catch(async (error) => {
    assert.deepEqual(await pulled(servers), expected);
    throw error;
  });
  assert.deepEqual(await pulls(servers), told);
  t.diagnostic(`${all.length} of ${STREAMS * 2} possible ways between processes are used`);
  for (const [i, { length }] of Object.values(expected).entries()) {
    const made = counts()[i].connections - before[i].connections;
    assert.ok(made >= length && made <= length + MADE_ANEW, `${made} connections for ${length} streams`);
  }

  before = counts();
  const from = streams[0].sent;
  const [since, saidBefore] = [performance.now(), await saidToRedis(redis)];
  await sendAll(streams, PICTURES);
  const seconds = (performance.now() - since) / 1_000;
  const said = ((await saidToRedis(redis)) - saidBefore) / seconds / STREAMS;
  t.diagnostic(`${said.toFixed(0)} bytes a second and stream to Redis and from it`);
  assert.ok(said <= REDIS_BYTES, `${said} bytes`);
  const last = streams[0].sent;
  const hasLast = (/** @type {Viewer} */ { client }) =>
    picturesOf(client).some(({ jpeg }) => marked(jpeg).number === last);
  await until(() => viewers.every(hasLast), "the newest picture of each is shown", 10_000);
  const shown = sum(viewers.map((viewer) => isServed(viewer, PICTURES)));
  assert.ok(shown >= LEAST * VIEWERS * PICTURES, `${shown} pictures`);
  for (const [i, { name }] of servers.entries()) {
    const bytes = proxies[i].received - before[i].received;
    const least = sum(expected[name].map((stream) => (last - from) * sizeOf(stream)));
    t.diagnostic(`${name}: ${bytes} bytes to others, ${(bytes / least).toFixed(3)} of what is watched there`);
    assert.ok(bytes >= LEAST * least && bytes <= MOST * least, `${bytes} bytes of ${name}, ${least} watched`);
  }
  assert.deepEqual(await pulled(servers), expected);
  const seen = viewers.flatMap(({ client }) => picturesOf(client));
  const ages = seen
    .filter(({ jpeg }) => marked(jpeg).number > from)
    .map(({ at, takenMs }) => performance.timeOrigin + at - takenMs);
  ages.sort((one, other) => one - other);
  const [median, p99] = [0.5, 0.99].map((share) => ages[Math.floor(share * ages.length)].toFixed(1));
  t.diagnostic(`${ages.length} pictures, ${median} ms old at the median, ${p99} ms at p99`);

  for (const { client } of viewers) client.close();
  const none = Object.fromEntries(servers.map(({ name }) => [name, [0, 0]]));
  const areOver = async () => JSON.stringify(await pulls(servers)) === JSON.stringify(none);
  const took = await until(areOver, "nothing is got any more", LINGER_MS + SLACK_MS);
  t.diagnostic(`nothing is got any more after ${took.toFixed(0)} ms`);
  await until(
    async () => Object.values(await pulled(servers)).every((names) => names.length === 0),
    "all know",
  );
  before = counts();
  await sendAll(streams, 5);
  assert.deepEqual(counts(), before);
});
