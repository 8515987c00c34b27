// Everything that is asked for by plain requests and belongs to no other book: health, status, models, pages, hosts, origins.

import { start } from "../harness.mjs";
import { FLOAT, INT, rules, text } from "./mask.mjs";
import { ALIKE, DETECTOR, flags, store } from "./store.mjs";
import { exchange, look } from "./wire.mjs";

const EVIL = "https://evil.example";
const LISTED = "https://app.example";
const VERSION = text(/^\d+\.\d+\.\d+$/, "<version>");
/** What is measured, counted over the process or said of this machine. */
const STATUS = rules({
  "uptime_s cpu_seconds cpu_percent": FLOAT,
  "memory_bytes process.threads connections.open memory.budget_bytes memory.used_bytes": INT,
  version: VERSION,
  "cpu.amx": text(/^(absent|usable|unusable|off)$/, "<amx>"),
  "cpu.extensions": text(/^[a-z0-9_ ]*$/, "<extensions>"),
  "cpu.name": text(/^.+$/, "<name>"),
  "engine.jpeg": text(/^[a-z-]+$/, "<decoder>"),
  // Of machines that announce what they do not have.
  "engine.warnings": text(/^.+$/, "<warning>"),
});

async function health({ ask }) {
  for (const path of ["/healthz", "/labels", "/livez", "/readyz", "/streams/active", "/api/v1/runtime"]) {
    await ask(`GET ${path}`);
  }
  await ask("GET /livez", { folds: false });
  await ask("HEAD /healthz");
  await ask("GET /api/v1/status", { masks: STATUS });
  const remembered = (body) => {
    /** @type {import("../types.ts").History} */
    const { time, series, ...others } = JSON.parse(body.toString());
    const lengths = new Set(Object.values(series).map((values) => values.length));
    const names = Object.keys(series).join(",");
    const isOf = `a number: ${typeof time === "number"}; equally long: ${lengths.size === 1}`;
    return `(time is ${isOf}; of ${names}) ${JSON.stringify(others)}`;
  };
  await ask("GET /api/v1/history", { as: remembered, varies: true });
  await ask("GET /api/v1/history?span=day&stream=nobody", { as: remembered, varies: true });
  await ask("GET /api/v1/history?span=year");
  await ask("GET /api/v1/models");
  const ofOne = (body) => {
    /** @type {import("../types.ts").Settings} */
    const { settings, tables } = JSON.parse(body.toString());
    const one = settings.find(({ name }) => name === "relay.max_fps");
    return JSON.stringify({ settings: [one, "…"], tables });
  };
  await ask("GET /api/v1/settings", { as: ofOne });
  await ask("GET /api/v1/samples");
  const drawn = (body) => {
    /** @type {import("../types.ts").SampleClip} */
    const { frames, ...others } = JSON.parse(body.toString());
    const isPicture = (frame) => frame.startsWith("data:image/jpeg;base64,/9j/");
    const keys = Object.keys(JSON.parse(body.toString())).join(",");
    return `(keys ${keys}; ${frames.filter(isPicture).length} pictures as data URLs) ${JSON.stringify(others)}`;
  };
  await ask("GET /api/v1/samples/left?seed=3", { as: drawn });
  await ask("GET /api/v1/samples/nod");
  await ask("GET /api/v1/samples/left?seed=x");
}

async function changes({ ask }) {
  for (const headers of [{}, { Origin: EVIL }, { "X-Forwarded-For": "192.168.1.7" }, { Via: "1.1 proxy" }]) {
    await ask("POST /api/v1/models/gestures/activate", { headers });
    await ask("POST /api/v1/models/nobody/activate", { headers });
    await ask("POST /api/v1/runtime", { headers });
    await ask("GET /api/v1/runtime", { headers });
    await ask("POST /api/v1/reload", { headers });
    await ask("POST /api/v1/page-errors", { headers });
  }
}

async function unknown({ ask }) {
  const requests = [
    "GET /api/v1/nothing",
    "GET /api/",
    "POST /api/v1/nothing",
    "GET /nothing",
    "GET /nothing.txt",
    "POST /nothing",
    "POST /healthz",
    "DELETE /labels",
    "PUT /api/v1/status",
    "GET /api/v1/models/gestures/activate",
    "DELETE /api/v1/samples/left",
    "POST /streams/active",
    "POST /metrics",
    "DELETE /api/v1/runtime",
    "PUT /api/v1/cameras",
    "GET /api/v1/cameras/test",
    "POST /api/v1/streams",
    "PATCH /api/v1/streams/x",
    "GET /api/v1/viewers/1",
    "GET /api/v1/detect",
    "GET /api/v1/read",
    "PUT /api/v1/jobs",
    "POST /api/v1/live",
    "GET /api/v1/live",
    "POST /stream",
    "OPTIONS /healthz",
    "GET /healthz/",
    "GET //healthz",
  ];
  for (const request of requests) await ask(request);
}

/** The head of the page; what is in it changes with every build of it. */
async function pages({ ask }) {
  const heads = { etag: (value) => value.replace(/^"[0-9a-f]{16}(.*)"$/, "<etag>$1") };
  const page = { heads, varies: true, as: (body) => (body.length > 0 ? "(the page)" : "") };
  const html = { Accept: "text/html,*/*" };
  await ask("GET /", page);
  await ask("HEAD /", page);
  await ask("GET /index.html", { ...page, headers: { "Accept-Encoding": "gzip" } });
  await ask("GET /", { ...page, headers: { "Accept-Encoding": "gzip, br" } });
  await ask("GET /cameras", { ...page, headers: html });
  await ask("GET /cameras");
  await ask("GET /api/v1/nothing", { headers: html });
  await ask("GET /assets/none.js", { headers: html });
  await ask("POST /", { headers: html });
  await ask("GET /index.html.br");
}

async function hosts({ ask }) {
  const given = [
    "localhost:8000",
    "[::1]:1",
    "x.localhost",
    "evil.example",
    "evil.example:80",
    "a b",
    "",
    "me@localhost",
  ];
  for (const host of given) await ask("GET /livez", { host: host || " " });
  await ask("GET http://evil.example/livez");
  await ask("GET /livez", { headers: { Host: undefined } });
  await ask("GET /livez", { headers: { Host: ["localhost", "localhost"] } });
  await ask("GET /api/v1/streams", { host: "evil.example", headers: { Origin: EVIL } });
  await ask("GET /", { host: "evil.example" });
  await ask("OPTIONS /healthz", {
    host: "evil.example",
    headers: { Origin: EVIL, "Access-Control-Request-Method": "GET" },
  });
}

const PRIVATE = [
  "GET /stream",
  "GET /stream/detect",
  "GET /api/v1/streams",
  "GET /api/v1/viewers",
  "GET /api/v1/cameras",
  "POST /api/v1/detect",
  "POST /api/v1/read",
  "GET /api/v1/jobs",
  "POST /api/v1/jobs",
  "GET /api/v1/live",
];
const PUBLIC = ["GET /healthz", "GET /labels", "GET /streams/active", "GET /api/v1/samples", "GET /nothing"];

/** Counts down from 30 once the model could not be had, and a busy machine asks some seconds later. */
const COUNTED_DOWN = { "retry-after": (value) => value.replace(/^2\d$/, "30") };

/** `own` are origins of pages that may use the server. */
async function origins({ ask, server }) {
  const port = new URL(server.url).host;
  for (const origin of [`http://${port}`, "http://localhost:3000", LISTED, EVIL, "null"]) {
    for (const request of [...PUBLIC, ...PRIVATE]) {
      await ask(request, { headers: { Origin: origin }, heads: COUNTED_DOWN });
    }
  }
  const site = { "Sec-Fetch-Site": "cross-site" };
  for (const headers of [
    site,
    { ...site, Referer: `${EVIL}/page` },
    { ...site, Referer: `${LISTED}/page` },
  ]) {
    await ask("GET /api/v1/jobs", { headers });
    await ask("GET /api/v1/streams", { headers });
  }
}

async function preflights({ ask }) {
  for (const request of [
    "OPTIONS /healthz",
    "OPTIONS /api/v1/streams",
    "OPTIONS /api/v1/jobs",
    "OPTIONS /stream",
  ]) {
    for (const origin of [LISTED, EVIL]) {
      const wanted = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-user-id",
      };
      await ask(request, { headers: { Origin: origin, ...wanted } });
    }
  }
}

/** What is random, and when it was. */
const ACCESS = rules({
  csrf: text(/^[\w-]{43}$/, "<csrf>"),
  "created expires": text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "<time>"),
  id: text(/^[0-9a-f]{8}$/, "<id>"),
  key: text(/^sw_[0-9a-f]{8}_[\w-]{43}$/, "<key>"),
});

async function access({ ask }) {
  const heads = {
    "set-cookie": (value) => value.replace(/^(sightwire-)\d+=[\w-]{43};/, "$1<port>=<token>;"),
  };
  const json = (/** @type {object} */ body, headers = {}) => ({
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    masks: ACCESS,
    heads,
  });
  const own = (/** @type {string} */ key) => json({ key });
  await ask("GET /api/v1/session");
  await ask("GET /api/v1/session", { headers: { Via: "1.1 proxy" } });
  const wanted = { role: "viewer", name: "wall", streams: ["gate-*"], uses: ["cameras"], expires_s: 3600 };
  const made = JSON.parse((await ask("POST /api/v1/keys", json(wanted))).body.toString());
  await ask("GET /api/v1/keys", { masks: ACCESS });
  await ask("POST /api/v1/keys", json({ role: "root" }));
  await ask("POST /api/v1/keys", json({ role: "viewer", streams: [""] }));
  const key = { shows: '{"key":"<key>"}' };
  const begun = await ask("POST /api/v1/login", { ...own(made.key), ...key });
  const cookie = begun.header("set-cookie").split(";")[0];
  const { csrf } = JSON.parse(begun.body.toString());
  const user = { name: "Anna", password: "correct horse", role: "operator" };
  await ask("POST /api/v1/users", json(user));
  await ask("POST /api/v1/users", json(user));
  await ask("POST /api/v1/users", json({ ...user, name: "otto", password: "short" }));
  await ask("GET /api/v1/users", { masks: ACCESS });
  await ask("POST /api/v1/login", json({ name: "anna", password: "correct horse" }));
  await ask("POST /api/v1/login", json({ name: "anna", password: "wrong horse" }));
  await ask("POST /api/v1/login", json({ name: "anna" }));
  await ask("POST /api/v1/login", json({ key: "sw_x" }, { Origin: EVIL }));
  // What a session may, and what another's page may not with its cookie, is in the tests of the server.
  const gone = await ask("POST /api/v1/logout", {
    heads: { "set-cookie": (v) => v.replace(/-\d+=/, "-<port>=") },
  });
  for (const secret of [cookie, csrf, made.key]) {
    if (gone.head.includes(secret)) throw new Error("a secret came back");
  }
  await ask("DELETE /api/v1/users/anna");
  await ask("DELETE /api/v1/users/anna");
  await ask("DELETE /api/v1/keys/00000000");
  await ask("GET /api/v1/tls");
  const code = { svg: text(/^<\?xml .*<\/svg>$/s, "<svg>") };
  const linked = { ...ACCESS, ...rules({ ...code, url: text(/#link=[\w-]{22}$/, "<url>") }) };
  await ask("POST /api/v1/login-links", {
    ...json({ role: "streamer", name: "phone", expires_s: 86400 }),
    masks: linked,
  });
  await ask("POST /api/v1/login", json({ link: "used" }));
  const shared = rules({
    key: text(/^[0-9a-f]{8}$/, "<id>"),
    path: text(/#key=sw_[0-9a-f]{8}_[\w-]{43}$/, "<path>"),
  });
  await ask("POST /api/v1/streams/P-1/links", { masks: { ...ACCESS, ...shared } });
  await ask("POST /api/v1/streams/P-*/links");
  await ask("POST /api/v1/streams/P-1/links?lasts_s=1");
}

async function loading({ ask }) {
  for (const path of ["/readyz", "/healthz", "/labels", "/api/v1/runtime"]) await ask(`GET ${path}`);
  await ask("GET /api/v1/status", { masks: STATUS });
}

async function metrics(section, server) {
  const { body } = await exchange(section, server, "GET /metrics", { as: shown, varies: true });
  section.write(`(the last line: ${body.toString().trimEnd().split("\n").at(-1)})`);
}

/** Families with their names, kinds, helps and the labels of their samples; not the values. */
function shown(body) {
  const lines = body.toString().trimEnd().split("\n");
  const label = /([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"/g;
  const masked = lines.map((line) => {
    if (line.startsWith("#")) return line;
    const [, sample, value] = line.match(/^(\S+) (\S+)$/) ?? [line, line, "?"];
    const number = Number.isNaN(Number(value)) ? value : "<n>";
    return `${sample.replace(label, (all, name) => (name === "version" ? `${name}="<version>"` : all))} ${number}`;
  });
  return masked.join("\n");
}

/** A server without the library, to which nothing is sent; its metrics are a book of their own. */
const bare = (t, set = {}, env = {}) =>
  start(t, {
    args: flags({ ...ALIKE, "detector.model": "motion", "cameras.file": "cameras.json", ...set }),
    env: { SIGHTWIRE_HOME: store(t, { runtime: false }), ...env },
  });

const DUMMY = { USE_DUMMY_MODEL: "1" };

/** Writes the book. */
export async function record(t, book) {
  // What is announced and not there is another on each machine.
  book.replace(/"warnings":\[("<warning>",?)*\]/g, '"warnings":[<warnings>]');
  const [open, listed, failed] = await Promise.all([
    bare(t, {}, DUMMY),
    bare(t, { "server.cors_origins": LISTED }, DUMMY),
    bare(t),
  ]);
  for (const server of [open, listed, failed]) book.replace(new URL(server.url).host, "127.0.0.1:<port>");
  const scene = (title, server) => {
    const section = book.section(title);
    return { server, ask: (request, options) => exchange(section, server, request, options) };
  };
  for (;;) {
    const { recognizer } = await look(failed, "/api/v1/status");
    if (recognizer.state !== "loading") break;
  }
  await health(scene("health, status, models, samples", open));
  await changes(scene("changes that are not for everyone", open));
  await unknown(scene("what there is not", open));
  await pages(scene("pages", open));
  await hosts(scene("hosts", open));
  await origins(scene("pages of other origins, with all origins allowed", open));
  await preflights(scene("preflights, with all origins allowed", open));
  await origins(scene("pages of other origins, with a list", listed));
  await preflights(scene("preflights, with a list", listed));
  await access(scene("keys, users and sessions", open));
  await loading(scene("a server without a model", failed));
}

/** Writes the book of the metrics. */
export async function recordMetrics(t, book) {
  const home = store(t);
  const args = flags({ ...ALIKE, "detector.model": DETECTOR, "cameras.file": "cameras.json" });
  const server = await start(t, { args, env: { ...DUMMY, SIGHTWIRE_HOME: home } });
  await metrics(book.section("metrics of a server that has just begun"), server);
}
