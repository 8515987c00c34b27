// What the camera proxy's old clients were promised, byte by byte. The viewer here is a bare socket
// that fails on anything but the prototype's answer; the cameras are simulated.

import assert from "node:assert/strict";
import { Agent, createServer, get } from "node:http";
import { after, before, describe, test } from "node:test";

import { portOf, start, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { camera, serving, USUAL } from "./simulator.mjs";
import { MULTIPART, refused, watch } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */
/** @import { Camera } from "./simulator.mjs" */

const TOO_MANY = "Too many active streams. Please try again.";

/** Ends what the file shares. */
const ends = [];
const file = { after: (end) => ends.push(end) };
after(async () => {
  for (const end of ends.reverse()) await end();
});

let /** @type {Camera} */ yard, /** @type {Camera} */ alices, /** @type {Server} */ server;
before(async () => {
  [yard, alices] = await Promise.all([camera(file), camera(file, { size: "160x120" })]);
  const cameras = [
    { id: "yard", url: yard.url, default: true },
    { id: "alices", url: alices.url, user: "alice" },
  ];
  server = await start(file, serving({ cameras, listen: ["127.0.0.1:0", "127.0.0.1:0"] }));
});

const ENDPOINTS = {
  "/stream": () => "/stream",
  "/stream/proxy": () => `/stream/proxy?esp32_url=${encodeURIComponent(yard.url)}`,
  "/stream/detect": () => `/stream/detect?camera_url=${encodeURIComponent(yard.url)}`,
  "/stream/tracking": () => `/stream/tracking?camera_url=${encodeURIComponent(yard.url)}`,
};

/** A picture of the camera itself, passed on or drawn upon: not one of the server's own banners. */
const isPassed = (jpeg) => inspect(jpeg).quality === USUAL.quality;
const isDrawn = (jpeg) => inspect(jpeg).quality === 85;

describe("every_endpoint", { concurrency: true }, () => {
  for (const [name, path] of Object.entries(ENDPOINTS)) {
    test(`${name} answers_as_the_prototype_did_byte_for_byte`, { timeout: 30_000 }, async (t) => {
      const viewer = await watch(t, server, path());
      const { line, headers } = viewer.head;
      assert.equal(line, "HTTP/1.1 200 OK");
      assert.equal(headers.get("content-type"), MULTIPART);
      assert.equal(headers.get("cache-control"), "no-cache, no-store, must-revalidate");
      // The viewer checks every byte between and around the pictures.
      const drawn = name.includes("detect") || name.includes("tracking");
      const pictures = await viewer.next(10, drawn ? isDrawn : isPassed);
      for (const { jpeg } of pictures) {
        const { width, height } = inspect(jpeg);
        assert.deepEqual([width, height], [320, 240]);
      }
    });
  }

  for (const name of ["/stream", "/stream/proxy"]) {
    test(`${name} passes_the_cameras_own_bytes_on`, async (t) => {
      const own = await watchCamera(t, yard);
      const viewer = await watch(t, server, ENDPOINTS[name]());
      const passed = await viewer.next(20);
      await until(() => own.last > passed.at(-1).at + 200, "the same pictures from the camera");
      for (const { jpeg } of passed) {
        assert.ok(own.pictures.has(jpeg.toString("latin1")), "a picture that the camera did not send");
      }
      assert.equal(new Set(passed.map(({ jpeg }) => jpeg.toString("latin1"))).size, 20, "each is another");
    });
  }
});

/** The pictures as the camera itself sends them, read beside the server. */
async function watchCamera(t, at) {
  const own = { pictures: new Set(), last: 0 };
  const stop = new AbortController();
  const response = await fetch(`${at.url}/stream`, { signal: stop.signal });
  const reading = (async () => {
    let rest = Buffer.alloc(0);
    for await (const bytes of response.body) {
      rest = Buffer.concat([rest, bytes]);
      for (;;) {
        const head = rest.indexOf("\r\n\r\n");
        const length = Number(
          rest
            .subarray(0, Math.max(head, 0))
            .toString("latin1")
            .match(/length: (\d+)/i)?.[1],
        );
        if (head < 0 || rest.length < head + 4 + length) break;
        own.pictures.add(rest.subarray(head + 4, head + 4 + length).toString("latin1"));
        own.last = performance.now();
        rest = rest.subarray(head + 4 + length);
      }
    }
  })().catch(() => {});
  t.after(async () => {
    stop.abort();
    await reading;
  });
  await until(() => own.pictures.size > 0, "a picture from the camera itself");
  return own;
}

describe("which_camera", () => {
  const size = async (t, path, headers) => {
    const viewer = await watch(t, server, path, { headers });
    const [{ jpeg }] = await viewer.next(1, (picture) => isPassed(picture) || isDrawn(picture));
    viewer.socket.destroy();
    const { width, height } = inspect(jpeg);
    return `${width}x${height}`;
  };

  test("x_user_id_selects_the_users_camera", async (t) => {
    assert.equal(await size(t, "/stream", { "X-User-ID": "alice" }), "160x120");
    assert.equal(await size(t, "/stream", { "x-user-id": "alice" }), "160x120");
  });

  test("nobody_and_a_user_without_a_camera_get_the_default_one", async (t) => {
    assert.equal(await size(t, "/stream"), "320x240");
    assert.equal(await size(t, "/stream", { "X-User-ID": "bob" }), "320x240");
  });

  test("every_endpoint_takes_the_id_of_a_camera", async (t) => {
    for (const endpoint of Object.keys(ENDPOINTS)) {
      assert.equal(await size(t, `${endpoint}?camera=alices`), "160x120", endpoint);
    }
  });

  test("an_address_goes_before_the_user_and_the_default", async (t) => {
    const address = encodeURIComponent(alices.url);
    assert.equal(await size(t, `/stream/proxy?esp32_url=${address}`), "160x120");
    assert.equal(await size(t, `/stream/detect?camera_url=${address}`), "160x120");
    // As people write it: without a scheme, with a slash at the end, with the stream's own path.
    for (const written of [alices.url.slice("http://".length), `${alices.url}/`, `${alices.url}/stream/`]) {
      assert.equal(
        await size(t, `/stream/proxy?esp32_url=${encodeURIComponent(written)}`),
        "160x120",
        written,
      );
    }
    const own = encodeURIComponent(`${yard.url}/stream`);
    assert.equal(await size(t, `/stream/proxy?esp32_url=${own}`, { "X-User-ID": "alice" }), "320x240");
  });

  test("parameters_that_nobody_knows_are_named", async (t) => {
    for (const [path, notes] of [
      ["/stream?camera=yard&max_size=7", '"max_size" is no parameter here and does nothing.'],
      ["/stream/detect?camera=yard&min_size=3&conf=0.5", '"min_size" is no parameter here and does nothing.'],
      ["/stream/tracking?camera=yard&show_stats=0", undefined],
    ]) {
      const viewer = await watch(t, server, path);
      const { headers } = await viewer.answered();
      assert.equal(headers.get("x-sightwire-notes") ?? undefined, notes, path);
    }
    const lines = server
      .logs()
      .split("\n")
      .filter((line) => line.includes("parameters without effect"));
    assert.equal(lines.filter((line) => line.includes("max_size")).length, 1, "one for the client");
  });

  test("fps_is_how_many_frames_a_second_come_of_a_camera_itself", async (t) => {
    const slower = await watch(t, server, "/stream?camera=yard&fps=2");
    const all = await watch(t, server, "/stream?camera=yard");
    await slower.next(1, isPassed);
    const before = all.pictures.length;
    await slower.next(4, isPassed);
    assert.ok(all.pictures.length - before >= 8, `${all.pictures.length - before} while 4 came`);
    const { status, body } = await refused(t, server, "/stream?camera=yard&fps=0");
    assert.equal(status, 422);
    assert.match(body.detail, /^fps must be/);
  });

  test("parameters_that_nobody_knows_are_ignored", async (t) => {
    assert.equal(await size(t, "/stream?t=1763641234&width=7&nothing"), "320x240");
    assert.equal(await size(t, "/stream/detect?camera=yard&cache_bust=abc"), "320x240");
  });
});

describe("parameters", () => {
  const NUMBERS = {
    conf: { good: ["0", "1", "0.5", "1.0", ".3"], bad: ["-0.01", "1.01", "2", "nan", "inf", "abc", "0,5"] },
    fps: { good: ["1", "30"], bad: ["0", "31", "-1", "1.5", "ten", "1e1"] },
    skip_frames: { good: ["1", "10"], bad: ["0", "11", "-3", "2.0", "x"] },
  };
  const FLAG = { good: ["true", "false", "True", "FALSE", "1", "0"], bad: ["maybe", "2", "-1"] };
  const OF = {
    "/stream/detect": { ...NUMBERS, show_labels: FLAG },
    "/stream/tracking": { ...NUMBERS, show_labels: FLAG, show_trails: FLAG, show_stats: FLAG },
  };

  for (const [endpoint, parameters] of Object.entries(OF)) {
    for (const [name, { bad }] of Object.entries(parameters)) {
      test(`${endpoint} refuses_${name}_out_of_its_range_with_422`, async (t) => {
        for (const value of bad) {
          const path = `${endpoint}?camera=yard&${name}=${encodeURIComponent(value)}`;
          const { status, headers, body } = await refused(t, server, path);
          assert.equal(status, 422, path);
          assert.match(headers.get("content-type"), /^application\/json/);
          assert.deepEqual(Object.keys(body), ["detail"]);
          assert.match(body.detail, new RegExp(`^${name} must be .*${value}`), path);
        }
      });
    }

    test(`${endpoint} takes_every_value_within_range`, { timeout: 60_000 }, async (t) => {
      for (const [name, { good }] of Object.entries(parameters)) {
        for (const value of good) {
          const viewer = await watch(t, server, `${endpoint}?camera=yard&${name}=${value}`);
          viewer.socket.destroy();
        }
      }
    });
  }

  test("a_camera_is_analysed_as_asked_for_and_by_the_prototypes_defaults", async (t) => {
    const lone = await camera(t);
    const shown = async (path) => {
      const address = encodeURIComponent(lone.url);
      const viewer = await watch(t, server, `${path}camera_url=${address}`);
      await viewer.next(1);
      const { streams } = (await server.get("/api/v1/streams")).json;
      const { analyses } = streams.find((stream) => stream.url.includes(lone.host));
      const view = analyses.flatMap((one) => one.views.map((shows) => ({ ...one, ...shows })));
      viewer.socket.destroy();
      await lone.isRead(0);
      assert.equal(view.length, 1);
      const { fps, skip_frames, kind, confidence, labels, trails, classes, quality } = view[0];
      return [fps, skip_frames, kind, confidence, labels, trails, classes, quality];
    };
    assert.deepEqual(await shown("/stream/detect?"), [10, 2, "detect", 0.25, true, false, null, 85]);
    assert.deepEqual(await shown("/stream/tracking?"), [10, 1, "tracking", 0.25, true, true, null, 85]);
    const asked =
      "/stream/tracking?conf=0.6&show_labels=false&show_trails=0&fps=7&skip_frames=3&classes=car&";
    assert.deepEqual(await shown(asked), [7, 3, "tracking", 0.6, false, false, ["car"], 85]);
  });
});

describe("refusals", () => {
  test("400_when_no_camera_is_known", async (t) => {
    const empty = await start(t, serving());
    for (const endpoint of Object.keys(ENDPOINTS)) {
      const { status, body } = await refused(t, empty, endpoint, { headers: { "X-User-ID": "alice" } });
      assert.equal(status, 400, endpoint);
      assert.deepEqual(Object.keys(body), ["detail"]);
      assert.match(body.detail, /camera/i);
    }
  });

  test("404_for_a_camera_that_is_not_there", async (t) => {
    for (const endpoint of Object.keys(ENDPOINTS)) {
      const { status, body } = await refused(t, server, `${endpoint}?camera=cellar`);
      assert.equal(status, 404, endpoint);
      assert.match(body.detail, /"cellar"/);
    }
  });

  test("422_for_what_is_no_address_of_a_camera", async (t) => {
    for (const address of ["ftp://10.0.0.5/", "http://", "file:///etc/passwd", "javascript:alert(1)"]) {
      const wanted = encodeURIComponent(address);
      for (const path of [`/stream/proxy?esp32_url=${wanted}`, `/stream/detect?camera_url=${wanted}`]) {
        const { status, body } = await refused(t, server, path);
        assert.equal(status, 422, path);
        assert.match(body.detail, /http/, path);
      }
    }
  });

  describe("502", () => {
    /** What answers where a camera should be; and what the viewer is told. */
    const CAMERAS = {
      when_nothing_listens_there: { answer: undefined, says: /cannot be reached/ },
      with_a_web_page: {
        answer: (_, reply) => reply.end("<html><body>Router</body></html>"),
        says: /web page/,
      },
      with_404: {
        answer: (_, reply) => {
          reply.statusCode = 404;
          reply.end("none");
        },
        says: /404/,
      },
      that_wants_a_password: {
        answer: (_, reply) => {
          reply.writeHead(401, { "WWW-Authenticate": 'Basic realm="cam"' });
          reply.end();
        },
        says: /password/i,
      },
      with_an_answer_that_ends_without_a_picture: {
        answer: (_, reply) => reply.end("hello"),
        says: /without a JPEG/,
      },
    };

    for (const [name, { answer, says }] of Object.entries(CAMERAS)) {
      test(`a_camera ${name}`, async (t) => {
        const other = createServer(answer);
        const port = await portOf(other);
        t.after(() => other.close());
        if (!answer) await new Promise((done) => other.close(done));
        const address = encodeURIComponent(`http://eve:hunter2@127.0.0.1:${port}`);
        for (const path of [`/stream/proxy?esp32_url=${address}`, `/stream/tracking?camera_url=${address}`]) {
          const { status, headers, body } = await refused(t, server, path);
          assert.equal(status, 502, path);
          assert.match(headers.get("content-type"), /^application\/json/);
          assert.match(body.detail, says, path);
          assert.match(body.detail, new RegExp(`127\\.0\\.0\\.1:${port}`));
          assert.doesNotMatch(body.detail, /hunter2|eve/, "no name and no password");
        }
      });
    }
  });

  test("503_with_retry_after_for_one_camera_too_many_and_none_for_its_viewers", async (t) => {
    const full = await start(t, serving({ set: { "cameras.max_named": 1 } }));
    const of = (at) => `/stream/proxy?esp32_url=${encodeURIComponent(at.url)}`;
    const first = await watch(t, full, of(yard));
    await first.next(1);
    // Many may watch the one that is open.
    const second = await watch(t, full, of(yard));
    await second.next(1);
    for (const path of [of(alices), `/stream/detect?camera_url=${encodeURIComponent(alices.url)}`]) {
      const { status, headers, body } = await refused(t, full, path);
      assert.equal(status, 503, path);
      assert.deepEqual(body, { detail: TOO_MANY });
      assert.match(headers.get("retry-after"), /^[1-9]\d*$/);
    }
    await first.next(2);
    first.fin();
    second.fin();
    // The place is free when the camera's linger is over.
    const open = async () => (await full.get("/api/v1/streams")).json.streams.length;
    await until(async () => (await open()) === 0, "the camera closed");
    await (await watch(t, full, of(alices))).next(1);
  });

  for (const [limit, second] of [
    ["cameras.max_analyses", "/stream/detect?camera=gate"],
    ["cameras.max_views", "/stream/detect?camera=yard&conf=0.9"],
  ]) {
    test(`503_above ${limit} and_nobody_else_suffers`, async (t) => {
      const cameras = [
        { id: "yard", url: yard.url },
        { id: "gate", url: alices.url },
      ];
      const full = await start(t, serving({ cameras, set: { [limit]: 1 } }));
      const first = await watch(t, full, "/stream/detect?camera=yard");
      await first.next(1);
      const { status, headers, body } = await refused(t, full, second);
      assert.equal(status, 503);
      assert.deepEqual(body, { detail: TOO_MANY });
      assert.match(headers.get("retry-after"), /^[1-9]\d*$/);
      // The same as the first, and the camera's own pictures, cost nothing more.
      await (await watch(t, full, "/stream/detect?camera=yard")).next(1);
      await (await watch(t, full, "/stream?camera=yard")).next(1);
      await first.next(3);
      first.fin();
    });
  }

  test("503_for_one_viewer_too_many", async (t) => {
    const full = await start(t, serving({ set: { "cameras.max_viewers": 2 } }));
    const path = `/stream/proxy?esp32_url=${encodeURIComponent(yard.url)}`;
    const first = await watch(t, full, path);
    await watch(t, full, path);
    const { status, headers, body } = await refused(t, full, path);
    assert.equal(status, 503);
    assert.deepEqual(body, { detail: TOO_MANY });
    assert.match(headers.get("retry-after"), /^[1-9]\d*$/);
    first.reset();
    const viewers = async () => (await full.get("/api/v1/status")).json.cameras.viewers;
    await until(async () => (await viewers()) === 1, "a place");
    await watch(t, full, path);
  });
});

test("every_address_that_the_server_listens_on_has_the_streams_and_shares_the_camera", async (t) => {
  const lone = await camera(t);
  const path = `/stream/proxy?esp32_url=${encodeURIComponent(lone.url)}`;
  assert.equal(server.urls.length, 2);
  assert.notEqual(server.urls[0], server.urls[1]);
  for (const url of server.urls) await (await watch(t, { url }, path)).next(2);
  const { stream_clients, streams_total } = await lone.status();
  assert.deepEqual({ stream_clients, streams_total }, { stream_clients: 1, streams_total: 1 });
});

test("a_client_of_http_1_0_gets_the_parts_without_any_coding", async (t) => {
  for (const path of ["/stream", "/stream/detect?camera=yard"]) {
    const viewer = await watch(t, server, path, { version: "1.0" });
    const { headers } = viewer.head;
    assert.equal(headers.get("transfer-encoding"), undefined);
    assert.equal(headers.get("content-length"), undefined);
    assert.equal(headers.get("content-type"), MULTIPART);
    await viewer.next(5);
    viewer.socket.destroy();
  }
});

test("who_was_refused_may_ask_again_over_the_same_connection", async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const ask = (path) =>
    new Promise((done, fail) => {
      const request = get(server.url + path, { agent }, (answer) => done({ request, answer }));
      request.on("error", fail);
    });
  const { answer: refusal } = await ask("/stream/detect?fps=99");
  assert.equal(refusal.statusCode, 422);
  await refusal.resume().toArray();
  const { request, answer } = await ask("/stream");
  assert.equal(answer.statusCode, 200);
  assert.ok(request.reusedSocket);
  request.destroy();
});

test("only_get_is_answered", async () => {
  for (const endpoint of Object.keys(ENDPOINTS)) {
    const { status } = await fetch(server.url + endpoint, { method: "POST" });
    assert.equal(status, 405, endpoint);
  }
});

test("a_server_that_is_stopped_ends_its_streams_and_leaves_the_cameras", async (t) => {
  const [lone, other] = await Promise.all([camera(t), start(t, serving())]);
  const address = encodeURIComponent(lone.url);
  const paths = [`/stream/proxy?esp32_url=${address}`, `/stream/detect?camera_url=${address}`];
  const viewers = await Promise.all(paths.map((path) => watch(t, other, path)));
  await Promise.all(viewers.map((viewer) => viewer.next(2)));
  const { code, ms } = await other.stop();
  assert.equal(code, 0);
  t.diagnostic(`${Math.round(ms)} ms`);
  assert.ok(ms < 15_000, `${Math.round(ms)} ms`);
  await until(() => viewers.every((viewer) => viewer.over), "the viewers notice");
  await lone.isRead(0);
});
