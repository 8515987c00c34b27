// HTTPS, with the clients that people have: the server's own authority, certificates in files that change, who speaks plain
// HTTP, and the way of a phone in.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";

import { Client, TRANSPORTS } from "./client.mjs";
import { command, removeFolder, start, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { streamer, url, viewerOf } from "./relay.mjs";
import { camera, serving } from "./simulator.mjs";

/** @import { Server } from "./harness.mjs" */

const folder = mkdtempSync(join(tmpdir(), "sightwire-tls-"));
after(() => removeFolder(folder));

/** A store of its own, and the authority in it. */
async function store(name) {
  const env = { SIGHTWIRE_HOME: join(folder, name), USE_DUMMY_MODEL: "1" };
  const { stdout, stderr, code } = await command(["tls", "show", "--pem"], { env });
  assert.equal(code, 0, stderr);
  return { env, ca: stdout, folder: join(folder, name, "tls") };
}

/**
 * Asks over a connection of its own; `ca` is who is trusted.
 * @param {string} url
 * @param {{ ca?: string, method?: string, headers?: Record<string, string>, body?: object }} options
 * @returns {Promise<{ status: number, headers: import("node:http").IncomingHttpHeaders, body: Buffer, json: any }>}
 */
function ask(url, { ca, method = "GET", headers = {}, body } = {}) {
  return new Promise((done, fail) => {
    const json = body === undefined ? {} : { "Content-Type": "application/json" };
    const name = { servername: headers.Host && "localhost" };
    const all = { ...json, ...headers };
    const asked = request(url, { ca, method, agent: false, headers: all, ...name }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("error", fail);
      answer.on("end", () => {
        const body = Buffer.concat(chunks);
        const isJson = answer.headers["content-type"]?.startsWith("application/json");
        done({
          status: answer.statusCode,
          headers: answer.headers,
          body,
          json: isJson ? JSON.parse(body.toString()) : undefined,
        });
      });
    });
    asked.on("error", fail);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The fingerprint of the certificate that is shown to a new connection. */
function shown(port, ca) {
  return new Promise((done, fail) => {
    const socket = connectTls({ host: "127.0.0.1", port, ca, rejectUnauthorized: ca !== undefined }, () => {
      done(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", fail);
  });
}

describe("a_server_with_an_authority_of_its_own", { concurrency: true }, () => {
  const ends = [];
  let /** @type {Server} */ server;
  let ca = "";
  let /** @type {Record<string, string>} */ env = {};
  before(async () => {
    const owner = { after: (end) => ends.push(end) };
    const gate = await camera(owner);
    const own = await store("own");
    ({ ca, env } = own);
    const settings = serving({ cameras: [{ id: "gate", url: gate.url, default: true }] });
    const args = [...settings.args, "--tls", "self-signed"];
    server = await start(owner, { ...settings, args, env: { ...settings.env, ...env } });
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  test("is_trusted_by_whoever_trusts_that_and_by_nobody_else", async () => {
    assert.match(server.url, /^https:/);
    assert.equal((await ask(`${server.url}/livez`, { ca })).body.toString(), "ok");
    assert.equal((await ask(`https://localhost:${server.port}/livez`, { ca })).status, 200);
    await assert.rejects(ask(`${server.url}/livez`), /self.signed certificate|unable to verify/);
    const authority = (await ask(`${server.url}/login/authority.crt`, { ca })).body;
    assert.ok(ca.includes(authority.toString("base64").slice(0, 64)), "the same certificate");
    const { json } = await ask(`${server.url}/api/v1/tls`, { ca });
    const { stdout } = await command(["tls", "show"], { env });
    assert.equal(stdout.trim(), `SHA-256 ${json.authority.fingerprint}`);
    assert.match(server.logs(), new RegExp(`certificate authority: SHA-256 ${json.authority.fingerprint}`));
    assert.equal(statSync(join(folder, "own", "tls", "authority.pem")).mode & 0o777, 0o600);
  });

  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    test(`answers_clients_of_Socket.IO_(${name})`.replaceAll(/[ ,]/g, "_"), async (t) => {
      const client = new Client(server.url, { transports, ca });
      t.after(() => client.socket.disconnect());
      await client.ready();
      for (let i = 0; i < 20; i++) client.send(png());
      await until(() => client.predictions.length === 20, "an answer to each");
    });
  }

  test("relays_streams", async (t) => {
    const watching = await viewerOf(t, server, "secure", { ca });
    const sending = await streamer(t, server, "secure", { ca });
    sending.frame(url("secure"));
    await watching.nextFrame("secure");
  });

  test("shows_cameras", async () => {
    const pictures = await new Promise((done, fail) => {
      let received = 0;
      const asked = request(`${server.url}/stream?camera=gate`, { ca, agent: false }, (answer) => {
        answer.on("data", (chunk) => {
          received += chunk.toString("latin1").split("--frame").length - 1;
          if (received >= 5) {
            done(received);
            answer.destroy();
          }
        });
      });
      asked.on("error", fail);
      asked.end();
    });
    assert.ok(pictures >= 5);
  });

  test("sends_who_speaks_plain_HTTP_to_the_same_address_over_HTTPS", async () => {
    const plain = server.url.replace("https:", "http:");
    const answer = await fetch(`${plain}/stream?camera=gate`, { redirect: "manual" });
    assert.equal(answer.status, 308);
    assert.equal(answer.headers.get("location"), `${server.url}/stream?camera=gate`);
    const foreign = await ask(`${server.url}/livez`, { ca, headers: { Host: "evil.example" } });
    assert.equal(foreign.status, 421);
  });

  test("keeps_who_has_logged_in_in_a_cookie_that_goes_nowhere_else", async () => {
    const { stdout } = await command(["keys", "add", "--role", "viewer"], { env });
    const key = stdout.match(/^key: (sw_\S+)$/m)[1];
    const log = () => ask(`${server.url}/api/v1/login`, { ca, method: "POST", body: { key } });
    await until(async () => (await log()).status === 200, "the key to count");
    const [cookie] = (await log()).headers["set-cookie"];
    assert.match(
      cookie,
      new RegExp(`^__Host-sightwire-${server.port}=.*; Path=/; HttpOnly; SameSite=Lax; .*; Secure$`),
    );
  });
});

describe("a_certificate_in_files", () => {
  test("is_taken_up_when_it_changes_and_open_connections_go_on", async (t) => {
    const [first, second] = [await store("first"), await store("second")];
    // Each has shown a certificate, which is kept beside the authority.
    for (const { env } of [first, second]) {
      const server = await start(t, { args: ["--tls", "self-signed"], env });
      await server.stop();
    }
    const file = join(folder, "certificate.pem");
    const take = ({ folder }) => copyFileSync(join(folder, "certificate.pem"), file);
    take(first);
    const args = ["--tls", "files", "--set", `tls.certificate_file=${file}`, "--set", `tls.key_file=${file}`];
    const home = { SIGHTWIRE_HOME: join(folder, "home"), USE_DUMMY_MODEL: "1" };
    const more = ["--set", "tls.redirect_listen=127.0.0.1:0", "--set", "tls.hsts_s=60"];
    const server = await start(t, { args: [...args, ...more], env: home });
    const before = await shown(server.port, first.ca);
    const { headers } = await ask(`${server.url}/livez`, { ca: first.ca });
    assert.equal(headers["strict-transport-security"], "max-age=60");
    const plain = server.logs().match(/redirecting from (http:\S+)/)[1];
    const answer = await fetch(`${plain}/a?b=c`, { redirect: "manual" });
    assert.equal(answer.headers.get("location"), `${server.url}/a?b=c`);

    // Of no authority that this machine trusts: it is known by being the one that is configured.
    const listen = ["--set", `server.listen=127.0.0.1:${server.port}`];
    const ready = (files = file) => {
      const names = ["tls.mode=files", `tls.certificate_file=${files}`, `tls.key_file=${files}`];
      return command(["ready", ...listen, ...names.flatMap((set) => ["--set", set])], { env: home });
    };
    assert.match((await ready()).stdout, /^https:\S+ is ready\n$/);
    const other = await ready(join(second.folder, "certificate.pem"));
    assert.equal(other.code, 1);
    assert.match(other.stderr, /is not ready: it is not trusted from here/);

    const watching = await viewerOf(t, server, "kept", { ca: first.ca });
    const sending = await streamer(t, server, "kept", { ca: first.ca });
    sending.frame(url("kept"));
    await watching.nextFrame("kept");

    take(second);
    await until(async () => (await shown(server.port)) !== before, "the other certificate");
    assert.equal((await ready()).code, 0);
    assert.equal((await ask(`${server.url}/livez`, { ca: second.ca })).status, 200);
    await assert.rejects(ask(`${server.url}/livez`, { ca: first.ca }));
    sending.frame(url("kept"));
    await watching.nextFrame("kept");

    writeFileSync(file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    process.kill(server.pid, "SIGHUP");
    await until(() => /the certificate stays as it was: /.test(server.logs()), "a line that says so");
    const refused = /WARN The certificate cannot be used, and everything stays as it is: /;
    await until(() => refused.test(server.logs()), "a line of the reload");
    assert.equal((await ask(`${server.url}/livez`, { ca: second.ca })).status, 200);
    const metrics = (await ask(`${server.url}/metrics`, { ca: second.ca })).body.toString();
    assert.match(metrics, /^sightwire_reload_failures_total [1-9]/m);
    const expiry = Number(metrics.match(/^sightwire_tls_certificate_expiry_seconds (\S+)$/m)[1]);
    assert.ok(expiry > Date.now() / 1000, "of the one that is shown");
    sending.frame(url("kept"));
    await watching.nextFrame("kept");
    const { ms, code } = await server.stop();
    assert.equal(code, 0);
    assert.ok(ms < 5000, `${ms} ms`);
  });

  test("that_cannot_be_shown_is_named_at_the_start", async () => {
    const key = join(folder, "nothing.pem");
    writeFileSync(key, "nothing");
    for (const name of ["serve", "check"]) {
      const args = [name, "--set", "tls.mode=files"];
      args.push("--set", `tls.certificate_file=${key}`, "--set", `tls.key_file=${key}`);
      const { code, stderr } = await command(args, { env: { USE_DUMMY_MODEL: "1" } });
      assert.equal(code, 1);
      assert.match(stderr, /nothing\.pem has no certificate in PEM form/);
    }
  });
});

test("in_the_lan_a_phone_is_logged_in_by_a_code_that_works_once", async (t) => {
  const { env, ca } = await store("lan");
  // `start` gives addresses of its own, which `--lan` replaces.
  const server = await start(t, { args: ["--lan", "--port", "0"], env, listen: [] });
  const at = `https://127.0.0.1:${server.port}`;
  await until(() => /works once|no address that a phone could open/.test(server.logs()), "the code");
  assert.match(server.url, /^https:\/\/0\.0\.0\.0:/);
  const link = server.logs().match(/open (https:\S+)\/login#link=(\S+)$/m);
  if (link === null) return t.skip("this machine has no address that others could open");
  assert.match(server.logs(), /█/);
  const log = () => ask(`${at}/api/v1/login`, { ca, method: "POST", body: { link: link[2] } });
  const first = await log();
  assert.equal(first.json.role, "streamer");
  assert.equal((await log()).status, 401);
  const cookie = first.headers["set-cookie"][0].split(";")[0];
  const mine = await ask(`${at}/api/v1/cameras`, { ca, headers: { Cookie: cookie, Host: "evil.example" } });
  assert.equal(mine.status, 421, "only for names that are this machine's");
  assert.equal((await ask(`${at}/api/v1/cameras`, { ca, headers: { Cookie: cookie } })).status, 200);
  const { stdout } = await command(["keys", "list"], { env });
  assert.match(stdout, /code at the start +view and send all streams/);
  assert.equal((await ask(`${link[1].replace(/\/\/[^:]+/, "//127.0.0.1")}/livez`, { ca })).status, 200);
  assert.ok(readFileSync(join(folder, "lan", "access.json"), "utf8").includes("code at the start"));
});
