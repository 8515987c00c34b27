// Cameras: lists and changes, single pictures, MJPEG, what is found in the pictures, and everything live.

import { clip } from "../clips.mjs";
import { start, until } from "../harness.mjs";
import { png } from "../pictures.mjs";
import { camera, serving } from "../simulator.mjs";
import { FLOAT, INT, PEER, TIME, masked, rules, text } from "./mask.mjs";
import { ALIKE, DETECTOR, store } from "./store.mjs";
import { Events, ask, dial, eventShown, exchange, jpegShown, look, PATIENCE_MS } from "./wire.mjs";

const API = "/api/v1/cameras";
const JSON_TYPE = { "Content-Type": "application/json" };
/** How a stream and its viewers are reported: what is measured or counted varies. */
const REPORT = rules({
  "since_s fps_out bytes_per_s bytes_out_per_s last_picture_age_s lost_percent frames_per_s analysed_per_s":
    FLOAT,
  fps: FLOAT, // as it is measured; wishes have no fraction
  "delay_ms.p50 delay_ms.p95 delay_ms.p99": FLOAT,
  "decoded.p50 decoded.p95 decoded.p99 inferred.p50 inferred.p95 inferred.p99": FLOAT,
  "encoded.p50 encoded.p95 encoded.p99 ms delay_ms": FLOAT,
  "pictures bytes received_bytes delivered missed": INT,
  "viewer_list.id viewers.id sequence": INT,
  peer: PEER,
  captured: text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "<time>"),
});

/** @import { LiveFull, LivePatch, Stream, Streams } from "../types.ts" */

class Scene {
  masks = REPORT;

  constructor(t, server, section) {
    this.t = t;
    this.server = server;
    this.section = section;
  }

  ask(request, /** @type {import("./wire.mjs").Exchange & { json?: object }} */ { json, ...options } = {}) {
    const sent = json === undefined ? {} : { body: JSON.stringify(json), headers: JSON_TYPE };
    return exchange(this.section, this.server, request, { masks: this.masks, ...sent, ...options });
  }
}

/** Adding, changing, trying and taking away. */
async function changes(scene, url) {
  scene.masks = {};
  await scene.ask(`GET ${API}`);
  await scene.ask(`POST ${API}`, { json: { name: "Old barn", url: "http://10.9.8.7" } });
  await scene.ask(`POST ${API}`, {
    json: { id: "yard", url: "http://me:secret@10.9.8.8/cam?key=1", mode: "capture", fps: 2, user: "u1" },
  });
  await scene.ask(`GET ${API}`);
  await scene.ask(`GET ${API}/yard`);
  await scene.ask(`GET ${API}/nobody`);
  await scene.ask(`PATCH ${API}/yard`, { json: { name: "Yard", fps: 1.5, default: false, user: "" } });
  await scene.ask(`PATCH ${API}/yard`, { json: { url: "http://***:***@10.9.8.8/other" } });
  const refused = [
    ["POST", "", { name: "no url" }],
    ["POST", "", { url: "ftp://10.9.8.7" }],
    ["POST", "", { url: "http://8.8.8.8" }],
    ["POST", "", { url: "http://169.254.169.254" }],
    ["POST", "", { url: "http://10.9.8.7", default: true }],
    ["POST", "", { url: "http://10.9.8.7", user: "u7" }],
    ["POST", "", { url: "http://10.9.8.7", id: "gate" }],
    ["POST", "", { url: "http://10.9.8.7", id: "a b" }],
    ["POST", "", { url: "http://10.9.8.7", colour: "red" }],
    ["POST", "", { url: "http://10.9.8.7", fps: "fast" }],
    ["POST", "", { url: "http://10.9.8.7", mode: "film" }],
    ["POST", "", { url: "http://10.9.8.7", mode: "capture", fps: 0 }],
    ["PATCH", "/yard", { id: "other" }],
    ["PATCH", "/yard", { url: "http://***@10.9.9.9" }],
    ["PATCH", "/gate", { name: "x" }],
    ["PATCH", "/nobody", { name: "x" }],
    ["DELETE", "/gate"],
    ["DELETE", "/nobody"],
    ["POST", "/test", {}],
    ["POST", "/test", { id: "nobody" }],
    ["POST", "/test", { url: "nonsense://" }],
    ["POST", "/test", { url: "http://8.8.8.8" }],
    ["POST", "/test", { url: "http://127.0.0.1:9/", mode: "capture" }],
  ];
  for (const [method, path, json] of refused) await scene.ask(`${method} ${API}${path}`, { json });
  await scene.ask(`POST ${API}`, { body: "{", headers: JSON_TYPE });
  await scene.ask(`POST ${API}`, { body: "{}" });
  for (const headers of [{ Origin: "https://evil.example" }, { "X-Forwarded-For": "192.168.1.7" }]) {
    await scene.ask(`POST ${API}`, { body: "{}", headers: { ...JSON_TYPE, ...headers } });
    await scene.ask(`GET ${API}/gate`, { headers });
  }
  await scene.ask(`POST ${API}/test`, { json: { id: "gate" } });
  await scene.ask(`POST ${API}/test`, { json: { url, mode: "capture" } });
  await scene.ask(`DELETE ${API}/yard`);
  await scene.ask(`DELETE ${API}/old-barn`);
}

/** What the pages of the camera prototype ask for. */
async function boards(scene) {
  const time = text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "<time>");
  const picture = text(/^data:image\/jpeg;base64,[A-Za-z0-9+/]{1000,}=*$/, "<a JPEG>");
  scene.masks = rules({
    "created_at updated_at": time,
    imageData: picture,
    wait_ms: INT,
    age_seconds: FLOAT,
  });
  const config = "/api/user/esp32-config";
  const user = { headers: { "X-User-ID": "golden" } };
  const board = { esp32_url: "10.9.8.9", label: "Roof" };
  await scene.ask("GET /health");
  await scene.ask("GET /debug/streams");
  await scene.ask(`GET ${config}`);
  await scene.ask(`GET ${config}`, user);
  await scene.ask(`POST ${config}`, {
    body: JSON.stringify(board),
    headers: { ...JSON_TYPE, ...user.headers },
  });
  await scene.ask(`GET ${config}`, user);
  await scene.ask(`DELETE ${config}`, user);
  await scene.ask("GET /api/esp32/snapshot?camera=gate");
  await scene.ask("GET /api/esp32/snapshot?camera=nobody");
  const keys = (body) => `(keys ${Object.keys(JSON.parse(body)).sort().join(" ")})`;
  await scene.ask("GET /api/esp32/status?camera=gate", { as: keys });
  await scene.ask("GET /api/esp32/test?camera=gate");
  await scene.ask("GET /debug/streams");
}

/** What is wrong before any picture is sent. */
async function refusals(scene) {
  const requests = [
    "GET /stream?camera=nobody",
    "GET /stream/detect?camera=gate&conf=1.5",
    "GET /stream/detect?camera=gate&conf=x",
    "GET /stream/detect?camera=gate&fps=0",
    "GET /stream/detect?camera=gate&fps=31",
    "GET /stream/detect?camera=gate&skip_frames=11",
    "GET /stream/detect?camera=gate&show_labels=perhaps",
    "GET /stream/tracking?camera=gate&show_trails=perhaps",
    "GET /stream/proxy?esp32_url=http://8.8.8.8",
    "GET /stream/proxy?esp32_url=ftp://10.0.0.1",
    "GET /stream/detect?camera_url=http://169.254.169.254",
    "GET /stream/proxy?esp32_url=http://127.0.0.1:9",
    "GET /api/v1/streams/nobody/snapshot.jpg",
    "GET /api/v1/streams/gate/snapshot.jpg?wait_s=11",
    "GET /api/v1/streams/gate/snapshot.jpg?detect=perhaps",
    "GET /api/v1/streams/dead/snapshot.jpg",
    "GET /api/v1/streams/nobody/detections",
    "GET /api/v1/streams/gate/detections?fps=99",
    "GET /api/v1/streams/gate",
    "GET /api/v1/streams/nobody",
    "DELETE /api/v1/streams/gate",
  ];
  for (const request of requests) await scene.ask(request);
}

/** The head of a stream, the head of its first part, and what follows the part. */
async function mjpeg(scene, request, headers) {
  const answer = await ask(scene.server, request, { headers }).answered();
  const head = () => answer.body.indexOf("\r\n\r\n");
  await until(() => head() >= 0 || answer.whole || answer.gone, "a part", PATIENCE_MS);
  const fields = answer.body.subarray(0, head() + 4).toString("latin1");
  const [, digits] = fields.match(/Content-Length: (\d+)/) ?? [];
  if (digits === undefined)
    throw new Error(`${request}: ${answer.head} ${answer.body.toString().slice(0, 300)}`);
  const length = Number(digits);
  const end = head() + 4 + length;
  await until(() => answer.body.length >= end + 9 || answer.gone, "the next part", PATIENCE_MS);
  const given = Object.entries(headers ?? {}).map(([name, value]) => `> ${name}: ${value}`);
  const part = answer.body.subarray(head() + 4, end);
  const rest = answer.body.toString("latin1", end, end + 9);
  scene.section.write(
    `> ${request}`,
    ...given,
    ...answer.headLines(),
    JSON.stringify(fields.replace(`Content-Length: ${length}`, "Content-Length: <int>")),
    jpegShown(part),
    JSON.stringify(rest),
    "",
  );
  return answer;
}

async function streams(scene, host) {
  const requests = [
    ["GET /stream"],
    ["GET /stream", { "X-User-ID": "u7" }],
    ["GET /stream", { Origin: "http://localhost:3000" }],
    ["GET /stream", { Origin: "https://evil.example" }],
    ["GET /stream?camera=gate"],
    [`GET /stream/proxy?esp32_url=http://${host}`],
    [`GET /stream/proxy?esp32_url=http://${host}/`],
    ["GET /stream/detect?camera=gate&fps=30&skip_frames=1"],
    [`GET /stream/detect?camera_url=http://${host}&show_labels=false&conf=0.5&classes=car`],
    ["GET /stream/tracking?camera=gate&show_trails=0&fps=5"],
  ];
  const open = [];
  for (const [request, headers] of requests) open.push(await mjpeg(scene, request, headers));
  for (const { socket } of open) socket.destroy();
  await scene.ask("HEAD /stream?camera=nobody");
  await scene.ask("GET /stream/detect?camera=gate&classes=unicorn");
}

/** What is told of a stream that somebody watches, and of who does. */
async function reports(scene) {
  const watching = await mjpeg(scene, "GET /stream/detect?camera=gate&fps=10&skip_frames=1");
  const report = () => look(scene.server, "/api/v1/streams/gate");
  const is = (/** @type {Stream} */ { delay_ms, fps, analyses, state, viewers }) => {
    const [delays] = analyses.map((analysis) => analysis.delay_ms);
    return (
      state === "running" && viewers === 1 && delay_ms && fps > 0 && analyses.length === 1 && delays?.encoded
    );
  };
  const settled = () => until(async () => is(await report()), "delays of gate", PATIENCE_MS);
  await settled();
  await scene.ask("GET /api/v1/streams/gate");
  const others = (body) => {
    /** @type {Streams} */
    const { streams: all } = JSON.parse(body.toString());
    return `(a list of the same, of ${all.map(({ id }) => id).join(", ")})`;
  };
  await scene.ask("GET /api/v1/streams", { as: others, varies: true });
  await scene.ask("GET /api/v1/viewers");
  await scene.ask(`GET ${API}/gate`);
  const snapshot = { heads: { "x-sightwire-sequence": () => "<int>" } };
  await scene.ask("GET /api/v1/streams/gate/snapshot.jpg", snapshot);
  await scene.ask("GET /api/v1/streams/gate/snapshot.jpg?detect=true&conf=0.5", snapshot);
  await scene.ask("GET /api/v1/streams/gate/snapshot.jpg?wait_s=0", snapshot);
  // What was looked for in a single picture is over.
  await settled();
  return watching;
}

/** Everything as it changes. */
async function live(scene) {
  const line = await dial(scene.t, scene.server, "/api/v1/live");
  const { text: full } = await line.next('"full"');
  const { text: patch } = await line.next('"patch"');
  const table = {
    ...REPORT,
    ...rules({
      "cpu_percent bytes_in_per_s frames_in_per_s frames_out_per_s uptime_s": FLOAT,
      "memory_bytes threads connections version id": INT,
      "server.version": text(/^\d+\.\d+\.\d+$/, "<version>"),
      time: TIME,
    }),
  };
  const shown = masked(full, table);
  // Viewers stand under their numbers.
  scene.section.write("GET /api/v1/live", `< ${shown.replace(/"\d+":\{/g, '"<int>":{')}`, "");
  /** @type {[LiveFull, LivePatch]} */
  const [before, { type, version, data }] = [JSON.parse(full), JSON.parse(patch)];
  const follows = version === before.version + 1;
  scene.section.write(
    `< (${Object.keys(JSON.parse(patch))}: ${type}, the version follows: ${follows}, time ${typeof (/** @type {Partial<LiveFull["data"]>} */ (data).time)})`,
  );
  line.bye();
  await line.over();
  scene.section.write(...line.log.filter((one) => one.includes("close")), "");
}

/** Server-Sent Events, and the same over a WebSocket. */
async function detections(scene) {
  const target = "/api/v1/streams/gate/detections?fps=10&skip_frames=1";
  // Somebody watches all the while, so that the camera is neither closed nor opened in between.
  const watching = await mjpeg(scene, "GET /stream?camera=gate");
  const events = await new Events(scene.server, `GET ${target}`).begun(scene.section);
  const found = (kind) => (event) => event.startsWith(`event: ${kind}\n`);
  const state = await events.next(found("state"));
  const first = await events.next(
    (event) => found("detections")(event) && !event.includes('"detections":[]'),
  );
  events.end();
  scene.section.write(eventShown(state, REPORT), eventShown(first, REPORT));
  const none = await new Events(scene.server, `GET ${target}&conf=0.95`).begun(scene.section);
  scene.section.write(eventShown(await none.next(found("detections")), REPORT));
  none.end();
  const line = await dial(scene.t, scene.server, target, { masks: REPORT });
  const said = [await line.next('"event":"state"'), await line.next('"event":"detections"')];
  scene.section.write(`GET ${target} (a WebSocket)`, ...said.map((one) => `< ${masked(one.text, REPORT)}`));
  line.bye();
  await line.over();
  scene.section.write(...line.log.filter((one) => one.includes("close")), "");
  watching.socket.destroy();
}

async function detect(scene) {
  const [jpeg] = await clip("still", { frames: 1 });
  const form = (name, body) => {
    const head = `--b\r\nContent-Disposition: form-data; name="${name}"; filename="a.jpg"\r\n\r\n`;
    return {
      body: Buffer.concat([Buffer.from(head), body, Buffer.from("\r\n--b--\r\n")]),
      headers: { "Content-Type": "multipart/form-data; boundary=b" },
      shows: `(a form with the field ${name})`,
    };
  };
  const post = "POST /api/v1/detect";
  await scene.ask(post, { body: jpeg, shows: "(a JPEG of 640x480)" });
  await scene.ask(`${post}?conf=0.7`, { body: png(64, 32), shows: "(a PNG of 64x32)" });
  await scene.ask(`${post}?classes=person`, form("file", jpeg));
  await scene.ask(post, form("picture", jpeg));
  await scene.ask(`${post}?conf=7`, { body: jpeg, shows: "(a JPEG)" });
  await scene.ask(`${post}?classes=unicorn`, { body: jpeg, shows: "(a JPEG)" });
  await scene.ask(post, { body: "no picture" });
  await scene.ask(post, { body: jpeg.subarray(0, 3000), shows: "(the beginning of a JPEG)" });
  await scene.ask(post);
  await scene.ask(post, { body: Buffer.alloc(11 << 20), shows: "(11 MiB)" });
  await scene.ask(post, { body: "{}", headers: { "Content-Type": "multipart/form-data" } });
  await scene.ask(post, { body: jpeg, shows: "(a JPEG)", headers: { Origin: "https://evil.example" } });
}

/** A server with as little as can be: no camera, no detector, one upstream. */
async function little(scene, host) {
  for (const path of ["/stream", "/stream/detect", "/stream/tracking", "/stream/proxy"])
    await scene.ask(`GET ${path}`);
  await scene.ask("GET /stream", { headers: { "X-User-ID": "u7" } });
  await scene.ask(`GET ${API}`);
  await scene.ask("GET /api/v1/streams");
  await scene.ask("GET /api/v1/viewers");
  await scene.ask("POST /api/v1/detect", { body: png(64, 32), shows: "(a PNG)" });
  const one = await mjpeg(scene, `GET /stream/proxy?esp32_url=http://${host}`);
  await scene.ask(`GET /stream/proxy?esp32_url=http://${host}/other`);
  await scene.ask(`GET /stream/proxy?esp32_url=http://${host}`);
  one.socket.destroy();
}

/** Writes the book. */
export async function record(t, book) {
  const [yard, own] = await Promise.all([camera(t), camera(t)]);
  const cameras = [
    { id: "gate", name: "Gate", url: yard.url, default: true },
    { id: "mine", url: `${own.url}/stream`, user: "u7" },
    { id: "dead", url: "http://127.0.0.1:9" },
  ];
  const env = { SIGHTWIRE_HOME: store(t) };
  // No camera stalls, and no viewer is let go or gets smaller pictures, because this machine is slow.
  const patient = {
    "cameras.stalled_after_s": 60,
    "cameras.viewer_deadline_s": 60,
    "cameras.lower_quality": false,
  };
  const set = { ...ALIKE, ...patient, "detector.model": DETECTOR };
  const few = { ...set, "detector.model": "motion", "cameras.max_upstreams": 1, "cameras.max_viewers": 1 };
  const allow = { "cameras.allow": "127.0.0.0/8,10.0.0.0/8" };
  const [server, poor] = await Promise.all([
    start(t, serving({ cameras, set: { ...set, ...allow }, env })),
    start(t, serving({ set: few, env })),
  ]);
  book.replace(yard.host, "127.0.0.1:<camera>");
  book.replace(own.host, "127.0.0.1:<other camera>");
  const scene = (title, at = server) => new Scene(t, at, book.section(title));
  const all = [
    scene("cameras"),
    scene("refusals"),
    scene("MJPEG"),
    scene("detections"),
    scene("one stream and who watches it"),
  ];
  const everything = scene("live");
  const prototype = scene("the camera prototype's pages");
  const single = scene("single pictures");
  const least = scene("no camera, no detector, one upstream", poor);
  const closed = () =>
    until(async () => (await look(server, "/api/v1/streams")).streams.length === 0, "no stream", PATIENCE_MS);
  await Promise.all([
    (async () => {
      await changes(all[0], yard.url);
      await refusals(all[1]);
      // Now the detector is loaded, and what comes next is found in the first picture.
      await detect(single);
      await streams(all[2], yard.host);
      await detections(all[3]);
      await closed();
      const watching = await reports(all[4]);
      await live(everything);
      watching.socket.destroy();
      await closed();
      await boards(prototype);
    })(),
    little(least, yard.host),
  ]);
}
