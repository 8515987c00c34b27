// The steady viewers of cameras, in a process of their own, so that nobody else's work delays what they measure. It has a camera
// whose pictures say when they were sent, and is told what to do by the process that starts it.

import { createServer } from "node:http";
import { createHistogram, monitorEventLoopDelay } from "node:perf_hooks";

import { clip } from "../js/clips.mjs";
import { listen } from "../js/events.mjs";
import { portOf } from "../js/harness.mjs";
import { Viewer } from "../js/viewer.mjs";
import { bearer } from "./world.mjs";

const FPS = 10;
const LOOK_MS = 200;
/** Paths of the viewers; whose pictures come as they were sent has their age. */
const PLAIN = ["/stream?camera=steady", "/stream/proxy?camera=steady"];
const DRAWN = ["/stream/detect?camera=street&fps=5", "/stream/tracking?camera=street&fps=5"];
const MARK = "soak ";
const MARK_BYTES = 24;

/** A comment within the picture says when it was sent. */
function stamped(jpeg) {
  const text = `${MARK}${performance.now().toFixed(3)}`.padEnd(MARK_BYTES);
  const comment = Buffer.from([0xff, 0xfe, 0, MARK_BYTES + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), comment, Buffer.from(text), jpeg.subarray(2)]);
}

function sentAt(jpeg) {
  const text = jpeg.subarray(6, 6 + MARK_BYTES).toString("latin1");
  return text.startsWith(MARK) ? Number(text.slice(MARK.length)) : undefined;
}

/** All of it ends with this process. */
const end = { after: () => {} };
const pictures = await clip("wave");
const readers = new Set();
const camera = createServer((_, answer) => {
  answer.writeHead(200, { "Content-Type": "multipart/x-mixed-replace; boundary=frame" });
  readers.add(answer);
  answer.on("close", () => readers.delete(answer));
  answer.on("error", () => {});
});
const port = await portOf(camera);
let number = 0;
setInterval(() => {
  number += 1;
  for (const reader of readers) {
    if (reader.writableNeedDrain) continue;
    const jpeg = stamped(pictures[number % pictures.length]);
    const head = `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
    reader.write(Buffer.concat([Buffer.from(head), jpeg, Buffer.from("\r\n")]));
  }
}, 1000 / FPS);

/** In microseconds. */
const ages = createHistogram();
const delays = createHistogram();
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
const sums = { pictures: 0, drawn: 0, unmarked: 0, lost: 0 };

const micros = (ms) => Math.max(1, Math.round(ms * 1000));
const figures = (histogram) => ({
  count: histogram.count,
  p50: histogram.percentile(50) / 1000,
  p99: histogram.percentile(99) / 1000,
  max: histogram.max / 1000,
});

/** Watches a path for good: who is sent away comes again, and that is counted. */
function watching(url, key, path, each) {
  let viewer;
  const look = () => {
    for (const { at, jpeg } of viewer?.pictures.splice(0) ?? []) each(at, jpeg);
    if (viewer && !viewer.over && !viewer.problem) return;
    if (viewer) sums.lost += 1;
    viewer = new Viewer(url, path, { headers: bearer(key) });
  };
  look();
  setInterval(look, LOOK_MS);
}

function listening(url, key) {
  const path = `/api/v1/streams/street/detections?key=${key}`;
  let heard = listen(end, { url }, path);
  setInterval(() => {
    for (const { event, data } of heard.events.splice(0))
      if (event === "detections") delays.record(micros(data.delay_ms));
    if (!heard.closed) return;
    sums.lost += 1;
    heard = listen(end, { url }, path);
  }, LOOK_MS);
}

function watchAll({ url, key }) {
  for (const path of PLAIN) {
    watching(url, key, path, (at, jpeg) => {
      const sent = sentAt(jpeg);
      if (sent === undefined) sums.unmarked += 1;
      else ages.record(micros(at - sent));
      sums.pictures += 1;
    });
  }
  for (const path of DRAWN) watching(url, key, path, () => (sums.drawn += 1));
  listening(url, key);
}

/** What was measured since it was asked for last. */
function take() {
  const taken = {
    age_ms: figures(ages),
    detection_ms: figures(delays),
    loop_ms: { p50: loop.percentile(50) / 1e6, p99: loop.percentile(99) / 1e6, max: loop.max / 1e6 },
    ...sums,
  };
  for (const histogram of [ages, delays, loop]) histogram.reset();
  Object.assign(sums, { pictures: 0, drawn: 0, unmarked: 0, lost: 0 });
  return taken;
}

process.on("message", async (/** @type {any} */ { watch, ask }) => {
  if (watch) watchAll(watch);
  if (ask) process.send(take());
});
// Whoever has started it has gone.
process.on("disconnect", () => process.exit(0));
process.send({ camera: `http://127.0.0.1:${port}/stream` });
