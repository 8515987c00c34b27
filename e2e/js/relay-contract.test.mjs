// What the relay's old clients were promised, word for word. The clients here are written as those
// were and know nothing of what is new.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { sleep, until } from "./harness.mjs";
import { RawClient } from "./rawclient.mjs";
import {
  LIVE_ALREADY,
  connect,
  often,
  relaying,
  streamPath,
  streamer,
  unpackUrl,
  url,
  viewer,
  viewerOf,
} from "./relay.mjs";
import { shared } from "./shared.mjs";

// Frames go as fast as they arrive.
const server = shared(relaying({ "relay.max_fps": 1000 }));
/** Exactly these keys, in whatever order. */
function hasKeys(message, ...keys) {
  assert.deepEqual(Object.keys(message).sort(), keys.sort());
}

function isNow(timestamp) {
  assert.equal(typeof timestamp, "number");
  assert.ok(Math.abs(timestamp - Date.now() / 1000) < 5, `${timestamp} is no time in seconds of now`);
}

const active = async () => (await server.get("/streams/active")).json;
const isActive = async (name) => (await active()).active_streams.includes(name);

describe("the_handshake_of_a_sender", { concurrency: true }, () => {
  /** @type {Record<string, [hello: any, mode: string]>} */
  const HELLOS = {
    normal: [{ analysis_mode: "normal" }, "normal"],
    enhanced: [{ analysis_mode: "enhanced" }, "enhanced"],
    "old, without conditions": [{ monitoring_conditions: [] }, "normal"],
    "old, with a condition": [{ monitoring_conditions: ["fall"] }, "enhanced"],
    "old, with several": [{ monitoring_conditions: ["fall", "seizure"], patient: "x" }, "enhanced"],
    "a mode that nobody knows": [{ analysis_mode: "thorough" }, "normal"],
    "a mode that is no text": [{ analysis_mode: 7 }, "normal"],
    "no mode at all": [{}, "normal"],
    null: ["null", "normal"],
    "a list": ["[1,2]", "normal"],
    "no JSON": ["hello", "normal"],
    "nested 100,000 deep": [`{"analysis_mode":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, "normal"],
  };
  for (const [name, [hello, mode]] of Object.entries(HELLOS)) {
    test(name, async (t) => {
      const stream = `hello ${name.replaceAll(",", "")}`;
      const sender = await connect(t, server, streamPath(stream));
      sender.say(hello);
      const expected = { type: "connected", patient_id: stream, analysis_mode: mode, warning: null };
      assert.deepEqual(await sender.next(() => true), expected);
      assert.deepEqual((await active()).stream_details[stream], { analysis_mode: mode });
      // What it sends then is passed on, whatever it began with.
      const watching = await viewerOf(t, server, stream);
      sender.frame(url(stream, 1));
      assert.equal(await watching.nextFrame(), url(stream, 1));
    });
  }

  test("nothing_is_said_before_it_and_the_stream_begins_with_it", async (t) => {
    const sender = await connect(t, server, streamPath("quiet"));
    await sleep(300);
    assert.deepEqual(sender.messages, []);
    assert.equal(await isActive("quiet"), false);
    sender.say({ analysis_mode: "normal" });
    await sender.next("connected");
    assert.equal(await isActive("quiet"), true);
  });

  test("a_sender_that_leaves_before_it_was_never_there", async (t) => {
    const watching = await viewerOf(t, server, "shy");
    for (let i = 0; i < 5; i += 1) {
      const sender = await connect(t, server, streamPath("shy"));
      if (i % 2) sender.vanish();
      else sender.close();
    }
    const sender = await streamer(t, server, "shy");
    sender.frame(url("shy", 1));
    assert.equal(await watching.nextFrame(), url("shy", 1));
    assert.deepEqual(watching.all("stream_ended"), []);
  });

  test("pings_of_the_protocol_before_it_are_not_it", async (t) => {
    const sender = await connect(t, server, streamPath("pinging"));
    sender.socket.ping();
    sender.socket.pong();
    await sleep(100);
    sender.say({ analysis_mode: "enhanced" });
    assert.equal((await sender.next("connected")).analysis_mode, "enhanced");
  });

  test("the_server_takes_up_no_extension_that_a_browser_offers", async (t) => {
    const sender = await streamer(t, server, "plain");
    const watching = await viewerOf(t, server, "plain");
    for (const { socket } of [sender, watching]) {
      assert.equal(socket.extensions, "");
      assert.equal(socket.protocol, "");
    }
  });
});

describe("a_viewer", { concurrency: true }, () => {
  test("is_greeted_with_the_streams_that_there_are", async (t) => {
    await streamer(t, server, "greet b");
    await streamer(t, server, "greet a");
    const { greeting, messages } = await viewer(t, server);
    assert.equal(messages[0].json, greeting, "it is the first message");
    hasKeys(greeting, "type", "active_streams", "timestamp");
    assert.ok(["greet a", "greet b"].every((name) => greeting.active_streams.includes(name)));
    isNow(greeting.timestamp);
    assert.ok(greeting.timestamp % 1 !== 0, "with its fraction");
  });

  test("gets_every_frame_as_it_was_sent", async (t) => {
    const viewers = await Promise.all([1, 2, 3].map(() => viewer(t, server)));
    const sender = await streamer(t, server, "P-1");
    for (const one of viewers) one.skip();
    const sent = [];
    for (let i = 0; i < 60; i += 1) {
      // As a canvas gives them; a PNG; and with what JSON writes as an escape.
      const odd = { 7: "data:image/png;base64,iVBORw0KGgo=", 8: 'data:image/svg+xml;utf8,<a b="c\\d">ü\n' };
      sent.push(odd[i] ?? url("P-1", i, 20_000));
      sender.frame(sent.at(-1));
      await Promise.all(viewers.map((one) => one.nextFrame("P-1")));
    }
    for (const one of viewers) {
      const frames = one.all("live_frame", "P-1");
      const expected = sent.map((frame) => ({ type: "live_frame", patient_id: "P-1", data: { frame } }));
      assert.deepEqual(frames, expected);
      assert.deepEqual(
        one.messages.filter(({ bytes }) => bytes),
        [],
        "old viewers get texts only",
      );
    }
  });

  test("that_comes_late_gets_the_newest_frame_at_once_and_no_older_one", async (t) => {
    const sender = await streamer(t, server, "late");
    const first = await viewerOf(t, server, "late");
    for (let i = 1; i <= 5; i += 1) sender.frame(url("late", i));
    await until(() => first.all("live_frame").some(({ data }) => data.frame === url("late", 5)), "5");
    const late = await viewerOf(t, server, "late");
    const since = performance.now();
    assert.equal(await late.nextFrame(), url("late", 5));
    assert.ok(performance.now() - since < 3_000);
    sender.frame(url("late", 6));
    assert.equal(await late.nextFrame(), url("late", 6));
  });

  test("sees_all_streams_and_with_streams_only_those", async (t) => {
    const [a, b] = [await streamer(t, server, "sel a"), await streamer(t, server, "sel b")];
    const all = await viewer(t, server);
    const onlyA = await viewer(t, server, "?streams=sel%20a,sel%20a");
    const both = await viewer(t, server, "?streams=sel%20a,sel%20b,sel%20c");
    const star = await viewer(t, server, "?streams=*");
    assert.deepEqual(onlyA.greeting.active_streams, ["sel a"]);
    assert.deepEqual(both.greeting.active_streams.toSorted(), ["sel a", "sel b"]);
    assert.ok(["sel a", "sel b"].every((name) => star.greeting.active_streams.includes(name)));
    for (let i = 1; i <= 3; i += 1) {
      a.frame(url("a", i));
      b.frame(url("b", i));
      for (const one of [all, both, star]) {
        await until(() => one.all("live_frame", "sel a").length >= i, `a ${i}`);
        await until(() => one.all("live_frame", "sel b").length >= i, `b ${i}`);
      }
    }
    assert.equal(onlyA.all("live_frame", "sel a").length, 3);
    // One that begins later.
    const c = await streamer(t, server, "sel c");
    c.frame(url("c", 1));
    for (const one of [all, both, star]) assert.equal(await one.nextFrame("sel c"), url("c", 1));
    b.close();
    for (const one of [all, both, star]) {
      await until(() => one.all("stream_ended", "sel b").length > 0, "the end of b");
    }
    const names = onlyA.messages.map(({ json }) => ("patient_id" in json ? json.patient_id : undefined));
    assert.deepEqual([...new Set(names)], [undefined, "sel a"]);
  });

  test("may_ask_for_a_name_with_a_comma", async (t) => {
    const odd = await streamer(t, server, "Ward 3, bed 1");
    const [one, two] = [
      await viewerOf(t, server, "Ward 3, bed 1"),
      await viewer(t, server, `?streams=other,${encodeURIComponent("Ward 3, bed 1")}`),
    ];
    odd.frame(url("odd", 1));
    assert.equal(await one.nextFrame(), url("odd", 1));
    assert.equal(await two.nextFrame(), url("odd", 1));
  });
});

describe("streams_active", () => {
  test("says_what_is_live_and_how_it_is_looked_at", async (t) => {
    const before = await active();
    hasKeys(before, "active_streams", "stream_details", "count");
    const sender = await streamer(t, server, "act n");
    await streamer(t, server, "act e", { hello: { analysis_mode: "enhanced" } });
    const { active_streams, stream_details, count } = await active();
    assert.equal(count, active_streams.length);
    assert.deepEqual(Object.keys(stream_details).toSorted(), active_streams.toSorted());
    assert.deepEqual(stream_details["act n"], { analysis_mode: "normal" });
    assert.deepEqual(stream_details["act e"], { analysis_mode: "enhanced" });
    sender.close();
    await until(async () => !(await isActive("act n")), "it is gone");
    assert.equal((await active()).stream_details["act n"], undefined);
  });
});

describe("a_stream_that_is_live", { concurrency: true }, () => {
  test("is_refused_to_a_second_sender_every_time_though_it_goes_on_sending", async (t) => {
    const first = await streamer(t, server, "taken");
    const watching = await viewerOf(t, server, "taken");
    const stop = often(t, 30, (i) => first.frame(url("first", i)));
    const seen = () => watching.all("live_frame").length;
    // As many as it takes for pictures to pass between them: six are over before the first has sent its second.
    for (let round = 0; round < 6 || seen() < 3; round += 1) {
      assert.ok(round < 1000, `${seen()} pictures of the first came in ${round} rounds`);
      const second = await connect(t, server, streamPath("taken"));
      second.say({ analysis_mode: "normal" });
      // As a page does that does not wait for the answer.
      for (let i = 0; i < 10; i += 1) second.frame(url("second", round, 100_000));
      const sending = setInterval(() => second.frame(url("second", round, 100_000)), 5);
      const { code, reason } = await second.over();
      clearInterval(sending);
      const texts = second.messages.map(({ json }) => json);
      assert.deepEqual(texts, [{ type: "error", message: LIVE_ALREADY }], `round ${round}`);
      assert.equal(code, 4090, `round ${round}: ${reason}`);
    }
    const sent = stop();
    await until(() => watching.all("live_frame").at(-1).data.frame === url("first", sent), "the last");
    const frames = watching.all("live_frame").map(({ data }) => unpackUrl(data.frame));
    assert.ok(
      frames.every(({ name }) => name === "first"),
      "never one of the second",
    );
    const numbers = frames.map(({ number }) => number);
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    );
    assert.deepEqual(watching.all("stream_ended"), []);
    assert.equal(first.closed, undefined);
  });

  test("is_refused_to_one_that_sends_for_a_while_before_it_looks", async (t) => {
    await streamer(t, server, "taken too");
    const second = new RawClient(server, streamPath("taken too"));
    t.after(() => second.destroy());
    await second.opened();
    second.pause();
    second.text({ analysis_mode: "normal" });
    for (let i = 0; i < 20; i += 1) {
      second.text({ type: "frame", frame: url("second", i, 50_000) });
      await sleep(10);
    }
    second.resume();
    assert.equal((await second.over()).code, 4090);
    assert.equal(second.all("error")[0].message, LIVE_ALREADY);
  });

  test("goes_to_one_of_those_who_ask_for_it_at_the_same_time", async (t) => {
    const path = streamPath("race");
    const all = await Promise.all(Array.from({ length: 10 }, () => connect(t, server, path)));
    for (const one of all) one.say({ analysis_mode: "normal" });
    const answers = await Promise.all(all.map((one) => one.next(() => true)));
    const [winner, ...more] = all.filter((_, i) => answers[i].type === "connected");
    assert.ok(winner && more.length === 0, JSON.stringify(answers));
    for (const one of all.filter((each) => each !== winner)) assert.equal((await one.over()).code, 4090);
  });

  test("is_free_when_its_sender_leaves_while_it_is_asked", async (t) => {
    const first = new RawClient(server, streamPath("leaving"), { answers: false });
    t.after(() => first.destroy());
    await first.opened();
    first.text({ analysis_mode: "normal" });
    await first.next("connected");
    const second = await connect(t, server, streamPath("leaving"));
    second.say({ analysis_mode: "enhanced" });
    await until(() => first.pings.length > 0, "the first is asked");
    first.close();
    assert.equal((await second.next(() => true)).type, "connected");
  });

  test("ends_at_once_when_its_sender_leaves_or_dies", async (t) => {
    for (const end of ["close", "vanish"]) {
      const watching = await viewerOf(t, server, "leaver");
      const sender = await streamer(t, server, "leaver");
      sender.frame(url("leaver", 1));
      await watching.nextFrame();
      const begun = performance.now();
      sender[end]();
      const ended = await watching.next("stream_ended");
      const took = performance.now() - begun;
      assert.ok(took < 3_000, `${end}: ${took} ms`);
      hasKeys(ended, "type", "patient_id", "timestamp");
      assert.equal(ended.patient_id, "leaver");
      isNow(ended.timestamp);
      assert.equal(await isActive("leaver"), false);
      watching.close();
    }
  });

  test("a_leaving_sender_hears_a_goodbye_with_its_own_code", async (t) => {
    const sender = await streamer(t, server, "polite");
    sender.socket.close(1000, "done");
    assert.equal((await sender.over()).code, 1000);
  });

  test("may_be_stopped_and_started_again_at_once_and_viewers_never_see_the_old_one_after_its_end", async (t) => {
    const watching = await viewerOf(t, server, "again");
    const rounds = 12;
    for (let round = 0; round < rounds; round += 1) {
      const sender = await streamer(t, server, "again");
      for (let i = 0; i < 3; i += 1) sender.frame(url(round, i));
      // As a page does: it does not wait for the server's goodbye before it begins anew. The last
      // picture may be lost with the stream, so one of this round at least has to be there.
      while (unpackUrl(await watching.nextFrame()).name !== String(round));
      if (round % 3 === 2) sender.vanish();
      else sender.close();
    }
    await until(() => watching.all("stream_ended").length === rounds, "so many ends");
    let ended = 0;
    for (const { json } of watching.messages.slice(1)) {
      if (json.type === "stream_ended") ended += 1;
      else if (json.type !== "live_frame") assert.fail(json.type);
      else assert.equal(unpackUrl(json.data.frame).name, String(ended), `after ${ended} ends`);
    }
  });

  test("has_one_end_for_each_viewer", async (t) => {
    const viewers = await Promise.all(Array.from({ length: 8 }, () => viewerOf(t, server, "one end")));
    for (let round = 1; round <= 15; round += 1) {
      const sender = await streamer(t, server, "one end");
      sender.frame(url(round, 1));
      await Promise.all(viewers.map((one) => one.nextFrame()));
      sender.close();
      await Promise.all(viewers.map((one) => one.next("stream_ended")));
    }
    await sleep(100);
    const ends = viewers.map((one) => one.all("stream_ended").length);
    assert.deepEqual(ends, Array(8).fill(15));
  });

  test("others_begin_and_end_beside_it_unnoticed", async (t) => {
    const watching = await viewer(t, server, "?streams=side%20a,side%20b");
    const a = await streamer(t, server, "side a");
    const stopA = often(t, 30, (i) => a.frame(url("a", i)));
    for (let round = 0; round < 5; round += 1) {
      const b = await streamer(t, server, "side b");
      b.frame(url("b", round));
      await watching.nextFrame("side b");
      b.close();
      await watching.next("stream_ended");
    }
    const sent = stopA();
    const last = () => watching.all("live_frame", "side a").at(-1)?.data.frame;
    await until(() => last() === url("a", sent), "the last of a");
    assert.deepEqual(watching.all("stream_ended", "side a"), []);
    // Stop A, then B, which began after it.
    const b = await streamer(t, server, "side b");
    a.close();
    await watching.next(({ json }) => json.type === "stream_ended" && json.patient_id === "side a");
    b.frame(url("b", 9));
    assert.equal(await watching.nextFrame("side b"), url("b", 9));
  });
});

describe("frames_are_checked", { concurrency: true }, () => {
  /** @type {Record<string, any>} */
  const BAD = {
    "without frame": { type: "frame" },
    empty: { type: "frame", frame: "" },
    "a number": { type: "frame", frame: 7 },
    null: { type: "frame", frame: null },
    true: { type: "frame", frame: true },
    "a list": { type: "frame", frame: ["data:image/jpeg;base64,AA=="] },
    "an object": { type: "frame", frame: { data: "data:image/jpeg;base64,AA==" } },
    "base64 alone": { type: "frame", frame: "/9j/4AAQSkZJRg==" },
    "another type of data": { type: "frame", frame: "data:text/html;base64,PGI+" },
    "something before": { type: "frame", frame: " data:image/jpeg;base64,AA==" },
    "no JSON": "frame",
    "JSON cut short": '{"type":"frame","frame":"data:image/jpeg;base64,AA==',
    "something behind": '{"type":"frame","frame":"data:image/jpeg;base64,AA=="}}',
    "control characters": '{"type":"frame","frame":"data:image/jpeg;base64,A\u0001"}',
    "nothing at all": "",
  };

  test("bad_ones_are_skipped_and_nine_in_a_row_are_borne", async (t) => {
    const sender = await streamer(t, server, "checked");
    const watching = await viewerOf(t, server, "checked");
    const bad = [...Object.values(BAD), ...Object.values(BAD)];
    for (let i = 0; i < 6; i += 1) {
      for (let k = 0; k < 9; k += 1) sender.say(bad[(i * 5 + k) % bad.length]);
      sender.frame(url("good", i));
      assert.equal(await watching.nextFrame(), url("good", i));
    }
    const kinds = new Set(watching.messages.map(({ json }) => json.type));
    assert.deepEqual([...kinds], ["viewer_connected", "live_frame"]);
    assert.equal(watching.all("live_frame").length, 6);
    assert.equal(sender.closed, undefined);
  });

  for (const [name, bad] of Object.entries(BAD)) {
    test(`ten_in_a_row_end_the_stream: ${name}`, async (t) => {
      const stream = `bad ${name}`;
      const sender = await streamer(t, server, stream);
      const watching = await viewerOf(t, server, stream);
      sender.frame(url("good", 1));
      await watching.nextFrame();
      for (let i = 0; i < 10; i += 1) sender.say(bad);
      const { code, reason } = await sender.over();
      assert.equal(code, 4400);
      assert.match(reason, /\w{3,} \w+/, "in words");
      assert.equal(sender.all("error").length, 1);
      await watching.next("stream_ended");
      assert.equal(await isActive(stream), false);
    });
  }

  test("corrupt_data_of_one_leaves_the_others_alone", async (t) => {
    const watching = await viewer(t, server, "?streams=well,ill");
    const [well, ill] = [await streamer(t, server, "well"), await streamer(t, server, "ill")];
    const stop = often(t, 30, (i) => {
      well.frame(url("well", i));
      const wrong = ['{"type":"frame","frame":"data:image', "\u0000\u0001", `{"type":"frame","frame":${i}}`];
      if (ill.closed === undefined) ill.say(wrong[i % 3]);
    });
    assert.equal((await ill.over()).code, 4400);
    await sleep(300);
    const sent = stop();
    const frames = () => watching.all("live_frame", "well");
    await until(() => frames().at(-1)?.data.frame === url("well", sent), "the last that was sent");
    // Newest wins: of those that this process sends in one go, only the last may come.
    assert.ok(frames().length >= 3, `${frames().length} of ${sent}`);
    assert.deepEqual(watching.all("live_frame", "ill"), []);
    assert.deepEqual(watching.all("stream_ended", "well"), []);
  });

  test("messages_of_other_types_are_no_frames_and_no_faults", async (t) => {
    const sender = await streamer(t, server, "chatty");
    const watching = await viewerOf(t, server, "chatty");
    for (let i = 0; i < 30; i += 1) sender.say(`{"type":"${i % 2 ? "pong" : "status"}","frame_count":${i}}`);
    sender.frame(url("chatty", 1));
    assert.equal(await watching.nextFrame(), url("chatty", 1));
    assert.equal(sender.closed, undefined);
  });
});

describe("pings", { concurrency: true }, () => {
  test("a_senders_and_a_viewers_are_answered", async (t) => {
    const sender = await streamer(t, server, "ping me");
    const watching = await viewerOf(t, server, "ping me");
    for (const one of [sender, watching]) {
      for (const ping of ['{"type":"ping"}', `{"type":"ping","timestamp":${Date.now() / 1000}}`]) {
        one.say(ping);
        const pong = await one.next("pong");
        hasKeys(pong, "type", "timestamp");
        isNow(pong.timestamp);
      }
    }
  });
});
