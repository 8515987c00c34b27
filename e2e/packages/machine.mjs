// A small machine of its own: Debian's folders, made by mmdebstrap, without compilers. What runs in it either sees that root
// (`chroot`), or is started by a systemd that booted there (`boot`).

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { terminate, until } from "../js/harness.mjs";

/** @import { Ending } from "../js/types.ts" */

/** What the package depends on, and systemd to boot with. */
const PACKAGES = ["adduser", "ca-certificates", "libstdc++6", "zlib1g", "systemd", "systemd-sysv"];
const USE = join(import.meta.dirname, "use.mjs");
const BOOT_MS = 60_000;
const STOP_MS = 20_000;

/** Why there can be no such machine here, or `undefined`. */
export function lacking() {
  if (process.getuid?.() !== 0) return "only root can make another root";
  return ["mmdebstrap", "unshare"].find((program) => !has(program))?.concat(" is not installed");
}

/** @param {string} program */
export const has = (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

/** Where this machine's apt gets Debian's packages. */
export function sources() {
  const lists = "/etc/apt/sources.list.d";
  const debian = readdirSync(lists).filter((name) => /^debian\.(sources|list)$/.test(name));
  return debian.length > 0 ? debian.map((name) => join(lists, name)) : ["/etc/apt/sources.list"];
}

/** A root to copy. Whoever asked removes it. */
export function template() {
  const folder = mkdtempSync(join(tmpdir(), "sightwire-debian-"));
  const root = join(folder, "root");
  const args = [
    "--quiet",
    "--variant=apt",
    `--include=${PACKAGES.join(",")}`,
    "bookworm",
    root,
    ...sources(),
  ];
  execFileSync("mmdebstrap", args, { stdio: ["ignore", "inherit", "inherit"] });
  return { root, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Somebody who has just installed it recognises a wave and reads a picture and a PDF.
 * @param {string} url
 * @param {string} page a picture
 * @param {(...words: string[]) => string} run a program, somewhere: what it says
 */
export function use(
  url,
  page,
  run = (program, ...args) => execFileSync(program, args, { encoding: "utf8" }),
) {
  const { ready, labels, text, drawn } = JSON.parse(run("node", USE, url, page));
  assert.equal(ready, 200);
  assert.ok(labels.includes("wave"), `${labels}`);
  assert.match(text, /Invoice/);
  assert.match(drawn, /Boarding gate 42/);
}

export class Machine {
  /**
   * @param {Ending} t
   * @param {string} from a template
   */
  constructor(t, from) {
    const folder = mkdtempSync(join(tmpdir(), "sightwire-machine-"));
    this.root = join(folder, "root");
    /** @type {(() => unknown)[]} what has to end before its folders go, the last first */
    this.ends = [];
    t.after(async () => {
      for (const end of this.ends.reverse()) await end();
      rmSync(folder, { recursive: true, force: true });
    });
    execFileSync("cp", ["-a", "--reflink=auto", from, this.root]);
  }

  /** @param {string} path as programs in it see it */
  at(path) {
    return join(this.root, path);
  }

  /** @param {string} path */
  read(path) {
    return readFileSync(this.at(path), "utf8");
  }

  /** @param {string} file of this machine */
  bring(file) {
    execFileSync("cp", [file, this.at("/root/")]);
  }

  /**
   * A line of the shell in it, as root. What it says on both ways, and how it ended.
   * @param {string} line
   */
  sh(line) {
    return ended(spawnSync("unshare", inRoot(this.root, ["sh", "-c", line]), { encoding: "utf8" }));
  }

  /**
   * Such a line, which has to end well.
   * @param {string} line
   */
  must(line) {
    const { code, said } = this.sh(line);
    if (code !== 0) throw new Error(`${line}\nended with ${code}:\n${said}`);
    return said;
  }

  /**
   * A picture with text, as files of this machine have it.
   * @param {string} sightwire the program in it
   */
  page(sightwire) {
    this.must(`${sightwire} sample page --out /root/page --frames 1`);
    return this.at("/root/page/000.jpg");
  }

  /**
   * What the unit starts, as its user, in its folder, with its variables and those that systemd would add.
   * @param {Record<string, string>} variables
   */
  start(variables) {
    const unit = this.unit();
    const env = { HOME: "/var/lib/sightwire", ...unit.environment, ...variables };
    const line = `cd ${unit.folder} && umask ${unit.umask} && exec ${unit.command}`;
    return this.runs(`${unit.user}:${unit.group}`, env, line);
  }

  /**
   * A program that goes on, of somebody in it.
   * @param {string} user as chroot wants it
   * @param {Record<string, string>} variables and no others
   * @param {string} line of the shell
   */
  runs(user, variables, line) {
    const env = Object.entries({ PATH: "/usr/bin:/bin", ...variables });
    const words = ["env", "-i", ...env.map(([name, value]) => `${name}=${value}`), "sh", "-c", line];
    const child = spawn("unshare", inRoot(this.root, words, `--userspec=${user}`), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const end = new Promise((done) => child.on("error", done).on("close", (code) => done(code)));
    const server = { child, end, log: "", stop: () => terminate(child, end, STOP_MS) };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (server.log += text));
    this.ends.push(server.stop);
    return server;
  }

  /** What the unit says, as far as it says how to start. */
  unit() {
    const text = this.read("/usr/lib/systemd/system/sightwire.service");
    const all = (/** @type {string} */ key) =>
      [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value);
    const [user, group, folder, umask, command] = [
      "User",
      "Group",
      "WorkingDirectory",
      "UMask",
      "ExecStart",
    ].map((key) => all(key)[0]);
    const environment = Object.fromEntries(
      all("Environment").map((pair) => pair.split(/=(.*)/s).slice(0, 2)),
    );
    return { user, group, folder, umask, command, environment };
  }
}

/**
 * A machine with a systemd of its own and a network that reaches nobody, or why that does not run here.
 * @param {Machine} machine
 */
export async function boot(machine) {
  const args = [
    "--register=no",
    "--keep-unit",
    "--private-network",
    "--link-journal=no",
    "--boot",
    "-D",
    machine.root,
  ];
  const nspawn = spawn("systemd-nspawn", args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let over = false;
  const end = new Promise((done) => nspawn.on("error", done).on("close", (code) => done(code)));
  void end.then(() => (over = true));
  for (const stream of [nspawn.stdout, nspawn.stderr])
    stream.setEncoding("utf8").on("data", (text) => (said += text));
  let leader = "";
  // With its first process a machine is gone.
  machine.ends.push(async () => {
    if (leader && !over) process.kill(Number(leader), "SIGKILL");
    await terminate(nspawn, end, STOP_MS);
  });
  await until(() => over || /Reached target.*multi-user/.test(said), "a booted machine", BOOT_MS);
  if (over) return { why: said.trim().split("\n").at(-1) };
  leader = readFileSync(`/proc/${nspawn.pid}/task/${nspawn.pid}/children`, "utf8").trim().split(" ")[0];
  const within = (/** @type {string[]} */ which, /** @type {string[]} */ words) =>
    ended(spawnSync("nsenter", ["--target", leader, ...which, ...words], { encoding: "utf8" }));
  return {
    /** @param {string} line of the shell in it, as root */
    sh: (line) => within(["--mount", "--uts", "--ipc", "--net", "--pid", "--wdns=/"], ["sh", "-c", line]),
    /** @param {string[]} words of a program of this machine, on that machine's network */
    onNetwork: (...words) => within(["--net"], words),
  };
}

/**
 * @param {string} root
 * @param {string[]} words
 * @param {string[]} options of chroot
 */
function inRoot(root, words, ...options) {
  const mount = 'mount -t proc proc "$1/proc" && shift && exec chroot "$@"';
  return ["--mount", "--propagation", "private", "sh", "-c", mount, "sh", root, ...options, root, ...words];
}

/** @param {import("node:child_process").SpawnSyncReturns<string>} done */
function ended({ status, error, stdout, stderr }) {
  if (error) throw error;
  return { code: status, said: `${stdout}${stderr}` };
}
