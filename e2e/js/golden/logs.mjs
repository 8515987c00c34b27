// Log lines that people grep for, and their form as text and as JSON.

import { clip } from "../clips.mjs";
import { target } from "../engineio.mjs";
import { start, until } from "../harness.mjs";
import { streamPath } from "../relay.mjs";
import { masked, text } from "./mask.mjs";
import { ALIKE, flags, store } from "./store.mjs";
import { PATIENCE_MS, dial, look } from "./wire.mjs";

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/;
const ID = /(client=)[A-Za-z0-9_-]{16}/g;

/** A line with its time, the client's id and a score masked. */
function shown(line) {
  const isJson = line.startsWith("{");
  const timed = isJson ? masked(line, { timestamp: text(STAMP, "<time>") }) : line.replace(STAMP, "<time>");
  return timed.replaceAll(ID, "$1<id>").replace(/score=0\.\d\d\b/, "score=<n>");
}

/** One of each kind, caused one after the other. */
async function session(t, server) {
  const lines = () => server.logs().split("\n");
  const said = (what) => until(() => lines().some((line) => line.includes(what)), what, PATIENCE_MS);
  const client = await dial(t, server, target({ EIO: 4, transport: "websocket" }));
  await client.next('0{"sid"');
  client.say("40");
  await said("CONNECT");
  const pictures = await clip("left", { frames: 12 });
  for (const picture of pictures) {
    client.say(`42["frame",{"image":"${picture.toString("base64")}"}]`, { quiet: true });
    await client.next('"prediction"');
  }
  await said("PREDICTION");
  client.say('42["frame",{"image":"not base64!"}]').say('42["frame",{}]');
  await said("ERROR");
  client.bye();
  await said("DISCONNECT");
  const sender = await dial(t, server, streamPath("P-1"));
  sender.say({ analysis_mode: "normal" });
  await sender.next("connected");
  await said("a stream begins");
  sender.bye();
  await said("the stream has ended");
  await server.stop();
  const first = lines().find((line) => line.includes("PREDICTION"));
  const wanted = (line) => /CONNECT|ERROR|stream|stopping/.test(line) || line === first;
  return lines().filter(wanted);
}

/** Writes the book. */
export async function record(t, book) {
  book.replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:<port>");
  const home = store(t);
  for (const format of ["text", "json"]) {
    const args = flags({ ...ALIKE, "detector.model": "motion", "log.format": format });
    const server = await start(t, { args, env: { SIGHTWIRE_HOME: home } });
    const ready = async () => (await look(server, "/readyz")).ready;
    await until(ready, "the model", PATIENCE_MS);
    const lines = await session(t, server);
    book.section(`as ${format}`).write(...lines.map(shown));
  }
}
