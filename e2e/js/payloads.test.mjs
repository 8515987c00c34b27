// What a `frame` may hold, and what happens to those that hold something else: they get no reply,
// they are counted, and the session goes on.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { clip } from "./clips.mjs";
import { connect } from "./client.mjs";
import { sleep, until } from "./harness.mjs";
import { bmp, jpegBomb, padded, png, pngBomb } from "./pictures.mjs";
import { shared } from "./shared.mjs";

const server = shared();
let frames;
before(async () => {
  frames = await clip("left", { frames: 25 });
});

/** Sends a payload between two good frames; how many replies came. */
async function repliesAround(t, payload, options) {
  const client = await connect(t, server, options);
  client.send(frames[0]);
  await client.answered(1);
  client.frame(payload);
  client.send(frames[1]);
  await until(() => client.predictions.length >= 2, "the good frame after it answered");
  await sleep(150);
  assert.deepEqual(client.disconnects, [], "the session goes on");
  assert.ok(client.socket.connected);
  return client.predictions.length;
}

describe("answered", { concurrency: 4 }, () => {
  const valid = {
    a_jpeg_in_base64: (jpeg) => ({ image: jpeg.toString("base64") }),
    a_jpeg_with_a_data_url_prefix: (jpeg) => ({ image: `data:image/jpeg;base64,${jpeg.toString("base64")}` }),
    a_png_in_base64: () => ({ image: png(640, 480).toString("base64") }),
    a_png_with_a_data_url_prefix: () => ({ image: `data:image/png;base64,${png().toString("base64")}` }),
    a_webcam_prefix_that_names_the_wrong_type: (jpeg) => ({
      image: `data:image/png;base64,${jpeg.toString("base64")}`,
    }),
    a_binary_attachment: (jpeg) => ({ image: jpeg }),
    base64_as_bytes_as_python_sends_it_without_decode: (jpeg) => ({
      image: Buffer.from(jpeg.toString("base64")),
    }),
    base64_with_letters_that_are_none: (jpeg) => ({ image: jpeg.toString("base64").replaceAll("A", "A!") }),
    base64_with_too_much_padding: (jpeg) => ({ image: `${jpeg.toString("base64").replace(/=+$/, "")}====` }),
    a_bmp: () => ({ image: bmp(64, 48).toString("base64") }),
    a_bmp_attached: () => ({ image: bmp(64, 48) }),
    unknown_fields_beside_the_image: (jpeg) => ({
      timestamp: Date.now(),
      image: jpeg.toString("base64"),
      camera: { name: "front", path: ["a", "b"] },
    }),
  };
  for (const [name, payload] of Object.entries(valid)) {
    for (const transport of ["websocket", "polling"]) {
      test(`${name} (${transport})`, async (t) => {
        assert.equal(await repliesAround(t, payload(frames[2]), { transports: [transport] }), 3);
      });
    }
  }

  test("escaped_slashes_as_other_json_writers_send_them", async (t) => {
    const client = await connect(t, server);
    const image = frames[0].toString("base64").replaceAll("/", "\\/");
    client.raw(`["frame",{"image":"${image}"}]`);
    await client.answered(1);
  });
});

describe("skipped", { concurrency: 4 }, () => {
  const invalid = {
    no_payload: () => undefined,
    null: () => null,
    a_number: () => 7,
    a_text: () => "frame",
    a_list: () => [1, 2, 3],
    an_object_without_image: () => ({ picture: "x" }),
    image_null: () => ({ image: null }),
    image_a_number: () => ({ image: 12 }),
    image_an_object: () => ({ image: { data: "x" } }),
    image_a_list: () => ({ image: [255, 216] }),
    image_empty: () => ({ image: "" }),
    image_only_a_prefix: () => ({ image: "data:image/jpeg;base64," }),
    an_empty_attachment: () => ({ image: Buffer.alloc(0) }),
    base64_cut_in_mid_group: (jpeg) => ({ image: jpeg.toString("base64").slice(0, 4001) }),
    base64_of_no_picture: () => ({ image: Buffer.from("not a picture at all").toString("base64") }),
    a_jpeg_that_ends_in_its_header: (jpeg) => ({ image: jpeg.subarray(0, 12).toString("base64") }),
    a_gif: () => ({ image: "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7" }),
    a_png_bomb_of_1_mb: () => ({ image: pngBomb().toString("base64") }),
    a_jpeg_bomb_of_1_mb: (jpeg) => ({ image: jpegBomb(jpeg).toString("base64") }),
    an_attached_jpeg_bomb: (jpeg) => ({ image: jpegBomb(jpeg) }),
  };
  for (const [name, payload] of Object.entries(invalid)) {
    test(name, async (t) => {
      assert.equal(await repliesAround(t, payload(frames[2])), 2);
    });
  }

  for (const levels of [100, 10_000, 1_000_000]) {
    test(`an_image_nested_${levels}_deep`, async (t) => {
      const client = await connect(t, server);
      client.raw(`["frame",{"image":${"[".repeat(levels)}${"]".repeat(levels)}}]`);
      client.raw(`["frame",${'{"image":'.repeat(levels)}1${"}".repeat(levels)}]`);
      client.send(frames[0]);
      await client.answered(1);
      await sleep(100);
      assert.equal(client.predictions.length, 1);
    });
  }

  test("they_are_counted", async (t) => {
    const before = counted(await server.get("/metrics"));
    await repliesAround(t, { image: "" });
    await until(async () => counted(await server.get("/metrics")) > before, "a higher counter");
  });

  test("a_row_of_them_does_not_end_the_session", async (t) => {
    const client = await connect(t, server);
    for (let i = 0; i < 200; i += 1) client.frame({ image: `bad ${i}` });
    client.send(frames[0]);
    await client.answered(1);
    await sleep(200);
    assert.equal(client.predictions.length, 1);
  });
});

/** All counters whose name or label says that frames were refused. */
function counted({ text }) {
  const lines = text.split("\n").filter((line) => /^[a-z_]*frames[a-z_]*/.test(line));
  const refused = lines.filter((line) => /invalid|refused|rejected|skipped|malformed/.test(line));
  assert.ok(refused.length > 0, `no counter for refused frames among:\n${lines.join("\n")}`);
  return refused.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test("a_truncated_jpeg_is_answered_and_leaves_the_window", async (t) => {
  const half = frames[9].subarray(0, Math.floor(frames[9].length / 2));
  // Past its capacity the server lets a client wait, which begins a new window: then once more.
  const sees = async () => {
    const client = await connect(t, server, { auth: { extras: true } });
    const seen = [];
    client.socket.on("result", (/** @type {import("./types.ts").SignResult} */ result) =>
      seen.push(result.seen),
    );
    // Nine good frames and one whose data ends early: the window of ten is not full.
    for (let id = 0; id < 9; id += 1) client.send(frames[id], { id });
    client.send(half, { id: 9 });
    await client.answered(10);
    await sleep(500);
    assert.deepEqual(seen, [], "no result from nine decodable frames");
    client.send(frames[10], { id: 10 });
    await Promise.race([new Promise((done) => client.socket.once("result", done)), sleep(5_000)]);
    client.close();
    if (seen.length > 0) assert.deepEqual(seen, [10]);
    return seen.length > 0;
  };
  await until(sees, "a result once ten frames could be decoded");
});

test("a_frame_of_almost_10_mb_is_answered", async (t) => {
  // 7.4 MB of JPEG are 9.9 MB of base64.
  const big = padded(frames[0], 7_400_000);
  for (const transport of ["websocket", "polling"]) {
    const client = await connect(t, server, { transports: [transport] });
    client.send(big);
    await client.answered(1);
    client.close();
  }
});

test("a_message_over_10_mb_hurts_nobody_else", async (t) => {
  const other = await connect(t, server);
  for (const transport of ["websocket", "polling"]) {
    const client = await connect(t, server, { transports: [transport] });
    client.frame({ image: "A".repeat(12 << 20) });
    await sleep(300);
    assert.equal(client.predictions.length, 0);
    client.close();
  }
  other.send(frames[0]);
  await other.answered(1);
});

test("frames_above_60_a_second_are_answered_but_not_all_analysed", async (t) => {
  const client = await connect(t, server);
  const before = await server.recognizer();
  const small = await clip("left", { frames: 25 });
  // 400 frames in two seconds.
  for (let second = 0; second < 2; second += 1) {
    for (let burst = 0; burst < 10; burst += 1) {
      for (let i = 0; i < 20; i += 1) client.send(small[i]);
      await sleep(100);
    }
  }
  await client.answered(400);
  assert.equal(client.predictions.length, 400);
  const now = await server.recognizer();
  assert.equal(now.frames_total - before.frames_total, 400);
  assert.ok(now.frames_analysed_total - before.frames_analysed_total < 400);
});
