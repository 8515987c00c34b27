// The main job without a camera: generated clips through the official client, as a table.
// usage: node demo-once.mjs http://HOST:PORT

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import WebSocket from "ws";

import { ask } from "./api.mjs";
import { clip, FPS, GESTURES } from "./clips.mjs";
import { Client } from "./client.mjs";
import { verdict } from "./gestures.mjs";

/** @import { Detections, ToViewer } from "./types.ts" */

const url = process.argv[2];
if (!url) {
  console.error("usage: node demo-once.mjs http://HOST:PORT");
  process.exit(2);
}

/** What a motion counts after (`recognizer.arming`), in frames. */
const REST = 32;

/** Plays one gesture, after a rest, in a session of its own. */
async function play(gesture) {
  const frames = await clip(gesture, { rest: REST });
  const client = new Client(url);
  const sentAt = [];
  const delays = [];
  client.socket.on("prediction", () => delays.push(performance.now() - sentAt[delays.length]));
  try {
    await client.ready();
    const send = client.send.bind(client);
    client.send = (frame) => {
      sentAt.push(performance.now());
      send(frame);
    };
    await client.play(frames);
    await client.answered(frames.length).catch(() => {}); // what is missing shows in the table
    delays.sort((a, b) => a - b);
    return {
      gesture,
      ...verdict(client.predictions.slice(REST)),
      replies: client.predictions.length,
      frames: frames.length,
      delay: delays[Math.floor(delays.length / 2)] ?? NaN,
    };
  } finally {
    client.close();
  }
}

console.log(`${GESTURES.length} generated clips at ${FPS} frames a second, through socket.io-client\n`);
console.log("in the clip  recognised  score  replies  median delay");
let good = true;
for (const gesture of GESTURES) {
  const row = await play(gesture).catch((error) => {
    console.error(`playing ${gesture}: ${error.message}`);
    process.exit(1);
  });
  const right = row.label === gesture && row.replies === row.frames;
  good &&= right;
  console.log(
    [
      row.gesture.padEnd(11),
      row.label.padEnd(10),
      row.score.toFixed(2).padStart(5),
      `${row.replies}/${row.frames}`.padStart(7),
      `${row.delay.toFixed(1)} ms`.padStart(12),
      right ? "" : "<- not as expected",
    ]
      .join("  ")
      .trimEnd(),
  );
}
console.log(good ? "\nEvery frame was answered and every label is right." : "\nNot as it should be.");

/** Looks at a camera for some seconds: its pictures, and what was found in them. */
async function watch(id) {
  const seconds = 8;
  const stop = AbortSignal.timeout(seconds * 1000);
  const seen = { pictures: 0, analysed: 0, objects: 0, tracks: new Set() };
  const mjpeg = async () => {
    const { body } = await fetch(`${url}/stream?camera=${id}`, { signal: stop });
    for await (const chunk of body) {
      seen.pictures += Buffer.from(chunk).toString("latin1").split("--frame\r\n").length - 1;
    }
  };
  const events = async () => {
    const { body } = await fetch(`${url}/api/v1/streams/${id}/detections`, { signal: stop });
    let text = "";
    for await (const chunk of body) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks.filter((lines) => lines.startsWith("event: detections"))) {
        /** @type {Detections} */
        const { detections } = JSON.parse(block.slice(block.indexOf("{")));
        seen.analysed += 1;
        seen.objects += detections.length;
        detections.filter(({ track }) => track !== null).forEach(({ track }) => seen.tracks.add(track));
      }
    }
  };
  await Promise.allSettled([mjpeg(), events()]); // they end with the signal
  return { id, ...seen, fps: seen.pictures / seconds };
}

const { cameras } = (await ask({ url }, "GET", "/api/v1/cameras")).json;
console.log(`\n${cameras.length} simulated cameras at generated streets, 8 s of each\n`);
console.log("camera     pictures/s  analysed  objects found  tracks");
for (const row of await Promise.all(cameras.map(({ id }) => watch(id)))) {
  const right = row.pictures > 0 && row.analysed > 0;
  good &&= right;
  console.log(
    [
      row.id.padEnd(9),
      row.fps.toFixed(1).padStart(10),
      `${row.analysed}`.padStart(8),
      `${row.objects}`.padStart(13),
      `${row.tracks.size}`.padStart(6),
      right ? "" : "<- not as expected",
    ]
      .join("  ")
      .trimEnd(),
  );
}
/** Sends a clip as a live stream, and watches it as many viewers. */
async function relay(frames, viewers) {
  const sentAt = new Map();
  const delays = [];
  const socket = (path) => new WebSocket(`${url.replace(/^http/, "ws")}${path}`);
  const watching = Array.from({ length: viewers }, () => socket("/ws/view"));
  const sender = socket("/ws/stream/demo-clip");
  try {
    for (const viewer of watching) {
      viewer.on("message", (data) => {
        /** @type {ToViewer} */
        const message = JSON.parse(data.toString());
        if (message.type !== "live_frame") return;
        const sent = sentAt.get(message.data.frame);
        if (sent !== undefined) delays.push(performance.now() - sent);
      });
    }
    await Promise.all([...watching, sender].map((each) => once(each, "open")));
    sender.send(JSON.stringify({ analysis_mode: "normal" }));
    await once(sender, "message");
    for (const frame of frames.map((jpeg) => `data:image/jpeg;base64,${jpeg.toString("base64")}`)) {
      sentAt.set(frame, performance.now());
      sender.send(JSON.stringify({ type: "frame", frame }));
      await sleep(1000 / FPS);
    }
    await sleep(200);
  } finally {
    [...watching, sender].forEach((each) => each.close());
  }
  delays.sort((a, b) => a - b);
  return { sent: frames.length, seen: delays.length, delay: delays[Math.floor(delays.length / 2)] ?? NaN };
}

const viewers = 4;
const relayed = await relay(await clip("wave"), viewers);
const whole = relayed.seen === relayed.sent * viewers;
good &&= whole;
console.log(
  `\nRelay: ${relayed.sent} pictures sent, seen by ${viewers} viewers: ${relayed.seen} of ${relayed.sent * viewers}, ` +
    `median delay ${relayed.delay.toFixed(1)} ms${whole ? "" : "  <- not as expected"}`,
);

const { detector } = (await ask({ url }, "GET", "/api/v1/status")).json;
console.log(`\nFound by ${detector.model}.${detector.note ? ` ${detector.note}` : ""}`);
process.exitCode = good ? 0 : 1;
