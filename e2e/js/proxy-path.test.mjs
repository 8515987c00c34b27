// Below a path of a proxy, as docs/troubleshooting.md says: nginx takes the path off, passes it on, or names another one.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { connect, TRANSPORTS } from "./client.mjs";
import { clip } from "./clips.mjs";
import { start, temporary } from "./harness.mjs";
import { belowPath } from "./nginx.mjs";
import { ask, PAGE } from "./proxies.mjs";
import { streamer, url, viewerOf } from "./relay.mjs";

/** @import { Server } from "./harness.mjs" */
/** @typedef {Awaited<ReturnType<typeof belowPath>>} Below */

const LIMIT = { timeout: 30_000 };
const ends = [];
const owner = { after: (end) => ends.push(end) };
after(async () => {
  for (const end of ends.reverse()) await end();
});

const set = (/** @type {Record<string, string | boolean>} */ values) =>
  Object.entries(values).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
const DUMMY = { "recognizer.dummy": true, "detector.model": "motion", "cameras.file": "cameras.json" };
const OPEN = { ...DUMMY, "access.mode": "open" };
const TRUSTING = { "server.trusted_proxies": "127.0.0.1" };
/** The address that links of a page begin with; `path` is where it was asked for. */
function baseOf(/** @type {Below} */ at, /** @type {string} */ path, /** @type {Buffer} */ bytes) {
  const [, base] = bytes.toString().match(/<base href="([^"]*)"/) ?? [];
  assert.ok(base, bytes.toString());
  return new URL(base, at.url + path).href;
}

/** Hands in a batch of one file; where the server says that it lies, and what is there. */
async function made(/** @type {Below} */ at) {
  const part = 'Content-Disposition: form-data; name="files"; filename="a.png"';
  const { status, bytes, headers } = await ask(at, "/api/v1/jobs", {
    method: "POST",
    headers: { "Content-Type": "multipart/form-data; boundary=X" },
    body: `--X\r\n${part}\r\n\r\nno picture\r\n--X--\r\n`,
  });
  assert.equal(status, 201, bytes.toString());
  const { location } = headers;
  return { location, id: JSON.parse(bytes.toString()).id, there: await ask({ url: at.origin }, location) };
}

/** All that there is at a place: a page and its files, predictions, a stream, and what was made. */
function works(/** @type {() => Below} */ place) {
  test("pages_find_their_files_however_deep_they_are", LIMIT, async () => {
    const at = place();
    for (const path of ["/", "/wall", "/cameras/yard", "/recognise?source=sample", "/login"]) {
      const { status, bytes } = await ask(at, path, PAGE);
      assert.equal(status, 200, path);
      const base = baseOf(at, path, bytes);
      assert.equal(base, `${at.url}/`, path);
      const files = bytes.toString().matchAll(/(?:src|href)="([^"]+\.(?:js|css|svg|woff2))"/g);
      const all = Array.from(files, ([, file]) => new URL(file, base).href);
      assert.ok(all.length >= 2, path);
      for (const file of all) {
        const { status, headers } = await ask({ url: file }, "");
        assert.equal(status, 200, file);
        assert.doesNotMatch(headers["content-type"], /html/, file);
      }
    }
  });

  for (const [name, transports] of Object.entries(TRANSPORTS))
    test(`a_plain_client_is_answered_over_${name.replaceAll(/\W+/g, "_")}`, LIMIT, async (t) => {
      const at = place();
      const client = await connect(t, { url: at.origin }, { transports, path: "/sightwire/socket.io" });
      await client.play((await clip("wave")).slice(0, 12));
      await client.answered(12);
      assert.deepEqual(client.errors, []);
    });

  test("streams_are_relayed", LIMIT, async (t) => {
    const at = place();
    const sender = await streamer(t, at, "P-1");
    const viewer = await viewerOf(t, at, "P-1");
    sender.frame(url("P-1", 1));
    assert.equal(await viewer.nextFrame("P-1"), url("P-1", 1));
  });
}

describe("a_path_that_nginx_takes_off", () => {
  /** @type {Server} */
  let server;
  /** @type {Below} */
  let at;

  before(async () => {
    server = await start(owner, { args: set(OPEN) });
    at = await belowPath(owner, server);
  });

  works(() => at);

  test("without_its_slash_it_leads_to_the_start", LIMIT, async () => {
    const { status, headers } = await ask(at, "");
    assert.equal(status, 308);
    assert.equal(new URL(headers.location).pathname, "/sightwire/");
  });

  test("nobody_is_believed_who_is_not_to_be", LIMIT, async () => {
    const { location, id } = await made(at);
    assert.equal(location, `/api/v1/jobs/${id}`, "what nginx says is not believed");
    const said = { "X-Ingress-Path": "/elsewhere", "X-Forwarded-Prefix": "/elsewhere" };
    const { bytes } = await ask(server, "/cameras/one", { headers: { ...PAGE.headers, ...said } });
    assert.doesNotMatch(bytes.toString(), /elsewhere/);
    const plain = await ask(server, "/cameras/one", PAGE);
    assert.deepEqual(bytes, plain.bytes);
  });
});

describe("a_path_that_nginx_passes_on", () => {
  /** @type {Server} */
  let server;
  /** @type {Below} */
  let at;

  before(async () => {
    server = await start(owner, { args: set({ ...OPEN, "server.base_path": "/sightwire" }) });
    at = await belowPath(owner, server, [
      [`http://127.0.0.1:${server.port}/;`, `http://127.0.0.1:${server.port};`],
      ["proxy_set_header X-Forwarded-Prefix /sightwire;", ""],
    ]);
  });

  works(() => at);

  test("what_was_made_lies_below_it", LIMIT, async () => {
    const { location, id, there } = await made(at);
    assert.equal(location, `/sightwire/api/v1/jobs/${id}`);
    assert.equal(there.json.id, id);
  });

  test("whoever_asks_without_it_is_answered_as_before", LIMIT, async () => {
    assert.equal((await ask(server, "/livez")).status, 200);
    assert.equal((await ask(server, "/sightwire/livez")).status, 200);
    assert.equal((await ask(server, "/sightwired/livez")).status, 404);
  });
});

describe("a_path_that_a_trusted_proxy_names", () => {
  /** @type {Server} */
  let server;
  /** @type {Below} */
  let at;

  before(async () => {
    server = await start(owner, { args: set({ ...OPEN, ...TRUSTING }) });
    at = await belowPath(owner, server);
  });

  test("what_was_made_lies_below_it", LIMIT, async () => {
    const { location, id, there } = await made(at);
    assert.equal(location, `/sightwire/api/v1/jobs/${id}`);
    assert.equal(there.json.id, id);
  });

  test("each_request_may_have_its_own", LIMIT, async () => {
    for (const [name, prefix] of [
      ["X-Forwarded-Prefix", "/one"],
      ["X-Ingress-Path", "/api/hassio_ingress/4Zk_t-o"],
    ]) {
      const { bytes } = await ask(server, "/cameras/yard", {
        headers: { ...PAGE.headers, [name]: prefix },
      });
      assert.ok(bytes.toString().includes(`<base href="${prefix}/"`), bytes.toString());
    }
  });

  test("what_is_no_path_is_ignored", LIMIT, async () => {
    const plain = await ask(server, "/cameras/yard", PAGE);
    for (const wrong of ["//evil.example", "https://evil.example", '/a"><script>', "/../..", "x"]) {
      const { bytes } = await ask(server, "/cameras/yard", {
        headers: { ...PAGE.headers, "X-Forwarded-Prefix": wrong },
      });
      assert.deepEqual(bytes, plain.bytes, wrong);
    }
  });
});

test("who_is_not_known_comes_to_the_login_page_below_it", LIMIT, async (t) => {
  const server = await start(t, {
    args: set({ ...DUMMY, "access.mode": "protected" }),
    env: { SIGHTWIRE_HOME: temporary(t, "sightwire-path-") },
  });
  const at = await belowPath(t, server);
  for (const path of ["/", "/cameras/yard?try=1"]) {
    const { status, headers } = await ask(at, path, PAGE);
    assert.equal(status, 303);
    const login = new URL(headers.location, at.url + path);
    assert.equal(login.pathname, "/sightwire/login");
    assert.equal(login.searchParams.get("next"), path);
    assert.equal((await ask({ url: login.href }, "", PAGE)).status, 200);
  }
});
