// How long a client without extras waits for the prediction of the frame that it sent: the official socket.io-client, frames at
// 25 a second. `node bench/reply-age.mjs [URL] [CLIENTS] [SECONDS]`
//
// A frame is known by the score of its window: a first client, with extras, is told which frame each result has seen.

import { clip } from "../js/clips.mjs";
import { Client } from "../js/client.mjs";
import { sleep } from "../js/harness.mjs";

/** @import { SignResult } from "../js/types.ts" */

const [url = "http://127.0.0.1:8000", clients = "1", seconds = "10"] = process.argv.slice(2);
const FPS = 25;

const frames = (await clip("left")).map((jpeg) => jpeg.toString("base64"));
const image = (index) => ({ image: frames[index % frames.length] });

/** The score that each place in the clip has, played again and again. */
async function scores() {
  const told = new Client(url, { auth: { extras: true } });
  await told.ready();
  const known = new Map();
  /** @param {SignResult} result */
  const note = ({ seen, score }) => {
    if (seen >= 9) known.set(seen % frames.length, score);
  };
  told.socket.on("result", note);
  for (let id = 0; known.size < frames.length; id += 1) {
    told.frame({ ...image(id), id });
    await sleep(1000 / FPS);
  }
  told.close();
  return known;
}

/** Delays, in ms, from a frame's sending to the first reply that has seen it; and how many had none. */
async function play(known, offset) {
  const client = new Client(url);
  await client.ready();
  await sleep(offset);
  const [sent, delays] = [[], []];
  let own = 0;
  client.socket.on("prediction", () => {
    const reply = client.predictions.length - 1;
    const { score } = client.predictions[reply];
    for (let index = sent.length - 1; index >= Math.max(9, sent.length - frames.length); index -= 1) {
      if (sent[index].seen || known.get(index % frames.length) !== score) continue;
      sent[index].seen = true;
      delays.push(performance.now() - sent[index].at);
      own += Number(index === reply);
      break;
    }
  });
  const count = Number(seconds) * FPS;
  const begun = performance.now();
  for (let index = 0; index < count; index += 1) {
    await sleep(Math.max(0, begun + (index * 1000) / FPS - performance.now()));
    sent.push({ at: performance.now(), seen: false });
    client.frame(image(index));
  }
  await client.answered().catch(() => {});
  client.close();
  return { delays, own, missing: count - client.predictions.length, windows: count - 9 };
}

const known = await scores();
const all = await Promise.all(
  Array.from({ length: Number(clients) }, (_, i) => play(known, (i * 1000) / FPS / Number(clients))),
);
const delays = all.flatMap((one) => one.delays).sort((a, b) => a - b);
const sum = (field) => all.reduce((total, one) => total + one[field], 0);
const at = (share) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))].toFixed(1);
console.log(
  `${clients} clients: frame to its own prediction p50 ${at(0.5)} ms, p95 ${at(0.95)}, p99 ${at(0.99)}; ` +
    `${((100 * sum("own")) / sum("windows")).toFixed(1)} % of replies are of their own frame; ${sum("missing")} replies lost`,
);
process.exit(0);
