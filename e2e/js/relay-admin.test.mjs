// Relay streams and their viewers in the API: what is known of them, live by one WebSocket, and
// ending them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ask } from "./api.mjs";
import { start, until } from "./harness.mjs";
import { RawClient } from "./rawclient.mjs";
import {
  BINARY,
  connect,
  jpeg,
  often,
  picturesOf,
  refusal,
  streamer,
  url,
  viewer,
  viewerOf,
} from "./relay.mjs";
import { shared } from "./shared.mjs";
import { camera, serving } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Live, LiveMessage, Of, Viewer } from "./types.ts" */

const binary = { protocols: [BINARY] };
const server = shared(
  serving({ set: { "relay.max_fps": 1000, "relay.lower_quality": false, "cameras.lower_quality": false } }),
);

/** @type {(name: string) => `/api/v1/streams/${string}`} */
const pathOf = (name) => `/api/v1/streams/${encodeURIComponent(name)}`;
const known = async (name, at = server) => (await at.get(pathOf(name))).json;

/** Others may watch as well. */
async function knownViewer(name, client, at = server) {
  const peer = `127.0.0.1:${client.socket._socket.localPort}`;
  return (await known(name, at)).viewer_list.find((one) => one.peer === peer);
}

const remove = (at, path, headers = {}) =>
  ask(at, "DELETE", /** @type {`/api/v1/streams/${string}`} Or a viewer's. */ (path), undefined, headers);

describe("what_is_known_of_a_stream", { concurrency: true }, () => {
  test("stands_beside_what_is_known_of_cameras", async (t) => {
    const yard = await camera(t);
    const both = await start(t, serving({ cameras: [{ id: "yard", url: yard.url }] }));
    await watch(t, both, "/stream?camera=yard");
    const sender = await streamer(t, both, "P-1", { hello: { analysis_mode: "enhanced" } });
    sender.frame(url("P-1", 1));
    sender.say('{"type":"frame"}');
    await until(async () => (await known("P-1", both)).bad === 1, "a bad frame");
    const { streams } = (await both.get("/api/v1/streams")).json;
    const kinds = Object.fromEntries(streams.map(({ id, kind }) => [id, kind]));
    assert.deepEqual(kinds, { yard: "camera", "P-1": "relay" });
    const [relayed, filmed] = [
      streams.find(({ id }) => id === "P-1"),
      streams.find(({ id }) => id === "yard"),
    ];
    const missing = Object.keys(filmed).filter((key) => !(key in relayed));
    assert.deepEqual(missing, [], "the same fields");
    const { url: address, mode, protocol, peer, bad, dropped, state, pictures } = relayed;
    const told = { address, mode, protocol, bad, dropped, state, pictures };
    const expected = {
      mode: "enhanced",
      protocol: "text",
      bad: 1,
      dropped: 0,
      state: "running",
      pictures: 1,
    };
    assert.deepEqual(told, { address: null, ...expected });
    assert.equal(peer, `127.0.0.1:${sender.socket._socket.localPort}`);
  });

  test("and_of_its_viewers", async (t) => {
    const sender = await streamer(t, server, "seen", binary);
    const stop = often(t, 20, () => sender.jpeg(jpeg(10_000)));
    const seen = await Promise.all([
      viewerOf(t, server, "seen"),
      viewerOf(t, server, "seen", binary),
      watch(t, server, "/stream?camera=seen"),
    ]);
    // What a viewer loses for whom this process has no time is soon forgotten.
    const isWell = (/** @type {Viewer} */ one) =>
      one.delivered > 5 && one.lost_percent < 30 && one.fps > 2 && one.since_s > 2;
    const areWell = async () => (await known("seen")).viewer_list.filter(isWell).length === 3;
    await until(areWell, "three viewers with pictures");
    const { viewers, viewer_list: list, fps_out, fps, protocol } = await known("seen");
    stop();
    assert.equal(protocol, "binary");
    assert.deepEqual([viewers, list.length], [3, 3]);
    assert.deepEqual(list.map(({ kind }) => kind).sort(), ["mjpeg", "relay", "relay_binary"]);
    assert.ok(fps > 0 && fps_out > fps, `${fps} in, ${fps_out} out`);
    for (const one of list) {
      assert.deepEqual(one.streams, ["seen"]);
      assert.ok(one.bytes > 50_000 && one.bytes_per_s > 0, JSON.stringify(one));
      assert.equal(one.quality, "original");
      if (one.kind === "mjpeg") continue;
      assert.equal(one.endpoint, "/ws/view");
      assert.ok(one.deadline_ms >= 500 && one.write_ms >= 0 && one.write_ms < 30_000, JSON.stringify(one));
      assert.ok(one.rtt_ms > 0 && one.rtt_ms < 30_000, `${one.rtt_ms} ms there and back`);
    }
    assert.equal(new Set(list.map(({ id }) => id)).size, 3);
    seen[0].close();
    await until(async () => (await known("seen")).viewers === 2, "one less");
  });
});

describe("ending", { concurrency: true }, () => {
  test("a_stream_tells_its_sender_4410_and_its_viewers_its_end", async (t) => {
    const sender = await streamer(t, server, "end me / 1");
    const [old, modern] = [
      await viewerOf(t, server, "end me / 1"),
      await viewerOf(t, server, "end me / 1", binary),
    ];
    sender.frame(url("end", 1));
    assert.equal((await remove(server, pathOf("end me / 1"))).status, 204);
    assert.equal((await sender.next("error")).type, "error");
    const { code, reason } = await sender.over();
    assert.equal(code, 4410);
    assert.match(reason, /administrator/);
    await old.next(({ json }) => json?.type === "stream_ended" && json.patient_id === "end me / 1");
    assert.match((await modern.next("stream_ended")).reason, /administrator/);
    assert.equal((await remove(server, pathOf("end me / 1"))).status, 404);
    // Its name is free, and those who watched it see the next one.
    const again = await streamer(t, server, "end me / 1");
    again.frame(`data:image/jpeg;base64,${jpeg(100).toString("base64")}`);
    await modern.next(({ bytes }) => bytes !== undefined);
  });

  test("a_camera_closes_it_and_sends_its_viewers_off", async (t) => {
    const yard = await camera(t);
    const one = await start(t, serving({ cameras: [{ id: "yard", url: yard.url }] }));
    const [mjpeg, modern] = [
      await watch(t, one, "/stream?camera=yard"),
      await viewer(t, one, "?streams=yard", binary),
    ];
    await mjpeg.next(2);
    await until(() => picturesOf(modern).length > 2, "pictures");
    assert.equal((await remove(one, pathOf("yard"))).status, 204);
    await until(() => mjpeg.over, "the end of the answer");
    await modern.next("stream_ended");
  });

  test("a_viewer_tells_it_4410_and_nobody_else", async (t) => {
    const sender = await streamer(t, server, "viewed");
    const [goes, stays] = [await viewerOf(t, server, "viewed"), await viewerOf(t, server, "viewed")];
    const { id } = await knownViewer("viewed", goes);
    assert.equal((await remove(server, `/api/v1/viewers/${id}`)).status, 204);
    const { code, reason } = await goes.over();
    assert.equal(code, 4410);
    assert.match(reason, /administrator/);
    sender.frame(url("viewed", 1));
    assert.equal(await stays.nextFrame(), url("viewed", 1));
    assert.equal((await remove(server, `/api/v1/viewers/${id}`)).status, 404);
  });

  test("works_on_viewers_that_read_nothing_and_on_those_of_mjpeg", async (t) => {
    const sender = await streamer(t, server, "stubborn", binary);
    const stuck = new RawClient(server, "/ws/view?streams=stubborn", { answers: false });
    t.after(() => stuck.destroy());
    await stuck.opened();
    often(t, 30, () => sender.jpeg(jpeg(200_000)));
    const mjpeg = await watch(t, server, "/stream?camera=stubborn");
    stuck.pause();
    await mjpeg.next(5);
    for (const { id } of (await known("stubborn")).viewer_list) {
      assert.equal((await remove(server, `/api/v1/viewers/${id}`)).status, 204);
    }
    await until(async () => (await known("stubborn")).viewers === 0, "no viewer");
    await until(() => mjpeg.over, "the end of the answer");
    assert.equal(sender.closed, undefined);
  });

  test("what_is_not_there_is_404", async () => {
    const PATHS = [
      "/api/v1/streams/nobody",
      "/api/v1/viewers/999999",
      "/api/v1/viewers/18446744073709551615",
    ];
    for (const path of PATHS) {
      const { status, json } = await remove(server, path);
      assert.equal(status, 404, path);
      assert.match(json.detail, /\w{2,} \w+/);
    }
    assert.ok([400, 404].includes((await remove(server, "/api/v1/viewers/x")).status));
  });

  test("is_for_whoever_sits_at_the_machine_unless_told_otherwise", async (t) => {
    const closed = await start(t, serving({ set: { "server.managing": "nobody" } }));
    const open = await start(t, serving({ set: { "server.managing": "anyone" } }));
    for (const at of [server, closed, open]) {
      const sender = await streamer(t, at, "mine");
      const watching = await viewerOf(t, at, "mine");
      const { id } = await knownViewer("mine", watching, at);
      const paths = [pathOf("mine"), `/api/v1/viewers/${id}`];
      const elsewhere = at === open ? [] : [{ "X-Forwarded-For": "192.0.2.7" }];
      for (const headers of [{ Origin: "https://evil.example" }, { Origin: "null" }, ...elsewhere]) {
        for (const path of paths) {
          const { status, json } = await remove(at, path, headers);
          const unknown = at === server && headers["X-Forwarded-For"];
          assert.equal(status, unknown ? 401 : 403, `${path} ${JSON.stringify(headers)}`);
          assert.match(json.detail, /\w{2,} \w+/);
        }
      }
      const expected = at === closed ? 403 : 204;
      for (const path of paths.reverse()) {
        assert.equal(
          (await remove(at, path)).status,
          expected,
          `${path} ${[server, closed, open].indexOf(at)}`,
        );
      }
      if (at === closed) assert.equal(sender.closed, undefined);
      else assert.equal((await sender.over()).code, 4410);
    }
  });
});

/** RFC 7386, section 2. */
function merged(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const isObject = target !== null && typeof target === "object" && !Array.isArray(target);
  const all = new Map(Object.entries(isObject ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) all.delete(key);
    else all.set(key, merged(all.get(key), value));
  }
  return Object.fromEntries(all);
}

/** Follows `/api/v1/live`. */
async function follow(t, at = server) {
  const client = await connect(t, at, "/api/v1/live");
  /** @type {Of<"full">} */
  const first = await client.next(() => true);
  assert.equal(first.type, "full");
  let done = 1;
  const live = {
    client,
    versions: [first.version],
    data: first.data,
    until: async (/** @type {(data: Live) => boolean} */ is, what) => {
      const check = () => {
        for (; done < client.messages.length; done += 1) {
          const message = /** @type {LiveMessage} */ (client.messages[done].json);
          assert.equal(message.version, live.versions.at(-1) + 1, "no edition is missing");
          live.versions.push(message.version);
          live.data = message.type === "full" ? message.data : merged(live.data, message.data);
        }
        return is(live.data);
      };
      await until(check, what);
    },
  };
  return live;
}

/** Everything in it, however deep. */
const leaves = (value) =>
  value !== null && typeof value === "object" ? Object.values(value).flatMap(leaves) : [value];

describe("live", { concurrency: true }, () => {
  test("begins_with_everything", async (t) => {
    const sender = await streamer(t, server, "live all");
    sender.frame(url("live", 1));
    const watching = await viewerOf(t, server, "live all");
    await watching.nextFrame();
    const live = await follow(t);
    // What others have been told already may be a second old.
    await live.until(({ streams }) => streams["live all"]?.viewers === 1, "the stream");
    const { data } = live;
    const keys = ["time", "server", "process", "relay", "cameras", "streams", "viewers", "may_manage"];
    for (const key of keys) assert.ok(key in data, key);
    assert.equal(data.may_manage, true);
    assert.ok(Math.abs(data.time - Date.now() / 1000) < 3);
    assert.ok(!leaves(data).includes(null), "null takes away");
    for (const key of ["cpu_percent", "memory_bytes", "threads", "connections", "max_connections"]) {
      assert.equal(typeof data.process[key], "number", key);
    }
    const figures = [
      "streams",
      "max_streams",
      "viewers",
      "max_viewers",
      "frames_in_per_s",
      "frames_out_per_s",
    ];
    const rates = ["bytes_in_per_s", "bytes_out_per_s", "lost_percent"];
    for (const key of [...figures, ...rates]) assert.equal(typeof data.relay[key], "number", key);
    assert.deepEqual(
      Object.keys((await server.get("/api/v1/status")).json.relay).sort(),
      [...figures, ...rates].sort(),
    );
    for (const key of ["upstreams", "max_upstreams", "viewers", "max_viewers", "analyses", "max_analyses"]) {
      assert.equal(typeof data.cameras[key], "number", key);
    }
    const stream = data.streams["live all"];
    const api = await known("live all");
    const has = Object.keys(api).filter((key) => api[key] !== null && key !== "viewer_list");
    assert.deepEqual(
      has.filter((key) => !(key in stream)),
      [],
      "as in /api/v1/streams/{id}",
    );
    const { id } = await knownViewer("live all", watching);
    assert.deepEqual(data.viewers[id].streams, ["live all"]);
  });

  test("then_says_what_changes_once_a_second_and_what_is_gone_is_gone", async (t) => {
    const live = await follow(t);
    const sender = await streamer(t, server, "live more");
    const stop = often(t, 20, (i) => sender.frame(url("live", i)));
    const watching = await viewerOf(t, server, "live more");
    await live.until(({ streams }) => streams["live more"]?.viewers === 1, "the stream");
    await live.until(({ streams }) => streams["live more"].fps > 3, "its rate");
    const { id } = await knownViewer("live more", watching);
    assert.ok(id in live.data.viewers);
    watching.close();
    await live.until(({ viewers }) => !(id in viewers), "the viewer is gone");
    stop();
    sender.close();
    await live.until(({ streams }) => !("live more" in streams), "the stream is gone");
    // By the server's clock: what comes late here makes the time to the next one shorter.
    const times = live.client.messages.slice(1).map(({ json }) => /** @type {Of<"full">} */ (json).data.time);
    const gaps = times.slice(1).map((at, i) => at - times[i]);
    assert.ok(Math.min(...gaps) > 0.7, `${gaps} s`);
    const sizes = live.client.messages.slice(1).map(({ text }) => text.length);
    t.diagnostic(`patches of ${Math.min(...sizes)} to ${Math.max(...sizes)} bytes`);
    assert.ok(live.client.messages.slice(1).every(({ json }) => json.type === "patch"));
  });

  test("says_goodbye_to_who_leaves_and_to_all_when_the_server_stops", async (t) => {
    const other = await start(t, serving({}));
    const [leaves, stays] = [await follow(t, other), await follow(t, other)];
    leaves.client.socket.close(1000);
    assert.equal((await leaves.client.over()).code, 1000);
    const { code, ms } = await other.stop();
    assert.equal(code, 0);
    assert.ok(ms < 15_000, `${ms} ms`);
    await stays.client.over();
  });

  test("is_not_for_pages_from_elsewhere_and_tells_who_may_not_manage", async (t) => {
    const status = await refusal(t, server, "/api/v1/live", { origin: "https://evil.example" });
    assert.equal(status, 403);
    const elsewhere = { "X-Forwarded-For": "192.0.2.7" };
    const open = await start(t, serving({ set: { "access.mode": "open" } }));
    const client = await connect(t, open, "/api/v1/live", { headers: elsewhere });
    const { data } = await client.next("full");
    assert.equal(data.may_manage, false);
    assert.match(data.why_not, /takes an operator/);
  });

  test("a_reader_that_says_a_lot_or_reads_nothing_harms_nobody", async (t) => {
    const [loud, stuck] = [
      await connect(t, server, "/api/v1/live"),
      await connect(t, server, "/api/v1/live"),
    ];
    stuck.socket.pause();
    loud.say("x".repeat(1_000_000));
    assert.equal((await loud.over()).code, 1009);
    const live = await follow(t);
    await live.until(() => live.versions.length >= 3, "two patches");
  });
});

describe("what_is_sent_and_what_is_filmed_are_told_apart", { concurrency: true }, () => {
  test("a_camera_cannot_take_the_name_of_a_stream_that_is_sent", async (t) => {
    await streamer(t, server, "garb");
    const add = (id) => ask(server, "POST", "/api/v1/cameras", { id, url: "http://10.0.0.5" });
    const refused = await add("garb");
    assert.equal(refused.status, 409);
    assert.match(refused.json.detail, /garb/);
    assert.equal((await add("garb-2")).status, 201);
    assert.equal((await remove(server, "/api/v1/cameras/garb-2")).status, 204);
  });

  test("what_is_no_picture_has_no_snapshot", async (t) => {
    const sender = await streamer(t, server, "no picture");
    sender.frame("data:image/jpeg;base64,@@@");
    await until(async () => (await known("no picture")).pictures === 1, "a picture");
    const { status, json } = await server.get(`${pathOf("no picture")}/snapshot.jpg`);
    assert.equal(status, 502);
    assert.match(json.detail, /no picture/);
  });

  test("bytes_are_counted_as_they_are_sent", async (t) => {
    const sender = await streamer(t, server, "counted");
    const [text, bytes] = [
      await viewerOf(t, server, "counted"),
      await viewerOf(t, server, "counted", binary),
    ];
    sender.frame(url("counted", 1, 30_000));
    const got = async (client) => (await knownViewer("counted", client))?.bytes ?? 0;
    await until(async () => (await got(text)) > 0 && (await got(bytes)) > 0, "both have it");
    const share = (await got(bytes)) / (await got(text));
    assert.ok(share > 0.72 && share < 0.78, `${share} of the text`);
  });
});
