// Servers that act as one over networks that are slow, lose something, are narrow, or are cut without a word: between them, and
// between them and Redis.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  TTL_MS,
  flowing,
  heartbeat,
  isRefused,
  longestGap,
  marked,
  metric,
  picture,
  sends,
  startCluster,
} from "./cluster.mjs";
import { sleep, until } from "./harness.mjs";
import { link, seeded } from "./network.mjs";
import { startRedis } from "./redis.mjs";
import {
  BINARY,
  LIVE_ALREADY,
  connect,
  often,
  picturesOf,
  streamPath,
  streamer,
  viewerOf,
} from "./relay.mjs";

/** @import { Process } from "./cluster.mjs" */
/** @import { Troubles } from "./network.mjs" */
/** @import { Client, Heard } from "./relay.mjs" */
/** @typedef {{ there?: Troubles, back?: Troubles }} Network */

const binary = { protocols: [BINARY] };
const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
const SEED = Number(process.env.SIGHTWIRE_SEED ?? Date.now() % 1e6);
/** What this process and the machine may add, as several servers share it. */
const SLACK_MS = 1_500;
/** One way, as between two continents. */
const FAR = { delayMs: 40 };
/** A connection of which nothing is heard for so long is given up. */
const SILENT_MS = 2_500;
/** Longest time until there is another connection, once it is possible: one that was tried before fails, and the next is waited for. */
const AGAIN_MS = 4_000;

const isStalled = (/** @type {Heard} */ { json }) =>
  json?.type === "stream_state" && json.state === "stalled";

const sum = (/** @type {number[]} */ all) => all.reduce((one, other) => one + other, 0);

/** The sum of a number of all servers. */
const total = async (/** @type {Process[]} */ servers, series) =>
  sum(await Promise.all(servers.map((server) => metric(server, series))));

/**
 * One cluster starts after the other: with all at once answers of Redis would be late.
 * @type {Promise<unknown>}
 */
let starting = Promise.resolve();

/**
 * Servers with networks between them: `peers[i]` is the others' way to `servers[i]`, `stores[i]` that one's way to Redis.
 * @param {import("node:test").TestContext} t
 * @param {{ count?: number, peer?: Network, set?: object }} [options]
 */
async function apart(t, { count = 2, peer = {}, set } = {}) {
  t.diagnostic(`SIGHTWIRE_SEED=${SEED}`);
  const redis = await startRedis(t);
  const all = Array.from({ length: count }, async (_, i) => {
    const seed = SEED + i;
    const peers = await link(t, { seed, there: { ...peer.there }, back: { ...peer.back } });
    return [peers, await link(t, { seed, to: redis.port })];
  });
  const links = await Promise.all(all);
  const each = links.map(([peers, store]) => ({
    env: {
      SIGHTWIRE_CLUSTER_ADVERTISE_URL: `http://127.0.0.1:${peers.port}`,
      SIGHTWIRE_CLUSTER_REDIS_URL: `redis://127.0.0.1:${store.port}`,
    },
  }));
  const starts = starting.then(() => startCluster(t, { count, redis, set, each }));
  starting = starts.catch(() => {});
  const { servers } = await starts;
  for (const [i, { port }] of servers.entries()) links[i][0].to = port;
  const [peers, stores] = [0, 1].map((which) => links.map((both) => both[which]));
  return { redis, servers, peers, stores };
}

/** Whether pictures came in order, none twice; their numbers as they were sent. */
function inOrder(/** @type {Client} */ watching, name) {
  const pictures = picturesOf(watching, name);
  const numbers = pictures.map(({ jpeg }) => marked(jpeg).number);
  for (const all of [numbers, pictures.map(({ sequence }) => sequence)]) {
    assert.ok(
      all.every((number, i) => i === 0 || number > all[i - 1]),
      `${name}: ${all}`,
    );
  }
  return numbers;
}

/** Since then a stream was there all the time, for its sender and for whoever watched. */
function wentOn(/** @type {Awaited<ReturnType<typeof flowing>>} */ { sender, here, there }, name, since) {
  assert.deepEqual([sender.closed, here.all("stream_ended"), there.all("stream_ended")], [undefined, [], []]);
  const gap = longestGap(there, name, since);
  assert.ok(gap < SLACK_MS, `${gap} ms without a picture`);
  inOrder(there, name);
}

/** Waits until somebody sees whoever sends pictures marked as "again". */
const showsAgain = async (/** @type {Client} */ watching) =>
  until(() => marked(picturesOf(watching).at(-1).jpeg).name === "again", "the new one's pictures");

const sorted = (/** @type {number[]} */ all) => all.toSorted((one, other) => one - other);

const quantile = (/** @type {number[]} */ all, share) => sorted(all)[Math.floor(share * all.length)];

describe("of_networks", { concurrency: true }, () => {
  describe("between_processes", { concurrency: true }, () => {
    const LOSSY = { delayMs: 40, lossRate: 0.03 };
    const SECONDS = IS_FULL ? 20 : 5;
    /** What is sent a second, in pictures and bytes of each; and which share comes at least and at most. */
    const NETWORKS = /** @type {const} */ ([
      ["a_network_that_is_slow_and_loses_something", LOSSY, [20, 5_000], [0.5, 1]],
      // It carries a third of that.
      ["a_network_that_is_too_narrow", { ...LOSSY, bytesPerS: 800_000 }, [30, 80_000], [0.15, 0.45]],
    ]);
    for (const [what, back, [fps, bytes], [least, most]] of NETWORKS) {
      test(`${what}_brings_new_pictures_and_skips_old_ones`, async (t) => {
        const { servers, peers } = await apart(t, { peer: { there: FAR, back } });
        const [a, b] = servers;
        const sender = await streamer(t, a, "ward", binary);
        await b.knows("ward");
        const [here, there] = [await viewerOf(t, a, "ward", binary), await viewerOf(t, b, "ward", binary)];
        const sentAt = [];
        const stop = often(t, fps, (number) => {
          sentAt[number] = performance.now();
          sender.jpeg(picture("ward", number, bytes));
        });
        await sleep(SECONDS * 1_000);
        const last = stop();
        const hasLast = (/** @type {Client} */ one) =>
          picturesOf(one).some(({ jpeg }) => marked(jpeg).number === last);
        const after = await until(() => hasLast(there), "the newest is shown", 2_000 + SLACK_MS);
        const [atHome, numbers] = [here, there].map((one) => inOrder(one, "ward"));
        // By the time here, and as it is told.
        const ages = picturesOf(there).map(({ at, jpeg }) => at - sentAt[marked(jpeg).number]);
        const told = picturesOf(there).map(({ at, takenMs }) => performance.timeOrigin + at - takenMs);
        const wrong = Math.max(...ages.map((age, i) => Math.abs(age - told[i])));
        const [median, p99] = [0.5, 0.99].map((share) => quantile(ages, share));
        t.diagnostic(
          `${numbers.length} of ${last} pictures, ${median.toFixed(0)} ms old at the median, ${p99.toFixed(0)} ms at p99; ` +
            `the last after ${after.toFixed(0)} ms; ${peers[0].lost} pieces lost; ` +
            `at most ${wrong.toFixed(0)} ms more or less than told`,
        );
        assert.ok(peers[0].received > numbers.length * bytes, "they came over that network");
        assert.ok(atHome.length > 0.8 * last, "nobody else is slowed down");
        assert.ok(
          numbers.length >= least * last && numbers.length <= most * last,
          `${numbers.length} of ${last}`,
        );
        assert.ok(Math.min(...ages) >= FAR.delayMs, `${Math.min(...ages)} ms on a way of ${FAR.delayMs}`);
        assert.ok(p99 < 2_000, `${p99} ms`);
        assert.ok(wrong < 500, `an age that is wrong by ${wrong} ms`);
        assert.deepEqual(there.all("stream_ended"), []);
      });
    }

    test("a_cut_stalls_pictures_and_shows_no_old_one_when_it_is_over", async (t) => {
      const { servers, peers } = await apart(t);
      const [a, b] = servers;
      const { sender, here, there } = await flowing(t, a, b, "ward");
      const other = await flowing(t, a, b, "other");
      const back = await flowing(t, b, a, "from b");
      const [toA] = peers;

      // What takes no longer than a hiccup is only late.
      toA.cut();
      await sleep(800);
      toA.mend();
      const before = picturesOf(there).length;
      await until(() => picturesOf(there).length > before + 20, "pictures");
      assert.deepEqual(there.messages.filter(isStalled), []);
      inOrder(there, "ward");
      there.skip();

      const begun = performance.now();
      toA.cut();
      // The name of what only cannot be reached is its own.
      const refused = isRefused(t, b, "ward", { says: true });
      const stalled = await there.next(isStalled);
      const stalledMs = performance.now() - begun;
      assert.match(stalled.reason, /\w{3,} \w+/);
      assert.ok(stalledMs < SILENT_MS + SLACK_MS, `stalled after ${stalledMs} ms`);
      // Redis tells of what ends, and another may begin it.
      other.sender.close();
      await other.there.next("stream_ended");
      const again = await streamer(t, b, "other", binary);
      sends(t, again, "again");
      await showsAgain(other.there);
      await refused;
      const refusedMs = performance.now() - begun;
      assert.match(b.logs(), /another process cannot be reached: .*process=.?a/);
      const { processes } = (await b.get("/api/v1/status")).json.cluster;
      assert.match(processes.find(({ name }) => name === "a").reason, /\w{3,} \w+/);

      const shown = marked(picturesOf(here).at(-1).jpeg).number;
      const mended = performance.now();
      toA.mend();
      const count = picturesOf(there).length;
      const took = await until(
        () => picturesOf(there).length > count + 5,
        "pictures again",
        AGAIN_MS + SLACK_MS,
      );
      t.diagnostic(
        `stalled after ${stalledMs.toFixed(0)} ms, the name refused after ${refusedMs.toFixed(0)} ms, ` +
          `pictures ${took.toFixed(0)} ms after the end of ${(mended - begun).toFixed(0)} ms`,
      );
      const at = there.messages.findIndex(isStalled);
      const first = picturesOf(there).find((one) => one.at > there.messages[at].at);
      assert.ok(
        first.at > mended && marked(first.jpeg).number >= shown,
        `${marked(first.jpeg).number}, ${shown} was shown`,
      );
      inOrder(there, "ward");
      assert.deepEqual([sender.closed, there.all("stream_ended"), again.closed], [undefined, [], undefined]);
      // Nobody else has noticed.
      assert.ok(longestGap(here, "ward", begun) < SLACK_MS);
      assert.ok(longestGap(back.there, "from b", begun) < SLACK_MS);
      // Whoever watched at the other one sees who sends it now.
      await showsAgain(other.here);
      assert.equal(other.there.all("stream_ended").length, 1);
    });
  });

  describe("between_processes_and_redis", { concurrency: true }, () => {
    test("a_network_that_loses_much_takes_no_stream_from_its_sender", async (t) => {
      const { servers, stores } = await apart(t);
      const [a, b] = servers;
      const flows = [await flowing(t, a, b, "from a"), await flowing(t, b, a, "from b")];
      const begun = performance.now();
      // Some answers come too late for whoever waits half a second for them.
      for (const { there, back } of stores)
        for (const way of [there, back]) Object.assign(way, { delayMs: 60, lossRate: 0.3 });
      const end = begun + (IS_FULL ? 30_000 : 1.5 * TTL_MS);
      let tries = 0;
      const hasTrouble = () => stores.every(({ lost }) => lost > 1);
      for (; performance.now() < end || !hasTrouble(); tries += 1) {
        assert.ok(performance.now() < end + 3 * TTL_MS, "something is lost");
        await isRefused(t, b, "from a");
        await isRefused(t, a, "from b");
        await sleep(100);
      }
      const late = await total(servers, "sightwire_cluster_redis_failures_total");
      t.diagnostic(
        `${stores.map(({ lost }) => lost)} pieces lost, ${late} answers too late; ${tries} others refused at each`,
      );
      assert.equal(await total(servers, "sightwire_cluster_leases_lost_total"), 0);
      for (const [i, flow] of flows.entries()) wentOn(flow, ["from a", "from b"][i], begun);
    });

    test("a_cut_leaves_what_flows_and_gives_one_of_two_senders_the_name_when_it_is_over", async (t) => {
      const { redis, servers, stores } = await apart(t);
      const [a, b] = servers;
      const [fromA, kept, taken] = [
        await flowing(t, a, b, "from a"),
        await flowing(t, b, a, "kept"),
        await flowing(t, b, a, "taken"),
      ];
      await heartbeat(redis, b);
      const [begun, before] = [performance.now(), b.logs().length];
      stores[1].cut();
      // As long as its last heartbeat counts it is asked, and answers.
      let tries = 0;
      for (; performance.now() - begun < TTL_MS - SLACK_MS; tries += 1) {
        await isRefused(t, a, "taken");
        await isRefused(t, b, "from a");
        await sleep(100);
      }
      assert.match(b.logs().slice(before), /what coordinates the processes is away/);
      const meanwhile = await streamer(t, b, "meanwhile");
      const isAlone = async () => `${await a.active()}` === "from a";
      await until(isAlone, "it is not heard of any more", TTL_MS + SLACK_MS - (performance.now() - begun));
      // Then whoever comes elsewhere begins, and viewers there see that one.
      const again = await streamer(t, a, "taken", binary);
      sends(t, again, "again");
      await taken.there.next("stream_ended");
      await showsAgain(taken.there);
      await isRefused(t, b, "from a", { says: true });

      const mended = performance.now();
      stores[1].mend();
      const { code } = await taken.sender.over();
      const tookMs = performance.now() - mended;
      assert.equal(code, 4090);
      assert.ok(tookMs < AGAIN_MS + SLACK_MS, `sent away after ${tookMs} ms`);
      await showsAgain(taken.here);
      for (const server of servers) await server.knows("from a", "kept", "meanwhile", "taken");
      t.diagnostic(
        `${tries} refused at each; sent away ${tookMs.toFixed(0)} ms after ${(mended - begun).toFixed(0)} ms`,
      );
      for (const [name, flow] of Object.entries({ "from a": fromA, kept })) wentOn(flow, name, begun);
      // Nobody sees a picture of the one before again.
      for (const one of [taken.here, taken.there]) {
        const seen = picturesOf(one).map(({ jpeg }) => marked(jpeg).name);
        assert.deepEqual([...new Set(seen.slice(seen.indexOf("again")))], ["again"]);
        assert.equal(one.all("stream_ended").length, 1);
      }
      assert.deepEqual([again.closed, meanwhile.closed], [undefined, undefined]);
      for (const [at, name] of /** @type {const} */ ([
        [a, "kept"],
        [a, "meanwhile"],
        [b, "taken"],
        [b, "from a"],
      ]))
        await isRefused(t, at, name);
    });
  });
});

// Nothing beside it makes answers of Redis late.
test("a_slow_network_to_redis_gives_each_name_to_one_of_all_who_want_it", async (t) => {
  const names = Array.from({ length: IS_FULL ? 300 : 60 }, (_, i) => `name ${i}`);
  const set = { "relay.max_streams": 500 };
  const { servers, stores } = await apart(t, { count: 3, peer: { there: FAR, back: FAR }, set });
  // Redis knows what it is asked from now on: the first time takes several ways.
  for (const server of servers) (await streamer(t, server, `before at ${server.name}`)).close();
  for (const { there, back } of stores) for (const way of [there, back]) Object.assign(way, FAR);
  // What is lost once is there within the half second that an answer has.
  stores[0].there.lossRate = stores[1].back.lossRate = 0.05;
  const random = seeded(SEED);
  const wanted = names.flatMap((name) => {
    const from = random() * names.length * 40;
    return servers.map((at) => ({ name, at, after: from + random() * 100 }));
  });
  const tried = wanted.map(async ({ name, at, after }) => {
    await sleep(after);
    const client = await connect(t, at, streamPath(name));
    client.say({ analysis_mode: "normal" });
    await until(() => client.messages.length > 0, `an answer to ${name}`);
    const isIn = client.all("connected").length > 0;
    // Whoever sends nothing would be sent away.
    if (isIn) sends(t, client, name, 0.5);
    return { name, at, client, isIn };
  });
  const all = await Promise.all(tried);
  const owners = () => all.filter(({ client }) => !client.closed && client.all("connected").length > 0);
  const losers = () => all.filter(({ client }) => client.closed);
  await until(() => losers().length === 2 * names.length, "all but one of each have gone");
  const owned = owners().map(({ name }) => name);
  assert.deepEqual(owned.toSorted(), names.toSorted());
  for (const { client, isIn } of losers()) {
    assert.equal(client.closed.code, 4090);
    if (!isIn)
      assert.deepEqual(
        client.messages.map(({ json }) => json),
        [{ type: "error", message: LIVE_ALREADY }],
      );
  }
  // Two are let in only by a process that could not ask Redis, which is for a moment.
  const provisional = await total(servers, 'sightwire_cluster_claims_total{outcome="provisional"}');
  const tooMany = all.filter(({ isIn }) => isIn).length - names.length;
  assert.ok(tooMany <= provisional, `${tooMany} too many, ${provisional} for a moment`);
  assert.equal(await total(servers, "sightwire_cluster_leases_lost_total"), tooMany);
  const each = servers.map((server) => owners().filter(({ at }) => at === server).length);
  t.diagnostic(`names at each: ${each}; ${provisional} accepted without Redis`);
  // All know who has what.
  for (const server of servers) {
    await server.knows(...names);
    const { streams } = (await server.get("/api/v1/streams")).json;
    const told = Object.fromEntries(streams.map(({ id, process }) => [id, process ?? server.name]));
    assert.deepEqual(told, Object.fromEntries(owners().map(({ name, at }) => [name, at.name])));
  }
});
