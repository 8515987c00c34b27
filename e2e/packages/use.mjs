// Uses a server as somebody would who has just installed it: `node use.mjs URL PAGE.jpg` says as JSON what came back. The official
// client sends a waving hand, and the picture is read.

import { readFileSync } from "node:fs";

import { io } from "socket.io-client";

const [url, page] = process.argv.slice(2);

/** How often the clip is played: on a busy machine predictions may be too rare for it. */
const PLAYS = 5;

/** The labels of a generated clip, sent 25 frames a second. */
async function labels() {
  const { frames } = await (await fetch(`${url}/api/v1/samples/wave`)).json();
  const socket = io(url);
  const seen = new Set();
  socket.on("prediction", ({ label }) => seen.add(label));
  for (let play = 0; play < PLAYS && !seen.has("wave"); play += 1) await send(socket, frames);
  socket.close();
  return [...seen];
}

/**
 * @param {import("socket.io-client").Socket} socket
 * @param {string[]} frames
 */
async function send(socket, frames) {
  for (const image of frames) {
    socket.emit("frame", { image });
    await new Promise((done) => setTimeout(done, 40));
  }
  await new Promise((done) => setTimeout(done, 1_000));
}

/** The text of a picture. */
async function text() {
  const answer = await fetch(`${url}/api/v1/read`, { method: "POST", body: readFileSync(page) });
  return answer.text();
}

const ready = (await fetch(`${url}/readyz`)).status;
console.log(JSON.stringify({ ready, labels: await labels(), text: await text() }));
