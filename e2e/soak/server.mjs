// The server under test: the real one, where everybody needs a key, with a folder and a store of its own.

import { spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { BIN, command, HOME, removeFolder, terminate, until } from "../js/harness.mjs";
import { table } from "../js/simulator.mjs";
import { addDetector, MADE } from "./detector.mjs";

/** @import { Ending } from "../js/types.ts" */
/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

const MODELS = resolve(dirname(fileURLToPath(import.meta.url)), "../../models");
/** The built-in model once more, to switch to and fro. */
export const SIGNS = ["gestures", "other"];
/** What is in a store that has fetched it. */
const YOLOX = "models/yolox-nano/yolox_nano.onnx";
const START_MS = 60_000;
const STOP_MS = 20_000;

/**
 * In the words of the configuration file. The load generators are as the clients of the prototypes: they send no key, and are
 * let in by where they come from.
 */
const SETTINGS = `[server]
listen = ["127.0.0.1:0"]

[access]
mode = "protected"

[[access.legacy]]
paths = ["/socket.io/*", "/ws/stream/bench-*", "/ws/view", "/api/v1/status"]
networks = ["127.0.0.1/32"]
role = "streamer"

[recognizer]
model = "gestures"
arming = false

# Whoever vanishes is noticed before the round is over.
[socketio]
ping_interval_s = 4.0
ping_timeout_s = 4.0

[relay]
warn_after_s = 5.0
end_after_s = 8.0
hidden_end_after_s = 8.0

[cameras]
allow = ["127.0.0.0/8"]
file = "cameras.json"
max_upstreams = 20
max_named = 20
linger_s = 1.0

# Sessions for reading stay, each of which takes tens of MB, so that memory can be compared. A batch is not to make room for
# another before it was looked at.
[reader]
folder = "batches"
idle_release_s = 1000000.0
max_jobs = 200

[engine]
idle_release_s = 1000000.0

[log]
level = "info"
format = "json"
file = "rotating.log"
file_mb = 1
files = 3
`;

/**
 * Starts it in `folder` with these cameras; it ends with `t`.
 * @param {Ending} t
 * @param {string} folder
 * @param {object[]} cameras
 */
export async function startServer(t, folder, cameras) {
  const home = makeStore(t, folder);
  const file = join(folder, "sightwire.toml");
  const detector = existsSync(join(HOME, YOLOX)) ? "yolox-nano" : MADE;
  /** Writes the configuration, with more cameras and other lines at its beginning. */
  const configure = (more = [], lines = "") => {
    const detection = `[detector]\nmodel = "${detector}"\n`;
    writeFileSync(file, [lines, SETTINGS, detection, ...[...cameras, ...more].map(table)].join("\n"));
  };
  configure();
  mkdirSync(join(folder, "batches"));
  const env = { SIGHTWIRE_HOME: home };
  const made = await command(["keys", "add", "soak", "--role", "admin"], { env });
  const admin = made.stdout.match(/^key: (sw_\S+)$/m)?.[1];
  if (admin === undefined) throw new Error(`no key was made: ${made.stderr}`);

  const log = join(folder, "server.log");
  const out = openSync(log, "w");
  const child = spawn(BIN, ["serve", "--config", file], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdio: ["ignore", out, out],
  });
  const ended = new Promise((done) => child.on("close", (code, signal) => done({ code, signal })));
  const stop = () => terminate(child, ended, STOP_MS);
  t.after(stop);
  const url = () => readFileSync(log, "utf8").match(/^listening on (http:\S+)$/m)?.[1];
  await until(() => url() || child.exitCode !== null, "the server's start", START_MS);
  if (child.exitCode !== null) throw new Error(`the server did not start; its log is ${log}`);
  return {
    pid: child.pid,
    url: url(),
    port: Number(new URL(url()).port),
    log,
    admin,
    detector,
    configure,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    hangUp: () => child.kill("SIGHUP"),
    /** Asks it to end; its exit code and signal. */
    stop,
  };
}

/** The project's own models and library, what was measured of them, and a second model of signs. */
function makeStore(t, folder) {
  const home = join(folder, "home");
  const models = join(home, "models");
  mkdirSync(join(models, SIGNS[1]), { recursive: true });
  t.after(() => removeFolder(home));
  symlinkSync(join(HOME, "runtime"), join(home, "runtime"));
  if (existsSync(join(HOME, "trials")))
    cpSync(join(HOME, "trials"), join(home, "trials"), { recursive: true });
  for (const name of ["ppocr-v4", "yolox-nano"]) {
    if (existsSync(join(HOME, "models", name))) symlinkSync(join(HOME, "models", name), join(models, name));
  }
  for (const file of ["gestures_backbone.onnx", "gestures_head.onnx"]) {
    copyFileSync(join(MODELS, file), join(models, SIGNS[1], file));
  }
  const manifest = readFileSync(join(MODELS, "gestures.toml"), "utf8");
  const other = manifest
    .replace('name = "gestures"', `name = "${SIGNS[1]}"`)
    .replaceAll('"builtin"', '"imported"');
  writeFileSync(join(models, `${SIGNS[1]}.toml`), other);
  addDetector(home);
  return home;
}
