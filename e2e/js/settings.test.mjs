// The names that deployments already set, and what a mistake in a setting is answered with.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { ask } from "./api.mjs";
import { clip } from "./clips.mjs";
import { connect } from "./client.mjs";
import { command, start } from "./harness.mjs";
import { png } from "./pictures.mjs";

test("the_dummy_model_always_answers_hello", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  const client = await connect(t, server);
  for (let i = 0; i < 12; i += 1) client.send(png());
  await client.answered(12);
  for (const { label, score } of client.predictions) {
    assert.equal(label, "hello");
    assert.ok(Math.abs(score - 0.9) < 1e-6, `score ${score}`);
  }
});

describe("cors", () => {
  const paths = ["/healthz", "/socket.io/?EIO=4&transport=polling"];
  const allowed = async (server, path, origin) =>
    (await server.get(path, { Origin: origin })).headers.get("access-control-allow-origin");

  test("an_origin_of_the_list_is_allowed_and_another_is_not", async (t) => {
    const env = { USE_DUMMY_MODEL: "1", CORS_ORIGINS: "http://a.example, http://b.example:3000" };
    const server = await start(t, { env });
    for (const path of paths) {
      assert.equal(await allowed(server, path, "http://a.example"), "http://a.example", path);
      assert.equal(await allowed(server, path, "http://b.example:3000"), "http://b.example:3000", path);
      assert.equal(await allowed(server, path, "http://c.example"), null, path);
    }
  });

  test("a_page_of_the_list_may_send_its_cookies_and_no_other", async (t) => {
    const ask = async (server, path, origin, method = "GET") => {
      const preflight = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-user-id",
      };
      const headers = { Origin: origin, ...(method === "OPTIONS" ? preflight : {}) };
      const { headers: answer } = await fetch(server.url + path, { method, headers });
      return ["credentials", "origin", "headers"].map((name) => answer.get(`access-control-allow-${name}`));
    };
    const listing = await start(t, { env: { USE_DUMMY_MODEL: "1", CORS_ORIGINS: "http://a.example" } });
    const open = await start(t, { env: { USE_DUMMY_MODEL: "1", CORS_ORIGINS: "*" } });
    for (const path of paths) {
      const [credentials, origin] = await ask(listing, path, "http://a.example");
      assert.deepEqual([credentials, origin], ["true", "http://a.example"], path);
      assert.equal((await ask(listing, path, "http://c.example"))[0], null, path);
      // With cookies a browser takes no star.
      const allowed = await ask(listing, path, "http://a.example", "OPTIONS");
      assert.deepEqual(allowed, ["true", "http://a.example", "x-user-id"], path);
      assert.equal((await ask(open, path, "http://c.example"))[0], null, path);
    }
  });

  test("a_star_allows_every_origin", async (t) => {
    const server = await start(t, { env: { USE_DUMMY_MODEL: "1", CORS_ORIGINS: "*" } });
    for (const path of paths) {
      const origin = await allowed(server, path, "http://c.example");
      assert.ok(origin === "*" || origin === "http://c.example", `${path}: ${origin}`);
    }
  });
});

test("a_dot_env_file_beside_the_server_is_read", async (t) => {
  const text = "# our deployment\nMAX_CLIENTS=3\nUSE_DUMMY_MODEL=1\nCORS_ORIGINS='*'\n";
  const server = await start(t, { files: { ".env": text } });
  const { max_clients, state } = await server.recognizer();
  assert.deepEqual({ max_clients, state }, { max_clients: 3, state: "dummy" });
});

test("the_environment_wins_over_the_dot_env_file", async (t) => {
  const files = { ".env": "MAX_CLIENTS=3\nUSE_DUMMY_MODEL=1\n" };
  const server = await start(t, { files, env: { MAX_CLIENTS: "4" } });
  assert.equal((await server.recognizer()).max_clients, 4);
});

test("the_flag_wins_over_the_environment", async (t) => {
  const env = { MAX_CLIENTS: "4", USE_DUMMY_MODEL: "1" };
  const server = await start(t, { env, args: ["--set", "recognizer.max_clients=5"] });
  assert.equal((await server.recognizer()).max_clients, 5);
});

test("a_configuration_file_and_its_environment_names_are_read", async (t) => {
  const files = { "sightwire.toml": "[recognizer]\nmax_clients = 6\n" };
  const env = { USE_DUMMY_MODEL: "1" };
  const server = await start(t, { files, env, args: ["--config", "sightwire.toml"] });
  assert.equal((await server.recognizer()).max_clients, 6);
  const other = await start(t, { env: { ...env, SIGHTWIRE_RECOGNIZER_MAX_CLIENTS: "7" } });
  assert.equal((await other.recognizer()).max_clients, 7);
});

test("a_reload_reads_the_file_of_the_start_and_applies_nothing_where_that_is_gone", async (t) => {
  const camera = '[[camera]]\nid = "gate"\nurl = "simulated:street"\n';
  const files = { "sightwire.toml": camera };
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" }, files });
  const cameras = async () => (await server.get("/api/v1/cameras")).json.cameras.map(({ id }) => id);
  const reload = () => ask(server, "POST", "/api/v1/reload");
  const file = join(server.cwd, "sightwire.toml");
  rmSync(file);
  const { status, json } = await reload();
  assert.equal(status, 422);
  assert.match(json.detail, /cannot read the configuration sightwire\.toml/);
  assert.deepEqual(await cameras(), ["gate"]);
  writeFileSync(file, camera.replaceAll("gate", "yard"));
  assert.equal((await reload()).status, 200);
  assert.deepEqual(await cameras(), ["yard"]);
});

test("every_name_of_the_prototype_is_accepted", async (t) => {
  const env = {
    LOG_LEVEL: "INFO",
    MAX_CLIENTS: "50",
    CORS_ORIGINS: "*",
    SOCKETIO_PING_TIMEOUT: "60",
    SOCKETIO_PING_INTERVAL: "25",
    TF_INTER_OP_THREADS: "1",
    TF_INTRA_OP_THREADS: "1",
    TF_CPP_MIN_LOG_LEVEL: "2",
    CUDA_VISIBLE_DEVICES: "",
    USE_DUMMY_MODEL: "0",
  };
  const server = await start(t, { env });
  const client = await connect(t, server);
  await client.play(await clip("left"));
  await client.answered();
  const { json } = await server.get("/api/v1/status");
  assert.notEqual(json.engine.provider, "cuda");
  assert.equal(json.recognizer.state, "ready");
});

test("the_ping_settings_reach_the_client", async (t) => {
  const env = { USE_DUMMY_MODEL: "1", SOCKETIO_PING_TIMEOUT: "7", SOCKETIO_PING_INTERVAL: "3" };
  const server = await start(t, { env });
  const { text } = await server.get("/socket.io/?EIO=4&transport=polling");
  const { pingInterval, pingTimeout } = JSON.parse(text.slice(1));
  assert.deepEqual({ pingInterval, pingTimeout }, { pingInterval: 3_000, pingTimeout: 7_000 });
});

describe("a_configuration_mistake_ends_the_start_with_exit_code_2", () => {
  const serve = (args, options) => command(["serve", "--listen", "127.0.0.1:0", ...args], options);

  test("and_names_the_nearest_key_of_a_flag", async () => {
    const { code, stderr } = await serve(["--set", "recognizer.max_client=3"]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /max_clients/);
  });

  test("and_names_the_nearest_key_of_a_file", async () => {
    const files = { "bad.toml": "[recognize]\nmax_clients = 3\n" };
    const { code, stderr } = await serve(["--config", "bad.toml"], { files });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /recognizer/);
    assert.match(stderr, /bad\.toml/);
  });

  test("and_names_the_variable_with_a_bad_value", async () => {
    const { code, stderr } = await serve([], { env: { MAX_CLIENTS: "many" } });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /MAX_CLIENTS/);
  });

  test("and_names_a_file_that_is_not_there", async () => {
    const { code, stderr } = await serve(["--config", "missing.toml"]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /missing\.toml/);
  });
});
