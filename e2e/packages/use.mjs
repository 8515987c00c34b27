// Uses a server as somebody would who has just installed it: `node use.mjs URL PAGE.jpg` says as JSON what came back. The official
// client sends a waving hand, and the picture is read, and a PDF, which another program of the package draws.

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

/**
 * The text of a file.
 * @param {BodyInit} body
 */
async function text(body) {
  const answer = await fetch(`${url}/api/v1/read`, { method: "POST", body });
  return answer.text();
}

/** A page with a line of text, as a PDF. */
function pdf() {
  const content = "BT /F1 24 Tf 40 60 Td (Boarding gate 42) Tj ET";
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 140] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
  ];
  let file = "%PDF-1.7\n";
  const places = objects.map((object, index) => {
    const place = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, "0")} 00000 n \n`;
  });
  const size = objects.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${places.join("")}`;
  return `${file}${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
}

const ready = (await fetch(`${url}/readyz`)).status;
const read = { text: await text(readFileSync(page)), drawn: await text(pdf()) };
console.log(JSON.stringify({ ready, labels: await labels(), ...read }));
