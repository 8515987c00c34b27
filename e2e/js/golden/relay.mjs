// The relay: every message that senders and viewers get, in order, and what is asked for beside them.

import { clip } from "../clips.mjs";
import { sleep, start, until } from "../harness.mjs";
import { CONTINUATION, PING, TEXT, framed } from "../rawclient.mjs";
import { BINARY, jpeg, packed, streamPath } from "../relay.mjs";
import { FLOAT, INT, PEER, TIME, rules, text } from "./mask.mjs";
import { ALIKE, DETECTOR, flags, store } from "./store.mjs";
import { HANDSHAKE, PATIENCE_MS, ask, dial, exchange, look } from "./wire.mjs";

const REAL = text(/^data:image\/jpeg;base64,[A-Za-z0-9+/]{1000,}=*$/, "<a real JPEG>");
const MASKS = rules({ timestamp: TIME, "since_s delay_ms": FLOAT, frame: REAL });
/** How a stream and a viewer are reported: what is measured varies, and no more. */
const REPORT = rules({
  "since_s fps fps_out bytes_per_s bytes_out_per_s last_picture_age_s": FLOAT,
  "rtt_ms write_ms deadline_ms delay_ms.p50 delay_ms.p95 delay_ms.p99": FLOAT,
  "viewers.id viewer_list.id": INT,
  peer: PEER,
});
/** No stream stalls or ends because this machine is slow. */
const PATIENT = { "relay.stalled_after_s": 60, "relay.warn_after_s": 80, "relay.end_after_s": 100 };
/** @type {import("../types.ts").SenderHello} */
const HELLO = { analysis_mode: "normal" };
/** A picture as far as the relay looks, and as a data URL. */
const SMALL = jpeg(12, "abc");
const url = (bytes) => `data:image/jpeg;base64,${bytes.toString("base64")}`;

/** A binary picture: its header in parts, the time masked, and the picture. */
function binaryShown(bytes) {
  const [name, micros] = [20 + bytes[1], bytes.readBigUInt64BE(12)];
  const isNow = Math.abs(Number(micros) / 1000 - Date.now()) < 60_000;
  const parts = [
    bytes.toString("hex", 0, 4),
    `number ${bytes.toString("hex", 4, 12)}`,
    isNow ? "time <time>" : `time ${bytes.toString("hex", 12, 20)}`,
    `name ${bytes.toString("hex", 20, name)}`,
    `picture ${bytes.toString("hex", name)}`,
  ];
  return `bytes ${parts.join(" ")}`;
}

/** Everything that these scenarios share: a server of a kind and the section that they write to. */
class Scene {
  constructor(t, server, section) {
    this.t = t;
    this.server = server;
    this.section = section;
  }

  dial(target, options) {
    return dial(this.t, this.server, target, { masks: MASKS, shows: binaryShown, ...options });
  }

  /** A sender that may begin. */
  async sender(name, { hello = HELLO, ...options } = {}) {
    const line = await this.dial(streamPath(name), options);
    line.say(hello);
    await line.next("connected");
    return line;
  }

  /** A viewer that was greeted, and asked how far away it is. */
  async viewer(query = "", options = {}) {
    const line = await this.dial(`/ws/view${query}`, options);
    await line.next("viewer_connected");
    await line.next("ping");
    return line;
  }

  /** Records what was said on some lines, once they are over. */
  async tell(lines) {
    for (const [title, line] of Object.entries(lines)) {
      if (line.ended) await line.over();
      this.section.write(`--- ${title}: ${line.target}`, line.log, "");
    }
  }

  get(request, masks = REPORT, options = {}) {
    return exchange(this.section, this.server, request, { masks, ...options });
  }

  /** Waits until so many pictures of a stream were given out, and it was measured how long that took. */
  async settled(name, delivered) {
    const report = async () => look(this.server, `/api/v1/streams/${name}`);
    const is = (/** @type {import("../types.ts").Stream} */ now) =>
      now.delivered === delivered && now.delay_ms !== null;
    await until(async () => is(await report()), `${delivered} pictures of ${name}`, PATIENCE_MS);
  }

  /** Waits until no stream of that name is live. */
  async isOver(name) {
    const active = async () => (await look(this.server, "/streams/active")).active_streams;
    await until(async () => !(await active()).includes(name), `${name} is over`, PATIENCE_MS);
  }
}

async function handshakes({ section, server }) {
  /** @type {Record<string, [request: string, headers: object, host?: string]>} */
  const upgrades = {
    "a sender": ["GET /ws/stream/P-1", {}],
    "a sender that offers pictures as bytes": [
      "GET /ws/stream/P-1",
      { "Sec-WebSocket-Protocol": `x, ${BINARY}` },
    ],
    "a viewer": ["GET /ws/view", {}],
    "a viewer that offers pictures as bytes": ["GET /ws/view", { "Sec-WebSocket-Protocol": BINARY }],
    "a viewer with an extension": ["GET /ws/view", { "Sec-WebSocket-Extensions": "permessage-deflate" }],
    "a page of this machine": ["GET /ws/view", { Origin: "http://localhost:3000" }],
    "a page from elsewhere": ["GET /ws/view", { Origin: "https://evil.example" }],
    "a sender of a page from elsewhere": ["GET /ws/stream/P-1", { Origin: "https://evil.example" }],
    "a wrong version": ["GET /ws/view", { "Sec-WebSocket-Version": "12" }],
    "two keys": ["GET /ws/view", { "Sec-WebSocket-Key": Array(2).fill(HANDSHAKE["Sec-WebSocket-Key"]) }],
    "a short key": ["GET /ws/stream/P-1", { "Sec-WebSocket-Key": "YWJj" }],
    "a wrong parameter": ["GET /ws/view?overlays=perhaps", {}],
    "another host": ["GET /ws/view", {}, "evil.example"],
  };
  for (const [title, [request, headers, host]] of Object.entries(upgrades)) {
    section.write(`--- ${title}`);
    await exchange(section, server, request, { headers: { ...HANDSHAKE, ...headers }, host });
  }
  for (const request of [
    "GET /ws/view",
    "GET /ws/stream/P-1",
    "POST /ws/view",
    "GET /ws/stream/",
    "GET /ws/other",
  ]) {
    section.write("--- no handshake");
    await exchange(section, server, request);
  }
}

async function hellos(scene) {
  const all = {
    normal: HELLO,
    enhanced: { analysis_mode: "enhanced" },
    "old, without conditions": { monitoring_conditions: [] },
    "old, with a condition": { monitoring_conditions: ["fall"] },
    "a mode that nobody knows": { analysis_mode: "thorough" },
    "no mode": {},
    "no JSON": "hello",
    "a name that has to be escaped": HELLO,
  };
  for (const [title, hello] of Object.entries(all)) {
    const name = title.startsWith("a name") ? 'Ward "3", bed\\1 ü' : "P-1";
    const line = await scene.sender(name, { hello });
    line.bye();
    await line.over();
    await scene.tell({ [title]: line });
    await scene.isOver(name);
  }
  const first = await scene.dial(streamPath("P-1"));
  first.say({ type: "frame", frame: url(SMALL) });
  await first.next("connected");
  const viewer = await scene.viewer();
  await viewer.next("live_frame");
  first.bye();
  await first.over();
  await viewer.next("stream_ended");
  viewer.bye();
  await viewer.over();
  await scene.tell({ "a frame instead of a hello": first, "its viewer": viewer });
}

/** A stream in texts from its beginning to its end, as old clients have it. */
async function texts(scene) {
  await scene.get("GET /streams/active");
  const early = await scene.viewer();
  const sender = await scene.sender("P-1");
  await scene.get("GET /streams/active");
  const frames = [
    url(SMALL),
    "data:image/png;base64,iVBORw0KGgo=",
    'data:image/svg+xml;utf8,<a b="c\\d">ü\n',
    "data:image",
  ];
  for (const frame of frames) {
    sender.say({ type: "frame", frame });
    await early.next("live_frame");
  }
  sender.say('{"frame" : "data:image\\/jpeg;base64,\\/9j\\/", "timestamp":1.5, "type":"frame"}');
  await early.next("live_frame");
  const late = await scene.viewer("?streams=P-1,P-9");
  await late.next("live_frame");
  // Nobody's business, and no frames.
  for (const what of [
    { type: "hello" },
    { type: "frame" },
    { type: "frame", frame: "http://x" },
    "no JSON",
  ]) {
    sender.say(what);
  }
  sender.bytes(packed(Buffer.from("GIF89a"))).bytes(Buffer.from([1]));
  sender.say({ type: "ping" });
  await sender.next("pong");
  for (const line of [early, late]) {
    line.say({ type: "ping" }).say({ type: "pong" }).say("anything");
    await line.next("pong");
  }
  sender.raw(framed(PING, "abc"), "ping 616263");
  await sender.next("pong");
  early.raw(framed(PING, "abc"), "ping 616263");
  await early.next("pong");
  // Delays are those of pictures after the first sample, which is taken within half a second if the machine lets the server;
  // and the distance of those that have answered the ping is told from the next picture on.
  await sleep(6_000);
  sender.say({ type: "frame", frame: url(SMALL) });
  for (const line of [early, late]) await line.next("live_frame");
  await scene.settled("P-1", 8);
  await scene.get("GET /api/v1/streams");
  await scene.get("GET /api/v1/streams/P-1");
  await scene.get("GET /api/v1/viewers");
  await scene.get("GET /api/v1/streams/P-9");
  await scene.get("GET /api/v1/streams/P-1/snapshot.jpg");
  sender.bye(1000, "done");
  await sender.over();
  for (const line of [early, late]) {
    await line.next("stream_ended");
    line.bye();
    await line.over();
  }
  await scene.tell({
    "the sender": sender,
    "a viewer from the beginning": early,
    "one that comes late": late,
  });
  await scene.isOver("P-1");
  await scene.get("GET /streams/active");
}

/** The same with pictures as bytes. */
async function binaries(scene) {
  const binary = { protocol: BINARY };
  // The sender is told once a second of what has changed; so one thing changes at a time.
  const sender = await scene.sender("P-2", { hello: { analysis_mode: "enhanced" }, ...binary });
  const told = async (what) => sender.next(what);
  await told('"viewers":0');
  const viewer = await scene.viewer("", binary);
  await viewer.next('"starting"');
  await told('"viewers":1');
  const old = await scene.viewer();
  await told('"viewers":2');
  sender.bytes(packed(SMALL));
  await viewer.next('"running"');
  await viewer.next("bytes");
  await old.next("live_frame");
  await told('"received":1');
  sender.bytes(packed(SMALL, { name: "ignored", sequence: 9n, micros: 9n }));
  await viewer.next("bytes");
  await old.next("live_frame");
  await told('"received":2');
  // A text among them; and what is no picture.
  sender.say({ type: "frame", frame: url(SMALL) });
  await viewer.next("bytes");
  await old.next("live_frame");
  await told('"received":3');
  sender.bytes(packed(SMALL, { kind: 2 }));
  await told('"bad":1');
  const late = await scene.viewer("?streams=*", binary);
  await late.next("bytes");
  await told('"viewers":3');
  late.say({ type: "ping" });
  await late.next("pong");
  sender.bytes(packed(SMALL));
  for (const [line, what] of [
    [viewer, "bytes"],
    [old, "live_frame"],
    [late, "bytes"],
  ])
    await line.next(what);
  await told('"received":4');
  await scene.settled("P-2", 10);
  await scene.get("GET /api/v1/streams/P-2");
  sender.bye();
  await sender.over();
  for (const line of [viewer, old, late]) {
    await line.next("stream_ended");
    line.bye();
    await line.over();
  }
  await scene.tell({
    "the sender": sender,
    "a viewer": viewer,
    "an old viewer": old,
    "a viewer that comes late": late,
  });
}

/** What the detector found, for those who ask for it. */
async function overlays(scene) {
  const [picture] = await clip("still", { frames: 1 });
  // So that the detector is there when the picture comes.
  await exchange(scene.section, scene.server, "POST /api/v1/detect", { body: picture, masks: { ms: FLOAT } });
  const viewer = await scene.viewer("?overlays=1");
  const plain = await scene.viewer();
  const sender = await scene.sender("P-3", { hello: { analysis_mode: "enhanced" } });
  sender.say({ type: "frame", frame: url(picture) }, { quiet: true });
  await viewer.next("live_frame");
  await viewer.next("overlay_data");
  await plain.next("live_frame");
  sender.bye();
  await sender.over();
  for (const line of [viewer, plain]) {
    await line.next("stream_ended");
    line.bye();
    await line.over();
  }
  await scene.tell({ "the sender": sender, "who asks for it": viewer, "who does not": plain });
}

/** A name that is taken, given up, or none. */
async function names(scene) {
  let first;
  let second;
  for (let tries = 0; tries < 3; tries += 1) {
    first = await scene.sender("P-4");
    second = await scene.dial(streamPath("P-4"));
    await until(() => first.ended || second.ended, "whose name it is", PATIENCE_MS);
    if (!first.ended) break;
    // Whoever does not answer for 2 s loses its name, and this process stood still.
    second.vanish();
    await scene.isOver("P-4");
  }
  await second.over();
  first.bye();
  await first.over();
  await scene.tell({ "who was first": first, "a second sender": second });

  const lost = await scene.dial(streamPath("P-5"), { answers: false });
  lost.say(HELLO);
  await lost.next("connected");
  const heir = await scene.sender("P-5");
  await lost.over();
  heir.bye();
  await heir.over();
  await scene.tell({ "one that answers no ping": lost, "who comes after it": heir });

  const none = {
    "a control character": "a\nb",
    "a long name": "x".repeat(129),
    star: "*",
    "a camera's name": "gate",
  };
  for (const [title, name] of Object.entries(none)) {
    const line = await scene.dial(streamPath(name));
    if (name === "gate") line.say(HELLO);
    await line.over();
    await scene.tell({ [title]: line });
  }
}

/** What ends a stream, or a viewer, for breaking the rules. */
async function breaches(scene) {
  const scenarios = {
    "ten messages that are no frames": (line) => {
      for (let i = 0; i < 10; i += 1) line.say({ type: "frame", frame: i });
    },
    "a message that is too long": (line) => line.say(`{"type":"frame","frame":"${"x".repeat(1_500_000)}"}`),
    "a message in pieces that is too long": (line) => {
      const piece = "x".repeat(800_000);
      line.raw(framed(TEXT, piece, { fin: false }), "800,000 bytes of a text");
      line.raw(framed(CONTINUATION, piece), "800,000 bytes more, the end");
    },
    "a text that is no UTF-8": (line) => line.raw(framed(TEXT, Buffer.from([0xff, 0xfe])), "a text of ff fe"),
    "a frame without a mask": (line) => line.raw(framed(TEXT, "{}", { masked: false }), "{} without a mask"),
  };
  for (const [title, breaks] of Object.entries(scenarios)) {
    const line = await scene.sender("P-6");
    breaks(line);
    await line.over();
    await scene.tell({ [title]: line });
    await scene.isOver("P-6");
  }
  const viewer = await scene.viewer();
  viewer.say("x".repeat(20_000));
  await viewer.over();
  const odd = await scene.viewer();
  odd.raw(framed(TEXT, Buffer.from([0xff])), "a text of ff");
  await odd.over();
  await scene.tell({ "a viewer that says too much": viewer, "a viewer whose text is no UTF-8": odd });
}

/** Ended by somebody who sits at the server. */
async function ended(scene) {
  const viewers = [await scene.viewer(), await scene.viewer("", { protocol: BINARY })];
  const sender = await scene.sender("P-7");
  await viewers[1].next('"starting"');
  sender.say({ type: "frame", frame: url(SMALL) });
  await viewers[0].next("live_frame");
  await viewers[1].next("bytes");
  await scene.get("DELETE /api/v1/streams/P-7");
  await sender.over();
  for (const viewer of viewers) await viewer.next("stream_ended");
  const all = async () => (await look(scene.server, "/api/v1/viewers")).viewers;
  await until(async () => (await all()).length === 2, "two viewers", PATIENCE_MS);
  for (const { id } of await all()) {
    const { head, body, socket } = await ask(scene.server, `DELETE /api/v1/viewers/${id}`).ended();
    socket.destroy();
    scene.section.write(`DELETE of a viewer: ${head} ${JSON.stringify(body.toString())}`);
  }
  for (const viewer of viewers) await viewer.over();
  scene.section.write("");
  await scene.tell({ "the sender": sender, "an old viewer": viewers[0], "a viewer": viewers[1] });
  await scene.get("DELETE /api/v1/streams/P-7");
  await scene.get("DELETE /api/v1/viewers/999999");
  await scene.get("DELETE /api/v1/viewers/x");
  const foreign = { headers: { Origin: "https://evil.example" } };
  await scene.get("DELETE /api/v1/streams/P-7", undefined, foreign);
  await scene.get("DELETE /api/v1/viewers/1", undefined, foreign);
  await scene.get("DELETE /api/v1/streams/P-7", undefined, { headers: { "X-Forwarded-For": "192.168.1.7" } });
}

/** Silence, on a server that waits for less than usual. */
async function silence(scene) {
  const mute = await scene.dial(streamPath("mute"));
  const viewer = await scene.viewer("", { protocol: BINARY });
  const idle = await scene.sender("idle");
  await viewer.next('"starting"');
  idle.say({ type: "frame", frame: url(SMALL) });
  await viewer.next("bytes");
  await idle.next("warning");
  await idle.over();
  await viewer.next("stream_ended");
  viewer.bye();
  await viewer.over();
  await mute.over();
  await scene.tell({
    "who never says what it is": mute,
    "who sends one frame and no more": idle,
    "who watches it": viewer,
  });
}

/** Viewers are asked whether they are there. */
async function pings(scene) {
  const dead = await scene.dial("/ws/view", { answers: false });
  const alive = await scene.viewer();
  await alive.next('"ping"');
  alive.bye();
  await alive.over();
  await dead.over();
  await scene.tell({ "who answers nothing": dead, "who answers": alive });
}

/** More than the server takes. */
async function crowds(scene) {
  const first = await scene.sender("one");
  const second = await scene.dial(streamPath("two"));
  await second.over();
  // It watches nothing: whether it would be told of the stream's end before the server's is nobody's promise.
  const viewer = await scene.viewer("?streams=other");
  const late = await scene.dial("/ws/view");
  await late.over();
  await scene.tell({ "a sender too many": second, "a viewer too many": late });
  const live = await scene.dial("/api/v1/live");
  await live.next('"full"');
  const stopping = scene.server.stop();
  for (const line of [first, viewer, live]) await line.over();
  await stopping;
  live.log = live.log.filter((line) => !/"type":"(full|patch)"/.test(line));
  await scene.tell({
    "a sender when the server stops": first,
    "a viewer when it stops": viewer,
    "who watches everything when it stops": live,
  });
}

/** Writes the book. */
export async function record(t, book) {
  const home = store(t);
  const files = { "cameras.toml": '[[camera]]\nid = "gate"\nfolder = "."\n' };
  const begin = (set) => {
    const all = { ...ALIKE, "detector.model": DETECTOR, "relay.max_frame_mb": 1, ...set };
    const args = [...flags(all), "--config", "cameras.toml"];
    return start(t, { args, files, env: { USE_DUMMY_MODEL: "1", SIGHTWIRE_HOME: home } });
  };
  const [plain, asking, hasty, pinging, full] = await Promise.all([
    begin(PATIENT),
    begin(PATIENT),
    // Far enough apart for a machine that stands still in between: each line is then recorded once, and in its order.
    begin({
      "relay.stalled_after_s": 4,
      "relay.warn_after_s": 6,
      "relay.end_after_s": 12,
      "relay.hidden_end_after_s": 12,
    }),
    begin({ "relay.ping_interval_s": 6 }),
    begin({ "relay.max_streams": 1, "relay.max_viewers": 1 }),
  ]);
  const scene = (title, server) => new Scene(t, server, book.section(title));
  const [one, two] = [
    [
      [handshakes, scene("handshakes", plain)],
      [hellos, scene("what a sender says first", plain)],
      [texts, scene("a stream in texts", plain)],
      [binaries, scene("a stream in bytes", plain)],
      [overlays, scene("what is in the pictures", plain)],
    ],
    [
      [names, scene("names", asking)],
      [breaches, scene("breaches", asking)],
      [ended, scene("ended by an administrator", asking)],
    ],
  ];
  const others = [
    [[silence, scene("silence", hasty)]],
    [[pings, scene("pings", pinging)]],
    [[crowds, scene("too many, and the end of the server", full)]],
  ];
  const inOrder = async (scenarios) => {
    for (const [run, where] of scenarios) await run(where);
  };
  await Promise.all([one, two, ...others].map(inOrder));
}
