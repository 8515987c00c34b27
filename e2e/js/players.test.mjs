// Players that nobody here wrote: ffmpeg, ffprobe and GStreamer show what the server sends.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";

import { start, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { camera, serving, USUAL } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */
/** @import { Camera } from "./simulator.mjs" */

const ends = [];
const file = { after: (end) => ends.push(end) };
after(async () => {
  for (const end of ends.reverse()) await end();
});

let /** @type {Camera} */ yard, /** @type {Server} */ server;
before(async () => {
  yard = await camera(file);
  const cameras = [{ id: "yard", url: yard.url, default: true }];
  server = await start(file, serving({ cameras, set: { "cameras.stalled_after_s": 1 } }));
});

/** Why a test is skipped: a program that is not there. */
function without(program, element) {
  const there = (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
  return there ? false : `${program} is not installed${element ? ` (${element})` : ""}`;
}

/** Runs a program to its end; how it ended and what it wrote. */
async function run(program, args, { ms = 40_000, input = undefined } = {}) {
  const child = spawn(program, args, { stdio: [input ? "pipe" : "ignore", "pipe", "pipe"] });
  const ended = { code: undefined, stdout: "", stderr: "" };
  child.stdout.on("data", (text) => (ended.stdout += text));
  child.stderr.on("data", (text) => (ended.stderr += text));
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  ended.code = await new Promise((done) => child.on("close", done));
  clearTimeout(timer);
  return ended;
}

const ENDPOINTS = {
  "/stream": { path: "/stream", least: 30 },
  "/stream/proxy": { path: "/stream/proxy?camera=yard", least: 30 },
  "/stream/detect": { path: "/stream/detect?camera=yard&fps=20&skip_frames=4", least: 20 },
  "/stream/tracking": { path: "/stream/tracking?camera=yard&fps=20", least: 20 },
};

describe("ffmpeg", { skip: without("ffmpeg"), concurrency: true }, () => {
  for (const [name, { path, least }] of Object.entries(ENDPOINTS)) {
    test(`plays ${name} without_a_complaint`, async (t) => {
      const args = ["-v", "warning", "-nostdin", "-i", server.url + path, "-frames:v", String(least)];
      const { code, stdout, stderr } = await run("ffmpeg", [...args, "-progress", "-", "-f", "null", "-"]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`frame=${least}\\n`));
      const complaints = stderr.split("\n").filter((line) => /error|invalid|corrupt|overread/i.test(line));
      assert.deepEqual(complaints, []);
      t.diagnostic(stdout.match(/fps=\S+/g)?.at(-1) ?? "");
    });
  }

  test("decodes_every_banner_to_its_end", async (t) => {
    const ill = await camera(t);
    const viewer = await watch(t, server, `/stream/proxy?esp32_url=${encodeURIComponent(ill.url)}`);
    await viewer.next(2);
    await ill.fails("stall");
    const banners = await viewer.next(2, (jpeg) => inspect(jpeg).quality === 80);
    for (const { jpeg } of banners) {
      const args = [
        "-v",
        "error",
        "-xerror",
        "-f",
        "mjpeg",
        "-i",
        "-",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
      ];
      const { code, stdout, stderr } = await run("ffmpeg", args, { input: jpeg });
      assert.equal(code, 0, stderr);
      assert.equal(stderr, "");
      assert.ok(stdout.length > 0);
    }
  });

  test("leaves_and_the_camera_is_closed", async (t) => {
    const lone = await camera(t);
    const url = `${server.url}/stream/proxy?esp32_url=${encodeURIComponent(lone.url)}`;
    const { code } = await run("ffmpeg", ["-v", "error", "-i", url, "-frames:v", "5", "-f", "null", "-"]);
    assert.equal(code, 0);
    await lone.isRead(0);
    assert.equal((await lone.status()).streams_total, 1);
  });
});

describe("ffprobe", { skip: without("ffprobe"), concurrency: true }, () => {
  for (const [name, { path }] of Object.entries(ENDPOINTS)) {
    test(`sees_mjpeg_of_the_right_size_in ${name}`, async () => {
      const entries = ["-show_entries", "stream=codec_name,codec_type,width,height", "-of", "json"];
      const { code, stdout, stderr } = await run("ffprobe", ["-v", "error", ...entries, server.url + path]);
      assert.equal(code, 0, stderr);
      assert.equal(stderr, "");
      const { streams } = JSON.parse(stdout);
      assert.deepEqual(streams, [{ codec_name: "mjpeg", codec_type: "video", width: 320, height: 240 }]);
    });
  }
});

describe("gstreamer", { skip: without("gst-launch-1.0"), concurrency: true }, () => {
  const PIECES = ["souphttpsrc", "multipartdemux", "jpegdec"];
  let lacks = "";
  before(async () => {
    for (const piece of PIECES) {
      const { code } = await run("gst-inspect-1.0", [piece]);
      if (code !== 0) lacks = `GStreamer has no ${piece} (gstreamer1.0-plugins-good)`;
    }
  });

  for (const [name, { path }] of Object.entries(ENDPOINTS)) {
    test(`plays ${name}`, async (t) => {
      if (lacks) return t.skip(lacks);
      const source = ["souphttpsrc", `location=${server.url}${path}`, "is-live=true"];
      const sink = ["fakesink", "num-buffers=20", "sync=false"];
      const parts = [source, ["multipartdemux", "boundary=frame"], ["jpegdec"], sink];
      const pipeline = parts.flatMap((part, i) => (i ? ["!", ...part] : part));
      const { code, stderr } = await run("gst-launch-1.0", ["-q", ...pipeline]);
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stderr, /ERROR|WARNING.*decode/i);
    });
  }

  test("finds_the_boundary_by_itself", async (t) => {
    if (lacks) return t.skip(lacks);
    const pipeline = `souphttpsrc location=${server.url}/stream is-live=true ! multipartdemux ! jpegdec ! fakesink num-buffers=10 sync=false`;
    const { code, stderr } = await run("gst-launch-1.0", ["-q", ...pipeline.split(" ")]);
    assert.equal(code, 0, stderr);
  });
});

test("all_of_them_together_were_one_connection_to_the_camera_and_all_have_left", async () => {
  const viewers = async () => (await server.get("/api/v1/status")).json.cameras.viewers;
  await until(async () => (await viewers()) === 0, "nobody is left");
  await yard.isRead(0);
  const { jpeg_quality } = await yard.status();
  assert.equal(jpeg_quality, USUAL.quality);
});
