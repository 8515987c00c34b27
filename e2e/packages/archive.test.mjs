// The archive, unpacked by an ordinary user on a machine without compilers, whose home has nothing yet.
// `SIGHTWIRE_ARCHIVE` is what `cargo xtask dist` made.

import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";

import { freePort, until } from "../js/harness.mjs";
import { lacking, Machine, template, use } from "./machine.mjs";

const archive = process.env.SIGHTWIRE_ARCHIVE;
const skip = archive ? lacking() : "SIGHTWIRE_ARCHIVE names no archive";
const START_MS = 60_000;

test("it_runs_where_somebody_unpacked_it_and_needs_nothing_else", { skip }, async (t) => {
  const debian = template();
  t.after(debian.remove);
  const made = new Machine(t, debian.root);
  made.must("useradd --create-home ann");
  made.bring(archive);
  made.bring(join(dirname(archive), "SHA256SUMS"));
  const name = basename(archive);
  assert.match(
    made.must(`cd /root && sha256sum --ignore-missing --check SHA256SUMS`),
    new RegExp(`^${name}: OK$`, "m"),
  );

  made.must(`tar -C /home/ann -xzf /root/${name}`);
  const folder = `/home/ann/${name.replace(".tar.gz", "")}`;
  const sightwire = `${folder}/bin/sightwire`;
  assert.equal(
    made.sh(`find ${folder} -perm /022 -not -type l | grep .`).code,
    1,
    "nobody else may write to it",
  );
  // Who unpacks it as root and somebody who uses it need not be the same.
  const port = await freePort();
  const home = { HOME: "/home/ann" };
  const server = made.runs("ann:ann", home, `cd && exec ${sightwire} serve --listen 127.0.0.1:${port}`);
  await until(() => /listening on/.test(server.log), "a server that listens", START_MS);
  use(`http://127.0.0.1:${port}`, made.page(sightwire));
  assert.doesNotMatch(server.log, /fetch|download/i, "all that it needs came with it");
  assert.match(
    made.must(`runuser -u ann -- ${sightwire} ready --set server.listen=127.0.0.1:${port}`),
    /is ready/,
  );
  assert.equal(await server.stop(), 0);
  assert.deepEqual(made.must("ls -A /home/ann/.local/share").trim().split("\n"), ["sightwire"]);
});
