// Which names the server answers for, whatever is asked of it and however; and requests that are no HTTP.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { hostname } from "node:os";

import { command, sleep, start, until } from "./harness.mjs";
import { camera, serving } from "./simulator.mjs";

/** @import { Server } from "./harness.mjs" */
/** @typedef {import("./types.ts").Error} Refusal */

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const EVIL = "evil.example";
const CRLF = "\r\n";

/**
 * One answer, byte for byte: its status, headers, and the body if its length is said.
 * @returns {Promise<{ text: string, status?: number, headers?: Map<string, string>, json?: Refusal, ended?: () => boolean }>}
 */
async function ask(port, text) {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  try {
    let bytes = Buffer.alloc(0);
    let ended = false;
    socket.on("data", (more) => (bytes = Buffer.concat([bytes, more])));
    socket.on("error", () => {});
    socket.on("close", () => (ended = true));
    socket.write(text);
    const headEnd = () => bytes.indexOf("\r\n\r\n");
    await until(() => headEnd() >= 0 || ended, `an answer to ${JSON.stringify(text)}`);
    if (headEnd() < 0) return { text: bytes.toString() };
    const [line, ...fields] = bytes.subarray(0, headEnd()).toString("latin1").split(CRLF);
    const headers = new Map(
      fields.map((field) => field.split(/: ?(.*)/s)).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const start = headEnd() + 4;
    const length = Number(headers.get("content-length") ?? 0);
    await until(() => bytes.length >= start + length || ended, "the body");
    const body = bytes.subarray(start, start + length).toString();
    const json = headers.get("content-type")?.includes("json") ? JSON.parse(body) : undefined;
    return { status: Number(line.split(" ")[1]), headers, text: body, json, ended: () => ended };
  } finally {
    socket.destroy();
  }
}

/** The text of a request; `headers` are [name, value]. */
function request(target, headers, { method = "GET", version = "1.1", end = CRLF } = {}) {
  const lines = [
    `${method} ${target} HTTP/${version}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    "",
    "",
  ];
  return lines.join(end);
}

const HANDSHAKE = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", KEY],
];

/** What can be asked for, and the answer to those who may. */
const REQUESTS = {
  "a page": ["/", 200],
  "a route of the page": ["/cameras", 200, { headers: [["Accept", "text/html"]] }],
  health: ["/livez", 200],
  metrics: ["/metrics", 200],
  status: ["/api/v1/status", 200],
  "the list of streams": ["/api/v1/streams", 200],
  "the list of batches": ["/api/v1/jobs", 200],
  MJPEG: ["/stream", 200],
  "a snapshot": ["/api/v1/streams/door/snapshot.jpg", 200],
  "no such path": ["/api/v1/nothing", 404],
  "a stream ended": ["/api/v1/streams/nobody", 404, { method: "DELETE" }],
  "a picture to be read": ["/api/v1/read", 422, { method: "POST", headers: [["Content-Length", "0"]] }],
  "a preflight": [
    "/api/v1/streams",
    200,
    {
      method: "OPTIONS",
      headers: [
        ["Origin", "http://localhost:3000"],
        ["Access-Control-Request-Method", "GET"],
      ],
    },
  ],
  "a viewer": ["/ws/view", 101, { headers: HANDSHAKE }],
  "a sender": ["/ws/stream/x", 101, { headers: HANDSHAKE }],
  "live state": ["/api/v1/live", 101, { headers: HANDSHAKE }],
  "Socket.IO by polling": ["/socket.io/?EIO=4&transport=polling", 200],
  "Socket.IO by websocket": ["/socket.io/?EIO=4&transport=websocket", 101, { headers: HANDSHAKE }],
};

const ends = [];
const owner = { after: (end) => ends.push(end) };
/** Without `server.hosts`, and with two names in it. */
let /** @type {Server} */ plain;
let /** @type {Server} */ named;
before(async () => {
  const { url } = await camera(owner);
  const settings = serving({
    cameras: [{ id: "door", url, default: true }],
    // A rule of its own, which asks for the host as well.
    set: { "server.managing": "anyone", "access.mode": "open" },
    env: { USE_DUMMY_MODEL: "1" },
  });
  const hosts = ["--set", "server.hosts=vision.example.org, *.cams.example"];
  [plain, named] = await Promise.all([
    start(owner, settings),
    start(owner, { ...settings, args: [...(settings.args ?? []), ...hosts] }),
  ]);
});
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** One of REQUESTS for that host. */
function send(server, what, host) {
  const [target, , { headers = [], ...options } = {}] = REQUESTS[what];
  return ask(server.port, request(target, [["Host", host], ...headers], options));
}

function isRefused(/** @type {Awaited<ReturnType<typeof ask>>} */ { status, json, headers }, name, what) {
  assert.equal(status, 421, what);
  assert.equal(
    json.detail,
    `This server does not answer for "${name}". If it should, set SIGHTWIRE_SERVER_HOSTS=${name}, or hosts = ["${name}"] below [server] in sightwire.toml.`,
  );
  for (const header of headers.keys()) assert.doesNotMatch(header, /^access-control-/, what);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
}

for (const [what, [, expected]] of Object.entries(REQUESTS)) {
  test(`${what.replaceAll(/[ .]/g, "_")}_is_for_this_server_or_refused`, async () => {
    const own = ["127.0.0.1", `127.0.0.1:${plain.port}`, "localhost", "[::1]:8000", `${hostname()}:8000`];
    for (const host of own) {
      assert.equal((await send(plain, what, host)).status, expected, host);
    }
    isRefused(await send(plain, what, EVIL), EVIL, what);
    isRefused(await send(plain, what, `${EVIL}:${plain.port}`), EVIL, what);
    for (const host of ["vision.example.org", "VISION.example.org.:8443", "a.b.cams.example"]) {
      isRefused(await send(plain, what, host), host.replace(/\.?(:\d+)?$/, ""), what);
      assert.equal((await send(named, what, host)).status, expected, host);
    }
    isRefused(await send(named, what, "cams.example"), "cams.example", what);
  });
}

describe("the_host", { concurrency: true }, () => {
  const status = async (...args) => (await ask(plain.port, request(...args))).status;

  test("is_not_needed_in_http_1_0", async () => {
    assert.equal(await status("/livez", [], { version: "1.0" }), 200);
    assert.equal(await status("/livez", [["Host", "localhost"]], { version: "1.0" }), 200);
    assert.equal(await status("/livez", [["Host", EVIL]], { version: "1.0" }), 421);
  });

  test("is_there_once_in_http_1_1", async () => {
    for (const headers of [
      [],
      [
        ["Host", "localhost"],
        ["Host", "localhost"],
      ],
      [
        ["Host", "localhost"],
        ["host", EVIL],
      ],
    ]) {
      for (const path of ["/livez", "/socket.io/?EIO=4&transport=polling", "/ws/view"]) {
        const { status, json } = await ask(plain.port, request(path, headers));
        assert.equal(status, 400, path);
        assert.match(json.detail, /Host/);
      }
    }
  });

  test("of_the_target_counts_as_well_as_the_header", async () => {
    const local = [["Host", "localhost"]];
    assert.equal(await status("http://localhost/livez", local), 200);
    assert.equal(await status(`http://127.0.0.1:${plain.port}/livez`, local), 200);
    assert.equal(await status(`http://${EVIL}/livez`, local), 421);
    assert.equal(await status("http://localhost/livez", [["Host", EVIL]]), 421);
    assert.equal(await status(`http://${EVIL}/livez`, [], { version: "1.0" }), 421);
  });

  test("that_is_no_name_gets_400_and_is_not_repeated", async () => {
    for (const host of ['"><script>', 'x"]\\n', "a b", "a,b", "b\u00fccher.example", "a".repeat(254), ""]) {
      const { status, text } = await ask(plain.port, request("/livez", [["Host", host]]));
      assert.equal(status, 400, host);
      assert.match(text, /^\{"detail":"The Host of this request is invalid\."\}$/);
    }
  });

  test("is_not_taken_from_a_header_that_anyone_may_add", async () => {
    const forwarded = [
      ["X-Forwarded-Host", "localhost"],
      ["Forwarded", "host=localhost"],
    ];
    assert.equal(await status("/livez", [["Host", EVIL], ...forwarded]), 421);
    const evil = [
      ["Host", "localhost"],
      ["X-Forwarded-Host", EVIL],
    ];
    assert.equal(await status("/livez", evil), 200);
  });
});

test("refusals_are_counted_and_each_name_is_logged_once", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const count = async () =>
    Number((await server.get("/metrics")).text.match(/^sightwire_http_hosts_refused_total (\d+)$/m)[1]);
  assert.equal(await count(), 0);
  const names = [EVIL, EVIL, "EVIL.example", ...Array.from({ length: 100 }, (_, n) => `${n}.example`)];
  for (const host of names) {
    assert.equal((await ask(server.port, request("/livez", [["Host", host]]))).status, 421);
  }
  assert.equal(await count(), names.length);
  const refusals = () => Array.from(server.logs().matchAll(/refused a request for the host .*/g), String);
  await until(() => refusals().length >= 32, "the lines");
  await sleep(200);
  const lines = refusals();
  assert.equal(lines.filter((line) => line.includes(`"${EVIL}"`)).length, 1);
  assert.match(lines[0], /server\.hosts/);
  assert.equal(lines.length, 32, "whoever asks for made-up names does not fill the log");
});

test("a_star_allows_all_names_and_is_warned_of", async (t) => {
  const settings = { env: { USE_DUMMY_MODEL: "1", SIGHTWIRE_SERVER_HOSTS: "*" } };
  const server = await start(t, settings);
  assert.equal((await ask(server.port, request("/livez", [["Host", EVIL]]))).status, 200);
  assert.match(server.logs(), /WARN.*server\.hosts has "\*"/);
  const { code, stdout, stderr } = await command(["check"], settings);
  assert.equal(code, 0);
  assert.match(stdout, /server\.hosts += \["\*"\] {2}\(environment SIGHTWIRE_SERVER_HOSTS\)/);
  assert.match(stderr, /warning: server\.hosts has "\*"/);
});

test("an_entry_that_is_no_name_is_a_mistake_that_says_what_to_write", async () => {
  const files = { "sightwire.toml": '[server]\nhosts = ["https://vision.example.org:8443/page"]\n' };
  const { code, stderr } = await command(["check"], { files, env: { USE_DUMMY_MODEL: "1" } });
  assert.equal(code, 2);
  assert.match(stderr, /sightwire\.toml, line 2: `server\.hosts`.*write "vision\.example\.org"/);
});

describe("what_is_no_http", { concurrency: true }, () => {
  test("lines_that_end_with_a_bare_lf_are_400", async () => {
    const host = [["Host", "localhost"]];
    for (const text of [
      request("/livez", host, { end: "\n" }),
      `GET /livez HTTP/1.1\nHost: localhost${CRLF}${CRLF}`,
      `GET /livez HTTP/1.1${CRLF}Host: localhost\n${CRLF}`,
      `GET /livez HTTP/1.1${CRLF}Host: localhost${CRLF}\n`,
      `GET /livez HTTP/1.1${CRLF}Host: localhost${CRLF}X: y\nZ: z${CRLF}${CRLF}`,
      `\nGET /livez HTTP/1.1${CRLF}Host: localhost${CRLF}${CRLF}`,
      request("/livez", [], { version: "1.0", end: "\n" }),
    ]) {
      assert.equal((await ask(plain.port, text)).status, 400, JSON.stringify(text));
    }
  });

  test("a_later_request_of_a_connection_is_held_to_it_too", async () => {
    const good = request("/livez", [["Host", "localhost"]]);
    const bad = "GET /livez HTTP/1.1\nHost: localhost\r\n\r\n";
    const posts = [
      `POST /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n\n\n\n\n`,
      `POST /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\n\n\n\n\r\n0\r\n\r\n`,
    ];
    for (const first of [good, ...posts]) {
      assert.deepEqual(await statuses(first + good), [first === good ? 200 : 405, 200]);
      assert.deepEqual(await statuses(first + bad), [first === good ? 200 : 405, 400]);
    }
  });

  /** Of the two answers on one connection. */
  async function statuses(text) {
    const socket = connect({ host: "127.0.0.1", port: plain.port });
    let heard = "";
    socket.on("data", (bytes) => (heard += bytes.toString("latin1")));
    socket.on("error", () => {});
    socket.write(text);
    const found = () => Array.from(heard.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status]) => Number(status));
    await until(() => found().length === 2, `two answers; ${heard}`);
    socket.destroy();
    return found();
  }

  const PATHS = ["/ws/view", "/ws/stream/x", "/api/v1/live", "/socket.io/?EIO=4&transport=websocket"];
  for (const path of PATHS) {
    test(`a_handshake_with_a_wrong_key_is_400_on_${path.split("?")[0]}`, async () => {
      const handshake = (keys, version = "13") => [
        ["Host", "localhost"],
        ["Connection", "Upgrade"],
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", version],
        ...keys.map((key) => ["Sec-WebSocket-Key", key]),
      ];
      const answer = async (headers) => ask(plain.port, request(path, headers));
      assert.equal((await answer(handshake([KEY]))).status, 101);
      for (const keys of [
        [],
        ["abc"],
        [""],
        [KEY, KEY],
        [KEY.slice(0, -2)],
        [`${KEY}AAAA`],
        ["x".repeat(24)],
      ]) {
        const { status, json } = await answer(handshake(keys));
        assert.equal(status, 400, keys.join());
        assert.match(json.detail, /WebSocket handshake/);
      }
      assert.equal((await answer(handshake([KEY], "8"))).status, 400);
      assert.equal(
        (
          await answer([
            ["Host", "localhost"],
            ["Sec-WebSocket-Key", KEY],
          ])
        ).status,
        400,
      );
    });
  }
});
