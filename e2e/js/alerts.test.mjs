// What deploy/ has for Prometheus and Grafana: that it is well-formed, that each name in it is one that the server knows, and
// that each alert is tried and explained. alert-faults.test.mjs has the faults.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { connect } from "./client.mjs";
import { startCluster } from "./cluster.mjs";
import { command, removeFolder, start, until } from "./harness.mjs";
import { headingsOf } from "./links.mjs";
import { alertNames, DEPLOY, promtool, quickly, ROOT, rules, startPrometheus } from "./prometheus.mjs";
import { often, streamer, url, viewerOf } from "./relay.mjs";
import { alertsOf, reliability } from "./reliability.mjs";

const FOLDER = join(DEPLOY, "prometheus");
const dashboard = () => JSON.parse(readFileSync(join(DEPLOY, "grafana/sightwire.json"), "utf8"));

/** @typedef {{ type: string, title: string, description: string, targets: { expr: string }[], fieldConfig: any }} Panel */
/** Those that show something. */
const panels = () => /** @type {Panel[]} */ (dashboard().panels).filter(({ type }) => type !== "row");

/** All expressions of the dashboard: of panels, marks and variables. */
function expressions() {
  const { annotations, templating } = dashboard();
  return [
    ...panels().flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...annotations.list.map(({ expr }) => expr),
    ...templating.list.map(({ definition }) => definition).filter(Boolean),
  ];
}

/** The server's metrics that a text names. */
const metricsIn = (text) => new Set(Array.from(text.matchAll(/\bsightwire_[a-z0-9_]+/g), ([name]) => name));

test("rules_and_configuration_are_well_formed", async (t) => {
  const { code, said } = await promtool(["check", "rules", "rules.yml"], FOLDER);
  assert.equal(code, 0, said);

  // The files that it names are the reader's own.
  const folder = mkdtempSync(join(tmpdir(), "sightwire-deploy-"));
  t.after(() => removeFolder(folder));
  for (const name of ["prometheus.yml", "rules.yml"]) copyFileSync(join(FOLDER, name), join(folder, name));
  for (const name of ["sightwire.key", "sightwire-ca.pem"]) writeFileSync(join(folder, name), "");
  const checked = await promtool(["check", "config", "prometheus.yml"], folder);
  assert.equal(checked.code, 0, checked.said);
});

test("the_example_watches_a_server_over_https_with_a_key", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "sightwire-deploy-"));
  t.after(() => removeFolder(home));
  const env = { USE_DUMMY_MODEL: "1", SIGHTWIRE_HOME: home };
  const key = await command(["keys", "add", "prometheus", "--role", "operator"], { env });
  assert.equal(key.code, 0, key.stderr);
  const server = await start(t, { args: ["--tls", "self-signed", "--set", "access.mode=protected"], env });
  const authority = await command(["tls", "show", "--pem"], { env });

  const example = readFileSync(join(FOLDER, "prometheus.yml"), "utf8")
    .replace("vision.example.org:8000", new URL(server.url).host)
    .replaceAll("_interval: 15s", "_interval: 1s");
  const prometheus = await startPrometheus(t, {
    "prometheus.yml": example,
    "rules.yml": rules(),
    "sightwire.key": key.stdout.replace("key: ", ""),
    "sightwire-ca.pem": authority.stdout,
  });
  const isUp = async () => (await prometheus.value('up{job="sightwire"}')) === 1;
  await until(isUp, "the server is up");
});

test("each_alert_fires_on_series_of_its_fault_and_nothing_else_does", async () => {
  const { code, said } = await promtool(["test", "rules", "rules.test.yml"], FOLDER);
  assert.equal(code, 0, said);
  const tests = readFileSync(join(FOLDER, "rules.test.yml"), "utf8");
  const tried = Array.from(tests.matchAll(/ALERTS\{alertname="(\w+)"/g), ([, name]) => name);
  assert.deepEqual(tried.toSorted(), alertNames().toSorted(), "each alert is tried once");
});

test("each_alert_says_what_to_do_and_where_that_is_explained", () => {
  const texts = rules()
    .split(/^ *- alert: /m)
    .slice(1);
  for (const text of texts) {
    const [name] = text.split("\n");
    assert.match(text, /severity: (critical|warning|info) /, name);
    assert.match(text, /^ +summary: .*\S/m, name);
    assert.match(text, /^ +description: .*\S/m, name);
    const [, page, anchor] = text.match(/^ +runbook: (docs\/[a-z/-]+\.md)#(\S+)$/m) ?? [];
    assert.ok(page, `${name} has a runbook`);
    assert.ok(
      headingsOf(readFileSync(join(ROOT, page), "utf8")).includes(anchor),
      `${name}: ${page} has no #${anchor}`,
    );
  }
});

/** Alerts of what is no fault, but too much load, or clients, cameras, workers and networks that are not as they should be. */
const NO_FAULTS = [
  "SightwireBatchesWait",
  "SightwireDetectionsLate",
  "SightwireFramesInvalid",
  "SightwireHandshakesFail",
  "SightwireLogLinesLost",
  "SightwireNotReady",
  "SightwirePastCapacity",
  "SightwirePlacesTaken",
  "SightwirePredictionsLate",
  "SightwireReadingLate",
  "SightwireReadingRefused",
  "SightwireRecognizerFailing",
  "SightwireSenderBadMessages",
  "SightwireStreamBroken",
  "SightwireStreamNotRunning",
  "SightwireViewersDead",
  "SightwireViewersMissPictures",
];

test("each_fault_of_the_page_on_reliability_has_a_row_that_says_how_it_is_seen_and_no_other_has_one", () => {
  const { done, seen } = reliability();
  // Both have the same number in brackets or, where there is none, begin in the same way.
  const number = (text) => /\([A-Z]\d+\)/.exec(text)?.[0];
  const isOf = (text, part) =>
    number(part) ? number(text) === number(part) : text.toLowerCase().startsWith(part.toLowerCase());
  const parts = seen.flatMap(({ what }) => what.split("; "));
  assert.ok(done.length > 0 && parts.length > 0);
  const unseen = done.filter((text) => !parts.some((part) => isOf(text, part)));
  assert.deepEqual(unseen, [], "done, and not said how it is seen");
  const undone = parts.filter((part) => !done.some((text) => isOf(text, part)));
  assert.deepEqual(undone, [], "seen, and not done");
});

test("each_fault_of_the_page_on_reliability_names_alerts_and_metrics_that_are_there", () => {
  const { seen, others } = reliability();
  const [, ...texts] = rules().split(/^ *- alert: /m);
  const ruleOf = (name) => texts.find((text) => text.startsWith(`${name}\n`));
  const shown = metricsIn(expressions().join("\n"));
  for (const row of [...seen, ...others]) {
    const { what, metric, alert } = row;
    const names = alertsOf(row);
    assert.ok(alert === "none" || names.length > 0, `${what}: ${alert}`);
    // `up` is Prometheus's own.
    const metrics = Array.from(metric.matchAll(/`(\w+)[^`]*`/g), ([, name]) => name);
    for (const name of metrics) assert.ok(name === "up" || shown.has(name), `${name} is on the dashboard`);
    for (const name of names) {
      const rule = ruleOf(name);
      assert.ok(rule, `${name} is an alert`);
      assert.ok(
        metrics.some((metric) => new RegExp(`\\b${metric}\\b`).test(rule)),
        `${name} looks at one of ${metric}`,
      );
    }
  }
  const named = [...seen, ...others].flatMap(alertsOf);
  assert.deepEqual([...new Set([...named, ...NO_FAULTS])].toSorted(), alertNames().toSorted());
});

test("each_metric_that_rules_and_dashboard_name_is_one_that_the_server_gives", async (t) => {
  const server = await start(t, { env: { USE_DUMMY_MODEL: "1" } });
  // Some have a line for each stream.
  const sender = await streamer(t, server, "gate");
  often(t, 10, (number) => sender.frame(url("gate", number)));
  const watching = await viewerOf(t, server, "gate");
  await watching.nextFrame("gate");
  await connect(t, server);

  // And one is there with HTTPS alone.
  const folder = mkdtempSync(join(tmpdir(), "sightwire-deploy-"));
  t.after(() => removeFolder(folder));
  const env = { USE_DUMMY_MODEL: "1", SIGHTWIRE_HOME: folder };
  const encrypted = await start(t, { args: ["--tls", "self-signed"], env });

  // Others where there are other processes, and workers.
  const shared = {
    SIGHTWIRE_CLUSTER_FOLDERS: JSON.stringify([folder]),
    SIGHTWIRE_CLUSTER_JOBS_FOLDER: folder,
  };
  const {
    servers: [process],
  } = await startCluster(t, { count: 1, env: shared });
  const knowsWorkers = async () => /^sightwire_cluster_workers /m.test((await process.get("/metrics")).text);
  await until(knowsWorkers, "it has asked for workers");

  const texts = [server, process].map(async (each) => (await each.get("/metrics")).text);
  const given = new Set(
    [...(await Promise.all(texts)), await overHttps(`${encrypted.url}/metrics`)]
      .join("\n")
      .split("\n")
      .filter((line) => !line.startsWith("#"))
      .map((line) => line.split(/[{ ]/)[0]),
  );
  const named = metricsIn([rules(), ...expressions()].join("\n"));
  assert.ok(named.size > 60, `${named.size} names`);
  const unknown = [...named].filter((name) => !given.has(name));
  assert.deepEqual(unknown, [], "named, and not given");
});

/** What is there, whoever has signed the certificate. */
const overHttps = (url) =>
  new Promise((done, fail) => {
    const asked = get(url, { rejectUnauthorized: false, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => (text += part));
      answer.on("end", () => done(text)).on("error", fail);
    });
    asked.on("error", fail);
  });

test("each_panel_says_what_it_shows_in_which_unit_and_prometheus_understands_it", async (t) => {
  const prometheus = await startPrometheus(t);
  for (const { title, description, targets, fieldConfig } of panels()) {
    assert.ok(description?.endsWith("."), `${title} has a description`);
    assert.ok(fieldConfig.defaults.unit, `${title} has a unit`);
    assert.ok(targets.length > 0, `${title} shows something`);
  }
  const { schemaVersion, templating } = dashboard();
  assert.equal(schemaVersion, 39);
  assert.deepEqual(
    templating.list.map(({ name }) => name),
    ["datasource", "job", "instance", "stream"],
  );
  for (const one of expressions()) {
    const query = /^label_values\((.*), \w+\)$/s.exec(one)?.[1] ?? one;
    const text = query.replaceAll("$__rate_interval", "1m").replaceAll(/\$\w+/g, ".*");
    assert.doesNotMatch(text, /\$/, one);
    await prometheus.ask(`query?query=${encodeURIComponent(text)}`);
  }
});

test("no_two_panels_overlap", () => {
  const taken = new Map();
  for (const { title, gridPos } of dashboard().panels) {
    const { x, y, w, h } = gridPos;
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        const place = `${column},${line}`;
        assert.ok(!taken.has(place), `${title} is over ${taken.get(place)}`);
        taken.set(place, title);
      }
    }
  }
});

test("minutes_of_the_rules_become_seconds_in_tests_and_nothing_else_changes", () => {
  const text = "expr: rate(a[5m]) > 14 * 86400\n  for: 10m\n";
  assert.equal(
    quickly(text),
    "expr: rate(a[5m]) > 14 * 86400\n  for: 10m\n".replace("5m", "5s").replace("10m", "2000ms"),
  );
  assert.throws(() => quickly("  for: 1h\n"), /whole minutes/);
});
