// The Debian package on a machine of its own: installed, used, upgraded, removed, and each thing that can go wrong with that.
// `SIGHTWIRE_DEBS` are the same code packed under two versions, the older first.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  chmodSync,
  chownSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";

import { freePort, sleep, until } from "../js/harness.mjs";
import { systemd } from "../js/systemd.mjs";
import { boot, has, lacking, Machine, template, use } from "./machine.mjs";

/** @import { Ending } from "../js/types.ts" */

const debs = (process.env.SIGHTWIRE_DEBS ?? "").split(" ").filter(Boolean);
const skip = debs.length === 2 ? lacking() : "SIGHTWIRE_DEBS names no two packages";
const [older, newer] = debs.map((path) => `/root/${basename(path)}`);
const CONFIG = "/etc/sightwire/sightwire.toml";
const START_MS = 60_000;
/** Of systemd's own measure, where 10 is a service without any bounds. */
const MAX_EXPOSURE = 3.0;

/** @type {ReturnType<typeof template>} */
let debian;
before(() => {
  if (!skip) debian = template();
});
after(() => debian?.remove());

/** @param {Ending} t */
function machine(t) {
  const made = new Machine(t, debian.root);
  for (const deb of debs) made.bring(deb);
  return made;
}

/**
 * An installed machine whose server is to listen at a free port.
 * @param {Ending} t
 */
async function installed(t) {
  const made = machine(t);
  const said = made.must(`dpkg -i ${older} 2>&1`);
  assert.doesNotMatch(said, /^sightwire: /m, "nothing is wrong with a new installation");
  const port = await freePort();
  made.must(`sed -i 's/127.0.0.1:8000/127.0.0.1:${port}/' ${CONFIG}`);
  made.must(`printf '[cameras]\nallow = ["127.0.0.1"]\n' >> ${CONFIG}`);
  return { made, url: `http://127.0.0.1:${port}` };
}

/**
 * Started as its unit says, and ready.
 * @param {Ending} t
 * @param {Machine} made
 */
async function started(t, made) {
  const told = await systemd(t, 2_000, made.at("/run"));
  // Its user is not ours.
  chmodSync(told.env.NOTIFY_SOCKET, 0o666);
  const server = made.start({ ...told.env, NOTIFY_SOCKET: "/run/notify" });
  await until(() => /listening on/.test(server.log), "a server that listens", START_MS);
  return { server, told };
}

/**
 * @param {string} url
 * @param {string} path
 * @param {RequestInit} [options]
 */
const asked = async (url, path, options) => (await fetch(url + path, options)).json();

/**
 * Whether it does what it is for, to those who use it from outside.
 * @param {Machine} made
 * @param {string} url
 */
const works = (made, url) => use(url, made.page("sightwire"));

test("it_is_installed_used_upgraded_under_a_running_server_and_removed", { skip }, async (t) => {
  const { made, url } = await installed(t);
  for (const program of ["cc", "gcc", "python3", "pip"])
    assert.notEqual(made.sh(`command -v ${program}`).code, 0, `${program} is not there`);
  assert.equal(made.must("stat -c '%U:%G %a' /var/lib/sightwire").trim(), "sightwire:sightwire 750");
  assert.equal(made.must(`stat -c '%U:%G %a' ${CONFIG}`).trim(), "root:sightwire 640");
  assert.equal(made.must("stat -c '%U:%G %a' /usr/lib/sightwire/sightwire-draw").trim(), "root:root 755");
  for (const file of [
    "/usr/share/man/man1/sightwire-keys-add.1.gz",
    "/usr/share/bash-completion/completions/sightwire",
    "/usr/share/doc/sightwire/THIRD-PARTY.txt",
    "/usr/share/doc/sightwire/docs/operations.md",
    "/usr/share/doc/sightwire/docs/operations/install.md",
  ])
    assert.ok(statSync(made.at(file)).size > 100, file);

  const first = await started(t, made);
  const pid = Number(first.server.child.pid);
  assert.equal(statSync(`/proc/${pid}`).uid, Number(made.must("id -u sightwire")));
  works(made, url);
  assert.match(
    made.must("sightwire ready"),
    /is ready/,
    "root reads the configuration of the installed server",
  );
  assert.match(made.must("runuser -u sightwire -- sightwire doctor --no-cameras"), /^all is well$/m);
  made.must("chmod 700 /root && cd /root && runuser -u sightwire -- sightwire check");
  made.must("useradd --create-home ann");
  const own = made.must("cd /home/ann && runuser -u ann -- sightwire keys list 2>&1");
  assert.match(
    own,
    /note: .*that of the installed server.*this store is \/home\/ann/,
    "whose keys these are",
  );
  await until(() => first.told.fed() > 2, "a watchdog that is fed");

  // What root makes is for the server to read.
  assert.match(made.must("sightwire keys add phone --role viewer"), /key: sw_/);
  assert.equal(made.must("stat -c %U /var/lib/sightwire/access.json").trim(), "sightwire");
  const body = JSON.stringify({ id: "gate", url: "http://127.0.0.1:9/stream" });
  const headers = { "content-type": "application/json" };
  const added = await fetch(`${url}/api/v1/cameras`, { method: "POST", headers, body });
  assert.equal(added.status, 201, await added.text());

  // The files go, and the server that runs goes on with them.
  made.must(`dpkg -i ${newer} 2>&1`);
  assert.match(readlinkSync(`/proc/${pid}/exe`), /deleted/);
  works(made, url);
  assert.equal(await first.server.stop(), 0);
  const second = await started(t, made);
  works(made, url);
  const { cameras } = await asked(url, "/api/v1/cameras");
  assert.deepEqual(
    cameras.map(({ id }) => id),
    ["gate"],
  );
  const { keys } = await asked(url, "/api/v1/keys");
  assert.ok(keys.some(({ name }) => name === "phone"));
  assert.equal(await second.server.stop(), 0);

  made.must("dpkg -r sightwire 2>&1");
  assert.ok(!existsSync(made.at("/usr/bin/sightwire")) && !existsSync(made.at("/usr/lib/sightwire")));
  assert.ok(existsSync(made.at("/var/lib/sightwire/access.json")) && existsSync(made.at(CONFIG)));
  made.must("dpkg -P sightwire 2>&1");
  const left = made
    .must("find / -xdev -iname '*sightwire*' -not -path '/proc/*' -not -path '/root/*'")
    .split("\n");
  assert.deepEqual(
    left.filter((path) => path && !path.startsWith("/var/lib/dpkg")),
    [],
  );
});

test("a_configuration_that_the_new_version_does_not_accept_is_told_and_kept", { skip }, async (t) => {
  const { made, url } = await installed(t);
  await started(t, made);
  made.must(`printf '[relay]\\nmax_viewer = 3\\n' >> ${CONFIG}`);
  const said = made.must(`dpkg -i ${newer} 2>&1`);
  assert.match(said, /error: .*sightwire\.toml, line \d+: .*`?relay\.max_viewers/);
  assert.match(said, /^sightwire: .*sightwire\.toml is not accepted .* systemctl start sightwire$/m);
  assert.match(made.read(CONFIG), /max_viewer = 3/);
  assert.match(made.must("dpkg-query -W -f '${Status}' sightwire"), /installed/);
  assert.equal((await fetch(`${url}/readyz`)).status, 200, "the server that runs goes on");
});

test("an_upgrade_that_the_disk_has_no_room_for_changes_nothing", { skip }, async (t) => {
  const made = machine(t);
  const folder = made.at("/usr/lib/sightwire");
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=600m", "tmpfs", folder]);
  made.ends.push(() => execFileSync("umount", ["--lazy", folder]));
  made.must(`dpkg -i ${older} 2>&1`);
  const port = await freePort();
  made.must(`sed -i 's/127.0.0.1:8000/127.0.0.1:${port}/' ${CONFIG}`);
  const url = `http://127.0.0.1:${port}`;
  await started(t, made);
  made.must("sightwire keys add phone --role viewer");
  const keys = made.read("/var/lib/sightwire/access.json");
  const used = Number(execFileSync("du", ["-sk", folder], { encoding: "utf8" }).split("\t")[0]);
  execFileSync("mount", ["-o", `remount,size=${used + 10_000}k`, folder]);

  const sums = () => made.must("find /usr/bin/sightwire /usr/lib/sightwire -type f | sort | xargs sha256sum");
  const before = sums();
  const { code, said } = made.sh(`dpkg -i ${newer} 2>&1`);
  assert.notEqual(code, 0);
  assert.match(said, /No space left on device/);
  const version = "dpkg-query -W -f '${Version} ${Status}' sightwire";
  assert.match(made.must(version), new RegExp(`^${versionOf(older)} install ok installed`));
  assert.equal(sums(), before);
  works(made, url);
  assert.equal(made.read("/var/lib/sightwire/access.json"), keys);

  execFileSync("mount", ["-o", "remount,size=600m", folder]);
  made.must(`dpkg -i ${newer} 2>&1`);
  assert.match(made.must(version), new RegExp(`^${versionOf(newer)} install ok installed`));
});

test("a_folder_of_another_user_is_left_to_that_user", { skip }, (t) => {
  const made = machine(t);
  const home = made.at("/var/lib/sightwire");
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, "theirs"), "data");
  for (const path of [home, join(home, "theirs")]) chownSync(path, 65534, 65534);
  const said = made.must(`dpkg -i ${older} 2>&1`);
  assert.match(
    said,
    /^sightwire: \/var\/lib\/sightwire belongs to the user nobody .*chown -R sightwire:sightwire/m,
  );
  const refused = made.sh("runuser -u sightwire -- sightwire keys add phone --role viewer");
  assert.equal(refused.code, 1);
  assert.match(
    refused.said,
    /\/var\/lib\/sightwire belongs to the user nobody: run `sudo -u nobody sightwire keys add …`/,
  );
  const ofRoot = made.sh("sightwire models pull gestures");
  assert.match(
    ofRoot.said,
    /belongs to the user nobody, .*run `runuser -u nobody -- sightwire models pull …`/,
  );
  made.must("dpkg -P sightwire 2>&1");
  assert.equal(readFileSync(join(home, "theirs"), "utf8"), "data");
  assert.equal(statSync(home).uid, 65534);
});

test("systemd_starts_it_watches_it_and_restarts_it_at_an_upgrade", { skip }, async (t) => {
  if (!has("systemd-nspawn")) return t.skip("systemd-nspawn is not installed");
  const made = machine(t);
  const booted = await boot(made);
  if ("why" in booted) return t.skip(`systemd does not boot here: ${booted.why}`);
  const must = (/** @type {string} */ line) => {
    const { code, said } = booted.sh(line);
    assert.equal(code, 0, `${line}: ${said}`);
    return said;
  };
  const shown = (/** @type {string} */ field) => must(`systemctl show sightwire -p ${field} --value`).trim();

  must(`dpkg -i ${older} 2>&1`);
  assert.equal(shown("ActiveState"), "active", must("journalctl -u sightwire --no-pager | tail -20"));
  assert.equal(shown("WatchdogUSec"), "30s");
  assert.match(shown("StatusText"), /127\.0\.0\.1:8000/);
  const verified = booted.sh("systemd-analyze verify sightwire.service");
  // There is no `man` to look for the page.
  assert.equal(verified.said.replace(/^.*'man sightwire\(1\)'.*\n/m, ""), "");
  const exposure = Number(
    /overall exposure level[^:]*: ([\d.]+)/i.exec(must("systemd-analyze security sightwire --no-pager"))?.[1],
  );
  t.diagnostic(`systemd-analyze security: ${exposure}`);
  assert.ok(exposure <= MAX_EXPOSURE, `${exposure}`);
  const picture = made.page("sightwire");
  const works = () =>
    use("http://127.0.0.1:8000", picture, (...words) => {
      const { code, said } = booted.onNetwork(...words);
      assert.equal(code, 0, said);
      return said;
    });
  works();

  // Killed, it comes back.
  const before = shown("MainPID");
  must(`kill -9 ${before}`);
  await until(
    () => booted.sh("sightwire ready").code === 0 && shown("MainPID") !== before,
    "a server again",
    START_MS,
  );

  // A change is taken up without a restart.
  const running = shown("MainPID");
  must(`printf '\\n[[camera]]\\nid = "gate"\\nurl = "http://127.0.0.1:9/stream"\\n' >> ${CONFIG}`);
  must("systemctl reload sightwire");
  const cameras = () => booted.onNetwork("curl", "-s", "http://127.0.0.1:8000/api/v1/cameras").said;
  await until(() => cameras().includes("gate"), "the camera");
  assert.equal(shown("MainPID"), running);

  must(`dpkg -i ${newer} 2>&1`);
  assert.equal(shown("ActiveState"), "active");
  assert.notEqual(shown("MainPID"), running, "the new version runs");
  assert.match(cameras(), /gate/);
  works();

  // What it does not accept, it is not restarted with.
  const mended = must(`cat ${CONFIG}`);
  const kept = shown("MainPID");
  must(`printf '[relay]\\nmax_viewer = 3\\n' >> ${CONFIG}`);
  const said = must(`dpkg -i ${newer} 2>&1`);
  assert.match(said, /error: .*relay\.max_viewers/);
  assert.match(said, /^sightwire: this version does not accept .* still that of the version before/m);
  assert.equal(shown("MainPID"), kept);
  works();
  writeFileSync(made.at(CONFIG), mended);

  must("dpkg -r sightwire 2>&1");
  await sleep(200);
  assert.notEqual(booted.sh("systemctl is-active sightwire").code, 0);
  must(`dpkg -i ${newer} 2>&1`);
  assert.equal(shown("ActiveState"), "active", "installed again, it runs again with what it had");
  assert.match(cameras(), /gate/);
  must("dpkg -P sightwire 2>&1");
  assert.ok(!existsSync(made.at("/var/lib/sightwire")) && !existsSync(made.at("/etc/sightwire")));
});

/** @param {string} deb */
function versionOf(deb) {
  return basename(deb).split("_")[1].replace(/[.+]/g, "\\$&");
}
