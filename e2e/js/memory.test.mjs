// A server that is given more than there is memory for: what runs goes on, and the system kills nobody. It needs a control group
// of its own, which only root can make.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { start, until } from "./harness.mjs";
import { connect, jpeg, streamPath, streamer, url, viewer } from "./relay.mjs";

const GROUP_BYTES = 700 << 20;
/** What is offered at most, whatever the server says: more than the group has. */
const MAX_SENDERS = 120;
const FRAME_BYTES = 5_900_000;
const WHY = "The server uses all of its memory (server.memory_mb). Please try again later.";

/** A control group (version 2) with so much memory; `undefined` where none can be made. */
function group() {
  const [root, path] = ["/sys/fs/cgroup", "/proc/self/cgroup"];
  if (!existsSync(join(root, "cgroup.controllers"))) return undefined;
  const here = readFileSync(path, "utf8").match(/^0::(.*)$/m)?.[1] ?? "/";
  // A group with processes in it gives no controllers to those below: then the one above may.
  for (const folder of [join(root, here), join(root, here, ".."), root]) {
    const own = join(folder, `sightwire-e2e-${process.pid}`);
    try {
      mkdirSync(own);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(own, "memory.max"), String(GROUP_BYTES), { flag: "r+" });
    } catch {
      rmdirSync(own);
      continue;
    }
    return {
      enter: (pid) => writeFileSync(join(own, "cgroup.procs"), String(pid), { flag: "r+" }),
      kills: () => Number(readFileSync(join(own, "memory.events"), "utf8").match(/^oom_kill (\d+)/m)?.[1]),
      remove: () => rmdirSync(own),
    };
  }
  return undefined;
}

test("a_server_with_little_memory_refuses_what_is_new_and_keeps_what_runs", async (t) => {
  const own = group();
  if (own === undefined) return t.skip("a control group can only be made by root, and not everywhere");
  // The places are more than there is memory for.
  const config = {
    "server.memory_mb": 560,
    "relay.max_streams": MAX_SENDERS + 2,
    "relay.warn_after_s": 3000,
    "relay.end_after_s": 3600,
    "recognizer.dummy": true,
  };
  const args = Object.entries(config).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const server = await start(t, { args });
  // After the server has ended, and not before: hooks run in their order.
  t.after(() => own.remove());
  own.enter(server.pid);

  const sending = await streamer(t, server, "early");
  const watching = await viewer(t, server, "?streams=early");
  let number = 0;
  const frames = setInterval(() => sending.frame(url("early", (number += 1))), 100);
  t.after(() => clearInterval(frames));
  await watching.nextFrame("early");

  // A stream holds its newest frame: each of these is 8 MB of it.
  const memory = async () => (await server.get("/api/v1/status")).json.memory;
  const senders = [];
  let last;
  for (let i = 0; i < MAX_SENDERS && last === undefined; i += 1) {
    const name = `load-${i}`;
    const sender = await connect(t, server, streamPath(name));
    sender.say({ analysis_mode: "normal" });
    const answer = await sender.next(({ json }) => json?.type === "connected" || json?.type === "error");
    if (answer.type === "error") {
      last = { message: answer.message, ...(await sender.over()) };
    } else {
      senders.push(sender);
      sender.frame(url(name, 1, FRAME_BYTES));
      const has = async () => (await server.get(`/api/v1/streams/${name}`)).json.pictures > 0;
      await until(has, `the frame of ${name}`);
    }
  }
  assert.deepEqual([last?.message, last?.code, last?.reason], [WHY, 1013, WHY], `${senders.length} senders`);
  assert.ok(senders.length > 20, `${senders.length} senders`);

  // Pictures, too, as many as come: none is let in.
  for (let i = 0; i < 30; i += 1) {
    const path = ["detect", "read"][i % 2];
    const late = await fetch(`${server.url}/api/v1/${path}`, { method: "POST", body: jpeg(1_000_000) });
    assert.deepEqual([late.status, (await late.json()).detail], [503, WHY], path);
    assert.equal(late.headers.get("retry-after"), "2");
  }

  // Whoever was there before gets new frames, and the process is the same.
  const before = watching.all("live_frame").length;
  await until(() => watching.all("live_frame").length > before + 20, "frames go on");
  assert.ok(
    senders.every(({ closed }) => closed === undefined),
    "senders that were let in stay",
  );
  assert.equal(own.kills(), 0, "the system killed nobody");
  assert.ok((await memory()).refused.streams > 0);

  senders.forEach((sender) => sender.vanish());
  await until(async () => !(await memory()).is_full, "the memory is free again");
  await streamer(t, server, "late");
  clearInterval(frames);
  const { code } = await server.stop();
  assert.equal(code, 0);
});
