// Two servers that act as one: whoever sends to one of them and whoever watches at the other notice nothing of it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  SECRET,
  asUrl,
  clientsJs,
  countingProxy,
  marked,
  picture,
  sends,
  sharedCluster,
  startCluster,
  startProcess,
} from "./cluster.mjs";
import { listen } from "./events.mjs";
import { command, freePort, sleep, until } from "./harness.mjs";
import {
  BINARY,
  LIVE_ALREADY,
  connect,
  often,
  picturesOf,
  streamPath,
  streamer,
  viewer,
  viewerOf,
} from "./relay.mjs";
import { camera } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Process } from "./cluster.mjs" */
/** @import { Of } from "./types.ts" */

const binary = { protocols: [BINARY] };
const cluster = sharedCluster();
/** The server that is sent to first in each test, and the other one. */
const both = () => /** @type {[Process, Process]} */ (cluster.servers);

/** Those who watch a stream at a server, as that one knows them. */
const viewersOf = async (/** @type {Process} */ at, name) =>
  (await at.get(`/api/v1/streams/${encodeURIComponent(name)}`)).json.viewer_list;

const isActive = async (/** @type {Process} */ at, name) => (await at.active()).includes(name);

describe("what_is_sent_to_another_process", { concurrency: true }, () => {
  test("comes_to_old_viewers_as_it_was_sent", async (t) => {
    const [a, b] = both();
    const all = await viewer(t, b);
    const named = await viewerOf(t, b, "P-1");
    const sender = await streamer(t, a, "P-1");
    await b.knows("P-1");
    const late = await viewerOf(t, b, "P-1");
    assert.deepEqual(named.greeting.active_streams, []);
    assert.deepEqual(late.greeting.active_streams, ["P-1"]);
    const sent = [];
    for (let i = 0; i < 30; i += 1) {
      sent.push(asUrl(picture("P-1", i, 20_000)));
      sender.frame(sent.at(-1));
      await Promise.all([all, named, late].map((one) => one.nextFrame("P-1")));
    }
    const expected = sent.map((frame) => ({ type: "live_frame", patient_id: "P-1", data: { frame } }));
    for (const one of [all, named, late]) assert.deepEqual(one.all("live_frame", "P-1"), expected);
    assert.deepEqual(
      new Set(named.messages.map(({ json }) => json.type)),
      new Set(["viewer_connected", "live_frame"]),
    );
  });

  test("comes_to_new_viewers_with_its_state_and_its_numbers", async (t) => {
    const [a, b] = both();
    const sender = await streamer(t, a, "new", { ...binary, hello: { analysis_mode: "enhanced" } });
    const [here, there] = [await viewerOf(t, a, "new", binary), await viewerOf(t, b, "new", binary)];
    sends(t, sender, "new");
    /** @type {Of<"stream_state">} */
    const running = await there.next(({ json }) => json?.type === "stream_state" && json.state === "running");
    assert.deepEqual([running.kind, running.analysis_mode, running.reason], ["relay", "enhanced", null]);
    await until(() => picturesOf(there).length >= 20, "pictures");
    // The same picture has the same number everywhere, and came at about the same time.
    const known = new Map(picturesOf(here, "new").map((one) => [one.sequence, one]));
    const shared = picturesOf(there, "new").filter(({ sequence }) => known.has(sequence));
    assert.ok(shared.length >= 10, `${shared.length} that came to both`);
    for (const { sequence, jpeg, takenMs } of shared) {
      assert.deepEqual(marked(jpeg), marked(known.get(sequence).jpeg));
      assert.ok(Math.abs(takenMs - known.get(sequence).takenMs) < 500, `${takenMs}`);
    }
    const numbers = picturesOf(there, "new").map(({ sequence }) => sequence);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].toSorted((one, other) => one - other),
    );
  });

  test("comes_from_our_own_client_to_our_own_client", async (t) => {
    const [a, b] = both();
    const relay = await clientsJs(t);
    const sender = relay.createStreamer({ url: a.url, stream: "ours", fps: 20 });
    const watching = relay.createViewer({ url: b.url, streams: ["ours"] });
    t.after(() => [sender, watching].forEach((one) => one.stop()));
    watching.start();
    let number = 0;
    sender.start(() => new Uint8Array(picture("ours", (number += 1))));
    await until(() => sender.snapshot().state === "live", "it is live");
    let seen = 0;
    for await (const { stream, jpeg } of watching.pictures("ours")) {
      assert.equal(stream, "ours");
      assert.equal(marked(Buffer.from(jpeg)).name, "ours");
      if ((seen += 1) === 10) break;
    }
    const second = relay.createStreamer({ url: b.url, stream: "ours" });
    t.after(() => second.stop());
    second.start();
    await until(() => second.snapshot().state === "refused", "the name is taken");
    assert.equal(second.snapshot().code, 4090);
    sender.stop();
    const ended = () => watching.snapshot().streams.find(({ id }) => id === "ours")?.state === "ended";
    await until(ended, "it knows the end");
  });

  test("is_there_as_mjpeg_and_as_a_snapshot", async (t) => {
    const [a, b] = both();
    const sender = await streamer(t, a, "as mjpeg");
    sends(t, sender, "as mjpeg");
    await b.knows("as mjpeg");
    const watching = await watch(t, b, "/stream?camera=as%20mjpeg");
    for (const { jpeg } of await watching.next(5)) assert.equal(marked(jpeg).name, "as mjpeg");
    const answer = await fetch(`${b.url}/api/v1/streams/as%20mjpeg/snapshot.jpg`);
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "image/jpeg"]);
    assert.equal(marked(Buffer.from(await answer.arrayBuffer())).name, "as mjpeg");
    sender.close();
    await until(() => watching.over, "the end of the answer");
    assert.equal((await fetch(`${b.url}/stream?camera=as%20mjpeg`)).status, 404);
  });

  test("is_looked_at_for_whoever_wants_its_objects", async (t) => {
    const [a, b] = both();
    const yard = await camera(t, { fps: 30 });
    const scene = [];
    for (let i = 0; i < 30; i += 1) {
      scene.push(Buffer.from(await (await fetch(`${yard.url}/capture`)).arrayBuffer()));
      await sleep(33);
    }
    const sender = await streamer(t, a, "objects", binary);
    // Forwards and backwards, so that nothing jumps.
    const at = (i) => scene[Math.min(i % 58, 58 - (i % 58))];
    often(t, 20, (i) => sender.jpeg(at(i)));
    await b.knows("objects");
    const heard = listen(t, b, "/api/v1/streams/objects/detections?fps=15&skip_frames=1");
    const watching = await viewer(t, b, "?streams=objects&overlays=1", binary);
    const found = () => heard.detections().find(({ detections }) => detections.length > 0);
    await until(found, "something moves");
    assert.deepEqual([found().stream, found().model, found().width], ["objects", "motion", 320]);
    await watching.next(({ json }) => json?.type === "overlay_data");
  });

  test("is_known_to_both_in_the_same_words", async (t) => {
    const [a, b] = both();
    await streamer(t, a, "known n");
    await streamer(t, b, "known e", { hello: { analysis_mode: "enhanced" } });
    const told = async (/** @type {Process} */ at) => {
      const { json } = await at.get("/streams/active");
      assert.equal(json.count, json.active_streams.length);
      assert.deepEqual(Object.keys(json.stream_details).toSorted(), json.active_streams.toSorted());
      return Object.fromEntries(Object.entries(json.stream_details).filter(([name]) => /^known/.test(name)));
    };
    const expected = { "known e": { analysis_mode: "enhanced" }, "known n": { analysis_mode: "normal" } };
    for (const at of [a, b]) {
      await at.knows("known e", "known n");
      assert.deepEqual(await told(at), expected);
      const { greeting } = await viewer(t, at);
      assert.ok(["known e", "known n"].every((name) => greeting.active_streams.includes(name)));
    }
  });

  test("may_have_any_name", async (t) => {
    const [a, b] = both();
    for (const name of ["Ward 3, bed 1", "Büro 1/2 ?&#%", `${"x".repeat(124)} 名`]) {
      const sender = await streamer(t, a, name);
      const watching = await viewerOf(t, b, name, binary);
      sender.frame(asUrl(picture("any", 1)));
      await watching.next(({ bytes }) => bytes !== undefined);
      assert.equal(picturesOf(watching)[0].name, name);
      const second = await connect(t, b, streamPath(name));
      assert.equal((await second.over()).code, 4090);
    }
  });

  test("ends_there_at_once_and_begins_again_at_either", async (t) => {
    const [a, b] = both();
    const [old, modern] = [await viewer(t, b), await viewerOf(t, b, "again", binary)];
    for (const [round, at] of [a, b, a, a].entries()) {
      const sender = await streamer(t, at, "again");
      const stop = sends(t, sender, `round ${round}`);
      await modern.next(({ bytes }) => bytes !== undefined);
      assert.equal(marked(await old.nextFrame("again")).name, `round ${round}`);
      stop();
      const begun = performance.now();
      if (round % 2) sender.vanish();
      else sender.close();
      await old.next(({ json }) => json?.type === "stream_ended" && json.patient_id === "again");
      assert.match((await modern.next("stream_ended")).reason, /\w{3,} \w+/);
      const took = performance.now() - begun;
      t.diagnostic(`the end of round ${round} is known after ${took.toFixed(0)} ms`);
      assert.ok(took < 1_500, `${took} ms`);
      await until(async () => !(await isActive(a, "again")) && !(await isActive(b, "again")), "its end");
    }
    assert.equal(old.all("stream_ended", "again").length, 4);
    // Never one of the stream before, after its end.
    let ends = 0;
    for (const { json } of old.messages.filter(
      (one) => "patient_id" in one.json && one.json.patient_id === "again",
    )) {
      if (json.type === "stream_ended") ends += 1;
      else if (json.type === "live_frame") assert.equal(marked(json.data.frame).name, `round ${ends}`);
    }
  });
});

describe("a_name_that_is_live_at_another_process", { concurrency: true }, () => {
  test("is_refused_before_the_first_message_in_the_same_words", async (t) => {
    const [a, b] = both();
    const first = await streamer(t, a, "taken");
    await b.knows("taken");
    const watching = await viewerOf(t, b, "taken");
    sends(t, first, "first");
    await watching.nextFrame();
    for (let round = 0; round < 3; round += 1) {
      const second = await connect(t, b, streamPath("taken"));
      // One says what it wants, and does not wait for the answer.
      if (round === 1) {
        second.say({ analysis_mode: "normal" });
        for (let i = 0; i < 10; i += 1) second.frame(asUrl(picture("second", i, 50_000)));
      }
      const { code, reason } = await second.over();
      assert.deepEqual(
        second.messages.map(({ json }) => json),
        [{ type: "error", message: LIVE_ALREADY }],
      );
      assert.equal(code, 4090, reason);
    }
    const frames = watching.all("live_frame").map(({ data }) => marked(data.frame).name);
    assert.deepEqual([...new Set(frames)], ["first"]);
    assert.deepEqual(watching.all("stream_ended"), []);
    assert.equal(first.closed, undefined);
    first.close();
    await first.over();
    const third = await streamer(t, b, "taken");
    third.frame(asUrl(picture("third", 1)));
    while (marked(await watching.nextFrame()).name !== "third");
    assert.equal((await (await connect(t, a, streamPath("taken"))).over()).code, 4090);
  });

  test("goes_to_one_of_two_who_ask_for_it_at_the_same_time", async (t) => {
    const [a, b] = both();
    for (let round = 0; round < 5; round += 1) {
      const path = streamPath(`race ${round}`);
      const all = await Promise.all([a, b, a, b].map((at) => connect(t, at, path)));
      for (const one of all) one.say({ analysis_mode: "normal" });
      const answers = await Promise.all(all.map((one) => one.next(() => true)));
      const [winner, ...more] = all.filter((_, i) => answers[i].type === "connected");
      assert.ok(winner && more.length === 0, JSON.stringify(answers));
      for (const one of all.filter((each) => each !== winner)) assert.equal((await one.over()).code, 4090);
      winner.close();
    }
  });

  for (const [what, options, fallsSilent] of /** @type {const} */ ([
    ["does_not_answer_pings", { autoPong: false }, () => {}],
    ["reads_nothing_any_more", {}, (sender) => sender.socket.pause()],
  ])) {
    test(`is_free_when_its_sender_${what}`, async (t) => {
      const [a, b] = both();
      const silent = await streamer(t, a, what, options);
      silent.frame(asUrl(picture("silent", 1)));
      const watching = await viewerOf(t, b, what, binary);
      await until(() => picturesOf(watching).length > 0, "its picture");
      fallsSilent(silent);
      const begun = performance.now();
      const sender = await connect(t, b, streamPath(what));
      sender.say({ analysis_mode: "normal" });
      await sender.next("connected");
      const took = performance.now() - begun;
      t.diagnostic(`after ${took.toFixed(0)} ms`);
      assert.ok(took >= 1_900 && took < 4_500, `${took} ms`);
      silent.socket.resume();
      assert.equal((await silent.over()).code, 4090);
      sender.frame(asUrl(picture("new", 1)));
      await until(() => marked(picturesOf(watching).at(-1).jpeg).name === "new", "the new one's");
      assert.equal(watching.all("stream_ended").length, 1);
    });
  }
});

describe("pictures_go_from_process_to_process", () => {
  test("only_while_somebody_watches_and_once_for_all", async (t) => {
    const proxy = await countingProxy(t);
    const throughProxy = { SIGHTWIRE_CLUSTER_ADVERTISE_URL: `http://127.0.0.1:${proxy.port}` };
    const { servers } = await startCluster(t, { each: [{ env: throughProxy }] });
    const [a, b] = servers;
    proxy.to = a.port;
    const bytes = 20_000;
    const [watched, other] = [await streamer(t, a, "watched", binary), await streamer(t, a, "other", binary)];
    sends(t, watched, "watched", 20, bytes);
    sends(t, other, "other", 20, bytes);
    await b.knows("watched", "other");
    await sleep(1_000);
    assert.deepEqual([proxy.connections, proxy.received], [0, 0]);

    const [first, second] = [await viewerOf(t, b, "watched", binary), await viewerOf(t, b, "watched")];
    const third = await watch(t, b, "/stream?camera=watched");
    await Promise.all([second.nextFrame(), third.next(1), until(() => picturesOf(first).length > 0, "one")]);
    const [before, from] = [proxy.received, picturesOf(first).length];
    await until(() => picturesOf(first).length >= from + 40, "forty more");
    const each = (proxy.received - before) / (picturesOf(first).length - from);
    t.diagnostic(`${each.toFixed(0)} bytes for a picture of ${bytes} that three watch`);
    assert.ok(each > 0.7 * bytes && each < 1.5 * bytes, `${each} bytes a picture`);
    assert.equal(proxy.connections, 1);
    const seen = await viewersOf(a, "watched");
    assert.deepEqual(
      seen.map(({ kind, streams }) => ({ kind, streams })),
      [{ kind: "process", streams: ["watched"] }],
    );
    assert.deepEqual(await viewersOf(a, "other"), []);

    first.close();
    second.close();
    third.fin();
    await until(async () => (await viewersOf(a, "watched")).length === 0, "nobody watches");
    const after = proxy.received;
    await sleep(500);
    assert.equal(proxy.received, after);
  });

  test("from_the_first_moment_of_a_process_on", async (t) => {
    const [a] = both();
    const sender = await streamer(t, a, "early");
    sends(t, sender, "early");
    const c = await startProcess(t, cluster.redis, { name: "c" });
    const watching = await viewerOf(t, c, "early", binary);
    const begun = performance.now();
    // That others begin and end meanwhile changes nothing.
    const others = (async () => {
      for (let i = 0; i < 3; i += 1) (await streamer(t, a, `beside ${i}`)).close();
    })();
    await until(() => picturesOf(watching).length > 0, "a picture");
    const took = performance.now() - begun;
    await others;
    t.diagnostic(`after ${took.toFixed(0)} ms`);
    assert.ok(took < 1_500, `${took} ms`);
    assert.equal((await (await connect(t, c, streamPath("early"))).over()).code, 4090);
    await c.stop();
    // It has said goodbye, and what it watched is watched no longer.
    await until(async () => (await viewersOf(a, "early")).length === 0, "it has left");
  });

  test("also_where_a_viewer_of_all_is_there_before_the_first_stream", async (t) => {
    const [a, b] = both();
    const watching = await viewer(t, b);
    const sender = await streamer(t, a, "comes later");
    const begun = performance.now();
    sender.frame(asUrl(picture("comes later", 1)));
    assert.equal(await watching.nextFrame("comes later"), asUrl(picture("comes later", 1)));
    const took = performance.now() - begun;
    t.diagnostic(`after ${took.toFixed(0)} ms`);
    assert.ok(took < 1_500, `${took} ms`);
  });
});

test("the_doctor_tells_of_redis_and_of_each_process_and_takes_no_part", async () => {
  const [a, b] = both();
  const doctor = async (/** @type {Record<string, string>} */ env) => {
    const set = ["--set", `server.listen=127.0.0.1:${await freePort()}`];
    const { stdout } = await command(["doctor", "--no-cameras", "--json", ...set], {
      env: {
        SIGHTWIRE_CLUSTER_REDIS_URL: cluster.redis.url,
        SIGHTWIRE_CLUSTER_ADVERTISE_URL: "http://127.0.0.1:9",
        SIGHTWIRE_CLUSTER_SECRET: SECRET,
        ...env,
      },
    });
    const { checks } = JSON.parse(stdout);
    return checks.filter(({ id }) => id === "cluster" || id === "process");
  };
  const states = (all) => all.map(({ id, about, state }) => [id, about, state]);
  const well = await doctor({});
  assert.deepEqual(states(well), [
    ["cluster", null, "ok"],
    ["process", "a", "ok"],
    ["process", "b", "ok"],
  ]);
  assert.match(
    well[0].says,
    /^Redis \d+\.\d+\.\d+ at 127\.0\.0\.1:\d+ answers; 2 other processes are running/,
  );
  const stranger = await doctor({ SIGHTWIRE_CLUSTER_SECRET: `${SECRET}, nearly` });
  assert.deepEqual(
    states(stranger).map(([, , state]) => state),
    ["ok", "fail", "fail"],
  );
  assert.match(stranger[1].says, /another secret/);
  const namesake = await doctor({ SIGHTWIRE_CLUSTER_NAME: "a" });
  assert.deepEqual(states(namesake), [["cluster", null, "fail"]]);
  assert.match(namesake[0].says, /another process is called "a"/);
  const nowhere = await doctor({ SIGHTWIRE_CLUSTER_REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
  assert.deepEqual(states(nowhere), [["cluster", null, "fail"]]);
  assert.match(nowhere[0].says, /Redis does not answer: nothing listens at 127\.0\.0\.1/);
  for (const server of [a, b]) {
    const { cluster: known } = (await server.get("/api/v1/status")).json;
    assert.deepEqual(
      known.processes.map(({ name }) => name),
      ["a", "b"],
    );
  }
});
