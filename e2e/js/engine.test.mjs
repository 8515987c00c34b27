// How networks are run on a CPU that nobody knows yet: each way is tried in a child process first.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { ask } from "./api.mjs";
import { clip } from "./clips.mjs";
import { Client } from "./client.mjs";
import { HOME, command, sleep, start, temporary, until } from "./harness.mjs";
import { png } from "./pictures.mjs";

/** @import { Server } from "./harness.mjs" */

const CHILD = "try-networks";
/** Text gives way to all else, and a busy machine may leave it next to nothing. */
const PATIENT = { SIGHTWIRE_READER_DEADLINE_S: "240" };

/** A store in which nothing was tried yet, with the library and the model for text. It is gone with the test. */
function store(t) {
  const home = temporary(t, "store");
  mkdirSync(join(home, "models"));
  symlinkSync(join(HOME, "runtime"), join(home, "runtime"));
  symlinkSync(join(HOME, "models/ppocr-v4"), join(home, "models/ppocr-v4"));
  return home;
}

/** What was kept, by the name of the network. */
function kept(home) {
  const folder = join(home, "trials");
  if (!existsSync(folder)) return {};
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const records = files.map((name) => {
    const path = join(folder, name);
    return { path, ...JSON.parse(readFileSync(path, "utf8")) };
  });
  return Object.fromEntries(records.map((record) => [record.network, record]));
}

const FINDER = "ch_PP-OCRv4_det_infer.onnx";
const READER = "ch_PP-OCRv4_rec_infer.onnx";
const BACKBONE = "gestures_backbone.onnx";

/** Whether each way of a network was measured. */
const isMeasured = (home, name) => kept(home)[name]?.ways.every(({ outcome }) => outcome.took > 0) ?? false;

// Others, such as the one that turns lines, may come later.
const isAllMeasured = (home) =>
  [FINDER, READER, BACKBONE, "gestures_head.onnx", ...Object.keys(kept(home))].every((name) =>
    isMeasured(home, name),
  );

/** Until everything that is here was measured, which gives way to all else on a busy machine. */
const measured = (home) => until(() => isAllMeasured(home), "trials", 180_000);

const engine = async (/** @type {Server} */ server) => (await server.get("/api/v1/status")).json.engine;

const read = (/** @type {{ url: string }} */ server) => ask(server, "POST", "/api/v1/read", png(320, 96));

/** Children of a server that try networks now. */
function children({ pid }) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const parent = readFileSync(`/proc/${name}/stat`, "latin1").split(") ").at(-1).split(" ")[1];
        const line = readFileSync(`/proc/${name}/cmdline`, "latin1");
        return Number(parent) === pid && line.includes(CHILD);
      } catch {
        return false; // it has just gone
      }
    })
    .map(Number);
}

/** Sends a signal; whether the process was there to get it. */
function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // it has just ended
  }
}

/** The fastest of a record's ways. */
function fastest(record, precision) {
  const ways = record.ways.filter((way) => "took" in way.outcome && way.precision === precision);
  return ways.sort((a, b) => a.outcome.took - b.outcome.took)[0];
}

/** Where the first test measures everything, and the second goes on. */
const home = store({ after: (end) => after(end) });

test("all_that_is_here_is_measured_once_without_anybody_waiting_and_then_run_in_the_fastest_way", async (t) => {
  const server = await start(t, { env: { ...PATIENT, SIGHTWIRE_HOME: home } });
  // Who comes first is served, without waiting until all is measured, however long that takes.
  assert.equal((await read(server)).status, 200);
  const measuring = () => children(server).filter((child) => signal(child, "SIGSTOP"));
  let held = [];
  await until(() => (held = measuring()).length > 0 || isAllMeasured(home), "a child that measures", 60_000);
  assert.equal((await read(server)).status, 200);
  for (const child of held) assert.ok(signal(child, "SIGCONT"), "the measuring was not waited for");
  const client = new Client(server.url);
  t.after(() => client.close());
  await client.ready();
  const frames = await clip("left");
  for (let index = 0; index < 12; index += 1) {
    client.send(frames[index % frames.length]);
    await sleep(40);
  }
  await until(() => client.predictions.length === 12, "a reply for every frame");
  await measured(home);
  await until(() => children(server).length === 0, "the child's end");
  assert.deepEqual(client.disconnects, []);

  const records = kept(home);
  for (const record of Object.values(records)) {
    assert.ok(record.cpu.length > 5 && record.library.startsWith("1."), JSON.stringify(record));
    for (const { outcome } of record.ways) assert.ok(outcome.took > 0, JSON.stringify(record));
  }
  // What runs is the fastest at f32 or faster; a small gain is worth no change.
  const isFast = (way, name) => {
    const record = kept(home)[name];
    const same = ({ provider, precision }) => provider === way.provider && precision === way.precision;
    const took = record.ways.find(same)?.outcome.took;
    const best = fastest(record, "f32").outcome.took;
    return took < best * 1.06 || took - best < 0.11;
  };
  await until(async () => {
    const backbone = (await engine(server)).networks.find(({ role }) => role === "backbone");
    return isFast(backbone, BACKBONE);
  }, "the fastest way at work");
  // Its own thread has still to come to it.
  const readsFast = async () => {
    const { status, json } = await read(server);
    assert.equal(status, 200, json.detail);
    // Where those that find and that read lines have different ones, the finder's stands first: `cpu+openvino`.
    const [provider] = json.provider.split("+");
    return isFast({ provider, precision: json.precision.detection }, FINDER);
  };
  await until(readsFast, "the finder's fastest way", 180_000);
  await server.stop();

  const again = await start(t, { env: { ...PATIENT, SIGHTWIRE_HOME: home } });
  await read(again);
  assert.doesNotMatch(again.logs(), /on this machine:/, "nothing is measured a second time");
  assert.deepEqual(children(again), []);
});

test("a_way_that_ended_its_process_is_never_taken_again_and_log_status_and_metrics_say_so", async (t) => {
  if (!isMeasured(home, "gestures_head.onnx")) {
    const first = await start(t, { env: { ...PATIENT, SIGHTWIRE_HOME: home } });
    await measured(home);
    await first.stop();
  }
  // As it is kept where bf16 dies, and so does OpenVINO with the backbone.
  const died = { died: "SIGILL: an instruction that this CPU cannot do" };
  for (const { path, ...record } of Object.values(kept(home))) {
    for (const way of record.ways) {
      if (way.precision === "bf16" || record.network === BACKBONE) {
        if (way.provider === "openvino") way.outcome = died;
      }
    }
    writeFileSync(path, JSON.stringify(record));
  }
  const server = await start(t, { env: { ...PATIENT, SIGHTWIRE_HOME: home } });
  const { json, status } = await read(server);
  assert.equal(status, 200);
  assert.equal(json.precision.detection, "f32");
  const { networks, warnings } = await engine(server);
  assert.equal(networks.find(({ role }) => role === "backbone").provider, "cpu");
  const way =
    /gestures_backbone\.onnx of the model gestures is not run with openvino f32 on this machine.*SIGILL/;
  assert.ok(
    warnings.some((warning) => way.test(warning)),
    JSON.stringify(warnings),
  );
  assert.match(server.logs(), way);
  const metrics = (await server.get("/metrics")).text;
  const count = Number(metrics.match(/^sightwire_engine_ways_given_up (\S+)$/m)[1]);
  assert.equal(count, warnings.filter((warning) => warning.includes("is not run with")).length);
  const checked = await command(["models", "check", "gestures"], { env: { SIGHTWIRE_HOME: home } });
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stderr, way);
  assert.match(checked.stdout, /cpu f32: [\d.]+ ms.*taken: cpu f32/);

  // Asked for by name, it is refused with the reason instead of another in its place.
  const named = {
    SIGHTWIRE_HOME: home,
    SIGHTWIRE_ENGINE_PROVIDER: "openvino",
    SIGHTWIRE_ENGINE_PRECISION: "f32",
  };
  const refused = await command(["models", "check", "gestures"], { env: named });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /cannot be run on this machine.*SIGILL.*--again/s);
  const again = await command(["models", "check", "gestures", "--again"], { env: named });
  assert.equal(again.code, 0, again.stderr);
});

test("children_that_die_of_a_missing_instruction_or_hang_take_nothing_with_them", async (t) => {
  for (const name of ["SIGILL", "SIGSTOP"]) {
    const env = { ...PATIENT, SIGHTWIRE_HOME: store(t), SIGHTWIRE_ENGINE_TRIAL_TIMEOUT_S: "1" };
    let going = true;
    let hit = 0;
    const server = start(t, { env });
    // Every child of every server of this test's store, as soon as it is there, for as long as the test runs.
    const hunt = (async () => {
      const { pid } = await server;
      while (going) {
        for (const child of children({ pid })) {
          if (signal(child, name)) hit += 1;
        }
        await sleep(5);
      }
    })();
    const { url, get, stop } = await server;
    const begun = performance.now();
    while (hit === 0 || performance.now() - begun < 2500) {
      assert.ok(performance.now() - begun < 90_000, `no child was met that could get ${name}`);
      const asked = performance.now();
      assert.equal((await get.call({ url }, "/livez")).text, "ok");
      assert.ok(performance.now() - asked < 20_000, "the server answers meanwhile");
      // Read, or refused with the reason: never a server that is gone.
      const { status, json } = await read({ url });
      if (status !== 200) assert.match(json.detail, /cannot be run on this machine/);
      await sleep(100);
    }
    going = false;
    await hunt;
    const ended = await stop();
    assert.equal(ended.code, 0);
  }
});

test("where_amx_must_not_be_used_the_program_starts_itself_anew_with_the_cap_and_says_so", async (t) => {
  const env = { ...PATIENT, SIGHTWIRE_AMX: "off" };
  const server = await start(t, { env });
  const environment = readFileSync(`/proc/${server.pid}/environ`, "latin1").split("\0");
  assert.ok(environment.includes("ONEDNN_MAX_CPU_ISA=AVX512_CORE_FP16"), "the same process, with the cap");
  assert.equal((await read(server)).status, 200);
  const { cpu, warnings } = await engine(server);
  assert.equal(cpu.amx, "off");
  assert.match(warnings[0], /run without AMX/);
  assert.match(server.logs(), /WARN.*run without AMX/);
  const checked = await command(["check"], { env });
  assert.equal(checked.code, 0);
  assert.match(checked.stdout, /^cpu: \S/m);
  assert.match(checked.stderr, /run without AMX/);

  // A cap that somebody has set is left alone.
  const own = await start(t, { env: { ...env, ONEDNN_MAX_CPU_ISA: "AVX2" } });
  assert.ok(readFileSync(`/proc/${own.pid}/environ`, "latin1").includes("ONEDNN_MAX_CPU_ISA=AVX2\0"));
  assert.match((await engine(own)).warnings[0], /ONEDNN_MAX_CPU_ISA=AVX2/);
});
