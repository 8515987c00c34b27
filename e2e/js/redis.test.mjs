// The Redis that other tests start does what they take for granted.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sleep } from "./harness.mjs";
import { startRedis } from "./redis.mjs";

test("a Redis is there, stands still and goes on, is killed and there again with nothing in it", async (t) => {
  const redis = await startRedis(t);
  assert.equal(redis.url, `redis://127.0.0.1:${redis.port}`);
  assert.equal(await redis.cli("SET", "a key", "a\nvalue"), "OK");
  assert.equal(await redis.cli("GET", "a key"), "a\nvalue");
  await assert.rejects(redis.cli("GOT", "a key"), /unknown command/);

  redis.stop();
  const answer = redis.cli("PING");
  assert.equal(await Promise.race([answer, sleep(200).then(() => "none")]), "none");
  redis.cont();
  assert.equal(await answer, "PONG");

  await redis.kill();
  await assert.rejects(redis.cli("PING"), /Connection refused/);
  await redis.again();
  assert.equal(await redis.cli("DBSIZE"), "0");
});

test("a Redis may ask for a password, and be full", async (t) => {
  const redis = await startRedis(t, { password: "a b@c", maxmemory: "2mb", args: ["--databases", "2"] });
  assert.equal(new URL(redis.url).password, "a%20b%40c");
  assert.equal(await redis.cli("DEBUG", "POPULATE", "20000"), "OK");
  await assert.rejects(redis.cli("SET", "key", "value"), /OOM/);
  assert.match(await redis.cli("CONFIG", "GET", "databases"), /^databases\n2$/);
});
