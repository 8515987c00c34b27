// What a camera can do wrong, and what its viewers see of it: the connection is kept, a banner says
// what is wrong, the API names the state and the reason, and when the fault is over pictures come
// again without anybody doing anything.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { start, temporary, until } from "./harness.mjs";
import { inspect } from "./jpeg.mjs";
import { shared } from "./shared.mjs";
import { serving, camera as simulated, USUAL } from "./simulator.mjs";
import { refused, watch } from "./viewer.mjs";

// A viewer for whom this process has no time is no slow one.
const set = { "cameras.lower_quality": false };
const server = shared(
  serving({ set: { ...set, "cameras.stalled_after_s": 1, "cameras.frozen_after_s": 1 } }),
);
/** For cameras that always give pictures: one that has to wait for its core is not stalled. */
const patient = shared(
  serving({ set: { ...set, "cameras.stalled_after_s": 60, "cameras.frozen_after_s": 60 } }),
);

/** Many run side by side here, and no fault needs a quick one. */
const camera = (t, options = {}) => simulated(t, { fps: 8, ...options });

const proxy = (at) => `/stream/proxy?esp32_url=${encodeURIComponent(at.url)}`;
const detect = (at) => `/stream/detect?camera_url=${encodeURIComponent(at.url)}`;

/** The server's own pictures are of another quality than the cameras' here, and than drawn ones. */
const BANNER = 80;
const qualityOf = (jpeg) => inspect(jpeg).quality;
const isBanner = (jpeg) => qualityOf(jpeg) === BANNER;
const isOriginal = (jpeg) => qualityOf(jpeg) === USUAL.quality;
const isDrawn = (jpeg) => qualityOf(jpeg) === 85;

/** What the server says of the stream of a camera. */
async function stream(at, of = server) {
  const { streams } = (await of.get("/api/v1/streams")).json;
  return streams.find((one) => one.url.includes(at.host));
}

/** Waits for a state; the stream then. */
async function state(at, name, reason = /(?:)/) {
  /** @type {import("./types.ts").Stream} */
  let last = undefined;
  const is = async () => {
    last = await stream(at);
    return last?.state === name && reason.test(last.reason ?? "");
  };
  await until(is, `${name} ${reason}`).catch((late) => {
    throw new Error(`${late.message}; it is ${last?.state}: ${last?.reason}`);
  });
  return last;
}

/** Faults that leave the camera without good pictures: the state and the reason that they lead to. */
const SILENT = {
  stall: { state: "stalled", reason: /sends no picture/ },
  freeze: { state: "frozen", reason: /same picture/ },
  reset: { state: "stalled", reason: /broke|ended/ },
  "half-frame": { state: "stalled", reason: /no picture/ },
  "slow-drip": { state: "stalled", reason: /no picture/ },
  dead: { state: "stalled", reason: /no picture/ },
  // New connections only: so the old one is broken first.
  "reset@0s,busy": { name: "busy", state: "stalled", reason: /503/ },
  "reset@0s,html": { name: "html", state: "stalled", reason: /web page/ },
  "reset@0s,dead": {
    name: "dead to a new connection",
    state: "stalled",
    reason: /broke|ended|no picture|did not answer/,
  },
};

/** Faults of pictures that good pictures come through: what is counted. */
const BORNE = {
  garbage: { counts: "skipped_bytes" },
  "no-length": {},
  "huge-length": { counts: "wrong_lengths" },
  "negative-length": { counts: "wrong_lengths" },
  "wrong-length": { counts: "wrong_lengths" },
  thumbnail: {},
  "stray-eoi": { counts: "skipped_bytes" },
  "fill-bytes": {},
  "half-frame@3": { counts: "broken" },
  "garbage@2,wrong-length@3,no-length@5": { counts: "skipped_bytes" },
};

const ODD_BOARDS = {
  another_boundary: ["--boundary", "123456789000000000000987654321"],
  no_lengths: ["--no-length"],
  http_1_0: ["--http10"],
  chunked: ["--chunked"],
  chunked_without_lengths: ["--chunked", "--no-length"],
};

// Most of the time here is waiting: side by side.
describe("ill_cameras", { concurrency: 6 }, () => {
  describe("while_a_camera_gives_no_pictures_viewers_see_why_and_are_kept", { concurrency: 6 }, () => {
    for (const [faults, { name = faults, ...expected }] of Object.entries(SILENT)) {
      test(`${name} (original)`, async (t) => {
        const yard = await camera(t);
        const viewer = await watch(t, server, proxy(yard));
        await viewer.next(3, isOriginal);
        await yard.fails(faults);
        const { reason } = await state(yard, expected.state, expected.reason);
        t.diagnostic(reason);
        assert.doesNotMatch(reason, /undefined|Some\(|reqwest|hyper/, "in words for people");
        // In the size of the picture that it replaces.
        const banners = await viewer.next(1, isBanner);
        for (const { jpeg } of banners) {
          const { width, height } = inspect(jpeg);
          assert.deepEqual([width, height], [320, 240]);
        }
        await yard.fails();
        await viewer.next(2, isOriginal);
        const { reason: none, viewers } = await state(yard, "running");
        assert.equal(none, null);
        assert.equal(viewers, 1);
        assert.equal(viewer.over, false);
        // It kept up all the time, so it never got a picture that was encoded anew.
        const others = viewer.pictures.filter(({ jpeg }) => !isOriginal(jpeg) && !isBanner(jpeg));
        assert.equal(
          others.length,
          0,
          `${others.length} of quality ${others[0] && qualityOf(others[0].jpeg)}`,
        );
      });
    }

    test("stall (drawn)", async (t) => {
      const yard = await camera(t);
      const viewer = await watch(t, server, detect(yard));
      await viewer.next(3, isDrawn);
      await yard.fails("stall");
      await state(yard, "stalled");
      await viewer.next(2, isBanner);
      await yard.fails();
      await viewer.next(5, isDrawn);
      assert.equal(viewer.over, false);
    });

    test("a_camera_that_was_switched_off_and_comes_back_at_its_address", async (t) => {
      const first = await camera(t);
      const viewer = await watch(t, server, proxy(first));
      await viewer.next(3, isOriginal);
      await first.stop();
      await state(first, "stalled", /cannot be reached|ended|broke/);
      await viewer.next(2, isBanner);
      await camera(t, { listen: first.host });
      await viewer.next(3, isOriginal);
      await state(first, "running");
    });

    test("a_viewer_who_comes_while_it_stalls_sees_the_banner_and_then_the_pictures", async (t) => {
      const yard = await camera(t);
      const first = await watch(t, server, proxy(yard));
      await first.next(2, isOriginal);
      await yard.fails("stall");
      await state(yard, "stalled");
      const second = await watch(t, server, proxy(yard));
      await second.next(1, isBanner);
      await yard.fails();
      await second.next(3, isOriginal);
    });
  });

  describe("a_camera_that_is_ill_from_the_start", { concurrency: 3 }, () => {
    const ILL = { busy: /503/, html: /web page/, reset: /broke|ended|without a JPEG/ };
    for (const [fault, reason] of Object.entries(ILL)) {
      test(`${fault} is_502_with_the_reason_and_fine_when_it_is_over`, async (t) => {
        const yard = await camera(t, { args: ["--fault", fault] });
        const { status, body } = await refused(t, server, proxy(yard));
        assert.equal(status, 502);
        assert.match(body.detail, reason);
        t.diagnostic(body.detail);
        await yard.fails();
        await until(async () => !(await stream(yard)), "it is closed");
        await (await watch(t, server, proxy(yard))).next(2, isOriginal);
      });
    }
  });

  describe("what_can_be_read_is_passed_on_whole", { concurrency: 5 }, () => {
    for (const [faults, { counts }] of Object.entries(BORNE)) {
      test(faults, async (t) => {
        const yard = await camera(t, { args: ["--fault", faults] });
        const [viewer, drawn] = await Promise.all([
          watch(t, patient, proxy(yard)),
          watch(t, patient, detect(yard)),
        ]);
        // Every one is a whole picture from its first marker to its last (`inspect` sees to that), of
        // the camera's size and not of a picture within it.
        const pictures = await viewer.next(30);
        for (const { jpeg } of pictures) {
          const { width, height, quality } = inspect(jpeg);
          assert.deepEqual([width, height, quality], [320, 240, USUAL.quality]);
        }
        await drawn.next(5, isDrawn);
        const found = await stream(yard, patient);
        assert.equal(found.state, "running");
        assert.equal(found.connects, 1);
        if (counts) assert.ok(found[counts] > 0, `${counts}: ${found[counts]}`);
        if (faults === "half-frame@3") assert.ok(found.pictures > found.broken, "two of three are good");
        // None was lost but those that were broken, and those that a starved process was too late for.
        const { pictures_total } = await yard.status();
        const lost = pictures_total - found.pictures - found.broken;
        assert.ok(lost < 0.35 * pictures_total + 10, `${lost} of ${pictures_total} lost`);
        await yard.fails();
        await viewer.next(5, isOriginal);
      });
    }
  });

  describe("boards_of_every_kind_are_read", { concurrency: 3 }, () => {
    for (const [name, args] of Object.entries(ODD_BOARDS)) {
      test(name, async (t) => {
        const yard = await camera(t, { args });
        const viewer = await watch(t, server, proxy(yard));
        await viewer.next(10, isOriginal);
        assert.equal((await stream(yard)).skipped_bytes, 0);
      });
    }

    test("that_are_asked_for_each_picture_once_for_all_viewers", async (t) => {
      const yard = await camera(t);
      const asked = await start(
        t,
        serving({ cameras: [{ id: "yard", url: yard.url, mode: "capture", fps: 5 }] }),
      );
      const viewers = await Promise.all(["/stream", "/stream/detect"].map((path) => watch(t, asked, path)));
      await Promise.all(viewers.map((viewer) => viewer.next(10)));
      const { captures_total, streams_total } = await yard.status();
      assert.equal(streams_total, 0);
      const most = Math.max(...viewers.map((viewer) => viewer.pictures.length));
      assert.ok(captures_total <= most + 15, `asked ${captures_total} times for ${most} pictures`);
    });

    test("and_a_folder_of_pictures_is_shown_again_and_again", async (t) => {
      const yard = await camera(t);
      const folder = temporary(t, "pictures");
      const files = [];
      for (const name of ["a.jpg", "b.jpeg", "c.JPG"]) {
        const bytes = Buffer.from(await (await fetch(`${yard.url}/capture`)).arrayBuffer());
        writeFileSync(join(folder, name), bytes);
        files.push(bytes);
      }
      writeFileSync(join(folder, "notes.txt"), "no picture");
      const shown = await start(t, serving({ cameras: [{ id: "album", folder, fps: 5 }] }));
      const viewer = await watch(t, shown, "/stream");
      const order = (await viewer.next(8)).map(({ jpeg }) => files.findIndex((bytes) => bytes.equals(jpeg)));
      const first = order[0];
      assert.deepEqual(
        order,
        order.map((_, i) => (first + i) % 3),
      );
    });

    test("with_name_and_password", async (t) => {
      const yard = await camera(t, { user: "eve:correct horse" });
      const open = (user) => proxy({ url: yard.url.replace("//", `//${user}@`) });
      await (await watch(t, server, open("eve:correct%20horse"))).next(3, isOriginal);
      const wrong = await refused(t, server, open("eve:wrong"));
      assert.equal(wrong.status, 502);
      assert.match(wrong.body.detail, /password/);
      assert.doesNotMatch(wrong.body.detail, /eve|wrong:|horse/);
    });
  });
});

test("the_log_names_no_fault_more_than_a_few_times", async () => {
  const lines = server.logs().split("\n");
  assert.ok(lines.length < 1_500, `${lines.length} lines`);
  assert.doesNotMatch(server.logs(), /panicked|RUST_BACKTRACE/);
});
