// Each alert of deploy/prometheus/rules.yml is fired once by the fault that it names: a real Prometheus watches a server that is
// given the fault. What cannot be done to a server from outside within seconds is in rules.test.yml, and the reason is here.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect as dial } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect as dialTls } from "node:tls";

import { ask } from "./api.mjs";
import { FAILING, HANGING, showWhite, withModel } from "./broken-models.mjs";
import { clip } from "./clips.mjs";
import { clocks } from "./clock.mjs";
import { SECRET } from "./cluster.mjs";
import { Client, connect } from "./client.mjs";
import { HOME, sleep, start, temporary, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { descriptors } from "./procfs.mjs";
import { alertNames, startPrometheus } from "./prometheus.mjs";
import { startRedis } from "./redis.mjs";
import { Client as Socket, jpeg, often, streamer, streamPath, url, viewer } from "./relay.mjs";
import { alertsOf, linesOf, reliability } from "./reliability.mjs";
import { camera, serving } from "./simulator.mjs";
import { systemd } from "./systemd.mjs";
import { Viewer } from "./viewer.mjs";

/** @import { Server } from "./harness.mjs" */
/** @import { Ending } from "./types.ts" */
/** @import { Prometheus } from "./prometheus.mjs" */
/** @typedef {(options?: Parameters<typeof start>[1]) => Promise<Server>} Watched Starts a server that is watched from then on. */
/** @typedef {(t: Ending, watched: Watched) => Promise<Server | void>} Fault What is done; the server, if it is not the last one. */

/** Alerts that nobody can cause from outside, and why. */
const ELSEWHERE = {
  SightwirePanic: "no input is known that panics; crates/sightwire counts them in a test of its own",
};

/** Alerts whose faults bear no others beside them, and why. */
const ALONE = {
  SightwirePipelineStalled: "takes all of a core",
  SightwireDetectionsLate: "has moments in which detections must come, however late",
};

/** Calls it again and again until the test ends, whatever comes of it. */
const again = (/** @type {Ending} */ t, perSecond, act) =>
  often(t, perSecond, async (count) => {
    try {
      await act(count);
    } catch {
      // Refusals are what is wanted.
    }
  });

const set = (/** @type {Record<string, unknown>} */ values) =>
  Object.entries(values).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

const folder = (t) => temporary(t, "alerts");

/** One of several processes, as options of a server; it is not where it says that it is. */
const oneOf = ({ url }, name, secret = SECRET) => ({
  env: {
    SIGHTWIRE_CLUSTER_REDIS_URL: url,
    SIGHTWIRE_CLUSTER_ADVERTISE_URL: "http://127.0.0.1:9",
    SIGHTWIRE_CLUSTER_NAME: name,
    SIGHTWIRE_CLUSTER_SECRET: secret,
  },
});

/** A store with nothing in it, from which nothing can be fetched either. */
const bare = (t) => ({ SIGHTWIRE_HOME: folder(t), HTTPS_PROXY: "http://127.0.0.1:9", PIP_NO_INDEX: "1" });

/** An address of this machine that others can have, too: what is limited there is not for its own programs. */
const OWN_ADDRESS = Object.values(networkInterfaces())
  .flat()
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

/** Connections that say `text` and are closed with the test. */
function dialled(t, { url }, count, text = "") {
  const { hostname, port } = new URL(url);
  for (let number = 0; number < count; number += 1) {
    const socket = dial({ host: hostname, port: Number(port) });
    socket.on("error", () => {});
    if (text) socket.write(text);
    t.after(() => socket.destroy());
  }
}

/** A request with that header, on a connection of its own; its status. */
const asked = ({ port }, headers) =>
  new Promise((done, fail) => {
    const asking = request({ host: "127.0.0.1", port, path: "/livez", headers, agent: false });
    asking.on("response", (response) => response.resume().on("end", () => done(response.statusCode)));
    asking.on("error", fail).end();
  });

/** A certificate for so many days, as options of a server. */
function certificate(t, days) {
  const at = folder(t);
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(at, name));
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"];
  const args = ["req", "-x509", ...kind, "-days", String(days), "-keyout", key, "-out", cert];
  execFileSync("openssl", args, { stdio: "ignore" });
  return set({ "tls.mode": "files", "tls.certificate_file": cert, "tls.key_file": key });
}

/** What is started from here on may have fewer files than the most that a configuration may ask for. */
function fewFiles() {
  const MOST = 1_000_000;
  const [, now] = readFileSync("/proc/self/limits", "utf8").match(/^Max open files +\d+ +(\d+|unlimited)/m);
  if (Number(now) <= MOST) return;
  execFileSync("prlimit", ["--pid", String(process.pid), `--nofile=${MOST}:${MOST}`]);
}

/** From now on it has the cores for a moment only, and then not for a while: others take them. */
function starved(t, { pid }, momentMs = 30) {
  let going = true;
  const signal = (name) => {
    try {
      process.kill(pid, name);
    } catch {
      going = false;
    }
  };
  (async () => {
    while (going) {
      signal("SIGSTOP");
      await sleep(600);
      signal("SIGCONT");
      await sleep(momentMs);
    }
  })();
  t.after(() => {
    going = false;
    signal("SIGCONT");
  });
}

/** Clients that show signs, 25 frames a second each. */
async function signing(t, server, count) {
  const frames = await clip("left");
  for (let number = 0; number < count; number += 1) {
    const client = new Client(server.url);
    t.after(() => client.close());
    again(t, 25, (frame) => client.send(frames[frame % frames.length]));
  }
}

/** The head of a picture to be read, of which nothing more comes. */
const UNFINISHED =
  "POST /api/v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: 4000000\r\n\r\n";

const read = ({ url }, body) => fetch(`${url}/api/v1/read`, { method: "POST", body });

/** @type {Record<string, Fault>} */
const FAULTS = {
  async SightwireDown(_, watched) {
    const server = await watched();
    await server.stop("SIGTERM");
  },
  async SightwireNotReady(t, watched) {
    await watched({ env: { ...bare(t), USE_DUMMY_MODEL: "0" } });
  },
  async SightwireCrashLoop(t, watched) {
    const first = await watched();
    for (let server = first, count = 0; count < 3; count += 1) {
      await server.stop("SIGKILL");
      server = await watched({ listen: `127.0.0.1:${first.port}` });
    }
    return first;
  },
  async SightwireWaysGivenUp(t, watched) {
    const home = folder(t);
    symlinkSync(join(HOME, "runtime"), join(home, "runtime"));
    mkdirSync(join(home, "trials"));
    const failed = [
      { precision: "f32", outcome: { died: "SIGILL: an instruction that this CPU cannot do" } },
      { precision: "bf16", outcome: { hung: 60 } },
    ].map((way) => ({ provider: "openvino", ...way }));
    for (const name of readdirSync(join(HOME, "trials")).filter((name) => name.endsWith(".json"))) {
      const record = JSON.parse(readFileSync(join(HOME, "trials", name), "utf8"));
      record.ways = [...record.ways.filter(({ provider }) => provider !== "openvino"), ...failed];
      writeFileSync(join(home, "trials", name), JSON.stringify(record));
    }
    await watched({ env: { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "0" } });
  },
  async SightwireMemoryNearBudget(_, watched) {
    await watched({ args: set({ "server.memory_mb": 1 }) });
  },
  async SightwireMemoryRefusing(t, watched) {
    const server = await watched({ args: set({ "server.memory_mb": 1 }) });
    again(t, 5, () => read(server, png()));
  },
  async SightwireDescriptorsLow(t, watched) {
    fewFiles();
    const server = await watched({ args: set({ "server.max_connections": 1_000_000 }) });
    const limit = descriptors(server) + 60;
    execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${limit}:${limit}`]);
    for (let count = 0; count < 50; count += 1) await viewer(t, server);
  },
  async SightwireCannotAccept(t, watched) {
    const server = await watched();
    // Prometheus has its connection, and nobody else gets one.
    const limit = descriptors(server);
    execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${limit}:${limit}`]);
    again(t, 5, () => asked(server, {}));
  },
  async SightwireConnectionsRefused(t, watched) {
    const server = await watched({ args: set({ "server.max_connections": 4 }) });
    for (let count = 0; count < 2; count += 1) await viewer(t, server);
    again(t, 10, async () => {
      const socket = dial({ host: "127.0.0.1", port: server.port }).on("error", () => {});
      t.after(() => socket.destroy());
    });
  },
  async SightwirePlacesTaken(t, watched) {
    const server = await watched({ env: { MAX_CLIENTS: "0" } });
    again(t, 4, () => {
      const client = new Client(server.url);
      t.after(() => client.close());
    });
  },
  async SightwireLimitHit(t, watched) {
    const most = { connections_per_address: 2, requests_per_s: 2, mb_per_s: 1, frames_per_s: 2 };
    const limits = Object.entries(most).map(([name, count]) => [`limits.${name}`, count]);
    const args = set({ "access.mode": "open", ...Object.fromEntries(limits) });
    const listen = ["127.0.0.1", OWN_ADDRESS].filter(Boolean).map((address) => `${address}:0`);
    const server = await watched({ args, listen });
    // Through a proxy, since this machine has no limits.
    const headers = { "X-Forwarded-For": "192.0.2.1" };
    const sender = await streamer(t, server, "gate", { headers });
    const large = await streamer(t, server, "yard", { headers });
    for (let count = 0; count < 8; count += 1) large.frame(url("yard", count, 700_000));
    again(t, 20, (number) => sender.frame(url("gate", number)));
    again(t, 20, () => asked(server, headers));
    if (OWN_ADDRESS) dialled(t, { url: server.urls[1] }, 5);
  },
  async SightwireReceiveMemoryFull(t, watched) {
    const server = await watched({ args: set({ "server.receive_memory_mb": 16 }) });
    dialled(t, server, 30, UNFINISHED + "x".repeat(2 << 20));
  },
  async SightwireReceiveTimeouts(t, watched) {
    const server = await watched({ args: set({ "server.receive_timeout_s": 1 }) });
    again(t, 5, () => dialled(t, server, 2, UNFINISHED));
  },
  async SightwireSessionsEvicted(t, watched) {
    const server = await watched({ args: set({ "server.max_connections": 20 }) });
    again(t, 100, () => fetch(`${server.url}/socket.io/?EIO=4&transport=polling`));
  },
  async SightwireRepliesLost(t, watched) {
    const server = await watched();
    const path = `${server.url}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1));
    const post = (body) => fetch(`${path}&sid=${sid}`, { method: "POST", body });
    await post("40");
    const frame = `42["frame",{"image":"${png(8, 8).toString("base64")}"}]`;
    again(t, 20, () => post(Array(20).fill(frame).join("\u001e")));
  },
  async SightwireDiskFailing(t, watched) {
    const values = { "cameras.allow": "127.0.0.0/8", "cameras.file": "/proc/sightwire/cameras.json" };
    const home = folder(t);
    const server = await watched({ args: set(values), env: { SIGHTWIRE_HOME: home } });
    const added = await ask(server, "POST", "/api/v1/cameras", { id: "gate", url: "http://127.0.0.1:9" });
    assert.ok(added.status >= 500, `${added.status}`);
    // It is opened before keys are written.
    mkdirSync(join(home, "access.lock"));
    const made = await ask(server, "POST", "/api/v1/keys", { name: "gate", role: "viewer" });
    assert.ok(made.status >= 500, `${made.status}`);
    writeFileSync(join(home, "access.json"), "no keys");
  },
  async SightwireLogLinesLost(t, watched) {
    const server = await watched({ env: { LOG_LEVEL: "debug" } });
    server.unheard();
    // A line for each, and a good one, so that it is not ended.
    const sender = await streamer(t, server, "gate");
    again(t, 20, (number) => {
      for (let round = 0; round < 50; round += 1) {
        for (let count = 0; count < 9; count += 1) sender.say("no frame");
        sender.frame(url("gate", number));
      }
    });
  },
  async SightwireLogFileFailing(t, watched) {
    const file = join(folder(t), "log");
    const server = await watched({ args: set({ "log.file": file }) });
    // Somebody has moved it away, and nothing can be made in its place.
    rmSync(file);
    mkdirSync(file);
    again(t, 5, () => connect(t, server).then((client) => client.close()));
  },
  async SightwireCertificateExpires(t, watched) {
    await watched({ args: certificate(t, 5) });
  },
  async SightwireHandshakesFail(t, watched) {
    const server = await watched({ args: certificate(t, 100) });
    again(t, 10, () => {
      // It does not trust the certificate.
      const socket = dialTls({ host: "127.0.0.1", port: server.port, servername: "localhost" });
      socket.on("error", () => {});
    });
  },
  async SightwireReloadFailed(t, watched) {
    const home = folder(t);
    const file = join(home, "sightwire.toml");
    writeFileSync(file, "");
    const env = { SIGHTWIRE_HOME: home };
    const server = await watched({ args: ["--config", file, "--tls", "self-signed"], env });
    const reload = (text, line) => {
      writeFileSync(file, text);
      process.kill(server.pid, "SIGHUP");
      return until(() => line.test(server.logs()), `${line}`);
    };
    await reload("[relay]\nmax_streams = many\n", /The configuration cannot be used/);
    writeFileSync(join(home, "tls/authority.pem"), "no certificate");
    await reload("", /The certificate cannot be used/);
  },
  async SightwireHostsRefused(t, watched) {
    const server = await watched();
    again(t, 5, () => asked(server, { Host: "evil.example" }));
  },
  async SightwirePageErrors(t, watched) {
    const server = await watched();
    const error = { message: "TypeError: x is undefined", page: "/wall", place: "main.js:1:2" };
    again(t, 10, () => ask(server, "POST", "/api/v1/page-errors", error));
  },
  async SightwirePastCapacity(t, watched) {
    const server = await watched({ env: { USE_DUMMY_MODEL: "0" } });
    // Long enough to be asked for its metrics, too, beside neighbours that compute.
    starved(t, server, 100);
    await signing(t, server, 6);
  },
  async SightwireRecognizerFailing(t, watched) {
    const server = await watched({ env: withModel(t, FAILING) });
    const client = await connect(t, server);
    again(t, 25, () => client.send(png(64, 48, 255)));
  },
  async SightwirePipelineStalled(t, watched) {
    const time = clocks(t);
    const supervisor = await systemd(t);
    const env = { ...withModel(t, HANGING), ...time.env, ...supervisor.env };
    const server = await watched({ env });
    const client = await connect(t, server);
    await showWhite(client);
    const before = supervisor.fed();
    await sleep(1000);
    assert.ok(supervisor.fed() > before, "it is fed as long as the run may come back");
    const isUnready = async () => {
      const { status, text } = await server.get("/readyz");
      return status === 503 && /a thread of the pool `clip` has been at one task for \d+ s/.test(text);
    };
    // However late it has begun with it.
    for (let tries = 1; !(await isUnready()); tries += 1) {
      assert.ok(tries <= 10, "/readyz names the pool");
      time.passed(150 * tries);
      await sleep(3_000);
    }
    // Ten times as long as from one time to the next, and as systemd would wait.
    await until(() => supervisor.hungryMs() > 3_000, "the watchdog is fed no longer");
  },
  async SightwireClockJumped(t, watched) {
    const time = clocks(t);
    await watched({ env: time.env });
    time.timeOfDay(3600);
  },
  async SightwirePredictionsLate(t, watched) {
    const server = await watched({ env: { USE_DUMMY_MODEL: "0" } });
    starved(t, server);
    await signing(t, server, 2);
  },
  async SightwireDetectionsLate(t, watched) {
    // More than even a fast machine finds things in within a moment.
    const ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const cameras = [];
    for (const id of ids) cameras.push({ id, url: (await camera(t, { size: "1280x960" })).url });
    const server = await watched(serving({ cameras }));
    for (const id of ids) {
      const { socket } = new Viewer(server.url, `/stream/detect?camera=${id}&fps=30`);
      t.after(() => socket.destroy());
    }
    starved(t, server);
  },
  async SightwireFramesInvalid(t, watched) {
    const server = await watched();
    const client = await connect(t, server);
    again(t, 20, () => client.frame({ image: "not base64!" }));
  },
  async SightwireStreamNotRunning(t, watched) {
    const gate = await camera(t);
    const server = await watched(serving({ cameras: [{ id: "gate", url: gate.url }] }));
    const watching = new Viewer(server.url, "/stream?camera=gate");
    t.after(() => watching.socket.destroy());
    await until(() => watching.pictures.length > 0, "a picture");
    await gate.fails("stall");
  },
  async SightwireCameraUnreachable(t, watched) {
    // Nobody listens there.
    const server = await watched(serving({ cameras: [{ id: "gate", url: "http://127.0.0.1:9" }] }));
    again(t, 2, () => server.get("/stream?camera=gate"));
  },
  async SightwireStreamBroken(t, watched) {
    const gate = await camera(t, { args: ["--fault", "half-frame@3"] });
    const server = await watched(serving({ cameras: [{ id: "gate", url: gate.url }] }));
    const watching = new Viewer(server.url, "/stream?camera=gate");
    t.after(() => watching.socket.destroy());
  },
  async SightwireViewersMissPictures(t, watched) {
    const gate = await camera(t, { size: "1600x1200", quality: 95 });
    const set = { "cameras.lower_quality": false };
    const server = await watched(serving({ cameras: [{ id: "gate", url: gate.url }], set }));
    const { socket } = new Viewer(server.url, "/stream?camera=gate");
    t.after(() => socket.destroy());
    // It takes a little now and then.
    socket.on("data", () => socket.pause());
    again(t, 10, () => socket.resume());
  },
  async SightwireSenderBadMessages(t, watched) {
    const server = await watched();
    const sender = await streamer(t, server, "gate");
    // Ten in a row would end it; pictures of a camera that is not ready yet never do.
    again(t, 10, (number) => {
      for (let count = 0; count < 5; count += 1) sender.say("no frame");
      sender.frame("data:,");
      sender.frame(url("gate", number));
    });
  },
  async SightwireViewersDead(t, watched) {
    const deadline = { viewer_deadline_s: 0.2, viewer_deadline_min_s: 0.2, viewer_deadline_max_s: 0.2 };
    const values = { ...deadline, lower_quality: false };
    const relay = Object.fromEntries(Object.entries(values).map(([key, value]) => [`relay.${key}`, value]));
    const server = await watched({ args: set(relay) });
    const sender = await streamer(t, server, "gate");
    for (let count = 0; count < 9; count += 1) {
      const watching = await viewer(t, server);
      watching.socket.pause();
    }
    const picture = `data:image/jpeg;base64,${jpeg(700_000).toString("base64")}`;
    again(t, 20, () => sender.frame(picture));
  },
  async SightwireSendersRefused(t, watched) {
    const server = await watched();
    const sender = await streamer(t, server, "gate");
    again(t, 10, (number) => sender.frame(url("gate", number)));
    again(t, 4, () => {
      const second = new Socket(server.url.replace("http", "ws") + streamPath("gate"));
      t.after(() => second.vanish());
    });
  },
  async SightwireClusterAway(t, watched) {
    const redis = await startRedis(t);
    await watched(oneOf(redis, "a"));
    const server = await watched(oneOf(redis, "b", "another one, of which the others know nothing"));
    await until(() => /it cannot be one of the processes/.test(server.logs()), "it may not take part");
    await redis.kill();
  },
  async SightwireClusterLeaseLost(t, watched) {
    const redis = await startRedis(t);
    const servers = [await watched(oneOf(redis, "a")), await watched(oneOf(redis, "b"))];
    await redis.kill();
    for (const server of servers) {
      await until(() => /the processes is away/.test(server.logs()), "Redis is away");
      const sender = await streamer(t, server, "gate");
      again(t, 10, (number) => sender.frame(url("gate", number)));
    }
    await redis.again();
    // Of both one keeps it.
    const loser = () => servers.find((server) => /another process has it now/.test(server.logs()));
    await until(loser, "one has lost the stream");
    return loser();
  },
  async SightwireClusterPeerUnreachable(t, watched) {
    const redis = await startRedis(t);
    const sender = await streamer(t, await watched(oneOf(redis, "a")), "gate");
    again(t, 10, (number) => sender.frame(url("gate", number)));
    await viewer(t, await watched(oneOf(redis, "b")));
  },
  async SightwireBatchesWait(t, watched) {
    const { env } = oneOf(await startRedis(t), "a");
    const scans = folder(t);
    writeFileSync(join(scans, "page.png"), png());
    const server = await watched({
      env: {
        ...env,
        SIGHTWIRE_CLUSTER_FOLDERS: JSON.stringify([scans]),
        SIGHTWIRE_CLUSTER_JOBS_FOLDER: folder(t),
      },
    });
    const { status, json } = await ask(server, "POST", "/api/v1/cluster/folders", { paths: [scans] });
    assert.equal(status, 201, JSON.stringify(json));
  },
  async SightwireReadingFailing(t, watched) {
    const server = await watched({ env: bare(t) });
    again(t, 5, () => read(server, png()));
  },
  async SightwireReadingLate(t, watched) {
    const server = await watched({ args: set({ "reader.deadline_s": 0.01 }) });
    const batch = new FormData();
    // Only work counts of a page of a batch, and of a blank one no more than its first step is done.
    const [page] = await clip("page", { frames: 1 });
    batch.append("files", new Blob([page]), "page.jpg");
    const sent = async () => (await ask(server, "POST", "/api/v1/jobs", batch)).status;
    await until(async () => (await sent()) === 201, "a batch is accepted, since the reader is ready");
    again(t, 2, () => read(server, png(640, 480)));
  },
  async SightwireReadingRefused(t, watched) {
    const server = await watched({ args: set({ "reader.queue": 0, "reader.threads": 1 }) });
    again(t, 4, () => Promise.all(Array.from({ length: 4 }, () => read(server, png()))));
  },
  async SightwirePicturesUnreadable(t, watched) {
    const server = await watched();
    again(t, 5, () => read(server, "no picture"));
  },
};

/**
 * What the log says of them, where it says something.
 * @type {Record<string, RegExp | RegExp[]>}
 */
const LINES = {
  SightwireDown: [/INFO stopping: connections get \d+\.\d s to end/, /INFO stopped/],
  SightwireNotReady: /ERROR the recogniser has no model, and refuses clients/,
  SightwireWaysGivenUp: [
    /WARN .* is not run with openvino .* on this machine: it ended the process that tried it \(SIGILL: /,
    /WARN .* is not run with openvino .* on this machine: it did not come back within 60 s/,
  ],
  SightwireMemoryNearBudget: /WARN \d+ MiB of memory are used and 1 may be/,
  SightwireMemoryRefusing: /WARN \d+ MiB of memory are used and 1 may be/,
  SightwireDescriptorsLow: /WARN \d+ files may be needed at once: 1000000 connections/,
  SightwireCannotAccept: /WARN cannot accept a connection: Too many open files/,
  SightwireConnectionsRefused:
    /WARN a connection from 127\.0\.0\.1 is refused: 4 are open \(server\.max_connections\)/,
  SightwirePlacesTaken: /WARN ERROR client=\S+ refused: at capacity/,
  SightwireLimitHit: [
    /WARN requests of the address \S+ are refused: more than 2 a second \(limits\.requests_per_s\)/,
    /WARN frames of the address \S+ are dropped: more than 2 a second \(limits\.frames_per_s\)/,
    /WARN what the address \S+ sends is read more slowly: more than 1 MiB a second \(limits\.mb_per_s\)/,
    ...(OWN_ADDRESS ? [/WARN a connection from \S+ is refused: .* \(limits\.connections_per_address\)/] : []),
  ],
  SightwireReceiveMemoryFull: /WARN messages and bodies of more than 16 MiB are arriving at once/,
  SightwireReceiveTimeouts: /INFO a message or body did not arrive whole in time and was given up/,
  SightwireSessionsEvicted: /INFO a polling session that nobody polls for was removed to make room/,
  SightwireRepliesLost: /WARN ERROR a client does not take its messages in time, and one was dropped/,
  SightwireDiskFailing: [
    /WARN cameras that were added cannot be kept: /,
    /WARN keys and users cannot be kept: /,
    /ERROR keys stay as they were: /,
  ],
  SightwireLogFileFailing: /WARN log.file \S+ cannot be written: /,
  SightwireHandshakesFail: /INFO a TLS handshake with \S+ failed: /,
  SightwireCertificateExpires: /WARN the certificate expires in [45] days; renew it/,
  SightwireReloadFailed: [
    /ERROR the certificate stays as it was: /,
    /WARN The configuration cannot be used, and the one before stays as it is: /,
  ],
  SightwireHostsRefused: /WARN refused a request for the host "evil.example" \(421\)/,
  SightwirePageErrors: /WARN the page failed in the browser of /,
  SightwireFramesInvalid: /WARN ERROR client=\S+ frame skipped/,
  SightwireStreamNotRunning: /WARN stalled: the camera is connected but sends no picture/,
  SightwireCameraUnreachable: /WARN a viewer got no picture of it: /,
  SightwireStreamBroken: /INFO \d+ pictures camera="gate" broken=[1-9]/,
  SightwireSenderBadMessages: /WARN a message is skipped, because it is no frame/,
  SightwireViewersDead: /INFO a viewer has gone: it took no pictures in time/,
  SightwireSendersRefused: /INFO a sender is refused: This patient already has an active stream/,
  SightwireRecognizerFailing: /ERROR frames could not be analysed error=/,
  SightwireReadingLate: [
    /WARN a picture was not read: /,
    /INFO a file of a batch is tried again after the others: /,
  ],
  SightwirePicturesUnreadable: /WARN a picture was not read: /,
  SightwirePipelineStalled: /ERROR a thread of the pool `clip` has been at one task for \d+ s/,
  SightwireClockJumped: /WARN the system's clock was set forward by 3600\.\d s/,
  SightwireClusterAway: [
    /ERROR it cannot be one of the processes: the other processes have another secret/,
    /WARN what coordinates the processes is away: /,
  ],
  SightwireClusterLeaseLost: /WARN another process has it now stream="gate"/,
  SightwireClusterPeerUnreachable: /WARN another process cannot be reached: no connection: /,
  SightwireReadingFailing: /WARN text reading: the model ppocr-v4 cannot be used/,
};

/** What the page on reliability says of the log, by alert. */
const ON_PAGE = Object.fromEntries(
  alertNames().map((alert) => {
    const { seen, others } = reliability();
    const lines = [...seen, ...others].filter((row) => alertsOf(row).includes(alert)).flatMap(linesOf);
    // Without a network there is nobody else.
    return [alert, lines.filter(({ source }) => OWN_ADDRESS || !source.includes("from this address"))];
  }),
);

test("each_alert_is_fired_by_its_fault_here_or_it_is_said_why_not", () => {
  const named = [...Object.keys(FAULTS), ...Object.keys(ELSEWHERE)];
  assert.deepEqual(named.toSorted(), alertNames().toSorted());
});

test("each_alert_that_has_a_line_on_the_page_on_reliability_is_waited_for_with_its_line", () => {
  const withLine = Object.keys(ON_PAGE).filter((alert) => ON_PAGE[alert].length > 0);
  assert.ok(withLine.length > 0);
  const unknown = withLine.filter((alert) => !(alert in LINES) && !(alert in ELSEWHERE));
  assert.deepEqual(unknown, []);
});

/** What is done within seconds on any machine; the rest takes two minutes of a core. */
const ALWAYS = [
  "SightwireDown",
  "SightwireNotReady",
  "SightwireCannotAccept",
  "SightwireDiskFailing",
  "SightwireReloadFailed",
  "SightwireClockJumped",
  "SightwireSenderBadMessages",
  "SightwirePicturesUnreadable",
];

describe("is_fired_by_its_fault", () => {
  /** @type {Prometheus} */
  let prometheus;
  const ends = [];
  before(async () => (prometheus = await startPrometheus({ after: (end) => ends.push(end) })));
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  const fires = (name) => async (t) => {
    /** @type {Server} */
    let last;
    /** @type {Watched} */
    const watched = async ({ env, ...options } = {}) => {
      last = await start(t, { env: { USE_DUMMY_MODEL: "1", ...env }, ...options });
      await prometheus.watch(last);
      return last;
    };
    const server = /** @type {Server} */ ((await FAULTS[name](t, watched)) ?? last);
    const { annotations } = await prometheus.fires(name, server);
    const texts = Object.values(annotations).join("\n");
    assert.doesNotMatch(texts, /error expanding|<no value>/);
    t.diagnostic(annotations.summary);
    const said = async (/** @type {RegExp} */ line) => {
      const find = () =>
        server
          .logs()
          .split("\n")
          .find((text) => line.test(text));
      await until(find, `a line of the log like ${line}`);
      return find();
    };
    const onPage = ON_PAGE[name];
    for (const line of onPage) await said(line);
    for (const line of [LINES[name] ?? []].flat()) {
      const text = await said(line);
      assert.ok(!onPage.length || onPage.some((other) => other.test(text)), `the page has "${text}"`);
    }
  };
  const skip = (name) => !ALWAYS.includes(name) && !process.env.SIGHTWIRE_FULL && "only with --full";

  describe("beside_others", { concurrency: 6 }, () => {
    for (const name of Object.keys(FAULTS).filter((name) => !(name in ALONE)))
      test(name, { skip: skip(name) }, fires(name));
  });
  describe("alone", () => {
    for (const name of Object.keys(ALONE)) test(name, { skip: skip(name) }, fires(name));
  });
});
