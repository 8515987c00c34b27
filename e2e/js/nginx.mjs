// A real nginx on a free port of this machine, with a configuration from the documentation.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { blocksOf } from "../readme/blocks.mjs";
import { freePort, terminate, until } from "./harness.mjs";

const ROOT = join(import.meta.dirname, "../..");
/** Somebody else may take a port between its choice and nginx's start. */
const TRIES = 5;
const STOP_MS = 5_000;

/** The lines of the blocks of one language in a page of the documentation. */
export function blocksIn(page, language) {
  const blocks = blocksOf(readFileSync(join(ROOT, "docs", page), "utf8"));
  return blocks.filter((block) => block.language === language).map(({ lines }) => lines);
}

/** The machine's own, or what setup has unpacked (xtask/src/setup/unpacked.rs looks in the same places). */
function program() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const all = [...folders, "/usr/sbin", join(ROOT, ".sightwire/nginx/usr/sbin")].map((folder) =>
    join(folder, "nginx"),
  );
  const found = all.find((file) => existsSync(file));
  assert.ok(found, "nginx is not there: `cargo xtask setup` brings it where there is apt-get; or install it");
  return found;
}

/**
 * Starts nginx and waits until it listens; it ends with the test. `site(port)` is what stands in `http { }`.
 */
export async function startNginx(t, site) {
  const nginx = program();
  for (let left = TRIES; ; left -= 1) {
    const port = await freePort();
    const run = launch(nginx, site(port));
    t.after(run.stop);
    await until(() => run.isReady() || run.hasEnded(), `nginx to start: ${run.log()}`);
    if (!run.hasEnded()) return { url: `http://127.0.0.1:${port}`, port, log: run.log };
    assert.ok(left > 1 && /Address already in use/.test(run.log()), `nginx did not start: ${run.log()}`);
  }
}

/**
 * Starts nginx with the server below `/sightwire/`, as docs/troubleshooting.md says; `changes` are made to that block.
 * @param {import("./types.ts").Ending} t
 * @param {{ port: number }} server
 * @param {[string, string][]} [changes]
 */
export async function belowPath(t, server, changes = []) {
  const block = blocksIn("troubleshooting.md", "nginx").find((lines) => lines.join().includes("/sightwire/"));
  const all = [["http://127.0.0.1:8000", `http://127.0.0.1:${server.port}`], ...changes];
  const locations = all.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the block has "${from}"`);
    return text.replaceAll(from, to);
  }, block.join("\n"));
  const map = "map $http_upgrade $connection_upgrade { default upgrade; '' close; }";
  const { url, ...rest } = await startNginx(
    t,
    (port) => `${map}\nserver { listen 127.0.0.1:${port};\n${locations}\n}`,
  );
  return { url: `${url}/sightwire`, origin: url, ...rest };
}

/** In a folder of its own, as a child, and with nothing of the machine's own nginx. */
function launch(nginx, site) {
  const folder = mkdtempSync(join(tmpdir(), "sightwire-nginx-"));
  // Where it is started by root its worker is somebody else.
  chmodSync(folder, 0o755);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const config = [
    "daemon off;",
    "worker_processes 1;",
    "pid nginx.pid;",
    "error_log stderr notice;",
    "events { worker_connections 1024; }",
    "http {",
    "access_log off;",
    ...temporary.map((name) => `${name}_temp_path ${name};`),
    site,
    "}",
    "",
  ];
  writeFileSync(join(folder, "nginx.conf"), config.join("\n"));
  const child = spawn(nginx, ["-e", "stderr", "-p", folder, "-c", "nginx.conf"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  let ended = false;
  child.stderr.setEncoding("utf8").on("data", (text) => (log += text));
  const end = new Promise((done) => {
    child.on("error", (error) => {
      log += error.message;
      done();
    });
    child.on("close", done);
  }).then(() => (ended = true));
  return {
    log: () => log,
    isReady: () => log.includes("start worker process "),
    hasEnded: () => ended,
    async stop() {
      await terminate(child, end, STOP_MS);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
