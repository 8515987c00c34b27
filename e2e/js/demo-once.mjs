// The main job without a camera: generated clips through the official client, as a table.
// usage: node demo-once.mjs http://HOST:PORT

import { clip, FPS, GESTURES } from "./clips.mjs";
import { Client } from "./client.mjs";
import { verdict } from "./gestures.mjs";

const url = process.argv[2];
if (!url) {
  console.error("usage: node demo-once.mjs http://HOST:PORT");
  process.exit(2);
}

/** Plays one gesture in a session of its own. */
async function play(gesture) {
  const frames = await clip(gesture);
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
      ...verdict(client.predictions),
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
process.exitCode = good ? 0 : 1;
