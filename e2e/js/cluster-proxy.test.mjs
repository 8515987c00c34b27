// Several processes behind one address: nginx and HAProxy with the configurations of deploy/cluster. First before processes that only
// say what they were asked; then before three servers over a real Redis, with the clients that people have.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { Agent, request } from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { Client as SocketIo, TRANSPORTS } from "./client.mjs";
import { clip } from "./clips.mjs";
import { asUrl, marked, picture, sends, sharedCluster, startCluster, startProcess } from "./cluster.mjs";
import { command, HOME, removeFolder, temporary, until } from "./harness.mjs";
import { ask, COOKIE, PAGE, POURING, PROXIES, standIns, UPLOAD, VIDEO } from "./proxies.mjs";
import { BINARY, Client, connect, picturesOf, streamer, viewer, viewerOf } from "./relay.mjs";
import { watch } from "./viewer.mjs";

/** @import { Cluster } from "./cluster.mjs" */
/** @import { Proxy, StandIn } from "./proxies.mjs" */
/** @import { Ending } from "./types.ts" */
/** @typedef {(t: Ending, ports: number[], pem?: string) => Promise<Proxy>} StartProxy */

const binary = { protocols: [BINARY] };
/** All of them are this machine's. */
const ADDRESSES = Array.from({ length: 24 }, (_, i) => `127.0.0.${2 + i}`);
const [A, B, C] = ["a", "b", "c"];
const names = (all) => [...new Set(all)].toSorted();
const withCookie = (/** @type {string} */ process) => ({ headers: { Cookie: `${COOKIE}=${process}` } });
/** What another process answers instead is there as soon. */
const AT_ONCE_MS = 1_000;
/** HAProxy asks each second. */
const NOTICED_MS = 5_000;
const LIMIT = { timeout: 60_000 };

/** The Python that setup has made, with what the Python suites need. */
const PYTHON = join(import.meta.dirname, "../../.sightwire/venv/bin/python");
const PYTHON_CLIENT = join(import.meta.dirname, "../python/behind_proxy.py");

/**
 * The process that a WebSocket has come to.
 * @param {Client} socket
 * @returns {Promise<string>}
 */
const processOf = async (socket) => /** @type {any} */ (await socket.next("process")).process;

/** What both do, before processes that say what they were asked. */
function choosing(/** @type {StartProxy} */ start) {
  async function started(t) {
    const all = await standIns(t);
    return {
      all,
      proxy: await start(
        t,
        all.map(({ port }) => port),
      ),
    };
  }

  const ends = [];
  let /** @type {StandIn[]} */ shared, /** @type {Proxy} */ proxy;
  before(async () => ({ all: shared, proxy } = await started({ after: (end) => ends.push(end) })));
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  /** Which process answers, and which the cookie names that it gives. */
  async function whose(/** @type {Proxy} */ at, options = {}, path = "/api/v1/status") {
    const { status, json, given } = await ask(at, path, options);
    assert.equal(status, 200);
    return { process: json.process, given };
  }

  /** Where a WebSocket of the relay has come to. */
  async function whereTo(t, /** @type {Proxy} */ at, options = {}) {
    const socket = await connect(t, at, "/ws/view", options);
    return { socket, process: await processOf(socket) };
  }

  test("an_address_comes_to_the_same_process_each_time", async () => {
    const found = [];
    for (const from of ADDRESSES) {
      const answers = [];
      for (const path of ["/socket.io/?EIO=4&transport=polling", "/stream?camera=x", "/api/v1/read", "/"])
        answers.push((await whose(proxy, { from }, path)).process);
      assert.equal(names(answers).length, 1, `${from}: ${answers}`);
      found.push(answers[0]);
    }
    assert.deepEqual(names(found), [A, B, C]);
  });

  test("a_cookie_brings_a_client_to_the_process_that_gave_it_from_any_address", async (t) => {
    for (const cookie of [A, B, C]) {
      for (const from of ADDRESSES.slice(0, 4)) {
        for (const options of [{ from }, { from, ...PAGE }, { from, method: "POST", body: "x" }]) {
          // It is given once.
          assert.deepEqual(await whose(proxy, { ...options, cookie }), { process: cookie, given: undefined });
        }
        const options = { ...withCookie(cookie), localAddress: from };
        assert.equal((await whereTo(t, proxy, options)).process, cookie);
      }
    }
  });

  test("the_cookie_comes_with_the_first_answer_and_lasts_longer_than_a_login", async () => {
    const { headers, json } = await ask(proxy, "/", PAGE);
    const [cookie, ...more] = headers["set-cookie"];
    assert.deepEqual(more, []);
    const [pair, ...attributes] = cookie.split(/; */);
    assert.equal(pair, `${COOKIE}=${json.process}`);
    const wanted = ["HttpOnly", "Max-Age=31536000", "SameSite=Lax", "path=/"];
    assert.deepEqual(attributes.map((one) => one.replace("Path", "path")).toSorted(), wanted);
    // Also with what is no success.
    assert.match((await ask(proxy, "/readyz", PAGE)).given, /^[abc]$/);
  });

  test("a_cookie_that_names_no_process_counts_as_none", async () => {
    for (const cookie of ["x", "sightwire_a", "127.0.0.1", "ab", "a b"]) {
      const { process, given } = await whose(proxy, { cookie, from: ADDRESSES[0] });
      assert.equal(process, (await whose(proxy, { from: ADDRESSES[0] })).process, cookie);
      assert.equal(given, process, cookie);
    }
  });

  test("pages_and_websockets_come_to_where_the_fewest_are_and_get_the_cookie", async (t) => {
    const { proxy } = await started(t);
    const told = [];
    for (let i = 0; i < 9; i += 1) told.push((await whereTo(t, proxy)).process);
    for (const name of [A, B, C]) assert.equal(told.filter((one) => one === name).length, 3, `${told}`);
    const pages = [];
    for (let i = 0; i < 9; i += 1) pages.push(await whose(proxy, PAGE, "/"));
    assert.ok(names(pages.map(({ process }) => process)).length > 1);
    for (const { process, given } of pages) assert.equal(given, process);
    const socket = new Client(`${proxy.url.replace("http", "ws")}/ws/view`);
    t.after(() => socket.vanish());
    /** @type {Promise<import("node:http").IncomingMessage>} */
    const upgraded = new Promise((done) => socket.socket.on("upgrade", done));
    const process = await processOf(socket);
    assert.ok((await upgraded).headers["set-cookie"].some((one) => one.startsWith(`${COOKIE}=${process};`)));
  });

  test("no_process_sees_the_cookie", async () => {
    const own = `${COOKIE}=a`;
    for (const [sent, seen] of [
      [own, undefined],
      [`x=1; ${own}`, "x=1"],
      [`${own}; y=2`, "y=2"],
      [`x=1; ${own}; y="2 3"; z=`, 'x=1; y="2 3"; z='],
      [`my_${own}; x=${own}`, `my_${own}; x=${own}`],
      ["x=1", "x=1"],
    ]) {
      const { json } = await ask(proxy, "/api/v1/status", { headers: { Cookie: sent } });
      assert.equal(json.headers.cookie?.replace(/; *$/, ""), seen, sent);
    }
  });

  test("who_asks_and_how_is_the_proxys_to_say", async () => {
    const lies = {
      "X-Forwarded-For": "192.0.2.7",
      "X-Forwarded-Proto": "https",
      Forwarded: "for=192.0.2.8",
      "X-Forwarded-Prefix": "/elsewhere",
      "X-Ingress-Path": "/elsewhere",
      Host: "vision.example.com",
    };
    for (const headers of [{}, lies]) {
      const { json } = await ask(proxy, "/api/v1/status", { headers, from: ADDRESSES[3] });
      const seen = json.headers;
      assert.equal(seen["x-forwarded-for"], ADDRESSES[3]);
      assert.equal(seen["x-forwarded-proto"], "http");
      for (const name of ["forwarded", "x-forwarded-prefix", "x-ingress-path"]) {
        assert.equal(seen[name], undefined, name);
      }
      assert.equal(seen.host, headers.Host ?? `127.0.0.1:${proxy.port}`);
    }
  });

  test("addresses_and_methods_are_passed_on_as_they_are", async () => {
    for (const path of [
      "/api/v1/streams/M%C3%BCller%2F2%20x/snapshot.jpg?a=%20&b=+",
      "/stream?camera=a%26b",
      "//a//b",
    ]) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
        const body = method === "GET" ? undefined : "x";
        const { json } = await ask(proxy, path, { method, body });
        assert.deepEqual([json.method, json.path], [method, path]);
      }
    }
  });

  test("what_processes_ask_each_other_is_not_to_be_had_from_outside", async () => {
    const path = "/api/v1/cluster/streams/ward/challenge";
    for (const method of ["GET", "POST"]) assert.equal((await ask(proxy, path, { method })).status, 404);
    assert.ok(shared.every(({ requests }) => requests.every((one) => one.path !== path)));
    assert.equal((await ask(proxy, "/api/v1/cluster/processes/a/drain", { method: "POST" })).status, 200);
  });

  test("long_messages_go_through_in_both_directions", async (t) => {
    const { socket } = await whereTo(t, proxy);
    for (const bytes of [10, 100_000, 10 << 20]) {
      const message = Buffer.alloc(bytes, "y");
      socket.say(message);
      const back = await socket.next(({ bytes: some }) => some !== undefined);
      assert.ok(message.equals(/** @type {any} */ (back)));
    }
  });

  test("pictures_come_one_by_one", async (t) => {
    const { all, proxy } = await started(t);
    const asked = request(proxy.url + VIDEO, { agent: false, headers: { Cookie: `${COOKIE}=a` } });
    t.after(() => asked.destroy());
    let text = "";
    asked.on("response", (answer) => answer.setEncoding("latin1").on("data", (more) => (text += more)));
    asked.on("error", () => {}).end();
    await until(() => text.includes("first"), "the first picture");
    for (let i = 0; i < 10; i += 1) {
      // The next one is not sent before this one is there: whatever collects pictures waits for ever.
      all[0].picture(`number ${i}`);
      await until(() => text.includes(`number ${i}\r\n`), `picture ${i}`);
    }
  });

  test("a_process_is_not_read_ahead_of_a_client_that_does_not_read", async (t) => {
    const { all, proxy } = await started(t);
    const asked = request(proxy.url + POURING.path, { agent: false });
    t.after(() => asked.destroy());
    asked.on("error", () => {}).on("response", (answer) => answer.pause());
    asked.end();
    const poured = () => all.reduce((sum, one) => sum + one.poured, 0);
    let [last, since] = [0, performance.now()];
    const isStill = () => {
      if (poured() !== last) [last, since] = [poured(), performance.now()];
      return last > 0 && performance.now() - since > 500;
    };
    await until(isStill, "nothing more is taken");
    assert.ok(last < POURING.bytes / 2, `${last} bytes wait somewhere`);
  });

  test("uploads_go_on_as_they_come", async (t) => {
    const { all, proxy } = await started(t);
    const upload = request(proxy.url + UPLOAD, { method: "POST", agent: false });
    t.after(() => upload.destroy());
    upload.on("error", () => {});
    upload.write(Buffer.alloc(1000));
    const arrived = () => all.reduce((sum, one) => sum + one.uploaded, 0);
    await until(() => arrived() === 1000, "the beginning");
    upload.end(Buffer.alloc(12 << 20));
    await until(() => arrived() === 1000 + (12 << 20), "all of it");
  });

  test("over_https_a_process_knows_that_and_the_cookie_is_for_https_alone", async (t) => {
    const pem = join(temporary(t, "certificate"), "both.pem");
    const subject = ["-subj", "/CN=localhost", "-days", "1", "-keyout", pem, "-out", `${pem}.crt`];
    const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    execFileSync("openssl", ["req", ...kind, ...subject], { stdio: "ignore" });
    appendFileSync(pem, readFileSync(`${pem}.crt`));
    chmodSync(pem, 0o644);
    const all = await standIns(t);
    const { port } = await start(
      t,
      all.map((one) => one.port),
      pem,
    );
    const url = `https://127.0.0.1:${port}`;
    const { headers, body } = await new Promise((done, fail) => {
      const asked = https.get(url, { ...PAGE, rejectUnauthorized: false, agent: false }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (more) => (text += more));
        answer.on("end", () => done({ headers: answer.headers, body: JSON.parse(text) }));
      });
      asked.on("error", fail);
    });
    assert.equal(body.headers["x-forwarded-proto"], "https");
    assert.match(headers["set-cookie"][0], new RegExp(`^${COOKIE}=${body.process};.*; ?Secure`));
    const socket = await connect(t, { url }, "/ws/view", { rejectUnauthorized: false });
    assert.match(await processOf(socket), /^[abc]$/);
  });

  test("a_process_that_is_away_is_noticed_by_nobody", async (t) => {
    const { all, proxy } = await started(t);
    const away = all[1];
    const answered = async (options) => {
      const begun = performance.now();
      const answer = await whose(proxy, options);
      const took = performance.now() - begun;
      assert.ok(took < AT_ONCE_MS, `${took} ms`);
      return answer;
    };
    await away.stop();
    for (let round = 0; round < 2; round += 1) {
      for (const from of ADDRESSES) assert.notEqual((await answered({ from })).process, B);
      for (let i = 0; i < 6; i += 1) assert.notEqual((await whereTo(t, proxy)).process, B);
      for (const method of ["GET", "POST"]) {
        const { process, given } = await answered({ cookie: B, method, from: ADDRESSES[0] });
        assert.ok([A, C].includes(process));
        assert.equal(given, process, "whoever had to go elsewhere stays there");
      }
    }
    await away.start();
    const isBack = async () => (await whose(proxy, { cookie: B })).process === B;
    await until(isBack, "it is used again", NOTICED_MS);
    assert.deepEqual(await whose(proxy, { cookie: C, from: ADDRESSES[0] }), { process: C, given: undefined });
  });

  test("a_process_that_breaks_a_request_is_asked_again_elsewhere_where_that_does_no_harm", async (t) => {
    const { all, proxy } = await started(t);
    for (const one of all) one.breaks = true;
    // Nobody answers: how often was each of them asked?
    for (const method of ["POST", "PATCH"]) {
      const path = `/api/v1/read?${method}`;
      const { status } = await ask(proxy, path, { method, body: "x", cookie: A });
      assert.equal(status, 502);
      const asked = all.flatMap(({ requests }) => requests.filter((one) => one.path === path));
      assert.equal(asked.length, 1, method);
    }
    for (const one of all.slice(1)) one.breaks = false;
    // It may count as broken for a while.
    for (let i = 0; i < 10; i += 1) assert.notEqual((await whose(proxy, { cookie: A })).process, A);
  });
}

/** What both do, before a cluster. */
function serving(/** @type {StartProxy} */ start, /** @type {Cluster} */ cluster) {
  const ends = [];
  let /** @type {Proxy} */ proxy;
  before(async () => {
    const owner = { after: (end) => ends.push(end) };
    proxy = await start(
      owner,
      cluster.servers.map(({ port }) => port),
    );
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  const clients = async () =>
    (await Promise.all(cluster.servers.map((one) => one.recognizer()))).map(
      (recognizer) => recognizer.clients,
    );

  for (const [what, transports] of Object.entries(TRANSPORTS)) {
    for (const withCredentials of [false, true]) {
      const how = withCredentials ? "with_cookies" : "without_cookies";
      test(
        `a_reply_for_every_frame_to_clients_of_socket_io_${how}_(${what})`.replaceAll(/[ ,]/g, "_"),
        async (t) => {
          const frames = (await clip("left")).slice(0, 10);
          const all = ADDRESSES.slice(0, 6).map((localAddress) => {
            const agent = /** @type {any} */ (new Agent({ localAddress }));
            return new SocketIo(proxy.url, { transports, withCredentials, agent });
          });
          t.after(() => all.forEach((one) => one.close()));
          await Promise.all(all.map((one) => one.ready()));
          await Promise.all(all.map((one) => one.play(frames)));
          for (const one of all) {
            await one.answered();
            await until(() => one.socket.io.engine.transport.name === transports.at(-1), "the transport");
            assert.deepEqual([one.statuses.length, one.errors, one.disconnects], [1, [], []]);
          }
          t.diagnostic(`clients at the processes: ${await clients()}`);
        },
      );
    }
  }

  const skip = !existsSync(PYTHON) && "no Python environment (python3-venv is missing)";
  test("a_reply_for_every_frame_to_clients_of_python_socketio", { skip }, async () => {
    const { stdout } = await promisify(execFile)(PYTHON, [PYTHON_CLIENT, proxy.url], LIMIT);
    const told = Object.entries(JSON.parse(stdout));
    assert.equal(told.length, 6);
    for (const [kind, counts] of told) assert.deepEqual(counts, [1, 20, 0], kind);
  });

  test("a_stream_is_seen_at_each_process_whichever_it_is_sent_to", async (t) => {
    const streams = Array.from({ length: 6 }, (_, i) => `Ward ${i}/ü ${proxy.port}`);
    for (const [i, name] of streams.entries()) sends(t, await streamer(t, proxy, name, binary), `${i}`, 10);
    const known = async (/** @type {{ url: string }} */ at) => {
      const list = (await ask(at, "/api/v1/streams")).json.streams;
      return list.filter(({ id }) => streams.includes(id));
    };
    await until(async () => (await known(cluster.servers[0])).length === 6, "all are known");
    // Its own are said to be nobody's.
    const at = (await known(cluster.servers[0])).map((one) => one.process ?? A);
    t.diagnostic(`sent to ${at}`);
    assert.deepEqual(names(at), [A, B, C]);
    for (let i = 0; i < 6; i += 1) {
      const [old, modern] = [await viewer(t, proxy), await viewerOf(t, proxy, streams[i], binary)];
      for (const [number, name] of streams.entries())
        assert.equal(marked(await old.nextFrame(name)).name, `${number}`);
      await until(() => picturesOf(modern).length > 5, "pictures");
      assert.equal(marked(picturesOf(modern)[5].jpeg).name, `${i}`);
      old.close();
      modern.close();
    }
  });

  test("videos_and_single_pictures_are_to_be_had_at_each_process_one_by_one", async (t) => {
    const name = `video ${proxy.port}`;
    const sender = await streamer(t, proxy, name);
    const path = encodeURIComponent(name);
    let number = 1;
    sender.frame(asUrl(picture(name, number, 30_000)));
    for (const server of cluster.servers) {
      await server.knows(name);
      const options = { headers: { ...withCookie(server.name).headers } };
      const watching = await watch(t, proxy, `/stream?camera=${path}`, options);
      for (let i = 0; i < 5; i += 1) {
        number += 1;
        sender.frame(asUrl(picture(name, number, 30_000)));
        await watching.next(1, (jpeg) => marked(jpeg).number === number);
      }
      const { status, bytes } = await ask(proxy, `/api/v1/streams/${path}/snapshot.jpg`, options);
      assert.equal(status, 200);
      assert.deepEqual(marked(bytes), { name, number });
      // It is watched there.
      const { json } = await ask(server, `/api/v1/viewers`);
      const own = json.viewers.filter((one) => one.kind === "mjpeg" && one.streams.includes(name));
      assert.equal(own.length, 1, JSON.stringify(json));
      watching.reset();
    }
  });

  test("a_server_knows_its_clients_by_their_own_addresses", async (t) => {
    const name = `address ${proxy.port}`;
    sends(t, await streamer(t, proxy, name), name);
    const [localAddress] = ADDRESSES.slice(-1);
    const watching = await viewerOf(t, proxy, name, { ...withCookie(A), localAddress });
    await watching.nextFrame();
    const { json } = await ask(cluster.servers[0], "/api/v1/viewers");
    const peers = json.viewers.map(({ peer }) => peer.replace(/:\d+$/, ""));
    assert.ok(peers.includes(localAddress), `${peers}`);
  });
}

/** Sessions are one process's, so whoever has logged in has to come back to it. */
function loggingIn(/** @type {StartProxy} */ start, /** @type {{ cluster: Cluster, key: string }} */ known) {
  test("whoever_has_logged_in_stays_so_wherever_they_are", async (t) => {
    const { cluster, key } = known;
    const proxy = await start(
      t,
      cluster.servers.map(({ port }) => port),
    );
    for (let user = 0; user < 6; user += 1) {
      /** @type {Map<string, string>} */
      const jar = new Map();
      const browse = async (path, options = {}) => {
        const Cookie = Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
        const headers = { ...(Cookie && { Cookie }), ...options.headers };
        const answer = await ask(proxy, path, { ...options, headers });
        for (const one of answer.headers["set-cookie"] ?? []) {
          const [, name, value] = /^([^=]+)=([^;]*)/.exec(one);
          jar.set(name, value);
        }
        return answer;
      };
      const from = () => ADDRESSES[Math.floor(Math.random() * ADDRESSES.length)];
      if (user % 2) {
        // As a link that somebody has typed.
        assert.equal((await browse(`/?key=${key}`, { ...PAGE, from: from() })).status, 303);
      } else {
        assert.equal((await browse("/login", { ...PAGE, from: from() })).status, 200);
        const headers = { "Content-Type": "application/json", Origin: proxy.url };
        const login = { method: "POST", headers, body: JSON.stringify({ key }) };
        assert.equal((await browse("/api/v1/login", { ...login, from: from() })).status, 200);
      }
      assert.deepEqual([...jar.keys()].toSorted(), [`sightwire-${proxy.port}`, COOKIE]);
      for (let i = 0; i < 10; i += 1) {
        const { json } = await browse("/api/v1/session", { from: from() });
        assert.equal(json.role, "operator");
        assert.equal((await browse("/", { ...PAGE, from: from() })).status, 200);
      }
      const Cookie = Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
      const socket = await viewer(t, proxy, "", { headers: { Cookie, Origin: proxy.url } });
      assert.equal(socket.closed, undefined);
    }
  });
}

for (const [name, start] of Object.entries(PROXIES)) {
  describe(`${name}_chooses`, { concurrency: true, ...LIMIT }, () => choosing(start));
}

test("HAProxy_sends_nobody_new_to_a_process_that_is_not_ready_and_cuts_nobody_off", LIMIT, async (t) => {
  const all = await standIns(t);
  const proxy = await PROXIES.HAProxy(
    t,
    all.map(({ port }) => port),
  );
  const [, b] = all;
  const before = await connect(t, proxy, "/ws/view", withCookie(B));
  assert.equal(await processOf(before), B);
  b.isReady = false;
  const isLeft = async () => {
    const pages = [await ask(proxy, "/", { cookie: B }), await ask(proxy, "/", { ...PAGE, cookie: B })];
    return pages.every(({ json }) => json.process !== B);
  };
  await until(isLeft, "it is left alone", NOTICED_MS);
  for (const from of ADDRESSES) assert.notEqual((await ask(proxy, "/x", { from })).json.process, B);
  for (let i = 0; i < 6; i += 1) {
    const socket = await connect(t, proxy, "/ws/view");
    assert.notEqual(await processOf(socket), B);
  }
  before.say(Buffer.from("still there"));
  await before.next(({ bytes }) => bytes?.toString() === "still there");
  const moved = (await Promise.all(ADDRESSES.map((from) => ask(proxy, "/x", { from })))).map(
    ({ json }) => json.process,
  );
  b.isReady = true;
  await until(async () => (await ask(proxy, "/", { cookie: B })).json.process === B, "it is used again");
  // Whoever has no cookie stays, too.
  for (const [i, from] of ADDRESSES.entries()) {
    assert.equal((await ask(proxy, "/x", { from })).json.process, moved[i], from);
  }
});

test("HAProxy_notices_a_process_that_stands_still", LIMIT, async (t) => {
  const all = await standIns(t);
  const proxy = await PROXIES.HAProxy(
    t,
    all.map(({ port }) => port),
  );
  all[1].stands = true;
  const isNoticed = () => ["by_address", "fewest"].every((of) => proxy.log().includes(`${of}/b is DOWN`));
  t.diagnostic(`after ${(await until(isNoticed, "it is noticed", 10_000)).toFixed(0)} ms`);
  for (const from of ADDRESSES) assert.notEqual((await ask(proxy, "/x", { from })).json.process, B);
  for (const options of [{ cookie: B }, { ...PAGE, cookie: B }])
    assert.notEqual((await ask(proxy, "/", options)).json.process, B);
});

describe("three_servers_behind", () => {
  const set = { "access.mode": "open", "server.trusted_proxies": "127.0.0.1" };
  const cluster = sharedCluster({ count: 3, set });
  for (const [name, start] of Object.entries(PROXIES)) {
    describe(name, { concurrency: 3, ...LIMIT }, () => serving(start, cluster));
  }
});

describe("three_servers_that_need_a_key_behind", () => {
  const homes = [A, B, C].map((name) => mkdtempSync(join(tmpdir(), `sightwire-cluster-${name}-`)));
  const known = { cluster: undefined, key: "" };
  const ends = [];
  before(async () => {
    for (const home of homes)
      for (const folder of ["models", "runtime"]) symlinkSync(join(HOME, folder), join(home, folder));
    const each = homes.map((home) => ({ env: { SIGHTWIRE_HOME: home } }));
    const { stdout, stderr } = await command(["keys", "add", "desk", "--role", "operator"], each[0]);
    known.key = stdout.match(/^key: (sw_\S+)$/m)?.[1];
    assert.ok(known.key, stderr);
    const set = { "access.mode": "protected", "server.trusted_proxies": "127.0.0.1" };
    const owner = { after: (end) => ends.push(end) };
    // The others get the key from the first one.
    known.cluster = await startCluster(owner, { set, each: each.slice(0, 1), count: 1 });
    for (const [i, name] of [B, C].entries()) {
      const own = { name, set, env: each[i + 1].env };
      known.cluster.servers.push(await startProcess(owner, known.cluster.redis, own));
    }
    const headers = { Authorization: `Bearer ${known.key}` };
    for (const server of known.cluster.servers) {
      const isKnown = async () =>
        (await ask(server, "/api/v1/session", { headers })).json.role === "operator";
      await until(isKnown, `${server.name} knows the key`);
    }
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
    for (const home of homes) removeFolder(home);
  });
  for (const [name, start] of Object.entries(PROXIES)) describe(name, LIMIT, () => loggingIn(start, known));
});
