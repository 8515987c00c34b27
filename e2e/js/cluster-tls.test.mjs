// Processes that speak over TLS with each other, as they do with everybody else.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { isRefused, sends, startProcess } from "./cluster.mjs";
import { command, sleep, temporary, until } from "./harness.mjs";
import { startRedis } from "./redis.mjs";
import { connect, streamer, viewerOf } from "./relay.mjs";

/** @import { Process } from "./cluster.mjs" */
/** @import { Ending } from "./types.ts" */

/** A store with a certificate authority of its own: what a process is started with, and what trusts it. */
async function authority(/** @type {Ending} */ t, name) {
  const home = temporary(t, name);
  const env = { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "1" };
  const { stdout: ca } = await command(["tls", "show", "--pem"], { env });
  return { env, ca };
}

/** A process whose connections are encrypted. */
function encrypted(t, redis, name, { env, ca }, set = {}) {
  return startProcess(t, redis, {
    name,
    env,
    scheme: "https",
    set: { "tls.mode": "self-signed", ...set },
  }).then((server) => ({ server, at: { ca } }));
}

/**
 * Authorities and what they sign, as files, made by openssl.
 * @param {Ending} t
 */
function files(t) {
  const folder = temporary(t, "certificates");
  const at = (name, kind) => join(folder, `${name}.${kind}`);
  const make = (name, ...more) => {
    const kind = "-x509 -days 1 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(" ");
    const out = ["-subj", `/CN=${name}`, "-out", at(name, "pem"), "-keyout", at(name, "key")];
    execFileSync("openssl", ["req", ...kind, ...out, ...more], { stdio: "pipe" });
  };
  return {
    file: (name) => at(name, "pem"),
    authority: (name) => make(name, "-addext", "keyUsage=critical,keyCertSign"),
    /** For this machine, to be shown by servers and by clients. */
    signed(name, /** @type {string} */ by) {
      const extensions = [
        "basicConstraints=critical,CA:FALSE",
        "subjectAltName=IP:127.0.0.1",
        "extendedKeyUsage=serverAuth,clientAuth",
      ];
      const signer = ["-CA", at(by, "pem"), "-CAkey", at(by, "key")];
      make(name, ...signer, ...extensions.flatMap((one) => ["-addext", one]));
    },
    /** Of a process that shows it, by keys of its configuration. */
    shown: (name) => ({
      "tls.mode": "files",
      "tls.certificate_file": at(name, "pem"),
      "tls.key_file": at(name, "key"),
    }),
    /** Of a client that shows it, and trusts that authority. */
    has: (name, /** @type {string} */ ca) => ({
      ca: readFileSync(at(ca, "pem")),
      cert: readFileSync(at(name, "pem")),
      key: readFileSync(at(name, "key")),
    }),
  };
}

const inFiles = (t, redis, name, set) => startProcess(t, redis, { name, set, scheme: "https" });

/** Waits until a process says that it cannot reach another, and why. */
async function cannotReach(/** @type {Process} */ server, /** @type {string} */ other) {
  const said = () =>
    server.logs().match(new RegExp(`another process cannot be reached: .*process="?${other}\\b.*`));
  await until(() => said() !== null, `${server.name} cannot reach ${other}: ${server.logs()}`);
  return said()[0];
}

test("processes_that_share_a_store_trust_each_other", async (t) => {
  const redis = await startRedis(t);
  const own = await authority(t, "home");
  const [a, b] = await Promise.all(["a", "b"].map((name) => encrypted(t, redis, name, own)));
  assert.match(a.server.url, /^https:/);
  const sender = await streamer(t, a.server, "ward", a.at);
  const watching = await viewerOf(t, b.server, "ward", b.at);
  sends(t, sender, "ward");
  await watching.nextFrame("ward");
  await isRefused(t, b.server, "ward", b.at);
});

test("others_are_trusted_by_cluster.ca_file_and_not_without_it", async (t) => {
  const redis = await startRedis(t);
  const [first, other] = [await authority(t, "first"), await authority(t, "other")];
  const both = join(temporary(t, "authorities"), "both.pem");
  writeFileSync(both, first.ca + other.ca);
  const a = await encrypted(t, redis, "a", first, { "cluster.ca_file": both });
  const b = await encrypted(t, redis, "b", other, { "cluster.ca_file": both });
  const c = await encrypted(t, redis, "c", other);
  const sender = await streamer(t, a.server, "ward", a.at);
  sends(t, sender, "ward");
  const watching = await viewerOf(t, b.server, "ward", b.at);
  await watching.nextFrame("ward");
  const inVain = await viewerOf(t, c.server, "ward", c.at);
  await until(() => /another process cannot be reached/.test(c.server.logs()), "its log says so");
  assert.match(c.server.logs(), /certificate/);
  assert.deepEqual(inVain.all("live_frame"), []);
  await watching.nextFrame("ward");
});

test("certificates_in_files_are_taken_by_the_others_if_they_trust_their_authority", async (t) => {
  const redis = await startRedis(t);
  const certificates = files(t);
  for (const name of ["ours", "others"]) certificates.authority(name);
  for (const name of ["a", "b", "c"]) certificates.signed(name, "ours");
  certificates.signed("foreign", "others");
  const trusting = { "cluster.ca_file": certificates.file("ours") };
  const [a, b, c, foreign] = await Promise.all([
    inFiles(t, redis, "a", { ...certificates.shown("a"), ...trusting }),
    inFiles(t, redis, "b", { ...certificates.shown("b"), ...trusting }),
    // It trusts what the system trusts, which knows nothing of this authority.
    inFiles(t, redis, "c", certificates.shown("c")),
    inFiles(t, redis, "foreign", { ...certificates.shown("foreign"), ...trusting }),
  ]);
  const ours = { ca: readFileSync(certificates.file("ours")) };
  const others = { ca: readFileSync(certificates.file("others")) };
  sends(t, await streamer(t, a, "ward", ours), "ward");
  sends(t, await streamer(t, foreign, "hall", others), "hall");
  const watching = await viewerOf(t, b, "ward", ours);
  await watching.nextFrame("ward");
  await isRefused(t, b, "ward", ours);
  const inVain = [await viewerOf(t, c, "ward", ours), await viewerOf(t, b, "hall", ours)];
  assert.match(await cannotReach(c, "a"), /certificate/);
  assert.match(await cannotReach(b, "foreign"), /certificate/);
  for (const one of inVain) assert.deepEqual(one.all("live_frame"), []);
});

test("processes_that_want_certificates_of_their_clients_show_their_own_to_each_other", async (t) => {
  const redis = await startRedis(t);
  const certificates = files(t);
  for (const name of ["ours", "others"]) certificates.authority(name);
  for (const name of ["a", "b", "phone"]) certificates.signed(name, "ours");
  certificates.signed("foreign", "others");
  // Certificates of both are taken of servers, and of clients those of one alone.
  const both = join(temporary(t, "authorities"), "both.pem");
  writeFileSync(
    both,
    ["ours", "others"].map((name) => readFileSync(certificates.file(name), "utf8")).join(""),
  );
  const wanting = { "tls.client_ca_file": certificates.file("ours"), "cluster.ca_file": both };
  const [a, b, foreign] = await Promise.all(
    ["a", "b", "foreign"].map((name) => inFiles(t, redis, name, { ...certificates.shown(name), ...wanting })),
  );
  const phone = certificates.has("phone", "ours");
  const sender = await streamer(t, a, "ward", phone);
  sends(t, sender, "ward");
  const watching = await viewerOf(t, b, "ward", phone);
  await watching.nextFrame("ward");
  await isRefused(t, b, "ward", phone);

  // Who shows none, or one of another authority, gets no connection; processes do not either.
  const { ca } = phone;
  await assert.rejects(connect(t, a, "/ws/view", { ca }), /alert certificate required/);
  await assert.rejects(connect(t, a, "/ws/view", certificates.has("foreign", "ours")), /alert unknown ca/);
  const inVain = await viewerOf(t, foreign, "ward", certificates.has("phone", "others"));
  assert.match(await cannotReach(foreign, "a"), /UnknownCA|unknown ca|certificate/i);
  assert.deepEqual(inVain.all("live_frame"), []);
  await watching.nextFrame("ward");
});

test("a_renewed_certificate_is_shown_to_other_processes_at_once", async (t) => {
  const redis = await startRedis(t);
  const certificates = files(t);
  for (const name of ["old", "new"]) {
    certificates.authority(name);
    certificates.signed(`of ${name}`, name);
  }
  const [both, clients] = ["both", "clients"].map((name) => join(temporary(t, name), "all.pem"));
  const read = (/** @type {string} */ name) => readFileSync(certificates.file(name), "utf8");
  writeFileSync(both, read("old") + read("new"));
  copyFileSync(certificates.file("old"), clients);
  const shown = certificates.shown("shown");
  const use = (/** @type {string} */ name) => {
    const own = certificates.shown(`of ${name}`);
    for (const key of ["tls.key_file", "tls.certificate_file"]) copyFileSync(own[key], shown[key]);
  };
  use("old");
  const set = { ...shown, "tls.client_ca_file": clients, "cluster.ca_file": both };
  const [a, b] = await Promise.all(["a", "b"].map((name) => inFiles(t, redis, name, set)));
  const seen = async (/** @type {string} */ name, /** @type {string} */ by) => {
    const at = certificates.has(`of ${by}`, by);
    sends(t, await streamer(t, a, name, at), name);
    await (await viewerOf(t, b, name, at)).nextFrame(name);
  };
  await seen("before", "old");
  // From now on only what the new one has signed counts.
  use("new");
  copyFileSync(certificates.file("new"), clients);
  const isTaken = () => [a, b].every((one) => one.logs().match(/the certificate was taken up/g)?.length >= 1);
  await until(isTaken, "both have taken it up");
  await sleep(2_000);
  await seen("after", "new");
  assert.doesNotMatch(a.logs() + b.logs(), /another process cannot be reached/);
});
