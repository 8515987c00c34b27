// A reader's terminals: commands that end, and commands that run until their Ctrl-C, in one folder with one environment.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const GRACE_MS = 20_000;
/** Of what a command has printed, for whoever has to see why it failed. */
const KEPT_CHARACTERS = 1 << 20;

/** What a later command finds as the one before left it: exported variables and the folder. */
const REMEMBER =
  'code=$?; export -p > "$README_STATE"; printf "cd %q\\n" "$PWD" >> "$README_STATE"; exit $code';

/** A command that was started. */
class Running {
  output = "";
  ended = false;

  constructor(text, child) {
    this.text = text;
    this.child = child;
    this.closed = once(child, "close").then(([code, signal]) => {
      this.ended = true;
      return code ?? signal;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (data) => {
        this.output = (this.output + data).slice(-KEPT_CHARACTERS);
      });
    }
  }

  /** Waits until it has printed what the pattern says. */
  async printed(pattern, seconds) {
    const until = performance.now() + 1000 * seconds;
    while (!pattern.test(this.output)) {
      if (this.ended) throw this.failure(`ended (${await this.closed}) without printing ${pattern}`);
      if (performance.now() > until) throw this.failure(`has not printed ${pattern} within ${seconds} s`);
      await sleep(50);
    }
  }

  /** Waits for its end; an end that is none of `codes` is a failure. */
  async end(seconds, codes = [0]) {
    const late = new AbortController();
    const code = await Promise.race([
      this.closed,
      sleep(1000 * seconds, "late", { signal: late.signal }).catch(() => {}),
    ]);
    late.abort();
    if (code === "late") {
      await this.stop("SIGKILL");
      throw this.failure(`did not end within ${seconds} s`);
    }
    if (!codes.includes(code)) throw this.failure(`ended with ${code}`);
  }

  /** Ctrl-C, and what its end was. */
  async stop(signal = "SIGINT") {
    this.signal(signal);
    const late = setTimeout(() => this.signal("SIGKILL"), GRACE_MS);
    const code = await this.closed;
    clearTimeout(late);
    return code;
  }

  signal(signal) {
    try {
      process.kill(-this.child.pid, signal);
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  }

  failure(what) {
    const tail = this.output.trimEnd().split("\n").slice(-60).join("\n");
    return new Error(`\`${this.text}\` ${what}; it printed:\n${tail}`);
  }
}

/** The terminals. */
export class Terminal {
  #state;
  #env;
  #started = [];
  /** What runs until its Ctrl-C. */
  servers = [];

  static async open(folder, env, state) {
    await writeFile(state, `cd '${folder}'\n`);
    const terminal = new Terminal();
    terminal.#state = state;
    terminal.#env = { ...env, README_STATE: state };
    return terminal;
  }

  /**
   * Starts a command where the one before left the reader: in the same terminal if the next is to find what it leaves,
   * else in another one; in one with a screen if it draws.
   */
  start(text, { leaves = true, draws = false } = {}) {
    const script = `. "$README_STATE"\n${text}${leaves ? `\n${REMEMBER}` : ""}`;
    const [program, args] = draws ? ["script", ["-qefc", script, "/dev/null"]] : ["bash", ["-c", script]];
    const env = draws
      ? { ...this.#env, SHELL: "/bin/bash", TERM: "xterm", COLUMNS: "100", LINES: "30" }
      : this.#env;
    const child = spawn(program, args, {
      env,
      detached: true,
      stdio: [draws ? "pipe" : "ignore", "pipe", "pipe"],
    });
    const running = new Running(text, child);
    this.#started.push(running);
    return running;
  }

  /** The folder that the reader is in. */
  async folder() {
    const last = (await readFile(this.#state, "utf8")).trimEnd().split("\n").at(-1);
    return path.resolve(last.replace(/^cd '?/, "").replace(/'$/, ""));
  }

  /** Leaves nothing behind, whatever it was. */
  async close() {
    await Promise.all(this.#started.filter(({ ended }) => !ended).map((running) => running.stop("SIGTERM")));
  }

  /** Ctrl-C for all servers, the newest first; throws if one does not end as it should. */
  async stop() {
    for (const server of this.servers.splice(0).reverse()) {
      if (server.ended) throw server.failure(`ended by itself (${await server.closed})`);
      const code = await server.stop();
      // Who does nothing about Ctrl-C ends by it.
      if (![0, 130, "SIGINT"].includes(code)) throw server.failure(`ended with ${code} after Ctrl-C`);
    }
  }
}
