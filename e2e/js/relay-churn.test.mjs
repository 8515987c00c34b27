// Senders and viewers that come and go, in any order and as fast as they can: what is seen of it
// makes sense, and nothing is left of it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sleep, start, until } from "./harness.mjs";
import { descriptors, rssMb, threads } from "./procfs.mjs";
import { BINARY, connect, jpeg, relaying, streamPath, streamer, unpacked, url, viewer } from "./relay.mjs";
import { serving } from "./simulator.mjs";

const binary = { protocols: [BINARY] };
const MARK_BYTES = 32;
/** How long all come and go. */
const CHURN_S = Number(process.env.SIGHTWIRE_CHURN_S ?? 3);

/** @import { Server } from "./harness.mjs" */
/** @import { Ear } from "./relay.mjs" */

/**
 * Waits until nobody is there; then nothing may be.
 * @param {Server} server
 */
async function isEmpty(server) {
  const empty = async () => {
    const { relay, cameras } = (await server.get("/api/v1/status")).json;
    return relay.streams + relay.viewers + cameras.analyses + cameras.viewers === 0;
  };
  await until(empty, "no stream, no viewer, no analysis");
}

test("fifty_quick_reconnects_leave_nothing_behind", async (t) => {
  const other = await start(t, relaying({ "relay.max_fps": 1000 }));
  const round = async (i) => {
    const sender = await streamer(t, other, "again", i % 2 ? binary : {});
    const watching = await viewer(t, other, "", i % 3 ? binary : {});
    if (i % 2) sender.jpeg(jpeg(200_000));
    else sender.frame(url("again", i, 200_000));
    await watching.next(({ bytes, json }) => bytes !== undefined || json.type === "live_frame");
    for (const one of [sender, watching]) {
      if (i % 5) one.close();
      else one.vanish();
    }
    await sender.over();
  };
  for (let i = 0; i < 10; i += 1) await round(i);
  await isEmpty(other);
  await sleep(300);
  const before = { descriptors: descriptors(other), threads: threads(other), rss: rssMb(other) };
  for (let i = 0; i < 50; i += 1) await round(i);
  await until(() => descriptors(other) <= before.descriptors, `${before.descriptors} descriptors`);
  await sleep(200);
  t.diagnostic(
    `${rssMb(other).toFixed(1)} MB, before ${before.rss.toFixed(1)} MB; ${threads(other)} threads`,
  );
  assert.ok(threads(other) <= before.threads + 1, `${threads(other)} threads, ${before.threads} before`);
  assert.ok(rssMb(other) - before.rss < 8, `${rssMb(other)} MB, ${before.rss} MB before`);
  await isEmpty(other);
});

test("five_hundred_names_leave_nothing_behind", async (t) => {
  const server = await start(t, relaying());
  const watching = await viewer(t, server, "", binary);
  const begin = async (name) => {
    const sender = await streamer(t, server, `${name} ${"x".repeat(80)}`);
    sender.frame(url("name", 1));
    sender.close();
    await sender.over();
  };
  const beginMany = async (count, what) => {
    const turns = Array.from({ length: 20 }, async (_, turn) => {
      for (let i = turn; i < count; i += 20) await begin(`${what} ${i}`);
    });
    await Promise.all(turns);
  };
  await beginMany(100, "before");
  const before = { rss: rssMb(server), metrics: (await server.get("/metrics")).text.length };
  await beginMany(400, "name");
  // One that came and went between two looks was never told of, and needs no end; every other one does, once. One that
  // ended before its state was told has an end alone.
  const names = (/** @type {"stream_state" | "stream_ended"} */ type) =>
    watching.all(type).map((message) => message.patient_id);
  const told = () => new Set(names("stream_state"));
  const ended = () => new Set(names("stream_ended"));
  await until(() => [...told()].every((name) => ended().has(name)), "an end of each stream");
  assert.ok(told().size > 100, `${told().size} streams told of`);
  assert.equal(names("stream_ended").length, ended().size, "one end each");
  const grown = rssMb(server) - before.rss;
  t.diagnostic(`${grown.toFixed(1)} MB more`);
  assert.ok(grown < 4, `${grown} MB more`);
  assert.ok((await server.get("/metrics")).text.length < before.metrics + 1_000, "no metric for each name");
});

test("analyses_end_with_those_who_ask_for_them_or_with_the_stream", async (t) => {
  const server = await start(t, serving());
  const analyses = async () => (await server.get("/api/v1/status")).json.cameras.analyses;
  for (const first of ["viewer", "sender"]) {
    const sender = await streamer(t, server, "analysed");
    const watching = await viewer(t, server, "?overlays=1");
    sender.frame(url("analysed", 1));
    await until(async () => (await analyses()) === 1, "an analysis");
    if (first === "viewer") watching.close();
    else sender.close();
    await until(async () => (await analyses()) === 0, `its end with the ${first}`);
    sender.close();
    watching.close();
    await Promise.all([sender.over(), watching.over()]);
  }
  await isEmpty(server);
});

/**
 * Stream, session and number of each picture, and the ends, in the order in which they came.
 * @param {Ear} one
 */
function story(one) {
  const picture = (name, bytes) => {
    const [stream, session, number] = bytes.subarray(-MARK_BYTES).toString().trim().split(" ");
    assert.equal(stream, name, "a picture of another stream");
    return { name, session: Number(session), number: Number(number), ended: false };
  };
  return one.messages.flatMap(({ bytes, json }) => {
    if (bytes) {
      const { name, jpeg: image } = unpacked(bytes);
      return [picture(name, image)];
    }
    if (json.type === "live_frame") {
      return [picture(json.patient_id, Buffer.from(json.data.frame.split(",")[1], "base64"))];
    }
    return json.type === "stream_ended"
      ? [{ name: json.patient_id, session: 0, number: 0, ended: true }]
      : [];
  });
}

/**
 * Pictures in their order; between two sessions an end; nothing of a session after its end.
 * @param {ReturnType<typeof story>} events
 */
function makesSense(events, name) {
  let session = 0;
  let number = -1;
  let ended = true;
  for (const event of events.filter((each) => each.name === name)) {
    if (event.ended) {
      ended = true;
      continue;
    }
    if (event.session === session) {
      assert.ok(!ended, `${name}: session ${session} after its end`);
      assert.ok(event.number > number, `${name}: ${event.number} after ${number}`);
    } else {
      assert.ok(ended, `${name}: session ${event.session}, and ${session} has not ended`);
      assert.ok(event.session > session, `${name}: session ${event.session} after ${session}`);
    }
    ({ session, number } = event);
    ended = false;
  }
}

const timeout = CHURN_S * 1000 + 60_000;
test("what_viewers_see_makes_sense_in_whatever_order_others_come_and_go", { timeout }, async (t) => {
  const server = await start(t, relaying({ "relay.max_fps": 1000 }));
  const names = ["c0", "c1", "c2", "c3"];
  const end = performance.now() + CHURN_S * 1000;
  const pause = (ms) => sleep(Math.random() * ms);
  let sessions = 0;
  let refused = 0;

  const send = async (name) => {
    const sender = await connect(t, server, streamPath(name), Math.random() < 0.5 ? binary : {});
    sender.say({ analysis_mode: "normal" });
    if ((await sender.next(() => true)).type !== "connected") {
      refused += 1;
      assert.equal((await sender.over()).code, 4090);
      return;
    }
    const session = (sessions += 1);
    const count = 1 + Math.floor(Math.random() * 20);
    for (let i = 0; i < count; i += 1) {
      const image = jpeg(2_000, `${name} ${session} ${i}`.padStart(MARK_BYTES));
      if (sender.socket.protocol) sender.jpeg(image);
      else sender.frame(`data:image/jpeg;base64,${image.toString("base64")}`);
      await pause(10);
    }
    if (Math.random() < 0.3) sender.vanish();
    else sender.close();
    // Some begin anew before the server has said goodbye.
    if (Math.random() < 0.7) await sender.over();
  };
  const look = async () => {
    const queries = ["", "?streams=*", "?streams=c1,c2"];
    const query = queries[Math.floor(Math.random() * queries.length)];
    const watching = await viewer(t, server, query, Math.random() < 0.5 ? binary : {});
    await pause(1_500);
    const events = story(watching);
    for (const name of names) makesSense(events, name);
    if (query.includes("c1")) assert.ok(events.every(({ name }) => ["c1", "c2"].includes(name)));
    if (Math.random() < 0.3) watching.vanish();
    else watching.close();
    watching.messages.length = 0;
    return events.length;
  };
  // What is taken in the first fifth has to do for the rest.
  const isEarly = async () => sessions >= 10 || performance.now() > end;
  const early = sleep(CHURN_S * 200)
    .then(() => until(isEarly, "ten sessions", 60_000))
    .then(() => ({ rss: rssMb(server), open: descriptors(server) }));
  const repeat = async (act) => {
    let sum = 0;
    while (performance.now() < end) sum += await act();
    return sum;
  };
  // Two for some of the names.
  const senders = [...names, "c0", "c1"].map((name) => repeat(() => send(name)));
  const seen = await Promise.all([...senders, ...Array.from({ length: 10 }, () => repeat(look))]);
  const events = seen.slice(senders.length).reduce((sum, count) => sum + count, 0);
  t.diagnostic(`${sessions} sessions, ${refused} refused, ${events} events seen`);
  assert.ok(sessions > 20 && events > 200);
  await isEmpty(server);
  const { rss, open } = await early;
  t.diagnostic(
    `${rss.toFixed(1)} MB and ${open} descriptors early, ${rssMb(server).toFixed(1)} MB at the end`,
  );
  assert.ok(rssMb(server) - rss < 16, `${rssMb(server)} MB, ${rss} MB early`);
  assert.ok(descriptors(server) <= open, `${descriptors(server)} descriptors, ${open} early`);
});
