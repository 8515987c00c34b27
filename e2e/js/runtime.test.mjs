// A server whose store lacks the library says how to get it, and gets it when it is asked to.

import assert from "node:assert/strict";
import { mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { ask } from "./api.mjs";
import { HOME, removeFolder, start, until } from "./harness.mjs";

// Nothing is fetched from anywhere in these tests.
const OFFLINE = { PIP_INDEX_URL: "http://127.0.0.1:9/simple", PIP_RETRIES: "0" };

async function bare(t, args = []) {
  const home = mkdtempSync(join(tmpdir(), "sightwire-bare-"));
  const server = await start(t, { args, env: { SIGHTWIRE_HOME: home, ...OFFLINE } });
  // After the server has been stopped, which measures and keeps what it found there.
  t.after(() => removeFolder(home));
  return { home, server };
}

const get = (/** @type {{ url: string }} */ server, headers = {}) =>
  ask(server, "POST", "/api/v1/runtime", undefined, headers);

test("the command that gets the library stands in the status and in the log", async (t) => {
  const { home, server } = await bare(t);
  const recognizer = await server.recognizer();
  assert.equal(recognizer.state, "failed");
  const command = `SIGHTWIRE_HOME=${home} sightwire models pull runtime`;
  assert.equal(recognizer.cure, command);
  const lines = server
    .logs()
    .split("\n")
    .filter((line) => line.includes(command));
  assert.equal(lines.length, 1, server.logs());
});

test("the server gets the library itself, and has its model then without a new start", async (t) => {
  const { home, server } = await bare(t);
  const offered = (await server.get("/api/v1/runtime")).json;
  assert.deepEqual(offered, { missing: true, may_get: true, why_not: null });

  // As if it had been fetched: what is there already is not fetched again.
  symlinkSync(join(HOME, "runtime"), join(home, "runtime"));
  assert.equal((await get(server)).status, 202);
  await until(async () => (await server.recognizer()).state === "ready", "the model", 60_000);
  assert.equal((await server.recognizer()).cure, null);
  assert.equal((await get(server)).status, 409);
});

test("a library that cannot be got leaves the server as it was, and says why", async (t) => {
  const { server } = await bare(t);
  assert.equal((await get(server)).status, 202);
  await until(async () => (await server.recognizer()).state === "failed", "the failure", 60_000);
  const recognizer = await server.recognizer();
  assert.match(recognizer.error, /could not be got/);
  assert.match(recognizer.cure, /sightwire models pull runtime$/);
});

test("only whoever may manage the server has it get the library", async (t) => {
  const { server } = await bare(t, ["--set", "server.managing=nobody"]);
  const refused = await get(server);
  assert.equal(refused.status, 403);
  assert.match(refused.json.detail, /server\.managing/);
  assert.equal((await server.get("/api/v1/runtime")).json.may_get, false);
});

test("a page from elsewhere does not have it get the library", async (t) => {
  const { server } = await bare(t);
  assert.equal((await get(server, { Origin: "https://evil.example" })).status, 403);
});
