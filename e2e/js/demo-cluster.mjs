// Three servers that act as one, and the second is killed: for how long is who without frames?
// usage: node demo-cluster.mjs URL_A URL_B URL_C PID_B

import { setTimeout as sleep } from "node:timers/promises";

import WebSocket from "ws";

const [a, b, c, pid] = process.argv.slice(2);
if (!pid) {
  console.error("usage: node demo-cluster.mjs URL_A URL_B URL_C PID_B");
  process.exit(2);
}

const FRAME = `data:image/jpeg;base64,${Buffer.from([0xff, 0xd8, 0xff, 0xd9]).toString("base64")}`;
/** What a sender's own client waits before it comes back. */
const COMES_BACK_MS = 500;
/** Until the cameras of the one that was killed are read by another, at most: its last heartbeat counts for 5 s. */
const CAMERAS_MS = 8_000;
/** Likewise for the sender, which is asked for at once where it comes back. */
const SENDER_MS = 4_000;

/** Sends twenty frames a second, and goes to the next server when it is cut off. */
async function send(name, urls) {
  for (let at = 0; ; at = (at + 1) % urls.length) {
    const socket = new WebSocket(`${urls[at].replace("http", "ws")}/ws/stream/${name}`);
    const timer = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "frame", frame: FRAME }));
    }, 50);
    socket.on("open", () => socket.send("{}"));
    socket.on("error", () => {});
    await new Promise((done) => socket.on("close", done));
    clearInterval(timer);
    await sleep(COMES_BACK_MS);
  }
}

/** When frames of a stream came at a server. */
function watch(url, name) {
  const times = [];
  const query = `streams=${encodeURIComponent(name)}`;
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/view?${query}`, ["sightwire.v1"]);
  socket.on("message", (_, isBinary) => isBinary && times.push(performance.now()));
  socket.on("error", () => {});
  return times;
}

const gap = (times, since) =>
  Math.max(...times.filter((at) => at >= since).map((at, index, all) => at - (all[index - 1] ?? since)));

void send("ward-3", [b, c]);
await sleep(1_000);
/** @type {[string, number[], number][]} */
const seen = [
  ["the stream sent to the second, at the first", watch(a, "ward-3"), SENDER_MS],
  ["the stream sent to the second, at the third", watch(c, "ward-3"), SENDER_MS],
  ["camera main-road, at the first", watch(a, "main-road"), CAMERAS_MS],
  ["camera main-road, at the third", watch(c, "main-road"), CAMERAS_MS],
];
await sleep(4_000);
const killed = performance.now();
process.kill(Number(pid), "SIGKILL");
await sleep(CAMERAS_MS + 4_000);

console.log("The second server was killed. Longest time without a frame since then:\n");
let good = true;
for (const [what, times, most] of seen) {
  const longest = gap(times, killed);
  const right = Number.isFinite(longest) && longest <= most && performance.now() - times.at(-1) < 1_000;
  good &&= right;
  console.log(
    `${what.padEnd(46)} ${(longest / 1000).toFixed(2).padStart(6)} s${right ? "" : "  <- not as expected"}`,
  );
}
console.log(good ? "\nEverybody sees everything again." : "\nNot as it should be.");
process.exit(good ? 0 : 1);
