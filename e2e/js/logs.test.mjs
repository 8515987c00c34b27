// The words that people grep for.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import WebSocket from "ws";

import { clip } from "./clips.mjs";
import { connect } from "./client.mjs";
import { sleep, start, until } from "./harness.mjs";
import { streamPath } from "./relay.mjs";

const lines = (server, word) =>
  server
    .logs()
    .split("\n")
    .filter((line) => new RegExp(`\\b${word}\\b`).test(line));

test("connect_prediction_and_disconnect_are_logged", async (t) => {
  const server = await start(t);
  const client = await connect(t, server);
  await until(() => lines(server, "CONNECT").length === 1, "CONNECT");
  // A busy machine may need more than one clip.
  const isLogged = async () => {
    await client.play(await clip("left"));
    return lines(server, "PREDICTION").length >= 1;
  };
  await until(isLogged, "PREDICTION");
  client.close();
  await until(() => lines(server, "DISCONNECT").length === 1, "DISCONNECT");
});

test("what_the_dummy_answers_is_a_prediction_too", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const client = await connect(t, server);
  await client.play(await clip("left"));
  client.close();
  await until(() => lines(server, "DISCONNECT").length === 1, "DISCONNECT");
  assert.match(
    lines(server, "PREDICTION").join("\n"),
    /^[^\n]*PREDICTION client=\S+ label=hello score=0\.90$/,
  );
});

test("who_leaves_after_a_stream_has_ended_has_left_and_the_end_says_what_was_there", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const dial = async (/** @type {string} */ path) => {
    const socket = new WebSocket(server.url.replace("http", "ws") + path);
    await once(socket, "open");
    return socket;
  };
  const [viewer, other] = [await dial("/ws/view?streams=P-1"), await dial("/ws/view?colour=red")];
  const sender = await dial(streamPath("P-1"));
  sender.send('{"analysis_mode":"normal"}');
  await until(() => lines(server, "a stream begins").length === 1, "a stream");
  const ended = new Promise((resolve) => {
    viewer.on("message", (text) => String(text).includes("stream_ended") && resolve(true));
  });
  sender.close();
  await ended;
  viewer.close();
  await until(() => lines(server, "has gone").length === 1, "it has gone");
  assert.match(lines(server, "has gone")[0], /a viewer has gone: it has left viewer=/);
  assert.match(lines(server, "without effect")[0], /"colour" is no parameter here/);
  const next = await dial(streamPath("P-2"));
  next.send('{"analysis_mode":"normal"}');
  await until(() => lines(server, "a stream begins").length === 2, "the next");
  await server.stop();
  assert.match(lines(server, "stopping")[0], /to end streams=1 viewers=1 clients=0/);
  assert.equal(other.readyState > WebSocket.OPEN, true);
});

test("an_unusable_frame_is_logged_as_an_error", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const client = await connect(t, server);
  client.frame({ image: "not base64!" });
  await until(() => lines(server, "ERROR").length > 0, "ERROR");
});

test("predictions_are_logged_at_most_five_times_a_second", async (t) => {
  const server = await start(t);
  const client = await connect(t, server);
  const started = performance.now();
  await until(async () => {
    for (const gesture of ["left", "right"]) await client.play(await clip(gesture));
    await client.answered();
    return lines(server, "PREDICTION").length >= 1;
  }, "PREDICTION");
  const seconds = (performance.now() - started) / 1000;
  const logged = lines(server, "PREDICTION").length;
  assert.ok(logged >= 1 && logged <= 5 * (seconds + 1), `${logged} lines in ${seconds.toFixed(1)} s`);
});

test("a_flood_of_bad_frames_does_not_flood_the_log", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const client = await connect(t, server);
  for (let i = 0; i < 2_000; i += 1) client.frame({ image: "" });
  await until(() => server.logs().includes("frame skipped"), "a line");
  await sleep(300);
  assert.ok(server.logs().split("\n").length < 100, `${server.logs().split("\n").length} lines`);
});

test("no_frame_and_no_payload_ever_stands_in_the_log", async (t) => {
  const server = await start(t, { env: { LOG_LEVEL: "DEBUG", USE_DUMMY_MODEL: "1" } });
  const client = await connect(t, server);
  const frames = await clip("left");
  await client.play(frames.slice(0, 5));
  client.frame({ image: `secret-${"x".repeat(500)}` });
  await client.answered(5);
  await sleep(200);
  assert.ok(!server.logs().includes(frames[0].toString("base64").slice(0, 64)));
  assert.ok(!server.logs().includes("x".repeat(200)));
});

test("a_name_that_somebody_else_made_takes_one_short_line", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const name = `long\n\u001b[31m${"x".repeat(13_000)}`;
  const sender = new WebSocket(server.url.replace("http", "ws") + streamPath(name));
  await once(sender, "close");
  await until(() => lines(server, "refused").length > 0, "the refusal");
  const [line] = lines(server, "refused");
  assert.match(line, /long\\n\\u\{1b\}\[31mx+… \(13010 bytes\)/);
  assert.ok(line.length < 500, `${line.length} characters`);
});

test("viewers_that_come_and_go_are_logged_with_why_and_how_many_remain", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const dial = async () => {
    const viewer = new WebSocket(server.url.replace("http", "ws") + "/ws/view");
    await once(viewer, "open");
    return viewer;
  };
  const [first, second] = [await dial(), await dial()];
  await until(() => lines(server, "has come").length === 2, "both have come");
  first.close();
  await until(() => lines(server, "has gone").length === 1, "one has gone");
  const [, later] = lines(server, "has come");
  assert.match(later, /viewer=2 endpoint="\/ws\/view" from="127\.0\.0\.1:\d+" viewers=2/);
  const { viewers } = (await server.get("/api/v1/viewers")).json;
  await fetch(`${server.url}/api/v1/viewers/${viewers[0].id}`, { method: "DELETE" });
  await once(second, "close");
  await until(() => lines(server, "has gone").length === 2, "the other has gone");
  const [left, sent] = lines(server, "has gone");
  assert.match(left, /it has left viewer=1 .*viewers=1/);
  assert.match(sent, /it was sent away viewer=2 .*viewers=0/);
  assert.equal(lines(server, "AUDIT").length, 1);
});

test("the_first_bad_frame_of_a_stream_is_logged_and_all_are_counted", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const sender = new WebSocket(server.url.replace("http", "ws") + streamPath("P-1"));
  await once(sender, "open");
  sender.send(JSON.stringify({ analysis_mode: "normal" }));
  for (let i = 0; i < 5; i += 1) sender.send(JSON.stringify({ type: "frame", frame: "nothing" }));
  const counted = async () =>
    (await server.get("/metrics")).text.includes('stream_bad_total{stream="P-1"} 5\n');
  await until(counted, "the metric");
  await until(() => lines(server, "skipped").length > 0, "the line");
  assert.equal(lines(server, "skipped").length, 1);
  sender.close();
  await until(() => lines(server, "has ended").length === 1, "the end");
  assert.match(lines(server, "has ended")[0], /stream="P-1" from="\S+" bad=5/);
});

test("a_picture_that_was_not_read_is_logged_with_its_name_code_and_cause", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const form = new FormData();
  form.set("file", new Blob(["no picture"]), "page\n7.png");
  const { status } = await fetch(`${server.url}/api/v1/read`, { method: "POST", body: form });
  await until(() => lines(server, "not read").length === 1, "the line");
  const [line] = lines(server, "not read");
  assert.ok(status === 415 && line.includes(`code=${status}`) && line.includes("page"), line);
});
