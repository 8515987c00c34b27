// The relay's application behind one address, as docs/migrating.md says: nginx sends the old backend's own paths to it,
// and everything else here. The configuration is the page's own; the old backend is a stand-in that says what it saw.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { WebSocketServer } from "ws";

import { connect as recognise, TRANSPORTS } from "./client.mjs";
import { clip } from "./clips.mjs";
import { portOf, start, until } from "./harness.mjs";
import { blocksIn, startNginx } from "./nginx.mjs";
import {
  LIVE_ALREADY,
  Client,
  connect,
  often,
  refusal,
  relaying,
  streamPath,
  streamer,
  unpackUrl,
  url,
  viewer,
  viewerOf,
} from "./relay.mjs";
import { watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */

/** The name in the page's block, and where the application's pages come from. */
const PUBLIC = "haven.example.com";
const APPLICATION = "https://app.example.com";
const LIMIT = { timeout: 20_000 };
/** Less than after what the server gives up whoever is silent, and what waits in vain here. */
const NOTICED_MS = 10_000;
const TOGETHER = { ...LIMIT, concurrency: true };

/** What the application asks for that is in the old backend's database. */
const OLD = [
  "/patients",
  "/patients/",
  "/patients?limit=10&offset=20",
  "/patients/P-1",
  "/patients/P%2F1%20M%C3%BCller",
  "/patients/search",
  "/patients/search?q=x",
  "/patients/search?q=M%C3%BCller+%26%20%2F",
  "/stats",
  "/stats?days=7",
  "/alerts",
  "/alerts/7/read",
  "/rooms",
  "/rooms/2/patients",
  "/monitoring/conditions",
  "/monitoring/P-1/config?mode=enhanced",
  "/cv-data/P-1",
  "/cv-data/P-1/latest?n=1",
  "/api/intake/start",
  "/api/intake/P-1/answers/3",
  "/ai/sessions",
  "/ai/sessions/1/messages?after=2",
];

/** What is Sightwire's, or nobody's: it looks like one of those, or stands beside them. */
const OURS = [
  "/",
  "/healthz",
  "/livez",
  "/labels",
  "/metrics",
  "/streams/active",
  "/streams/patients",
  "/stream",
  "/api/v1/status",
  "/api/v1/streams",
  "/api",
  "/api/intakes",
  "/ai",
  "/ai/session",
  "/ai/sessions-old",
  "/patients-old",
  "/patientsearch",
  "/PATIENTS",
  "/old/patients",
  "/statistics",
  "/stats.json",
  "/alerting",
  "/roomservice",
  "/monitoringx/1",
  "/cv-database",
  "/?next=/patients",
];

/** One request and its whole answer; `body` is sent at once. Unlike fetch, it may name another host. */
function ask(base, path, { method = "GET", headers = {}, body = undefined } = {}) {
  return new Promise((done, fail) => {
    const asked = request(base + path, { method, headers, agent: false, timeout: 10_000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (more) => (text += more));
      answer.on("error", fail).on("end", () => {
        const json = answer.headers["content-type"]?.includes("json") ? JSON.parse(text) : undefined;
        done({ status: answer.statusCode, headers: answer.headers, text, json });
      });
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer to ${method} ${path}`)));
    asked.on("error", fail);
    asked.end(body);
  });
}

/** What is asked for here gets an answer of so many bytes, as fast as it is taken. */
const ENDLESS = "/ai/sessions/1/answer";
const ENDLESS_BYTES = 256 << 20;

/** Answers every request with what it was; ends with the test. */
async function oldBackend(t, port = 0) {
  const backend = { paths: [], arrived: new Map(), poured: 0 };
  const piece = Buffer.alloc(1 << 20, "x");
  const pour = (answer) => {
    if (backend.poured === ENDLESS_BYTES) return answer.end();
    answer.write(piece, (error) => {
      if (error) return;
      backend.poured += piece.length;
      pour(answer);
    });
  };
  const server = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    backend.paths.push(path);
    let body = "";
    asked.on("data", (bytes) => {
      backend.arrived.set(path, (backend.arrived.get(path) ?? 0) + bytes.length);
      if (body.length < 1000) body += bytes.toString().slice(0, 1000);
    });
    asked.on("end", () => {
      if (path === ENDLESS) return void pour(answer);
      const bytes = backend.arrived.get(path) ?? 0;
      answer.setHeader("Content-Type", "application/json");
      answer.setHeader("Access-Control-Allow-Origin", APPLICATION);
      answer.end(JSON.stringify({ backend: "old", method, path, headers, body, bytes }));
    });
  });
  const sockets = new WebSocketServer({ server, maxPayload: 1000 });
  sockets.on("connection", (socket, { url: path }) => socket.send(JSON.stringify({ type: "old", path })));
  backend.address = `127.0.0.1:${await portOf(server, "127.0.0.1", port)}`;
  backend.stop = () => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  t.after(backend.stop);
  return backend;
}

/** The page's configuration, with addresses of this machine. */
function site({ listen, sightwire, backend }) {
  const blocks = blocksIn("migrating.md", "nginx").filter((lines) =>
    lines.some((line) => line.includes(PUBLIC)),
  );
  assert.equal(blocks.length, 1, "one block of docs/migrating.md is the application's proxy");
  const changes = [
    ["listen 80;", `listen 127.0.0.1:${listen};`],
    ["server 127.0.0.1:8000;", `server ${sightwire};`],
    ["server 127.0.0.1:8001;", `server ${backend};`],
  ];
  return changes.reduce((text, [from, to]) => {
    const parts = text.split(from);
    assert.equal(parts.length, 2, `the block has "${from}" once`);
    return parts.join(to);
  }, blocks[0].join("\n"));
}

const proxy = (t, sightwire, backend) => startNginx(t, (listen) => site({ listen, sightwire, backend }));

const ends = [];
const owner = { after: (end) => ends.push(end) };
let /** @type {Server} */ server, backend, nginx;
before(async () => {
  const settings = relaying({ "server.hosts": PUBLIC, "access.mode": "open", "relay.max_fps": 1000 });
  settings.env.CORS_ORIGINS = APPLICATION;
  [server, backend] = await Promise.all([start(owner, settings), oldBackend(owner)]);
  nginx = await proxy(owner, `127.0.0.1:${server.port}`, backend.address);
});
after(async () => {
  for (const end of ends.reverse()) await end();
});

describe("the_old_backend", TOGETHER, () => {
  for (const path of OLD) {
    test(`is_asked_for ${path}`, async () => {
      const { status, json } = await ask(nginx.url, path);
      assert.equal(status, 200);
      assert.deepEqual([json.backend, json.method, json.path], ["old", "GET", path]);
      assert.equal((await ask(server.url, path)).status, 404, "nothing of Sightwire's is hidden by it");
    });
  }

  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    test(`gets_${method}_with_its_body`, async () => {
      const body = JSON.stringify({ name: "Müller", method });
      const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
      const { json } = await ask(nginx.url, `/patients/${method}`, { method, headers, body });
      assert.deepEqual([json.method, json.body], [method, body]);
      assert.equal(json.headers["content-type"], "application/json");
    });
  }

  test("gets_the_hosts_name_and_who_asks", async () => {
    const asking = {
      Host: PUBLIC,
      Authorization: "Bearer x",
      "X-Forwarded-For": "192.0.2.7",
      "X-Forwarded-Prefix": "/elsewhere",
      "X-Ingress-Path": "/elsewhere",
    };
    const { headers } = (await ask(nginx.url, "/stats", { headers: asking })).json;
    assert.equal(headers.host, PUBLIC);
    assert.equal(headers["x-forwarded-for"], "192.0.2.7, 127.0.0.1");
    assert.equal(headers["x-forwarded-proto"], "http");
    assert.equal(headers["x-forwarded-prefix"], undefined);
    assert.equal(headers["x-ingress-path"], undefined);
    assert.equal(headers.authorization, "Bearer x");
  });

  test("answers_preflights_for_its_paths_itself", async () => {
    const headers = { Origin: APPLICATION, "Access-Control-Request-Method": "PUT" };
    const answer = await ask(nginx.url, "/rooms/preflight", { method: "OPTIONS", headers });
    assert.deepEqual([answer.json.method, answer.json.path], ["OPTIONS", "/rooms/preflight"]);
    assert.equal(answer.headers["access-control-allow-origin"], APPLICATION);
  });

  test("gets_uploads_of_any_size_as_they_come", async () => {
    const path = "/api/intake/upload";
    const whole = 12 << 20;
    const answered = new Promise((done, fail) => {
      const upload = request(nginx.url + path, { method: "POST", agent: false, timeout: 10_000 }, done);
      upload.on("error", fail).on("timeout", () => upload.destroy(new Error("no answer")));
      upload.write(Buffer.alloc(1000, "x"));
      // The rest is sent when the beginning is there.
      until(() => backend.arrived.get(path) === 1000, "the beginning", NOTICED_MS).then(() => {
        upload.end(Buffer.alloc(whole - 1000, "x"));
      }, fail);
    });
    const answer = await answered;
    answer.resume();
    assert.equal(answer.statusCode, 200);
    assert.equal(backend.arrived.get(path), whole);
  });

  test("is_not_read_ahead_of_a_client_that_does_not_read", async (t) => {
    const asked = request(nginx.url + ENDLESS, { agent: false });
    t.after(() => asked.destroy());
    asked.on("error", () => {}).on("response", (answer) => answer.pause());
    asked.end();
    let [last, since] = [0, performance.now()];
    const isStill = () => {
      if (backend.poured !== last) [last, since] = [backend.poured, performance.now()];
      return last > 0 && performance.now() - since > 500;
    };
    await until(isStill, "nothing more is taken", NOTICED_MS);
    assert.ok(last < ENDLESS_BYTES / 2, `${last} bytes wait somewhere`);
  });

  test("may_have_websockets_of_its_own", async (t) => {
    const socket = await connect(t, nginx, "/monitoring/live?room=2");
    assert.equal((await socket.next(() => true)).path, "/monitoring/live?room=2");
  });
});

describe("sightwire", TOGETHER, () => {
  for (const path of OURS) {
    test(`is_asked_for ${path}`, async () => {
      const seen = (answer) => [answer.status, answer.headers["content-type"]];
      const [through, direct] = await Promise.all([ask(nginx.url, path), ask(server.url, path)]);
      assert.deepEqual(seen(through), seen(direct));
      assert.ok(through.status === 200 || through.json.detail, through.text);
      assert.ok(!backend.paths.includes(path));
    });
  }

  test("answers_for_the_public_name_and_no_other", async () => {
    const status = async (path, host) => (await ask(nginx.url, path, { headers: { Host: host } })).status;
    assert.equal(await status("/streams/active", PUBLIC), 200);
    assert.equal(await status("/streams/active", "other.example.com"), 421);
    assert.equal(await status("/patients", "other.example.com"), 200, "the old backend does not mind");
  });

  test("lets_pages_of_the_base_url_and_of_listed_origins_watch_and_no_others", async (t) => {
    const page = (origin) => ({ origin, headers: { Host: PUBLIC } });
    for (const origin of [`http://${PUBLIC}`, `https://${PUBLIC}`, APPLICATION]) {
      await viewer(t, nginx, "", page(origin));
      await streamer(t, nginx, `of ${origin}`, page(origin));
      const { status } = await ask(nginx.url, "/streams/active", { headers: { ...page().headers, origin } });
      assert.equal(status, 200, origin);
    }
    for (const path of ["/ws/view", streamPath("of others")]) {
      assert.equal(await refusal(t, nginx, path, page("https://other.example.com")), 403);
    }
  });

  test("knows_that_nobody_behind_the_proxy_sits_at_its_machine", async (t) => {
    await streamer(t, nginx, "to be ended");
    const path = "/api/v1/streams/to%20be%20ended";
    assert.equal((await ask(nginx.url, path, { method: "DELETE" })).status, 403);
    assert.equal((await ask(server.url, path, { method: "DELETE" })).status, 204);
  });
});

describe("streams", TOGETHER, () => {
  for (const name of ["P-1", "Ward 3, bed 1", "Müller/2"]) {
    test(`are_sent_and_watched: ${name}`, async (t) => {
      const [all, one] = [await viewer(t, nginx), await viewerOf(t, nginx, name)];
      const sender = await streamer(t, nginx, name, { hello: { monitoring_conditions: ["fall"] } });
      /** @type {import("./types.ts").ActiveStreams} */
      const active = (await ask(nginx.url, "/streams/active")).json;
      assert.ok(active.active_streams.includes(name));
      assert.deepEqual(active.stream_details[name], { analysis_mode: "enhanced" });
      for (let number = 1; number <= 30; number += 1) {
        // The last is longer than any buffer on its way.
        const frame = url(name.replaceAll(" ", "_"), number, number === 30 ? 3_000_000 : 20_000);
        sender.frame(frame);
        assert.ok((await all.nextFrame(name)) === frame, `${number}`);
        assert.ok((await one.nextFrame(name)) === frame, `${number}`);
      }
      sender.close();
      for (const watching of [all, one]) {
        await until(() => watching.all("stream_ended", name).length === 1, "the end");
      }
    });
  }

  test("have_one_sender_and_the_second_is_told", async (t) => {
    await streamer(t, nginx, "taken");
    const second = await connect(t, nginx, streamPath("taken"));
    assert.equal((await second.over()).code, 4090);
    assert.equal(second.all("error")[0].message, LIVE_ALREADY);
  });

  test("end_when_their_sender_is_gone_without_a_word", async (t) => {
    const watching = await viewerOf(t, nginx, "gone");
    const sender = await streamer(t, nginx, "gone");
    sender.frame(url("gone", 1));
    await watching.nextFrame();
    sender.vanish();
    await until(() => watching.all("stream_ended", "gone").length === 1, "the end", NOTICED_MS);
  });

  test("are_let_go_by_a_viewer_that_is_gone_without_a_word", async (t) => {
    const viewers = async () =>
      (await server.get("/api/v1/viewers")).json.viewers.filter(({ streams }) => streams.includes("left"));
    const sender = await streamer(t, nginx, "left");
    often(t, 20, (number) => sender.frame(url("left", number)));
    const [stays, leaves] = [await viewerOf(t, nginx, "left"), await viewerOf(t, nginx, "left")];
    await until(async () => (await viewers()).length === 2, "both");
    leaves.vanish();
    await until(async () => (await viewers()).length === 1, "one", NOTICED_MS);
    stays.skip();
    await stays.nextFrame();
  });

  test("are_mjpeg_whose_pictures_come_one_by_one", async (t) => {
    const pictures = await clip("left");
    const sender = await streamer(t, nginx, "mjpeg");
    const send = (jpeg) => sender.frame(`data:image/jpeg;base64,${jpeg.toString("base64")}`);
    send(pictures[0]);
    const watching = await watch(t, nginx, "/stream?camera=mjpeg");
    for (const jpeg of pictures.slice(1, 11)) {
      // The next one is not sent before this one is there: whatever collects pictures waits for ever.
      send(jpeg);
      await watching.next(1, (shown) => shown.equals(jpeg));
    }
    watching.reset();
    const viewers = async () => (await server.get("/api/v1/viewers")).json.viewers;
    const isWatched = async () => (await viewers()).some(({ streams }) => streams.includes("mjpeg"));
    await until(async () => !(await isWatched()), "the viewer has left", NOTICED_MS);
  });
});

describe("socket_io", () => {
  const clients = async () => (await server.recognizer()).clients;

  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    test(`gets_a_reply_for_every_frame: ${name}`, LIMIT, async (t) => {
      const frames = await clip("left");
      const client = await recognise(t, nginx, { transports });
      await client.play(frames);
      await client.answered();
      await until(() => client.socket.io.engine.transport.name === transports.at(-1), "the transport");
      assert.deepEqual(client.statuses, [{ message: "ready" }]);
      assert.deepEqual([client.errors, client.disconnects], [[], []]);
      assert.equal(await clients(), 1);
      client.close();
      await until(async () => (await clients()) === 0, "it has left", NOTICED_MS);
    });
  }

  test("a_client_that_is_gone_without_a_word_is_noticed", LIMIT, async (t) => {
    const client = await recognise(t, nginx);
    assert.equal(await clients(), 1);
    client.tcp.destroy();
    await until(async () => (await clients()) === 0, "it has left", NOTICED_MS);
  });
});

describe("what_is_down", TOGETHER, () => {
  test("of_the_old_backend_is_502_on_its_paths_and_streams_go_on", async (t) => {
    const first = await oldBackend(t);
    const own = await proxy(t, `127.0.0.1:${server.port}`, first.address);
    const [watching, sender] = [await viewerOf(t, own, "on"), await streamer(t, own, "on")];
    await first.stop();
    for (const path of OLD) {
      const { status, headers } = await ask(own.url, path, { headers: { Origin: APPLICATION } });
      assert.equal(status, 502, path);
      assert.equal(headers["content-type"], "text/html");
      assert.equal(headers["access-control-allow-origin"], undefined);
    }
    assert.equal((await ask(own.url, "/streams/active")).status, 200);
    for (let number = 1; number <= 5; number += 1) {
      sender.frame(url("on", number));
      assert.equal(unpackUrl(await watching.nextFrame()).number, number);
    }
    await oldBackend(t, Number(first.address.split(":")[1]));
    assert.equal((await ask(own.url, "/patients")).json.backend, "old", "and it is asked again");
  });

  test("of_sightwire_is_502_on_all_other_paths", async (t) => {
    const nobody = await oldBackend(t);
    await nobody.stop();
    const own = await proxy(t, nobody.address, backend.address);
    assert.equal((await ask(own.url, "/streams/active")).status, 502);
    assert.equal((await ask(own.url, "/patients")).json.backend, "old");
    const watching = new Client(`${own.url.replace("http", "ws")}/ws/view`);
    await until(() => watching.refused, "an answer");
    assert.equal(watching.refused, 502);
  });
});

describe("the_pages", () => {
  const page = (name) => readFileSync(join(import.meta.dirname, "../../docs", name), "utf8");

  test("say_the_same_of_proxies", () => {
    const [own] = blocksIn("migrating.md", "nginx").filter((lines) => lines.join().includes(PUBLIC));
    const other = blocksIn("troubleshooting.md", "").find((lines) => lines.join().includes("proxy_pass"));
    const rules = (lines) => lines.map((line) => line.trim()).filter((line) => /^(proxy|client)_/.test(line));
    const missing = rules(other).filter(
      (rule) => !rule.startsWith("proxy_pass") && !rules(own).includes(rule),
    );
    assert.ok(rules(other).length >= 6);
    assert.deepEqual(missing, []);
  });

  test("name_the_paths_that_are_tried_here", () => {
    const row = page("migrating.md").match(/^\| (.*) \| the old backend \|$/m)[1];
    const named = Array.from(row.matchAll(/`([^`]+)`/g), ([, path]) => path);
    assert.ok(named.length >= 8);
    const isBelow = (path, base) =>
      path === base || path.startsWith(`${base}/`) || path.startsWith(`${base}?`);
    for (const path of named)
      assert.ok(
        OLD.some((tried) => isBelow(tried, path)),
        `${path} is not tried`,
      );
    for (const tried of OLD)
      assert.ok(
        named.some((path) => isBelow(tried, path)),
        `${tried} is not named`,
      );
  });
});
