// The command line: what each command prints, where, and how it exits.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { command, launch, listening } from "../harness.mjs";
import { csvShown, hocrShown, linesShown } from "./read.mjs";
import { ALIKE, DETECTOR, flags, folder, page, store } from "./store.mjs";

const ALIKE_FLAGS = flags(ALIKE);
/** Lines are looked for in a small copy: that is faster. */
const SMALL = ["--max-side", "128"];
const COMMANDS = [
  [],
  ...[
    "serve",
    "check",
    "doctor",
    "config",
    "models",
    "read",
    "check-coordinates",
    "detect",
    "top",
    "sample",
    "camera",
  ].map((one) => [one]),
  ...["list", "pull", "import", "check"].map((one) => ["models", one]),
  ["config", "init"],
];

class Scene {
  constructor(section, home) {
    this.section = section;
    this.home = home;
  }

  /** Runs it to its end and records what it printed. `shows` changes what stands on stdout. */
  async run(args, { shows = (text) => text, env = {}, files = {} } = {}) {
    const ended = await command(args, { env: { SIGHTWIRE_HOME: this.home, ...env }, files });
    const given = Object.entries(env).map(([name, value]) => `${name}=${value} `);
    const written = Object.entries(files).filter(([, content]) => typeof content === "string");
    const text = (value) => (value === "" ? [] : value.replace(/\n$/, "").split("\n"));
    const quoted = args.map((arg) => (/^[\w.,/=:<>-]+$/.test(arg) ? arg : `'${arg}'`));
    this.section.write(
      ...written.map(([name, content]) => `(${name}: ${JSON.stringify(content)})`),
      `$ ${given.join("")}sightwire ${quoted.join(" ").replace(ALIKE_FLAGS.join(" "), "…")}`,
      ...text(shows(ended.stdout)),
      // A store that lies beside the binary is none of the tests' business.
      ...text(ended.stderr.replace(/^note: the store in use is .*\n/m, "")).map((line) => `! ${line}`),
      `(exit code ${ended.code})`,
      "",
    );
    return ended;
  }
}

async function help(scene) {
  for (const one of COMMANDS) await scene.run([...one, "--help"]);
  await scene.run(["--version"]);
  await scene.run(["help", "detect"]);
  await scene.run([]);
}

async function mistakes(scene) {
  const wrong = [
    ["serv"],
    ["--verbose"],
    ["serve", "--prt", "8000"],
    ["serve", "--port", "70000"],
    ["serve", "--port", "1", "--listen", "2"],
    ["models"],
    ["models", "list", "--format", "xml"],
    ["models", "pull"],
    ["models", "pull", "nobody"],
    ["models", "pull", "yolox-nan"],
    ["models", "check", "nobody"],
    ["models", "import", "nothing.h5"],
    ["models", "import", "nothing.h5", "--threshold", "2"],
    ["config"],
    ["read"],
    ["read", "--format", "docx", "a.png"],
    ["read", "--threshold", "2", "a.png"],
    ["read", "--unclip", "x", "a.png"],
    ["read", "--model", "nobody", "a.png"],
    ["detect"],
    ["detect", "--format", "xml", "a.png"],
    ["detect", "--confidence", "2", "a.png"],
    ["detect", "--model", "nobody", "a.png"],
    ["detect", "--model", "ppocr-v4", "a.png"],
    ["sample"],
    ["sample", "nod", "--out", "x"],
    ["sample", "left"],
    ["sample", "page", "--y4m", "x.y4m"],
    ["sample", "left", "--out", "x", "--frames", "0"],
    ["camera", "--fault", "nonsense"],
    ["camera", "--size", "big"],
    ["camera", "--source", "nothing.jpg"],
    ["top", "--once", "http://127.0.0.1:9"],
    ["top", "--interval", "x"],
    ["doctor", "--cameras"],
    ["check-coordinates"],
  ];
  for (const args of wrong) await scene.run(args);
}

async function configuration(scene) {
  await scene.run(["check"]);
  const file =
    '[server]\nhosts = ["vision.example.org"]\n[recogniser]\nmax_clients = 3\n[[camera]]\nid = "door"\nurl = "http://me:secret@10.9.8.7"\n';
  const files = { "sightwire.toml": file, ".env": "MAX_CLIENTS=4\nLOG_LEVEL=debug\n" };
  const env = { SIGHTWIRE_RELAY_MAX_FPS: "25", CORS_ORIGINS: "http://a.example,http://b.example" };
  await scene.run(["check", "--set", "socketio.max_message_mb=12"], { files, env });
  await scene.run(["config", "init"]);
  await scene.run(["config", "init", "new.toml"]);
  await scene.run(["config", "init", "old.toml"], { files: { "old.toml": "" } });
  const errors = [
    [["check", "--set", "server.lissen=1"]],
    [["check", "--set", "nonsense"]],
    [["check", "--set", "relay.max_fps=fast"]],
    [["check", "--set", "detector.confidence=2"]],
    [["check", "--set", "server.listen=nowhere"]],
    [["check", "--set", "log.level=loud"]],
    [["check", "--set", "recognizer.model=nobody"]],
    [["check", "--config", "nothing.toml"]],
    [["check"], { files: { "sightwire.toml": "[server\n" } }],
    [["check"], { files: { "sightwire.toml": "[server]\nport = 1\n" } }],
    [["check"], { files: { "sightwire.toml": '[[camera]]\nid = "a b"\nurl = "http://10.0.0.1"\n' } }],
    [["check"], { files: { "sightwire.toml": '[[camera]]\nid = "a"\n' } }],
    [["check"], { files: { ".env": "no assignment\n" } }],
    [["check"], { env: { MAX_CLIENTS: "many" } }],
    [["check"], { env: { SIGHTWIRE_RELAY_MAX_FBS: "1" } }],
    [["serve"], { env: { SIGHTWIRE_CONFIG: "nothing.toml" } }],
    [["serve", "--set", "engine.provider=abacus"]],
  ];
  for (const [args, options] of errors) await scene.run(args, options);
}

async function models(scene) {
  await scene.run(["models", "list"]);
  await scene.run(["models", "list", "--format", "json"]);
  await scene.run(["models", "pull", DETECTOR]);
  await scene.run(["read", "page.png", ...ALIKE_FLAGS], { files: { "page.png": page() } });
}

async function detect(scene) {
  const files = { "page.png": page(), "broken.jpg": Buffer.from("no picture") };
  const run = (...args) => scene.run(["detect", "--model", DETECTOR, ...args, ...ALIKE_FLAGS], { files });
  // The first run of a model on a machine may have to find out how; it is not recorded.
  await command(["detect", "--model", DETECTOR, "page.png", ...ALIKE_FLAGS], {
    env: { SIGHTWIRE_HOME: scene.home },
    files,
  });
  await run("page.png");
  await run("--format", "json", "page.png");
  await run("--format", "json", "--classes", "person", "page.png");
  await run("--confidence", "0.95", "page.png");
  await run("--classes", "persn", "page.png");
  await run("--format", "json", "page.png", "broken.jpg", "nothing.png");
  await run("broken.jpg");
}

async function read(scene, out) {
  const files = { "page.png": page(), "other.png": page(["HELLO"]), "broken.jpg": Buffer.from("no picture") };
  const run = (args, shows) => scene.run(["read", ...args, ...SMALL, ...ALIKE_FLAGS], { files, shows });
  await command(["read", "other.png", ...SMALL, ...ALIKE_FLAGS], {
    env: { SIGHTWIRE_HOME: scene.home },
    files,
  });
  await run(["page.png"]);
  await run(["--format", "json", "--characters", "--words", "page.png"], linesShown);
  await run(["--format", "csv", "page.png", "other.png"], csvShown);
  await run(["--format", "hocr", "other.png"], hocrShown);
  await run([
    "page.png",
    "other.png",
    "broken.jpg",
    "nothing.png",
    "--failures",
    join(out, "failures.jsonl"),
  ]);
  scene.section.write("failures.jsonl", readFileSync(join(out, "failures.jsonl"), "utf8"));
  for (const format of ["annotated"]) {
    await run(["--format", format, "--out", join(out, format), "page.png", "other.png"]);
    scene.section.write(`(written: ${readdirSync(join(out, format)).sort().join(", ")})`, "");
  }
  await run(["--format", "annotated", "page.png", "other.png"]);
  await run(["nothing.png"]);
  await run(["nothing/*.png"]);
  await scene.run(["check-coordinates", "other.png", ...SMALL, ...ALIKE_FLAGS], { files });
}

async function others(scene, out) {
  await scene.run(["sample", "left", "--out", join(out, "left"), "--frames", "2"]);
  await scene.run(["sample", "page", "--out", join(out, "pages"), "--frames", "2", "--seed", "5"]);
  await scene.run(["sample", "wave", "--y4m", join(out, "wave.y4m"), "--frames", "1"]);
  const head = readFileSync(join(out, "wave.y4m")).toString("latin1").split("\n")[0];
  const made = ["left", "pages"].map((name) => `${name}: ${readdirSync(join(out, name)).sort().join(", ")}`);
  scene.section.write(...made, `wave.y4m: ${head}`, "");
  const args = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--listen",
    "127.0.0.1:0",
    "--set",
    "detector.model=motion",
  ];
  const run = launch({ args, env: { USE_DUMMY_MODEL: "1", SIGHTWIRE_HOME: scene.home } });
  try {
    const [url] = await listening(run, "the server", 2);
    const keys = (text) => {
      const { at, server, status, streams } = JSON.parse(text);
      const counts = `${typeof at}, ${typeof server}, ${Object.keys(status)}, ${JSON.stringify(streams)}`;
      return `(keys ${Object.keys(JSON.parse(text))}: ${counts})`;
    };
    const json = await command(["top", "--once", "--json", url]);
    scene.section.write(
      "$ sightwire top --once --json URL",
      keys(json.stdout),
      json.stderr,
      `(exit code ${json.code})`,
      "",
    );
    await scene.run(["serve", "--listen", new URL(url).host], { env: { USE_DUMMY_MODEL: "1" } });
  } finally {
    run.child.kill("SIGTERM");
  }
  const { code, stdout } = await run.ended;
  scene.section.write(
    "$ sightwire serve (and SIGTERM)",
    stdout.replaceAll(/:\d+$/gm, ":<port>"),
    `(exit code ${code})`,
    "",
  );
}

/** Writes the book. */
export async function record(t, book) {
  const [home, bare, out] = [store(t), store(t, { runtime: false }), folder(t, "out")];
  book.replace(/\/[^\s"=]*sightwire-e2e-\w+/g, "<dir>");
  book.replace(/^cpu: .*$/gm, "cpu: <cpu>");
  book.replace(
    /above \d+ MiB, 80 % of what there is: .*$/gm,
    "above <n> MiB, 80 % of what there is: <where>",
  );
  book.replace(/(PDF, AVIF and HEIC by ).*$/gm, "$1<program>");
  book.replace(/in \d+(\.\d+)? s, \d+(\.\d+)? pictures a second/g, "in <n> s, <n> pictures a second");
  book.replace(/\d+\.\d+ ms a picture/g, "<n> ms a picture");
  book.replace(/127\.0\.0\.1:\d{5}/g, "127.0.0.1:<port>");
  book.replace(/^sightwire \d+\.\d+\.\d+$/gm, "sightwire <version>");
  book.replace(/Sightwire \d+\.\d+\.\d+ \(/g, "Sightwire <version> (");
  const scene = (title, at = bare) => new Scene(book.section(title), at);
  const [one, two] = [
    [help, mistakes, configuration, models].map((act) => [act, scene(act.name)]),
    [detect, read, others].map((act) => [act, scene(act.name, home)]),
  ];
  const inOrder = async (acts) => {
    for (const [act, where] of acts) await act(where, out);
  };
  await Promise.all([one, two].map(inOrder));
}
