// Who comes through a proxy on the server's own machine names no address in a private network, whatever the proxy adds to
// requests. Nothing here connects to such an address: each request is refused before.

import assert from "node:assert/strict";
import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { command, HOME, removeFolder, start, until } from "./harness.mjs";
import { startNginx } from "./nginx.mjs";
import { ask } from "./proxies.mjs";

const LIMIT = { timeout: 60_000 };
const home = mkdtempSync(join(tmpdir(), "sightwire-private-"));
for (const folder of ["models", "runtime"]) symlinkSync(join(HOME, folder), join(home, folder));
after(() => removeFolder(home));

const env = { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "1" };
const WATCHED = "/stream/proxy?esp32_url=http://192.168.7.7/admin";
/** Added before there was a proxy. */
const ADDED = [{ id: "barn", name: "Barn", url: "http://192.168.8.8/stream", mode: "stream" }];

async function viewerKey() {
  const { stdout, stderr, code } = await command(["keys", "add", "--role", "viewer"], { env });
  assert.equal(code, 0, stderr);
  return stdout.match(/^key: (sw_\S+)$/m)[1];
}

test("a_proxy_that_adds_no_header_opens_no_private_network_where_all_need_a_key", LIMIT, async (t) => {
  writeFileSync(join(home, "cameras.json"), JSON.stringify(ADDED));
  const server = await start(t, { args: ["--set", "access.mode=protected"], env });
  const said = () =>
    server
      .logs()
      .split("\n")
      .find((line) => line.includes("private networks"));
  await until(() => said() !== undefined, "the server to say what is closed");
  assert.ok(said().includes("access.mode is protected"), said());
  assert.ok(said().includes('cameras.allow = ["192.168.8.0/24"]'), said());
  assert.ok(!server.logs().includes("it was added when that was allowed"), "what was added is read");
  const proxy = await startNginx(
    t,
    (port) => `server { listen 127.0.0.1:${port}; location / { proxy_pass ${server.url}; } }`,
  );
  const headers = { Authorization: `Bearer ${await viewerKey()}` };
  await until(async () => (await ask(proxy, "/api/v1/session", { headers })).json?.role, "the key to count");
  for (const at of [proxy, server]) {
    const { status, json } = await ask(at, WATCHED, { headers });
    assert.equal(status, 422, JSON.stringify(json));
    assert.match(json.detail, /cameras\.allow = \["192\.168\.7\.7"\]/);
    assert.match(json.detail, /access\.mode is protected/);
  }
});

test("a_proxy_that_says_for_whom_it_asks_opens_none_in_any_mode", LIMIT, async (t) => {
  const server = await start(t, { env });
  const forwarded = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
  const proxy = await startNginx(
    t,
    (port) => `server { listen 127.0.0.1:${port}; location / { ${forwarded} proxy_pass ${server.url}; } }`,
  );
  const headers = { Authorization: `Bearer ${await viewerKey()}` };
  await until(async () => (await ask(proxy, "/api/v1/session", { headers })).json?.role, "the key to count");
  const { status, json } = await ask(proxy, WATCHED, { headers });
  assert.equal(status, 422, JSON.stringify(json));
  assert.match(json.detail, /only whoever asks from the server's own machine/);
});
