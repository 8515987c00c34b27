// Cameras that are added while the server runs: kept, changed, tried and taken away; and that nobody
// ever reads a password of theirs.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { ask } from "./api.mjs";
import { command, portOf, sleep, start, temporary, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { camera, serving } from "./simulator.mjs";
import { watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */
/** @import { Camera } from "./simulator.mjs" */
/** @import { CameraChange, Ending } from "./types.ts" */

const API = "/api/v1/cameras";

const ends = [];
const file = { after: (end) => ends.push(end) };
after(async () => {
  for (const end of ends.reverse()) await end();
});

let /** @type {Camera} */ yard, /** @type {Server} */ server;
before(async () => {
  yard = await camera(file);
  const cameras = [{ id: "gate", name: "Gate", url: yard.url }];
  server = await start(file, serving({ cameras, set: { "cameras.stalled_after_s": 1 } }));
});

/**
 * Adds a camera that has to be taken; it is gone with the test.
 * @param {Ending} t
 * @param {Server} at
 * @param {CameraChange} body
 */
async function add(t, at, body) {
  const { status, json, text } = await ask(at, "POST", API, body);
  assert.equal(status, 201, text);
  t.after(() => ask(at, "DELETE", `${API}/${json.id}`));
  return json;
}

const folder = (t) => temporary(t, "cameras");

const list = async (/** @type {Server} */ at) => (await at.get(API)).json.cameras;
const ids = async (at) => (await list(at)).map((one) => one.id).sort();

test("a_camera_is_added_and_shown_with_all_that_is_known_of_it", async (t) => {
  const added = await add(t, server, { name: "Front door", url: yard.url, user: "alice" });
  const expected = {
    id: "front-door",
    name: "Front door",
    url: `${yard.url}/stream`,
    mode: "stream",
    fps: null,
    user: "alice",
    default: false,
    configured: false,
  };
  assert.deepEqual(added, { ...expected, stream: null });
  const { json } = await server.get(API);
  assert.equal(json.max_upstreams, 40);
  assert.equal(typeof json.upstreams, "number");
  const listed = json.cameras.find((one) => one.id === "front-door");
  assert.deepEqual({ ...listed, stream: null }, { ...expected, stream: null });
  assert.deepEqual((await server.get(`${API}/front-door`)).json.name, "Front door");
});

test("ids_are_made_of_names_and_never_twice_the_same", async (t) => {
  const made = [];
  for (const name of ["Back Yard!", "Back Yard!", "后院", ""]) {
    made.push((await add(t, server, { name, url: "http://10.9.8.7" })).id);
  }
  assert.equal(made[0], "back-yard");
  assert.equal(new Set(made).size, made.length);
  for (const id of made) assert.match(id, /^[A-Za-z0-9_-]{1,64}$/);
});

test("what_cannot_be_added_is_refused_with_the_reason", async (t) => {
  await add(t, server, { id: "taken", url: "http://10.9.8.7", user: "carol" });
  const before = await ids(server);
  /** @type {[number, any, RegExp][]} */
  const CASES = [
    [409, { id: "taken", url: "http://10.9.8.7" }, /taken/],
    [409, { id: "gate", url: "http://10.9.8.7" }, /gate/],
    [422, { id: "test", url: "http://10.9.8.7" }, /test/],
    [409, { id: "other", url: "http://10.9.8.7", user: "carol" }, /taken/],
    [422, {}, /url/],
    [422, { url: "" }, /address/],
    [422, { url: "cam" }, /address/],
    [422, { url: "ftp://10.9.8.7" }, /http/],
    [422, { url: 7 }, /type/],
    [422, { url: "http://10.9.8.7", mode: "rtsp" }, /stream or capture/],
    [422, { url: "http://10.9.8.7", mode: "capture", fps: 0 }, /fps/i],
    [422, { url: "http://10.9.8.7", mode: "capture", fps: 1000 }, /fps/i],
    [422, { url: "http://10.9.8.7", mode: "capture", fps: "5" }, /type/],
    [422, { url: "http://10.9.8.7", fps: 5 }, /capture/],
    [422, { url: "http://10.9.8.7", id: "a b" }, /letters/],
    [422, { url: "http://10.9.8.7", id: "url-12345678" }, /url-/],
    [422, { url: "http://10.9.8.7", id: "../../etc/passwd" }, /letters/],
    [422, { url: "http://10.9.8.7", name: "x".repeat(101) }, /100/],
    [422, { url: "http://10.9.8.7", name: "a\nb" }, /name/],
    [422, { url: "http://10.9.8.7", colour: "red" }, /unknown/],
    [422, "{ no json", /JSON/],
    [422, "[]", /./],
    [422, { url: "http://8.8.8.8" }, /^http:.*cameras\.allow/],
  ];
  for (const [expected, body, says] of CASES) {
    const { status, json, text } = await ask(server, "POST", API, body);
    const words = `${JSON.stringify(body)}: ${text}`;
    assert.equal(status, expected, words);
    assert.deepEqual(Object.keys(json), ["detail"], words);
    assert.match(json.detail, says, words);
    assert.match(json.detail, /^[A-Zh].*\.$/s, `a sentence: ${words}`);
  }
  assert.deepEqual(await ids(server), before);
});

test("a_camera_is_changed_field_by_field", async (t) => {
  const { id } = await add(t, server, { name: "Barn", url: "http://10.9.8.7" });
  const change = async (/** @type {any} It may be wrong. */ body, expected = 200) => {
    const { status, json, text } = await ask(server, "PATCH", `${API}/${id}`, body);
    assert.equal(status, expected, text);
    return json;
  };
  assert.equal((await change({ name: "Old barn" })).name, "Old barn");
  const capture = await change({ mode: "capture", fps: 2 });
  assert.deepEqual([capture.mode, capture.fps, capture.url], ["capture", 2, "http://10.9.8.7/capture"]);
  const again = await change({ mode: "stream" });
  assert.deepEqual([again.mode, again.fps, again.url], ["stream", null, "http://10.9.8.7/stream"]);
  assert.equal((await change({ user: "dora" })).user, "dora");
  assert.equal((await change({ user: "" })).user, null);
  assert.equal((await change({ default: true })).default, true);
  const other = await add(t, server, { name: "Stable", url: "http://10.9.8.8", default: true });
  assert.equal(other.default, true);
  const defaults = (await list(server)).filter((one) => one.default).map((one) => one.id);
  assert.deepEqual(defaults, [other.id], "there is one default");
  await change({ id: "renamed" }, 422);
  await change({ url: "http://8.8.8.8" }, 422);
  await change({ colour: "red" }, 422);
  assert.equal((await server.get(`${API}/${id}`)).json.name, "Old barn");
  assert.equal((await ask(server, "PATCH", `${API}/nobody`, { name: "x" })).status, 404);
});

test("a_bare_address_gets_the_boards_path_and_one_with_a_path_of_its_own_is_asked_as_it_is", async (t) => {
  const asked = [];
  const board = createServer((request, reply) => {
    asked.push(request.url);
    reply.statusCode = 404;
    reply.end();
  });
  const base = `http://127.0.0.1:${await portOf(board)}`;
  t.after(() => {
    board.closeAllConnections();
    board.close();
  });
  /** @type {[body: { url: string, mode?: "capture" }, path: string][]} */
  const CASES = [
    [{ url: base }, "/stream"],
    [{ url: `${base}/` }, "/stream"],
    [{ url: base, mode: "capture" }, "/capture"],
    [
      { url: `${base}/axis-cgi/mjpg/video.cgi?resolution=640x480` },
      "/axis-cgi/mjpg/video.cgi?resolution=640x480",
    ],
    [{ url: `${base}/video` }, "/video"],
    [{ url: `${base}/snap.jpg`, mode: "capture" }, "/snap.jpg"],
  ];
  for (const [body, path] of CASES) {
    asked.length = 0;
    const { status } = await ask(server, "POST", `${API}/test`, body);
    assert.equal(status, 502);
    assert.deepEqual(asked, [path], JSON.stringify(body));
  }
});

test("a_camera_is_taken_away_and_its_viewers_sent_off", async (t) => {
  const lone = await camera(t);
  const { id } = await add(t, server, { name: "Shed", url: lone.url });
  const viewers = await Promise.all([
    watch(t, server, `/stream?camera=${id}`),
    watch(t, server, `/stream/detect?camera=${id}`),
  ]);
  await Promise.all(viewers.map((viewer) => viewer.next(2)));
  assert.equal((await ask(server, "DELETE", `${API}/${id}`)).status, 204);
  await until(() => viewers.every((viewer) => viewer.over), "the streams end");
  await lone.isRead(0);
  assert.equal((await server.get(`${API}/${id}`)).status, 404);
  assert.equal((await ask(server, "DELETE", `${API}/${id}`)).status, 404);
});

test("who_watches_a_camera_whose_address_changes_is_sent_off_and_a_name_changes_nothing", async (t) => {
  const [first, second] = await Promise.all([camera(t), camera(t, { size: "160x120" })]);
  const { id } = await add(t, server, { name: "Lane", url: first.url });
  const viewer = await watch(t, server, `/stream?camera=${id}`);
  await viewer.next(1);
  await ask(server, "PATCH", `${API}/${id}`, { name: "Lane 2" });
  await viewer.next(5);
  await ask(server, "PATCH", `${API}/${id}`, { url: second.url });
  await until(() => viewer.over, "the old stream ends");
  await first.isRead(0);
  const [{ jpeg }] = await (await watch(t, server, `/stream?camera=${id}`)).next(1);
  assert.equal(inspect(jpeg).width, 160);
});

test("configured_cameras_are_shown_as_such_and_cannot_be_changed", async () => {
  const gate = (await list(server)).find((one) => one.id === "gate");
  assert.equal(gate.configured, true);
  for (const { status, json } of [
    await ask(server, "PATCH", `${API}/gate`, { name: "x" }),
    await ask(server, "DELETE", `${API}/gate`),
  ]) {
    assert.equal(status, 403);
    assert.match(json.detail, /configuration file/);
  }
  assert.equal((await server.get(`${API}/gate`)).json.name, "Gate");
});

describe("who_may_change_cameras", () => {
  const body = { name: "Porch", url: "http://10.9.8.7" };
  const REMOTE = { "X-Forwarded-For": "203.0.113.9" };
  /** Asks for every change, none of which may be made. */
  async function refuses(at, headers) {
    const before = await ids(at);
    const answers = [
      await ask(at, "POST", API, body, headers),
      await ask(at, "POST", `${API}/test`, { url: "http://10.9.8.7" }, headers),
      await ask(at, "PATCH", `${API}/gate`, { name: "x" }, headers),
      await ask(at, "DELETE", `${API}/gate`, undefined, headers),
    ];
    assert.deepEqual(
      answers.map(({ status, json }) => [status, typeof json.detail]),
      Array(4).fill([403, "string"]),
    );
    assert.deepEqual(await ids(at), before);
  }

  test("by_default_only_those_on_the_same_machine", async (t) => {
    await add(t, server, body);
    const { status, json } = await ask(server, "POST", API, body, REMOTE);
    assert.equal(status, 401);
    assert.match(json.detail, /key/);
    const door = { id: "door", url: "http://127.0.0.1:9" };
    const open = await start(t, serving({ cameras: [door], set: { "access.mode": "open" } }));
    await refuses(open, REMOTE);
    const seen = (await open.get(API, REMOTE)).json;
    assert.equal(seen.may_change, false);
    assert.ok(seen.cameras.length > 0, "others may look");
  });

  test("never_a_page_of_another_site", async () => {
    await refuses(server, { Origin: "http://evil.example" });
    await refuses(server, { Origin: "null" });
  });

  test("a_form_of_another_site_cannot_either", async () => {
    const { status } = await ask(server, "POST", API, body, { "Content-Type": "text/plain" });
    assert.ok(status >= 400, `${status}`);
  });

  test("nobody_where_the_configuration_says_so_and_anyone_where_it_says_that", async (t) => {
    const closed = await start(t, serving({ set: { "cameras.changing": "nobody" } }));
    await refuses(closed, {});
    const open = await start(
      t,
      serving({ set: { "cameras.changing": "anyone", "cameras.allow": "10.0.0.0/8" } }),
    );
    assert.equal((await ask(open, "POST", API, body, REMOTE)).status, 201);
  });
});

describe("a_camera_is_tried_before_it_is_added", () => {
  const tryOut = (body) =>
    fetch(`${server.url}${API}/test`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });

  test("with_its_first_picture_as_the_answer", async (t) => {
    const lone = await camera(t);
    for (const body of [{ url: lone.url }, { url: lone.url, mode: "capture" }, { id: "gate" }]) {
      const response = await tryOut(body);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("content-type"), "image/jpeg");
      assert.equal(response.headers.get("x-sightwire-width"), "320");
      assert.equal(response.headers.get("x-sightwire-height"), "240");
      assert.match(response.headers.get("x-sightwire-wait-ms"), /^\d+$/);
      const { width, height } = inspect(Buffer.from(await response.arrayBuffer()));
      assert.deepEqual([width, height], [320, 240]);
    }
    await lone.isRead(0);
  });

  test("without_a_second_connection_where_it_is_watched_already", async (t) => {
    const lone = await camera(t);
    await (await watch(t, server, `/stream/proxy?esp32_url=${encodeURIComponent(lone.url)}`)).next(1);
    assert.equal((await tryOut({ url: lone.url })).status, 200);
    assert.equal((await lone.status()).streams_total, 1);
  });

  test("and_one_that_has_stalled_while_it_is_watched_has_no_picture", async (t) => {
    const lone = await camera(t);
    const url = encodeURIComponent(lone.url);
    const viewer = await watch(t, server, `/stream/proxy?esp32_url=${url}`);
    await viewer.next(2);
    await lone.fails("stall");
    await viewer.next(1, (jpeg) => inspect(jpeg).quality === 80);
    const { status, json } = await ask(server, "POST", `${API}/test`, { url: lone.url });
    assert.equal(status, 502);
    assert.match(json.detail, /sends no picture/);
  });

  test("or_with_the_reason_why_there_is_none", async (t) => {
    const html = await camera(t, { args: ["--fault", "html"] });
    /** @type {[any, number, RegExp][]} */
    const CASES = [
      [{ url: html.url }, 502, /web page/],
      [{ url: "http://127.0.0.1:1" }, 502, /cannot be reached/],
      [{ url: "http://8.8.8.8" }, 422, /cameras\.allow/],
      [{ url: "cam" }, 422, /address/],
      [{ id: "nobody" }, 404, /nobody/],
      [{}, 422, /url/],
    ];
    for (const [body, expected, says] of CASES) {
      const { status, json } = await ask(server, "POST", `${API}/test`, body);
      assert.equal(status, expected, json.detail);
      assert.match(json.detail, says);
    }
  });
});

describe("cameras_are_kept", () => {
  test("over_a_restart_as_they_were_last", async (t) => {
    const path = join(folder(t), "deep", "cameras.json");
    const options = serving({ set: { "cameras.file": path } });
    const first = await start(t, options);
    await ask(first, "POST", API, { name: "One", url: "http://10.9.8.1", default: true });
    await ask(first, "POST", API, {
      name: "Two",
      url: "http://10.9.8.2",
      mode: "capture",
      fps: 3,
      user: "alice",
    });
    await ask(first, "POST", API, { name: "Three", url: "http://eve:hunter2@10.9.8.3/video.mjpg?x=y" });
    await ask(first, "PATCH", `${API}/one`, { name: "Eins" });
    await ask(first, "POST", API, { name: "Four", url: "http://10.9.8.4" });
    await ask(first, "DELETE", `${API}/four`);
    const before = await list(first);
    assert.equal(before.length, 3);
    await first.stop();
    const second = await start(t, options);
    assert.deepEqual(await list(second), before);
    assert.equal(statSync(path).mode & 0o777, 0o600, "it holds passwords");
    assert.deepEqual(readdirSync(join(path, "..")), ["cameras.json"], "and nothing lies beside it");
  });

  test("whole_and_with_all_that_was_acknowledged_when_the_server_is_killed_while_writing", async (t) => {
    const path = join(folder(t), "cameras.json");
    const options = serving({ set: { "cameras.file": path } });
    const kept = new Set();
    const gone = new Set();
    for (let round = 0; round < 4; round += 1) {
      const one = await start(t, options);
      const shown = await ids(one);
      for (const id of kept) assert.ok(shown.includes(id), `${id} was acknowledged and is gone`);
      for (const id of gone) assert.ok(!shown.includes(id), `${id} was taken away and is back`);
      let running = true;
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let i = 0; running; i += 1) {
          const id = `r${round}-w${writer}-${i}`;
          const name = `${id} ${"x".repeat(80)}`;
          const added = await ask(one, "POST", API, { id, name, url: "http://10.9.8.7" }).catch(
            () => undefined,
          );
          if (added?.status !== 201) break;
          kept.add(id);
          if (i % 3 === 2) {
            // Between asking and hearing that it is done, either may be.
            kept.delete(id);
            const removed = await ask(one, "DELETE", `${API}/${id}`).catch(() => undefined);
            if (removed?.status === 204) gone.add(id);
          }
        }
      });
      const before = kept.size;
      await until(() => kept.size >= before + 2, "two more");
      // Never at the same point of a write.
      await sleep(37 * round);
      process.kill(one.pid, "SIGKILL");
      running = false;
      await one.ended;
      await Promise.all(writers);
      const saved = JSON.parse(readFileSync(path, "utf8"));
      const there = new Set(saved.map((camera) => camera.id));
      for (const id of kept) assert.ok(there.has(id), `${id} was acknowledged and is not in the file`);
    }
    t.diagnostic(`${kept.size} kept, ${gone.size} taken away`);
    assert.ok(kept.size > 5, `${kept.size} were added in all`);
  });

  test("and_a_file_that_cannot_be_read_ends_the_start_and_is_left_alone", async (t) => {
    const path = join(folder(t), "cameras.json");
    const { args, env, files } = serving({ set: { "cameras.file": path } });
    writeFileSync(path, '[{"id": "a", "url": "http://eve:hunter2@10.9.8.7"');
    const ended = await command(["serve", "--listen", "127.0.0.1:0", ...args], { env, files });
    assert.notEqual(ended.code, 0);
    assert.match(ended.stderr, /cameras\.json/);
    assert.doesNotMatch(ended.stdout + ended.stderr, /hunter2/);
    assert.match(readFileSync(path, "utf8"), /hunter2/);
  });

  test("and_a_file_that_cannot_be_written_changes_nothing", async (t) => {
    // A folder stands where the file should be: nobody can write that, not even root.
    const path = folder(t);
    const one = await start(t, serving({ set: { "cameras.file": join(path, "cameras.json") } }));
    mkdirSync(join(path, "cameras.json", "in-the-way"), { recursive: true });
    const { status, json } = await ask(one, "POST", API, { name: "One", url: "http://10.9.8.7" });
    assert.equal(status, 500);
    assert.match(json.detail, /Nothing was changed/);
    assert.deepEqual(await list(one), []);
    const beside = readdirSync(path);
    assert.deepEqual(beside, ["cameras.json"], "no half of a file is left");
  });
});

describe("names_and_passwords", () => {
  const NAME = "grace-hopper";
  const PASSWORD = "n4n0second";
  const TOKEN = "s3same-0pen";
  const SECRETS = [NAME, PASSWORD, TOKEN, Buffer.from(`${NAME}:${PASSWORD}`).toString("base64")];

  test("are_in_no_answer_no_log_and_no_metric", async (t) => {
    const locked = await camera(t, { user: `${NAME}:${PASSWORD}` });
    const secret = (at) => `${at.replace("//", `//${NAME}:${PASSWORD}@`)}/stream?token=${TOKEN}`;
    const configured = { id: "conf", url: secret(locked.url) };
    const path = join(folder(t), "cameras.json");
    const set = { "cameras.file": path };
    const one = await start(t, serving({ set, cameras: [configured], env: { RUST_LOG: "trace" } }));
    const answers = [];
    const note = async (asked) => void answers.push((await asked).text);
    const post = (method, at, body) => note(ask(one, method, at, body));
    const get = (at) => note(one.get(at));

    await post("POST", API, { id: "added", url: secret(locked.url) });
    await post("POST", API, { id: "dead", url: secret("http://127.0.0.1:1") });
    await post("POST", API, { id: "bad", url: secret("http://8.8.8.8") });
    await post("POST", API, { id: "added", url: secret(locked.url) });
    await post("POST", API, { id: "wrong type", url: [secret(locked.url)] });
    await post("POST", API, `{"url": "${secret(locked.url)}"`);
    await post("POST", API, { id: "ftp", url: secret("ftp://10.9.8.7") });
    await post("POST", API, { id: "port", url: secret("http://10.9.8.7:99999999") });
    await post("PATCH", `${API}/added`, { url: secret("http://8.8.8.8") });
    await post("PATCH", `${API}/conf`, { url: secret("http://8.8.8.8") });
    await post("POST", `${API}/test`, { url: secret("http://127.0.0.1:1") });
    await post("POST", `${API}/test`, { url: secret("http://8.8.8.8") });
    // It is no mask for nothing: with name and password the camera lets us in.
    const viewers = await Promise.all(
      ["/stream?camera=added", "/stream/detect?camera=conf"].map((at) => watch(t, one, at)),
    );
    await Promise.all(viewers.map((viewer) => viewer.next(1)));
    const { streams } = (await one.get("/api/v1/streams")).json;
    for (const { id } of streams) await get(`/api/v1/streams/${id}`);
    for (const at of [
      API,
      `${API}/added`,
      "/api/v1/streams",
      "/api/v1/status",
      "/metrics",
      "/stream?camera=dead",
      `/stream/proxy?esp32_url=${encodeURIComponent(secret("http://127.0.0.1:1"))}`,
      `/stream/proxy?esp32_url=${encodeURIComponent(secret("http://8.8.8.8"))}`,
      "/api/v1/streams/dead/snapshot.jpg?wait_s=1",
    ]) {
      await get(at);
    }
    viewers.forEach((viewer) => viewer.reset());
    await locked.isRead(0);
    await post("DELETE", `${API}/dead`);
    await one.stop();
    assert.ok(answers.length > 20);
    assert.ok(one.logs().length > 1_000, "it did log");
    for (const word of SECRETS) {
      const shown = answers.find((answer) => answer.includes(word));
      assert.equal(shown, undefined, `${word} in an answer`);
      const line = one
        .logs()
        .split("\n")
        .find((text) => text.includes(word));
      assert.equal(line, undefined, `${word} in the log`);
    }
    // They are where they have to be.
    assert.ok(readFileSync(path, "utf8").includes(PASSWORD));
  });

  test("stay_when_an_address_comes_back_with_its_mask_and_go_to_no_other_host", async (t) => {
    const locked = await camera(t, { user: `${NAME}:${PASSWORD}` });
    const { id, url } = await add(t, server, { url: locked.url.replace("//", `//${NAME}:${PASSWORD}@`) });
    assert.equal(url, `${locked.url.replace("//", "//***:***@")}/stream`);
    const { status } = await ask(server, "PATCH", `${API}/${id}`, { name: "Locked", url });
    assert.equal(status, 200);
    await (await watch(t, server, `/stream?camera=${id}`)).next(1);

    // Another host asks for a password, as would whoever wants to know it.
    const seen = [];
    const thief = createServer((request, reply) => {
      seen.push(request.headers.authorization);
      reply.writeHead(401, { "WWW-Authenticate": 'Basic realm="cam"' });
      reply.end();
    });
    const elsewhere = `http://***:***@127.0.0.1:${await portOf(thief)}/stream`;
    t.after(() => thief.close());
    const moved = await ask(server, "PATCH", `${API}/${id}`, { url: elsewhere });
    assert.equal(moved.status, 422, moved.text);
    await ask(server, "POST", `${API}/test`, { id, url: elsewhere });
    for (const authorization of seen.filter(Boolean)) {
      const sent = Buffer.from(authorization.split(" ")[1], "base64").toString();
      assert.equal(sent, "***:***");
    }
    assert.equal((await server.get(`${API}/${id}`)).json.url, url);
  });
});
