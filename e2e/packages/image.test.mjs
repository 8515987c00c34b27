// The image of deploy/docker, built on a base that mmdebstrap made under the name that the Dockerfile has, and run as a container
// would be: a root that is only read, a user without rights, /data and /tmp to write to. No Docker is needed; what it adds (networks,
// volumes, restarts) is not tried here.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { freePort, temporary, terminate, until } from "../js/harness.mjs";
import { has, lacking, sources } from "./machine.mjs";

/** @import { Ending } from "../js/types.ts" */

const ROOT = join(import.meta.dirname, "../..");
const DOCKERFILE = join(ROOT, "deploy/docker/Dockerfile");
const debs = (process.env.SIGHTWIRE_DEBS ?? "").split(" ").filter(Boolean);
const skip =
  debs.length > 0
    ? (lacking() ?? (has("buildah") ? undefined : "buildah is not installed"))
    : "SIGHTWIRE_DEBS names no package";
const START_MS = 60_000;
/** What comes through a proxy does not come from this machine. */
const FROM_ELSEWHERE = { "X-Forwarded-For": "192.0.2.7" };

/**
 * buildah with images of its own.
 * @param {string} store
 */
const buildah =
  (store) =>
  (/** @type {string[]} */ ...args) =>
    execFileSync(
      "buildah",
      ["--storage-driver=vfs", `--root=${store}/root`, `--runroot=${store}/run`, ...args],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      },
    ).trim();

test("the_image_is_built_and_runs_without_rights_on_a_root_that_is_only_read", { skip }, async (t) => {
  const folder = temporary(t, "image");
  const build = buildah(folder);
  const [, base] = /^FROM (\S+)/m.exec(readFileSync(DOCKERFILE, "utf8")) ?? [];
  execFileSync("mmdebstrap", [
    "--quiet",
    "--variant=apt",
    "bookworm",
    join(folder, "base.tar"),
    ...sources(),
  ]);
  const empty = build("from", "scratch");
  build("add", "--quiet", empty, join(folder, "base.tar"), "/");
  build("commit", "--quiet", empty, base);
  mkdirSync(join(folder, "context/dist"), { recursive: true });
  execFileSync("cp", [debs[0], join(folder, "context/dist/")]);
  // OCI's own format knows no health checks.
  build(
    "build",
    "--quiet",
    "--isolation=chroot",
    "--format=docker",
    "--pull=false",
    "-f",
    DOCKERFILE,
    "-t",
    "sightwire",
    join(folder, "context"),
  );

  const { config } = JSON.parse(build("inspect", "--type=image", "sightwire")).Docker;
  assert.equal(config.User, "10001:10001");
  assert.deepEqual(Object.keys(config.Volumes), ["/data"]);
  assert.deepEqual(config.Healthcheck.Test, ["CMD", "/usr/bin/sightwire", "ready"]);

  const container = build("from", "--pull=false", "sightwire");
  const root = build("mount", container);
  const port = await freePort();
  const variables = [...config.Env, `SIGHTWIRE_SERVER_LISTEN=0.0.0.0:${port}`];
  const mounts = `
    mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"
    mount -t proc proc "$1/proc"
    mount -t tmpfs -o mode=1777 tmp "$1/tmp"
    mount -t tmpfs -o "uid=\${2%:*},gid=\${2#*:},mode=0750" data "$1/data"
    exec sleep infinity`;
  const holder = spawn(
    "unshare",
    ["--mount", "--propagation", "private", "sh", "-ec", mounts, "sh", root, config.User],
    { stdio: "inherit" },
  );
  const over = new Promise((done) => holder.on("close", done));
  t.after(() => terminate(holder, over, 5_000));
  await until(
    () => readFileSync(`/proc/${holder.pid}/mounts`, "utf8").includes(`${root}/data`),
    "its mounts",
  );
  const within = (/** @type {string[]} */ ...words) => [
    ...[
      "--target",
      String(holder.pid),
      "--mount",
      "chroot",
      `--userspec=${config.User}`,
      root,
      "env",
      "-i",
      ...variables,
    ],
    ...["sh", "-c", `cd ${config.WorkingDir} && exec "$@"`, "sh", ...words],
  ];
  const server = spawn("nsenter", within(...config.Entrypoint, ...config.Cmd), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const end = new Promise((done) => server.on("close", (code) => done(code)));
  const stop = () => terminate(server, end, 20_000);
  t.after(stop);
  let said = "";
  server.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  const healthy = () => spawnSync("nsenter", within(...config.Healthcheck.Test.slice(1))).status === 0;
  await until(healthy, "a container that is healthy", START_MS);
  const [, key] = /^admin key: (\S+)/m.exec(said) ?? [];
  assert.ok(key, "the first key is shown");
  const keys = async (/** @type {string} */ given) => {
    const headers = { ...FROM_ELSEWHERE, ...(given && { authorization: `Bearer ${given}` }) };
    return (await fetch(`http://127.0.0.1:${port}/api/v1/keys`, { headers })).status;
  };
  assert.equal(
    (await fetch(`http://127.0.0.1:${port}/api/v1/keys`)).status,
    200,
    "on the same machine nobody needs one",
  );
  assert.deepEqual([await keys(""), await keys("sw_0123abcd_x"), await keys(key)], [401, 401, 200]);
  assert.notEqual(spawnSync("nsenter", within("touch", "/usr/bin/other")).status, 0, "the root is only read");
  assert.equal(await stop(), 0);
});
