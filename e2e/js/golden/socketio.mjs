// The sign recogniser's clients: packet by packet, over polling and over a WebSocket, in every dialect.

import { clip } from "../clips.mjs";
import { FRAME, PING, PONG, target } from "../engineio.mjs";
import { start, until } from "../harness.mjs";
import { png } from "../pictures.mjs";
import { CONTINUATION, TEXT, framed } from "../rawclient.mjs";
import { FLOAT, masked, rules, text } from "./mask.mjs";
import { ALIKE, flags, store } from "./store.mjs";
import { HANDSHAKE, Line, PATIENCE_MS, ask, exchange, look } from "./wire.mjs";

const POLLING = { EIO: 4, transport: "polling" };
const WEBSOCKET = { EIO: 4, transport: "websocket" };
const SEPARATOR = "\x1e";
const ID = text(/^[A-Za-z0-9_-]{16,}$/, "<id>");
/** Before the first result it is 0.0, and stays. */
const SCORE = { is: (raw) => FLOAT.is(raw) && raw !== "0.0", as: FLOAT.as };
const MASKS = rules({ sid: ID, score: SCORE, "scores age_ms": FLOAT });
/** Of the dummy model nothing has to be masked but the ids. */
const EXACT = { sid: ID };
const PICTURE = png(64, 48);
const BASE64 = PICTURE.toString("base64");

/** Packets of a polling session, one a line. */
const packetsShown = (masks) => (body) =>
  body
    .toString()
    .split(SEPARATOR)
    .filter((packet) => packet !== PING)
    .map((packet) => {
      const json = packet.match(/^(\d+)([{[].*)$/s);
      return json ? json[1] + masked(json[2], masks) : packet;
    })
    .join("\n");

class Scene {
  constructor(t, server, section, masks = EXACT) {
    this.t = t;
    this.server = server;
    this.section = section;
    this.masks = masks;
  }

  /** One request; sessions in it are replaced by the book. */
  ask(method, parameters, options = {}) {
    const as = packetsShown(this.masks);
    return exchange(this.section, this.server, `${method} ${target(parameters)}`, { as, ...options });
  }

  /** The next packets of a session that polls. */
  poll(parameters) {
    const again = async ({ body }) => {
      if (body.toString() !== PING) return false;
      (await ask(this.server, `POST ${target(parameters)}`, { body: PONG }).ended()).socket.destroy();
      return true;
    };
    return this.ask("GET", parameters, { again, varies: true });
  }

  /** A WebSocket whose pings are answered and left out: when they come is not said. */
  async dial(parameters = WEBSOCKET, { pinged = () => {} } = {}) {
    const leaves = (packet) => {
      if (packet !== PING) return false;
      line.say(PONG, { quiet: true });
      pinged();
      return true;
    };
    const line = new Line(this.server, target(parameters), { masks: this.masks, leaves });
    this.t.after(() => line.vanish());
    return line.opened();
  }

  /** A session that is in the namespace. */
  async enter(auth = "") {
    const line = await this.dial();
    await line.next('0{"sid"');
    line.say(`40${auth}`);
    await line.next('"status"');
    return line;
  }

  async tell(title, line) {
    if (line.ended) await line.over();
    this.section.write(`--- ${title}: ${line.target}`, line.log, "");
  }
}

/** The sid of an answer that opens a session. */
function sidOf(answer, book) {
  const { sid } = JSON.parse(answer.body.toString().slice(1));
  book.replace(sid, "<id>");
  return sid;
}

async function polling(scene, book) {
  const sid = sidOf(await scene.ask("GET", POLLING), book);
  const session = { ...POLLING, sid };
  await scene.ask("POST", session, { body: "40" });
  await scene.poll(session);
  const frame = { body: FRAME, shows: '42["frame",{"image":"<base64 of a PNG>"}]' };
  await scene.ask("POST", session, frame);
  await scene.poll(session);
  await scene.ask("POST", session, {
    body: [FRAME, FRAME].join(SEPARATOR),
    shows: "(two frames in one body)",
  });
  await scene.poll(session);
  await scene.ask("POST", session, {
    body: FRAME.replace("42", "427"),
    shows: "(a frame with the ack id 7)",
  });
  await scene.poll(session);
  await scene.ask("POST", session, { body: '42["frame",{"image":"?"}]' });
  await scene.ask("POST", session, { body: "1" });
  await scene.poll(session);
}

/** A session that goes over from polling to a WebSocket. */
async function upgrade(scene, book) {
  const sid = sidOf(await scene.ask("GET", POLLING), book);
  const session = { ...POLLING, sid };
  await scene.ask("POST", session, { body: "40" });
  await scene.poll(session);
  const line = await scene.dial({ ...WEBSOCKET, sid });
  line.say("2probe");
  await line.next("3probe");
  const waiting = await ask(scene.server, `GET ${target(session)}`).ended();
  waiting.socket.destroy();
  scene.section.write("the poll beside it", waiting.body.toString(), "");
  line.say("5").say(FRAME);
  await line.next('"prediction"');
  line.say("41");
  line.say("1");
  await line.over();
  await scene.tell("the WebSocket", line);
}

/** What a frame may look like, and what is none. */
async function frames(scene) {
  const line = await scene.enter();
  const told = async (what) => {
    line.say(what);
    await line.next('"prediction"');
  };
  await told(FRAME);
  await told(`42["frame",{"image":"data:image/png;base64,${BASE64}"}]`);
  await told(`42["frame",{"image":"${BASE64}","id":7,"time":1.5}]`);
  await told(`42["frame",{"image":"${BASE64}"},"more"]`);
  line.say('451-["frame",{"image":{"_placeholder":true,"num":0}}]').bytes(PICTURE, "(a PNG)");
  await line.next('"prediction"');
  line.say(`4212["frame",{"image":"${BASE64}"}]`);
  await line.next("4312");
  line.say('4213["frame",{"image":"not base64!"}]');
  await line.next("4313");
  line.say('42["frame",{"image":""}]').say('42["frame",7]').say('42["frame"]').say('42["other",{}]');
  line.say('4214["frame",{}]');
  await line.next("4314");
  line.raw(framed(TEXT, FRAME.slice(0, 50), { fin: false }), "(the beginning of a frame)");
  line.raw(framed(CONTINUATION, FRAME.slice(50)), "(its end)");
  await line.next('"prediction"');
  line.say("41");
  await line.over();
  await scene.tell("an old client", line);
}

/** Other namespaces, wrong packets, goodbyes. */
async function odd(scene) {
  const other = await scene.dial();
  await other.next('0{"sid"');
  other.say("40/other,");
  await other.next("44/other");
  other.bye();
  await other.over();
  await scene.tell("another namespace", other);
  for (const [title, packets] of [
    ["no packet", ["x"]],
    ["an event before the namespace", [FRAME]],
    ["a bad event", ["40", "42["]],
  ]) {
    const line = await scene.dial();
    await line.next('0{"sid"');
    for (const packet of packets) {
      line.say(packet);
      if (packet === "40") await line.next('"status"');
    }
    await line.over();
    await scene.tell(title, line);
  }
}

/** Pings as they are agreed on. */
async function pings(scene) {
  let count = 0;
  const line = await scene.dial(WEBSOCKET, { pinged: () => (count += 1) });
  line.say("40");
  await line.next('"status"');
  await until(() => count >= 2, "two pings", PATIENCE_MS);
  line.say("1");
  await line.over();
  scene.section.write(
    `--- a client that is pinged with ${PING} and answers ${PONG}: ${line.target}`,
    line.log,
    "",
  );
}

async function extras(scene) {
  const line = await scene.enter('{"extras":true}');
  await line.next('"model"');
  const pictures = await clip("left", { frames: 10 });
  const url = (picture) => picture.toString("base64");
  for (const [i, picture] of pictures.entries()) {
    line.say(`42["frame",{"image":"${url(picture)}","id":${i}}]`, { quiet: true });
    await line.next('"prediction"');
  }
  await line.next('"result"');
  line.say(`42["frame",{"image":"${url(pictures[9])}"}]`, { quiet: true });
  await until(
    () => line.log.filter((one) => one.includes('"prediction"')).length === 11,
    "11 answers",
    PATIENCE_MS,
  );
  line.bye();
  const kinds = ["0{", "40{", '["status"', '["model"', '["prediction"', '["result"'];
  const first = (kind) => line.log.find((one) => one.startsWith("< ") && one.includes(kind));
  const predictions = line.log.filter((one) => one.includes('["prediction"'));
  scene.section.write(`--- a client that asks for more: ${line.target}`, ...kinds.map(first), "");
  scene.section.write(
    "--- the answer to the last of eleven frames",
    predictions[10].replace(/"seen":\d+/, '"seen":<int>'),
    "",
  );
  const old = await scene.enter();
  old.say(FRAME);
  await old.next('"prediction"');
  old.say("41");
  await old.over();
  await scene.tell("an old client, before there is a result", old);
  const get = (path, masks = {}) => exchange(scene.section, scene.server, `GET ${path}`, { masks });
  for (const path of ["/healthz", "/labels", "/readyz", "/api/v1/runtime"]) await get(path);
  const { engine, recognizer } = await look(scene.server, "/api/v1/status");
  const known = { ...engine, cpu: Object.keys(engine.cpu), warnings: [], jpeg: typeof engine.jpeg };
  scene.section.write(
    masked(JSON.stringify({ engine: known }), { runtime_version: VERSION }),
    `recognizer: ${Object.keys(recognizer)}`,
    "",
  );
  for (const name of ["nobody", "ppocr-v4", "wlasl20"]) {
    await exchange(scene.section, scene.server, `POST /api/v1/models/${name}/activate`);
  }
}

const VERSION = text(/^\d+\.\d+\.\d+$/, "<version>");

async function refusals(scene) {
  const all = [
    ["GET", { EIO: 4, transport: "carrier" }],
    ["GET", { EIO: 3, transport: "polling" }],
    ["GET", { transport: "polling" }],
    ["GET", { EIO: 4 }],
    ["GET", { ...POLLING, sid: "nobody" }],
    ["POST", { ...POLLING, sid: "nobody" }, { body: "40" }],
    ["POST", POLLING, { body: "40" }],
    ["GET", WEBSOCKET],
    ["PUT", POLLING],
    ["OPTIONS", POLLING],
  ];
  for (const [method, parameters, options] of all) await scene.ask(method, parameters, options);
  const handshakes = [
    [WEBSOCKET, { "Sec-WebSocket-Version": "12" }],
    [WEBSOCKET, { "Sec-WebSocket-Key": "YWJj" }],
    [{ ...WEBSOCKET, sid: "nobody" }, {}],
    [{ EIO: 3, transport: "websocket" }, {}],
    [WEBSOCKET, {}],
    [WEBSOCKET, { Origin: "https://evil.example" }],
  ];
  for (const [parameters, headers] of handshakes) {
    await scene.ask("GET", parameters, { headers: { ...HANDSHAKE, ...headers } });
  }
  await scene.ask("GET", POLLING, { host: "evil.example" });
  await scene.ask("GET", POLLING, { headers: { Origin: "https://evil.example" } });
}

/** No place for a second client; and after it the session is unknown. */
async function full(scene, book) {
  const first = await scene.enter();
  const second = await scene.dial();
  await second.next('0{"sid"');
  second.say("40");
  await second.over();
  await scene.tell("one too many", second);
  const sid = sidOf(await scene.ask("GET", POLLING), book);
  await scene.ask("POST", { ...POLLING, sid }, { body: "40" });
  await scene.poll({ ...POLLING, sid });
  first.vanish();
}

async function without(scene) {
  await until(
    async () => (await look(scene.server, "/api/v1/status")).recognizer.state === "failed",
    "failed",
    PATIENCE_MS,
  );
  const line = await scene.dial();
  await line.next('0{"sid"');
  line.say("40");
  await line.over();
  await scene.tell("a client without a model behind it", line);
}

/** Writes the book. */
export async function record(t, book) {
  // Pictures of what was sent are not the server's words.
  book.replace(BASE64, "<base64 of a PNG>");
  const home = store(t);
  const begin = (set, env) =>
    start(t, {
      args: flags({ ...ALIKE, "detector.model": "motion", ...set }),
      env: { SIGHTWIRE_HOME: home, ...env },
    });
  const dummy = { USE_DUMMY_MODEL: "1" };
  const [plain, pinging, small, real, bare] = await Promise.all([
    begin({}, dummy),
    begin({ "socketio.ping_interval_s": 0.6, "socketio.ping_timeout_s": 20 }, dummy),
    begin({}, { ...dummy, MAX_CLIENTS: "1" }),
    begin({}, {}),
    begin({}, { SIGHTWIRE_HOME: store(t, { runtime: false }) }),
  ]);
  const scene = (title, server, masks) => new Scene(t, server, book.section(title), masks);
  const all = [
    [[polling, scene("a session that polls", plain)]],
    [[upgrade, scene("from polling to a WebSocket", plain)]],
    [[frames, scene("frames", plain)]],
    [[odd, scene("odd packets", plain)]],
    [[refusals, scene("refusals", plain)]],
    [[pings, scene("pings", pinging)]],
    [[full, scene("at capacity", small)]],
    [[without, scene("without a model", bare)]],
  ];
  const more = scene("more than the old contract", real, MASKS);
  const run = async (scenarios) => {
    for (const [act, where] of scenarios) await act(where, book);
  };
  const ready = async () => (await look(real, "/api/v1/status")).recognizer.state === "ready";
  await Promise.all([...all.map(run), until(ready, "a model", PATIENCE_MS).then(() => extras(more))]);
}
