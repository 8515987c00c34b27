// Follows README.md, and the documents that go on from there, as somebody does who has just cloned the repository and has
// an empty home.
// usage: node run.mjs FOLDER     `cargo xtask test readme` calls it; FOLDER is kept for the next run's compiler
//
// From the machine it takes: the compilers, npm and pip with their settings and what they keep of packages, and system
// packages. Compiled third-party code stays in FOLDER/target. All else is fetched and built as for a new reader.

import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { blocksOf, commandsOf, DOCUMENTS, isShell, missingLine, portsOf, sourcesOf } from "./blocks.mjs";
import { Terminal } from "./terminal.mjs";

/** What runs until its Ctrl-C, and what it prints when it is there. */
const SERVERS = /^(cargo xtask demo|sightwire (serve|camera)\b.*)$/;
const READY = /Sightwire runs at|listening on http/;
/** A first build on a small machine; TensorFlow over a slow line. */
const BUILD_S = 45 * 60;
const COMMAND_S = 15 * 60;
const SHOWN_S = 60;
/** The labels of the model that stands for the reader's own. */
const WORDS = ["bread", "cheese", "milk", "please", "thanks", "water"];

const root = path.resolve(import.meta.dirname, "../..");
const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
const counts = { pass: 0, fail: 0, skipped: 0 };

/** A line of the report. */
function said(word, text, detail) {
  console.log(`${word.padStart(8)}  ${text}${detail ? `  (${detail})` : ""}`);
}

/** The state of the last commit, with nothing of what git ignores but compiled code. */
async function clone(folder) {
  const reader = path.join(folder, "sightwire");
  await rm(reader, { recursive: true, force: true });
  const commit = git("rev-parse", "HEAD");
  git("clone", "--quiet", root, reader);
  git("-C", reader, "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", commit);
  await mkdir(path.join(folder, "target"), { recursive: true });
  await symlink(path.join(folder, "target"), path.join(reader, "target"));
  const changed = git("status", "--porcelain").split("\n").filter(Boolean).length;
  console.log(`commit ${commit.slice(0, 10)}${changed ? `; ${changed} changed files are not in it` : ""}`);
  return reader;
}

/** An environment with an empty home; settings and stores of package managers stay those of the machine. */
async function environment(folder) {
  const home = path.join(folder, "home");
  await rm(home, { recursive: true, force: true });
  await mkdir(home);
  const settings = path.join(folder, "settings");
  await mkdir(settings, { recursive: true });
  // An answer such as 404 is a failure.
  await writeFile(path.join(settings, ".curlrc"), "fail\nno-progress-meter\n");
  const left =
    /^(SIGHTWIRE_|XDG_|NODE_|MODEL_PATH$|VIRTUAL_ENV$|LD_LIBRARY_PATH$|CARGO$|CARGO_(TARGET|MANIFEST|PKG|BIN|CRATE|PRIMARY))/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !left.test(name)));
  const own = (name, place) => process.env[name] ?? path.join(os.homedir(), place);
  return {
    ...env,
    HOME: home,
    CURL_HOME: settings,
    CARGO_HOME: own("CARGO_HOME", ".cargo"),
    RUSTUP_HOME: own("RUSTUP_HOME", ".rustup"),
    PIP_CACHE_DIR: own("PIP_CACHE_DIR", ".cache/pip"),
    npm_config_cache: own("npm_config_cache", ".npm"),
    npm_config_userconfig: own("npm_config_userconfig", ".npmrc"),
    NO_COLOR: "1",
  };
}

/** Fails where another program has a port that the documents' commands take. */
async function portsAreFree(ports) {
  for (const port of ports) {
    const server = net.createServer();
    await new Promise((resolve, reject) => {
      server.once("error", () =>
        reject(new Error(`port ${port} is taken, and the documents' commands need it`)),
      );
      server.listen(port, "127.0.0.1", () => resolve(undefined));
    });
    server.close();
  }
}

/** What the reader has and we have not: a Keras model and its words. */
function readersModel(folder) {
  const python = process.env.SIGHTWIRE_IMPORT_PYTHON;
  if (!python)
    throw new Error("no SIGHTWIRE_IMPORT_PYTHON: an environment with TensorFlow, to make a model with");
  const script = path.join(root, "tools/import/make_test_models.py");
  execFileSync(python, [script, "--kind", "tiny", "--out", path.join(folder, "my_signs.h5")], {
    stdio: "pipe",
  });
  return writeFile(path.join(folder, "words.txt"), `${WORDS.join("\n")}\n`);
}

/** One command, as its kind asks. Returns what it printed. */
async function follow(terminal, { text, comment }, shows) {
  const isServer = SERVERS.test(text.replace(/\s*&$/, ""));
  const isBackground = isServer || text.endsWith("&");
  const draws = comment.includes("q quits");
  const leaves = !(isBackground || draws || comment.includes("Ctrl-C"));
  const running = terminal.start(text.replace(/\s*&$/, ""), { leaves, draws });
  try {
    if (isBackground) {
      terminal.servers.push(running);
      if (isServer) await running.printed(READY, text.startsWith("cargo") ? BUILD_S : COMMAND_S);
      else await sleep(2000);
      if (running.ended) throw running.failure(`ended by itself (${await running.closed})`);
    } else if (draws) {
      await sleep(3000);
      running.child.stdin.write("q");
      await running.end(SHOWN_S);
    } else if (comment.includes("Ctrl-C ends it")) {
      if (shows.length === 0) throw new Error(`\`${text}\` runs until Ctrl-C: say what it shows`);
      for (const pattern of shows) await running.printed(pattern, SHOWN_S);
      if ((await running.stop()) === "SIGKILL") throw running.failure("does not end by Ctrl-C");
    } else {
      await running.end(text.startsWith("cargo") ? BUILD_S : COMMAND_S);
    }
    for (const pattern of shows) {
      if (!pattern.test(running.output)) throw running.failure(`has not printed ${pattern}`);
    }
    return running.output;
  } catch (error) {
    await terminal.close();
    throw error;
  }
}

/** A picture of a page: it has to be a stream of pictures, and the first one has to come. */
async function picture(url) {
  const signal = AbortSignal.timeout(1000 * SHOWN_S);
  const { status, headers, body } = await fetch(url, { signal });
  if (status !== 200) throw new Error(`${url} answers ${status}`);
  const type = headers.get("content-type") ?? "";
  if (!type.startsWith("multipart/x-mixed-replace"))
    throw new Error(`${url} is no stream of pictures: ${type}`);
  let bytes = Buffer.alloc(0);
  for await (const chunk of body) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.includes(Buffer.from([0xff, 0xd8])) && bytes.includes(Buffer.from([0xff, 0xd9]))) return;
  }
  throw new Error(`${url} ended without a picture`);
}

/** The documents' names and texts. */
function documents(reader) {
  const read = async (name) => ({ name, text: await readFile(path.join(reader, name), "utf8") });
  return Promise.all(DOCUMENTS.map(read));
}

/** All blocks in their order. The first failure ends it: a reader is stuck there, too. */
async function followAll(reader, terminal, texts) {
  const outputs = new Map();
  const step = async (text, run) => {
    const begun = performance.now();
    try {
      await run();
    } catch (error) {
      said("FAILED", text);
      throw error;
    }
    counts.pass += 1;
    said("ok", text, `${((performance.now() - begun) / 1000).toFixed(1)} s`);
  };
  const inOrder = texts.flatMap(({ name, text }) => blocksOf(text).map((block) => ({ name, ...block })));
  for (const block of inOrder) {
    if (block.stop) await step("Ctrl-C for what runs", () => terminal.stop());
    if (block.file) {
      await writeFile(path.join(await terminal.folder(), block.file), `${block.lines.join("\n")}\n`);
    } else if (block.outputOf) {
      await step(`what \`${block.outputOf}\` shows`, () => {
        const line = missingLine(block.lines, outputs.get(block.outputOf) ?? "");
        if (line !== null)
          throw new Error(
            `${block.name} shows, and it did not print: ${line}\n${outputs.get(block.outputOf)}`,
          );
      });
    } else if (block.language === "html") {
      for (const url of sourcesOf(block)) await step(url, () => picture(url));
    } else if (isShell(block)) {
      for (const command of commandsOf(block)) {
        const skip = block.skips.find((each) => each.command === command.text);
        if (skip) {
          counts.skipped += 1;
          said("skipped", command.text, skip.why);
          continue;
        }
        const shows = block.shows.filter((each) => each.command === command.text).map((each) => each.pattern);
        await step(command.text, async () =>
          outputs.set(command.text, await follow(terminal, command, shows)),
        );
      }
    } else {
      throw new Error(`${block.name}, line ${block.line}: nothing says what becomes of this block`);
    }
  }
  await step("Ctrl-C for what runs", () => terminal.stop());
}

const folder = path.resolve(process.argv[2] ?? "");
if (process.argv.length !== 3) {
  console.error("usage: node run.mjs FOLDER");
  process.exit(2);
}
await mkdir(folder, { recursive: true });
let terminal;
const end = async (code) => {
  await terminal?.close();
  process.exit(code);
};
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => end(130));
try {
  const reader = await clone(folder);
  const texts = await documents(reader);
  await portsAreFree(portsOf(texts.map(({ text }) => text).join("\n")));
  await readersModel(reader);
  terminal = await Terminal.open(reader, await environment(folder), path.join(folder, "state"));
  await followAll(reader, terminal, texts);
} catch (error) {
  counts.fail += 1;
  console.log(`\n${error.message}`);
}
console.log(`\n# pass ${counts.pass}\n# fail ${counts.fail}\n# skipped ${counts.skipped}`);
await end(counts.fail === 0 ? 0 : 1);
