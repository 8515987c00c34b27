// What goes wrong between servers that act as one: processes that die or stand still, Redis that is gone, stands still, is
// emptied or full, and what does not belong together. Pictures flow on, and a name is one sender's.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { clocks } from "./clock.mjs";
import {
  BEAT_MS,
  JOINED,
  SECRET,
  TTL_MS,
  flowing,
  heartbeat,
  isRefused,
  longestGap,
  marked,
  sends,
  startCluster,
  startProcess,
} from "./cluster.mjs";
import { sleep, until } from "./harness.mjs";
import { startRedis } from "./redis.mjs";
import { BINARY, connect, picturesOf, streamPath, streamer, viewer, viewerOf } from "./relay.mjs";

/** @import { Process } from "./cluster.mjs" */
/** @import { Client } from "./relay.mjs" */
/** @import { Ending } from "./types.ts" */

const binary = { protocols: [BINARY] };
const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
/** A process of which nothing was heard for so long keeps no name (docs/scaling.md). */
const STANDS_STILL_MS = 3_750;
/** One that cannot be reached and is not heard of either keeps none for longer than this. */
const GONE_MS = 2_250;
/** What this process and the machine may add, as several servers share it. */
const SLACK_MS = 1_000;

/** Waits until both know just these. */
async function areWhole(/** @type {Process[]} */ servers, /** @type {string[]} */ names, ms = undefined) {
  for (const server of servers) {
    const isWhole = async () => `${await server.active()}` === `${names.toSorted()}`;
    await until(isWhole, `${server.name} knows ${names}`, ms);
  }
}

describe("of_servers_that_act_as_one", { concurrency: true }, () => {
  describe("a_process", { concurrency: 4 }, () => {
    test("that_is_killed_is_seen_to_be_gone_and_no_old_picture_is_shown", async (t) => {
      const { redis, servers } = await startCluster(t);
      const [a, b] = servers;
      const { there } = await flowing(t, a, b, "ward");
      const old = await viewer(t, b);
      await old.nextFrame("ward");
      await heartbeat(redis, a);
      const begun = performance.now();
      await a.kill();
      const stalled = await there.next(
        ({ json }) => json?.type === "stream_state" && json.state === "stalled",
      );
      const stalledMs = performance.now() - begun;
      assert.match(stalled.reason, /\w{3,} \w+/);
      const ended = await there.next("stream_ended");
      const endedMs = performance.now() - begun;
      await old.next("stream_ended");
      t.diagnostic(`stalled after ${stalledMs.toFixed(0)} ms, ended after ${endedMs.toFixed(0)} ms`);
      assert.ok(stalledMs < 1_500, `stalled after ${stalledMs} ms`);
      assert.ok(endedMs < TTL_MS + SLACK_MS, `ended after ${endedMs} ms`);
      assert.match(ended.reason, /has left/);
      const at = there.messages.findIndex(
        ({ json }) => json?.type === "stream_state" && json.state === "stalled",
      );
      const after = there.messages.slice(at).map(({ json }) => json?.type ?? "picture");
      assert.deepEqual(after, ["stream_state", "stream_ended"]);
      assert.deepEqual(await b.active(), []);
    });

    test("that_is_killed_gives_its_streams_to_senders_who_come_back_elsewhere_and_may_begin_again", async (t) => {
      const { redis, servers } = await startCluster(t);
      const [a, b] = servers;
      const { there } = await flowing(t, a, b, "ward");
      const old = await viewerOf(t, b, "ward");
      await old.nextFrame();
      await heartbeat(redis, a);
      await a.kill();
      const begun = performance.now();
      const again = await streamer(t, b, "ward", binary);
      const took = performance.now() - begun;
      t.diagnostic(`taken after ${took.toFixed(0)} ms`);
      assert.ok(took < GONE_MS + SLACK_MS, `${took} ms`);
      sends(t, again, "again");
      await there.next("stream_ended");
      await until(() => marked(picturesOf(there).at(-1).jpeg).name === "again", "pictures");
      while (marked(await old.nextFrame()).name !== "again");
      for (const one of [there, old]) assert.equal(one.all("stream_ended").length, 1);

      const from = performance.now();
      const anew = await startProcess(t, redis, { name: a.name, port: a.port });
      t.diagnostic(`back after ${(performance.now() - from).toFixed(0)} ms`);
      await anew.knows("ward");
      const watching = await viewerOf(t, anew, "ward", binary);
      await until(() => picturesOf(watching).length > 0, "pictures");
      await isRefused(t, anew, "ward");
    });

    test("that_ends_gives_its_streams_up_at_once", async (t) => {
      const { redis, servers } = await startCluster(t);
      const [a, b] = servers;
      const { there } = await flowing(t, a, b, "ward");
      const ended = a.stop();
      await there.next("stream_ended");
      const begun = performance.now();
      const again = await streamer(t, b, "ward", binary);
      const took = performance.now() - begun;
      t.diagnostic(`taken after ${took.toFixed(0)} ms`);
      assert.ok(took < 1_500, `${took} ms`);
      sends(t, again, "again");
      await until(() => marked(picturesOf(there).at(-1).jpeg).name === "again", "pictures");
      assert.equal(there.all("stream_ended").length, 1);
      assert.equal((await ended).code, 0);
      const processes = (await redis.cli("HKEYS", "{sightwire}:processes")).split("\n");
      assert.deepEqual(processes, ["b"], "it has said goodbye");
    });

    for (const [seconds, what] of IS_FULL
      ? [
          [7, "for_7_s"],
          [12, "for_12_s"],
        ]
      : [[7, "for_7_s"]]) {
      test(`that_stands_still_${what}_loses_what_others_have_taken_and_shows_nothing_old`, async (t) => {
        const { redis, servers } = await startCluster(t);
        const [a, b] = servers;
        const { sender, here, there } = await flowing(t, a, b, "ward");
        // Nobody takes this one.
        const kept = await streamer(t, a, "kept", binary);
        await heartbeat(redis, a);
        a.stand();
        const begun = performance.now();
        const stalled = there.next(({ json }) => json?.type === "stream_state" && json.state === "stalled");
        const again = await streamer(t, b, "ward", binary);
        const took = performance.now() - begun;
        sends(t, again, "new");
        await stalled;
        await until(() => marked(picturesOf(there).at(-1).jpeg).name === "new", "the new one's pictures");
        await sleep(Number(seconds) * 1_000 - (performance.now() - begun));
        const awake = performance.now();
        a.go();
        const { code } = await sender.over();
        const sentAwayMs = performance.now() - awake;
        t.diagnostic(
          `taken after ${took.toFixed(0)} ms; sent away ${sentAwayMs.toFixed(0)} ms after it woke`,
        );
        assert.equal(code, 4090);
        assert.ok(took < STANDS_STILL_MS + SLACK_MS, `taken after ${took} ms`);
        assert.ok(sentAwayMs < 1_500, `sent away after ${sentAwayMs} ms`);
        await sleep(500);
        const names = picturesOf(there).map(({ jpeg }) => marked(jpeg).name);
        assert.deepEqual(
          names.slice(names.indexOf("new")).filter((name) => name !== "new"),
          [],
        );
        assert.equal(there.all("stream_ended").length, 1);
        // Whoever watches at the one that woke sees what all see.
        const shown = () => picturesOf(here).some(({ jpeg }) => marked(jpeg).name === "new");
        await until(shown, "the new one's pictures where the old one was");
        const since = picturesOf(here).filter(({ at }) => at > awake + SLACK_MS);
        assert.deepEqual([...new Set(since.map(({ jpeg }) => marked(jpeg).name))], ["new"]);
        await areWhole(servers, ["kept", "ward"]);
        assert.equal(kept.closed, undefined);
        await isRefused(t, a, "ward", { says: true });
        await isRefused(t, b, "kept", { says: true });
      });
    }

    test("whose_clock_is_five_minutes_off_shows_pictures_of_now", async (t) => {
      const redis = await startRedis(t);
      for (const ahead of [300, -300]) {
        const time = clocks(t);
        time.timeOfDay(ahead);
        const { servers } = await startCluster(t, { redis, each: [{ env: time.env }] });
        const [a, b] = servers;
        for (const [from, to, aheadThere] of /** @type {const} */ ([
          [a, b, 0],
          [b, a, ahead],
        ])) {
          const name = `from ${from.name} ${ahead}`;
          const { there, stop } = await flowing(t, from, to, name);
          const before = picturesOf(there).length;
          await until(() => picturesOf(there).length > before + 20, "pictures");
          stop();
          // By the clock of the process that shows them, which `performance` knows nothing of.
          const wall = performance.timeOrigin + aheadThere * 1_000;
          const ages = picturesOf(there)
            .slice(before)
            .map(({ at, takenMs }) => wall + at - takenMs);
          t.diagnostic(`${name}: ${Math.min(...ages).toFixed(0)} to ${Math.max(...ages).toFixed(0)} ms old`);
          assert.ok(
            ages.every((age) => Math.abs(age) < 1_000),
            `${ages}`,
          );
          await isRefused(t, to, name);
        }
        for (const server of servers) await server.stop();
      }
    });
  });

  describe("what_does_not_belong_together", { concurrency: true }, () => {
    /** What it says is in the log, once and as an error; it serves on, alone. */
    async function isRefusedIn(t, /** @type {Process} */ server, /** @type {RegExp} */ words) {
      const errors = () => server.logs().match(/ERROR .*it cannot be one of the processes.*/g) ?? [];
      await until(() => errors().length > 0, `an error: ${server.logs()}`);
      assert.match(errors()[0], words);
      const sender = await streamer(t, server, `alone ${server.name}`);
      sends(t, sender, "alone");
      const watching = await viewerOf(t, server, `alone ${server.name}`);
      assert.equal(marked(await watching.nextFrame()).name, "alone");
      assert.equal(errors().length, 1);
    }

    test("processes_with_other_secrets_or_of_one_name", async (t) => {
      const { redis, servers } = await startCluster(t);
      const [a, b] = servers;
      const { sender, there } = await flowing(t, a, b, "ward");
      const begun = performance.now();
      const strange = { SIGHTWIRE_CLUSTER_SECRET: `${SECRET}, nearly` };
      const [stranger, second] = await Promise.all([
        startProcess(t, redis, { name: "stranger", env: strange, joins: false }),
        startProcess(t, redis, { name: "a", joins: false }),
      ]);
      await isRefusedIn(t, stranger, /the other processes have another secret: .*cluster\.secret_file/i);
      const its = new RegExp(`another process is called "a" \\(${a.url}\\): set cluster.name`, "i");
      await isRefusedIn(t, second, its);
      // They know nothing of the others, and those nothing of them.
      assert.deepEqual(await stranger.active(), ["alone stranger"]);
      assert.deepEqual(await second.active(), ["alone a"]);
      await areWhole(servers, ["ward"]);
      await sleep(TTL_MS + SLACK_MS - (performance.now() - begun));
      assert.ok(longestGap(there, "ward", begun) < 1_500);
      assert.deepEqual([sender.closed, there.all("stream_ended")], [undefined, []]);
      assert.doesNotMatch(a.logs() + b.logs(), / ERROR /);
      assert.doesNotMatch(stranger.logs(), new RegExp(SECRET), "a secret is never shown");

      // The name is free once its process has ended.
      await a.stop();
      await until(() => JOINED.test(second.logs()), "the second of that name is one of them");
      await b.knows("alone a");
    });

    /** @type {Record<string, [words: RegExp, ...commands: string[][]]>} */
    const FOREIGN = {
      of_another_format: [
        /another version of Sightwire.*format 2/,
        ["HSET", "meta", "format", "2", "epoch", "x"],
        // What nobody goes by any more would bind nobody.
        ["ZADD", "until", "1e15", "z"],
      ],
      of_another_type: [
        /\{foreign-1\}:streams in this Redis is of the type string, not hash/,
        ["SET", "streams", "x"],
      ],
      of_somebody_else: [
        /the keys \{foreign-2\}:?\S* in this Redis are not Sightwire's/,
        ["HSET", "count", "visitors", "7"],
      ],
    };
    for (const [number, [what, [words, ...commands]]] of Object.entries(FOREIGN).entries()) {
      test(`keys_in_redis_${what}`, async (t) => {
        const redis = await startRedis(t);
        const prefix = `foreign-${number}`;
        for (const [verb, key, ...more] of commands) await redis.cli(verb, `{${prefix}}:${key}`, ...more);
        const dump = async () =>
          Promise.all(commands.map(([, key]) => redis.cli("DUMP", `{${prefix}}:${key}`)));
        const before = await dump();
        const env = { SIGHTWIRE_CLUSTER_PREFIX: prefix };
        const server = await startProcess(t, redis, { name: "a", env, joins: false });
        await isRefusedIn(t, server, words);
        assert.deepEqual(await dump(), before, "it is left as it is");
        assert.equal(await redis.cli("DBSIZE"), String(commands.length), "and nothing is written beside it");
        await redis.cli("FLUSHALL");
        await until(() => JOINED.test(server.logs()), "it joins once that is gone");
        const other = await startProcess(t, redis, { name: "b", env });
        await other.knows("alone a");
      });
    }
  });
});

describe("redis", { concurrency: 5 }, () => {
  /** What is not to be noticed, and how long it lasts. */
  const TROUBLES = {
    async "is killed and begins anew with nothing"(redis) {
      await redis.kill();
      await sleep(2_000);
      await redis.again();
    },
    async "stands still for 3 s"(redis) {
      redis.stop();
      await sleep(3_000);
      redis.cont();
    },
    async "is emptied"(redis) {
      await redis.cli("FLUSHALL");
    },
    // As a Redis does that makes room.
    async "loses one after the other of what is ours"(redis) {
      for (const key of ["until", "count", "processes", "meta"]) {
        await redis.cli("DEL", `{sightwire}:${key}`);
        await sleep(BEAT_MS);
      }
    },
    async "loses what streams there are"(redis) {
      await redis.cli("DEL", "{sightwire}:streams");
      await sleep(2 * BEAT_MS);
      // Whoever has missed something reads all.
      await redis.cli("HINCRBY", "{sightwire}:count", "version", "10");
    },
    ...(IS_FULL && {
      async "stands still for 10 s"(redis) {
        redis.stop();
        await sleep(10_000);
        redis.cont();
      },
      async "is emptied again and again"(redis) {
        for (let i = 0; i < 30; i += 1) {
          await redis.cli("FLUSHALL");
          await sleep(400);
        }
      },
    }),
  };
  for (const [what, makes] of Object.entries(TROUBLES)) {
    test(`that_${what.replaceAll(" ", "_")}_is_noticed_by_nobody`, async (t) => {
      const { redis, servers } = await startCluster(t);
      const [a, b] = servers;
      const flows = [await flowing(t, a, b, "from a"), await flowing(t, b, a, "from b")];
      const old = await viewer(t, b);
      const begun = performance.now();
      let over = false;
      // All the time, at the other one.
      let tries = 0;
      const seconds = (async () => {
        for (; !over; tries += 1) {
          await isRefused(t, b, "from a");
          await isRefused(t, a, "from b");
          await sleep(200);
        }
      })();
      try {
        await makes(redis);
        const back = performance.now();
        // Those who come late see it, too.
        const late = await viewerOf(t, b, "from a", binary);
        await until(() => picturesOf(late).length > 0, "pictures");
        await sleep(6_000 - (performance.now() - back));
        assert.deepEqual(await a.active(), ["from a", "from b"]);
        assert.deepEqual(await b.active(), ["from a", "from b"]);
      } finally {
        over = true;
        await seconds;
      }
      for (const [i, { sender, here, there }] of flows.entries()) {
        const name = ["from a", "from b"][i];
        const [gap, atHome] = [there, here].map((one) => longestGap(one, name, begun));
        t.diagnostic(
          `${name}: at most ${gap.toFixed(0)} ms without a picture, ${atHome.toFixed(0)} ms at its own`,
        );
        // However late this process is itself.
        assert.ok(gap < 1_000 + atHome, `${gap} ms without a picture of ${name}`);
        assert.equal(sender.closed, undefined);
        const told = there.messages.flatMap(({ json }) => (json ? [json.type] : []));
        assert.ok(!told.includes("stream_ended"), `${told}`);
      }
      assert.deepEqual(old.all("stream_ended"), []);
      t.diagnostic(`${tries} others refused at each`);
      // What begins and ends from now on is known as before.
      const later = await streamer(t, a, "later");
      await areWhole(servers, ["from a", "from b", "later"]);
      later.close();
      await areWhole(servers, ["from a", "from b"]);
    });
  }

  test("that_is_full_still_takes_what_is_ours", async (t) => {
    const redis = await startRedis(t, { maxmemory: "1mb", args: ["--maxmemory-policy", "noeviction"] });
    const fill = async (from) => {
      await redis.cli("DEBUG", "POPULATE", "20000", from, "100").catch(() => {});
      await assert.rejects(redis.cli("SET", "somebody's", "value"), /OOM/);
    };
    await fill("before");
    const { servers } = await startCluster(t, { redis });
    const [a, b] = servers;
    await fill("after");
    for (const [from, to, name] of /** @type {const} */ ([
      [a, b, "from a"],
      [b, a, "from b"],
    ])) {
      const { sender, there } = await flowing(t, from, to, name);
      await isRefused(t, to, name);
      sender.close();
      await there.next("stream_ended");
      await areWhole(servers, []);
    }
    // Heartbeats go on, too.
    const { there } = await flowing(t, a, b, "stays");
    const begun = performance.now();
    await sleep(TTL_MS + SLACK_MS);
    assert.ok(longestGap(there, "stays", begun) < 1_500);
    await areWhole(servers, ["stays"]);
    assert.doesNotMatch(a.logs() + b.logs(), /OOM|is away/);
  });

  test("that_is_away_lets_streams_begin_where_that_is_accepted", async (t) => {
    const { redis, servers } = await startCluster(t);
    const [a, b] = servers;
    const { there } = await flowing(t, a, b, "before");
    await redis.kill();
    // Known at once, or after the next heartbeat.
    await until(() => /is away/.test(b.logs()), "it is known to be away");
    await isRefused(t, b, "before");
    const both = [await streamer(t, a, "both", binary), await streamer(t, b, "both", binary)];
    const only = await streamer(t, b, "only");
    const stop = sends(t, only, "only");
    const watching = await viewerOf(t, b, "only");
    assert.equal(marked(await watching.nextFrame()).name, "only");
    const before = picturesOf(there).length;
    await until(() => picturesOf(there).length > before + 10, "what flowed flows");
    await redis.again();
    await areWhole(servers, ["before", "both", "only"]);
    await until(() => both.some(({ closed }) => closed), "of two one gives way");
    await sleep(1_000);
    const [gone, ...more] = both.filter(({ closed }) => closed);
    assert.equal(more.length, 0, "and only one");
    assert.equal(gone.closed.code, 4090);
    const elsewhere = await viewerOf(t, a, "only");
    assert.equal(marked(await elsewhere.nextFrame()).name, "only");
    stop();
    await isRefused(t, a, "only");
  });

  test("that_is_away_keeps_no_name_that_its_process_says_is_free", async (t) => {
    const { redis, servers } = await startCluster(t);
    const [a, b] = servers;
    const { sender, there } = await flowing(t, a, b, "ward");
    const old = await viewer(t, b);
    await old.nextFrame("ward");
    await redis.kill();
    await until(() => servers.every((one) => /is away/.test(one.logs())), "it is known to be away");
    sender.close();
    await Promise.all([there, old].map((one) => one.next("stream_ended")));
    await sleep(1_000);
    // That it was not told in Redis is no reason to say it again.
    for (const one of [there, old]) assert.equal(one.all("stream_ended").length, 1);
    const begun = performance.now();
    const again = await streamer(t, b, "ward", binary);
    const took = performance.now() - begun;
    t.diagnostic(`taken after ${took.toFixed(0)} ms`);
    assert.ok(took < 3_500, `${took} ms`);
    sends(t, again, "again");
    await until(() => marked(picturesOf(there).at(-1).jpeg).name === "again", "pictures");
    while (marked(await old.nextFrame("ward")).name !== "again");
    await redis.again();
    await a.knows("ward");
    await isRefused(t, a, "ward");
    assert.equal(again.closed, undefined);
  });

  test("that_is_away_lets_none_begin_where_that_is_refused", async (t) => {
    const env = { SIGHTWIRE_CLUSTER_WHEN_DOWN: "refuse" };
    const { redis, servers } = await startCluster(t, { env });
    const [a, b] = servers;
    const { there } = await flowing(t, a, b, "before");
    await redis.kill();
    await until(() => [a, b].every((one) => /is away/.test(one.logs())), "it is known to be away");
    const begun = performance.now();
    for (const at of [a, b]) {
      const refused = await connect(t, at, streamPath("new"));
      refused.say({ analysis_mode: "normal" });
      const { code, reason } = await refused.over();
      assert.equal(code, 1013);
      assert.match(reason, /Redis does not answer/);
      assert.match(
        refused.all("error")[0].message,
        /A stream cannot begin now.*Redis does not answer.*try again/,
      );
    }
    // What is live is still said to be just that.
    await isRefused(t, b, "before");
    await sleep(1_000);
    assert.ok(longestGap(there, "before", begun) < 1_500);
    await redis.again();
    const begins = async () => {
      const one = await connect(t, b, streamPath("new"));
      one.say({ analysis_mode: "normal" });
      await until(() => one.closed || one.messages.length > 0, "an answer");
      return one.all("connected").length === 1;
    };
    await until(begins, "it may begin");
    await areWhole(servers, ["before", "new"]);
  });

  test("may_come_later_than_the_servers", async (t) => {
    const redis = await startRedis(t);
    await redis.kill();
    const each = [{ joins: false }, { joins: false }];
    const { servers } = await startCluster(t, { redis, each });
    const [a, b] = servers;
    const sender = await streamer(t, a, "early", binary);
    sends(t, sender, "early");
    const watching = await viewerOf(t, a, "early", binary);
    await until(() => picturesOf(watching).length > 0, "it serves");
    assert.equal((await b.get("/readyz")).status, 200);
    assert.deepEqual(await b.active(), []);
    await sleep(1_000);
    await redis.again();
    const took = await until(() => servers.every((one) => JOINED.test(one.logs())), "both are there");
    t.diagnostic(`both are there after ${took.toFixed(0)} ms`);
    assert.ok(took < 4_000, `${took} ms`);
    await b.knows("early");
    const elsewhere = await viewerOf(t, b, "early", binary);
    await until(() => picturesOf(elsewhere).length > 0, "pictures");
    await isRefused(t, b, "early");
    assert.equal(sender.closed, undefined);
  });
});
