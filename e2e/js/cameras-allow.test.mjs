// Whoever can name a camera's address must not reach with it what only the server can reach. Where
// "never connected to" is promised, a bare listener on that very address is there to see it.

import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";

import { ask } from "./api.mjs";
import { portOf, sleep, start, until } from "./harness.mjs";
import { camera, serving } from "./simulator.mjs";
import { refused, watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */
/** @import { Camera } from "./simulator.mjs" */

const API = "/api/v1/cameras";
const REFUSED =
  /may not be connected to: .* is .*\. Whoever runs the server can allow it with cameras\.allow/;

const ends = [];
const file = { after: (end) => ends.push(end) };
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** Two of the many addresses of this machine: one is allowed, the other is not. */
const ALLOWED = "127.0.0.1";
const FORBIDDEN = "127.0.0.2";

let /** @type {Camera} */ yard, /** @type {Server} */ closed, /** @type {Server} */ picky, trap;
before(async () => {
  yard = await camera(file);
  trap = await listener(file, FORBIDDEN);
  const unlisted = { "cameras.allow": "" };
  [closed, picky] = await Promise.all([
    start(file, serving({ set: unlisted, cameras: [{ id: "gate", url: yard.url }] })),
    start(file, serving({ set: { "cameras.allow": `${ALLOWED}/32, 192.0.2.0/24` } })),
  ]);
});

/** Counts who connects to a port of this address. */
async function listener(t, address) {
  const found = { connections: 0, port: 0, url: "" };
  const server = createServer((socket) => {
    found.connections += 1;
    socket.destroy();
  });
  found.port = await portOf(server, address);
  t.after(() => server.close());
  found.url = `http://${address}:${found.port}`;
  return found;
}

/** Every way in which a client can hand over an address; each has to be refused with the same words. */
async function isRefused(t, server, url) {
  const wanted = encodeURIComponent(url);
  const answers = [
    await refused(t, server, `/stream/proxy?esp32_url=${wanted}`),
    await refused(t, server, `/stream/detect?camera_url=${wanted}`),
    await refused(t, server, `/stream/tracking?camera_url=${wanted}`),
    await ask(server, "POST", API, { name: "x", url }),
    await ask(server, "POST", `${API}/test`, { url }),
    await ask(server, "POST", `${API}/test`, { url, mode: "capture" }),
  ];
  for (const answer of answers) {
    const { detail } = "body" in answer ? answer.body : answer.json;
    assert.equal(answer.status, 422, `${url}: ${detail}`);
    assert.match(detail, REFUSED, url);
  }
}

const NEVER = {
  loopback: ["http://127.0.0.1", "http://127.0.0.1:8000/x", "http://127.255.255.254", "http://[::1]:8000"],
  "loopback in decimal": ["http://2130706433", "http://2130706433:8000"],
  "loopback in hex and octal": [
    "http://0x7f000001",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://017700000001",
  ],
  "loopback with parts left out": ["http://127.1", "http://127.0.1", "http://0"],
  "loopback within IPv6": [
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "http://[0:0:0:0:0:ffff:7f00:0001]",
    "http://[::127.0.0.1]",
    "http://[64:ff9b::7f00:1]",
    "http://[2002:7f00:1::]",
  ],
  "loopback in odd letters": [
    "http://①②⑦.⓪.⓪.①",
    "http://127。0。0。1",
    "http://１２７.0.0.1",
    "http://%31%32%37.0.0.1",
  ],
  "loopback behind a name and password": ["http://8.8.8.8@127.0.0.1", "http://a:b@127.0.0.1:80/"],
  "nowhere, which leads here": ["http://0.0.0.0", "http://[::]"],
  "link-local": ["http://169.254.1.1", "http://[fe80::1]", "http://2851995905"],
  metadata: [
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
  ],
  "multicast and broadcast": ["http://224.0.0.1", "http://255.255.255.255", "http://[ff02::1]"],
  "the world": ["http://8.8.8.8", "http://[2606:4700:4700::1111]"],
};

describe("by_default_a_client_cannot_lead_the_server_to", () => {
  for (const [name, urls] of Object.entries(NEVER)) {
    test(`${name}`, async (t) => {
      for (const url of urls) await isRefused(t, closed, url);
    });
  }

  test("localhost, whatever that resolves to", async (t) => {
    const here = await listener(t, "127.0.0.1");
    for (const host of ["localhost", "LOCALHOST"]) {
      const url = `http://${host}:${here.port}`;
      const { status, body } = await refused(t, closed, `/stream/proxy?esp32_url=${encodeURIComponent(url)}`);
      assert.ok([422, 502].includes(status), `${url}: ${status}`);
      assert.match(body.detail, /may not be connected to/, url);
      const tried = await ask(closed, "POST", `${API}/test`, { url });
      assert.match(tried.json.detail, /may not be connected to/, url);
    }
    assert.equal(here.connections, 0);
  });

  test("anything_but_http", async (t) => {
    for (const url of [
      "file:///etc/passwd",
      "gopher://127.0.0.1:70/_x",
      "ftp://10.0.0.5",
      "unix:///run/x.sock",
    ]) {
      const { status } = await refused(t, closed, `/stream/proxy?esp32_url=${encodeURIComponent(url)}`);
      assert.equal(status, 422, url);
      assert.equal((await ask(closed, "POST", API, { name: "x", url })).status, 422, url);
    }
  });
});

test("nothing_was_added_and_nothing_opened_by_all_of_that", async () => {
  const { cameras } = (await closed.get(API)).json;
  assert.deepEqual(
    cameras.map((one) => one.id),
    ["gate"],
  );
  // The names that had to be resolved to know that they lead nowhere.
  await until(async () => (await closed.get(API)).json.upstreams === 0, "no camera open");
});

test("a_configured_camera_is_watched_wherever_it_is", async (t) => {
  await (await watch(t, closed, "/stream?camera=gate")).next(2);
  // And it is what its address names, too.
  await (await watch(t, closed, `/stream/proxy?esp32_url=${encodeURIComponent(yard.url)}`)).next(2);
  const { streams_total } = await yard.status();
  assert.equal(streams_total, 1);
});

describe("what_is_listed", () => {
  test("is_allowed_and_nothing_beside_it", async (t) => {
    await (await watch(t, picky, `/stream/proxy?esp32_url=${encodeURIComponent(yard.url)}`)).next(1);
    const before = trap.connections;
    await isRefused(t, picky, trap.url);
    await isRefused(t, picky, `http://[::ffff:7f00:2]:${trap.port}`);
    await isRefused(t, picky, `http://2130706434:${trap.port}`);
    await isRefused(t, picky, "http://[::1]:8000");
    assert.equal(trap.connections, before);
  });

  test("is_allowed_in_every_spelling", async (t) => {
    const { port } = new URL(yard.url);
    for (const host of ["2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"]) {
      const url = encodeURIComponent(`http://${host}:${port}`);
      await (await watch(t, picky, `/stream/proxy?esp32_url=${url}`)).next(1);
    }
  });

  test("private_networks_are_only_while_the_server_itself_listens_on_loopback_alone", async (t) => {
    const set = { "cameras.allow": "" };
    const [local, open] = await Promise.all([
      start(t, serving({ set })),
      start(t, serving({ set: { ...set, "access.mode": "open" }, listen: "0.0.0.0:0" })),
    ]);
    for (const url of [
      "http://10.1.2.3",
      "http://172.16.1.2",
      "http://192.168.1.50",
      "http://[fd12:3456::1]",
    ]) {
      assert.equal((await ask(local, "POST", API, { url })).status, 201, url);
      const at = { ...open, url: open.url.replace("0.0.0.0", "127.0.0.1") };
      const { status, json } = await ask(at, "POST", API, { url });
      assert.equal(status, 422, url);
      assert.match(json.detail, /a private network/);
    }
  });
});

describe("a_redirect_from_an_allowed_camera", () => {
  /** A camera that sends whoever asks to another address. */
  async function redirecting(t, status, location) {
    const asked = [];
    const server = createHttpServer((request, reply) => {
      asked.push(request.headers);
      reply.writeHead(status, { Location: typeof location === "function" ? location(request) : location });
      reply.end();
    });
    const port = await portOf(server, ALLOWED);
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: `http://${ALLOWED}:${port}`, asked };
  }

  for (const status of [301, 302, 303, 307, 308]) {
    test(`${status} to_a_forbidden_one_is_refused_before_any_connection`, async (t) => {
      const before = trap.connections;
      const places = [
        trap.url,
        `//${FORBIDDEN}:${trap.port}/stream`,
        `http://2130706434:${trap.port}/`,
        `http://[::ffff:7f00:2]:${trap.port}/`,
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
      ];
      for (const place of places) {
        const { url, asked } = await redirecting(t, status, place);
        const path = `/stream/proxy?esp32_url=${encodeURIComponent(url)}`;
        const { status: answer, body } = await refused(t, picky, path);
        assert.equal(answer, 502, place);
        assert.match(body.detail, /may not be connected to|http or https/, place);
        assert.ok(asked.length > 0, "it was asked");
        const tried = await ask(picky, "POST", `${API}/test`, { url, mode: "capture" });
        assert.equal(tried.status, 502, place);
      }
      await sleep(100);
      assert.equal(trap.connections, before);
    });
  }

  test("to_an_allowed_one_is_followed", async (t) => {
    const { url } = await redirecting(t, 302, `${yard.url}/stream`);
    await (await watch(t, picky, `/stream/proxy?esp32_url=${encodeURIComponent(url)}`)).next(2);
  });

  test("takes_no_name_and_password_along", async (t) => {
    const last = await redirecting(t, 302, "http://192.0.2.1/");
    const first = await redirecting(t, 302, `${last.url}/stream`);
    const url = encodeURIComponent(first.url.replace("//", "//eve:hunter2@"));
    await refused(t, picky, `/stream/proxy?esp32_url=${url}`).catch(() => {});
    assert.ok(first.asked[0].authorization, "the camera itself gets them");
    assert.equal(last.asked[0].authorization, undefined);
  });

  test("in_a_circle_ends", async (t) => {
    const { url, asked } = await redirecting(t, 302, "/stream");
    const { status, body } = await refused(t, picky, `/stream/proxy?esp32_url=${encodeURIComponent(url)}`);
    assert.equal(status, 502);
    assert.match(body.detail, /sends on/);
    assert.ok(asked.length < 40, `${asked.length} requests`);
  });
});

test("a_proxy_named_in_the_environment_is_not_asked", async (t) => {
  const proxy = await listener(t, "127.0.0.1");
  const env = { http_proxy: proxy.url, HTTP_PROXY: proxy.url, ALL_PROXY: proxy.url, all_proxy: proxy.url };
  const server = await start(t, serving({ env }));
  await (await watch(t, server, `/stream/proxy?esp32_url=${encodeURIComponent(yard.url)}`)).next(1);
  assert.equal(proxy.connections, 0);
});

describe("a_page_of_another_site", () => {
  const FOREIGN = {
    "an Origin": { Origin: "http://evil.example" },
    "Sec-Fetch-Site": { "Sec-Fetch-Site": "cross-site" },
  };
  // A network that this server, which listens on loopback only, lets its own users name.
  const PRIVATE = encodeURIComponent("http://10.255.255.1");

  for (const [name, headers] of Object.entries(FOREIGN)) {
    test(`(told by ${name}) cannot_have_the_server_look_around_in_private_networks`, async (t) => {
      for (const path of [`/stream/proxy?esp32_url=${PRIVATE}`, `/stream/tracking?camera_url=${PRIVATE}`]) {
        const { status, body } = await refused(t, closed, path, { headers });
        assert.equal(status, 422, path);
        assert.match(body.detail, /Pages from elsewhere/);
      }
      const { streams } = (await closed.get("/api/v1/streams")).json;
      assert.ok(
        streams.every(({ url }) => url.includes(yard.host)),
        "nothing else was opened",
      );
    });

    test(`(told by ${name}) may_show_cameras_that_are_known_or_listed`, async (t) => {
      await (await watch(t, closed, "/stream?camera=gate", { headers })).next(1);
      const listed = `/stream/proxy?esp32_url=${encodeURIComponent(yard.url)}`;
      await (await watch(t, picky, listed, { headers })).next(1);
    });
  }

  test("cannot_read_streams_or_what_is_known_of_cameras_unless_its_origin_is_listed", async (t) => {
    const cameras = [{ id: "gate", url: yard.url }];
    const listing = await start(t, serving({ cameras, env: { CORS_ORIGINS: "http://friend.example" } }));
    const allowed = async (server, path, origin) => {
      const stop = new AbortController();
      const response = await fetch(server.url + path, { headers: { Origin: origin }, signal: stop.signal });
      stop.abort();
      return response.headers.get("access-control-allow-origin");
    };
    const paths = ["/stream?camera=gate", API, "/api/v1/streams", "/api/v1/streams/gate/snapshot.jpg"];
    for (const path of paths) {
      assert.equal(await allowed(closed, path, "http://evil.example"), null, path);
      assert.equal(await allowed(listing, path, "http://evil.example"), null, path);
      const friend = await allowed(listing, path, "http://friend.example");
      assert.ok(["*", "http://friend.example"].includes(friend), `${path}: ${friend}`);
    }
  });
});
