// The page Health of a server that is one of several: the card of processes, over a real Redis.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ask } from "../js/api.mjs";
import { startCluster } from "../js/cluster.mjs";
import { ALIKE, DETECTOR, store } from "../js/golden/store.mjs";
import { temporary, until } from "../js/harness.mjs";
import { looksRight, SCREENS } from "./accessible.mjs";
import { expect, test as base } from "./fixtures.mjs";
import { senders } from "./senders.mjs";

/** @import { TestWith } from "./fixtures.mjs" */

/** @typedef {Parameters<typeof startCluster>[1] & { detects?: boolean }} Options */
/** @type {TestWith<{ ends: (() => unknown)[], cluster: (options?: Options) => ReturnType<typeof startCluster>, send: ReturnType<typeof senders>["send"] }>} */
const test = base.extend({
  // What ends with the test, the last first.
  ends: async ({}, use) => {
    const ends = [];
    await use(ends);
    for (const end of ends.reverse()) await end();
  },
  // Servers that act as one, and their Redis, for one test; those that detect have a network for it.
  cluster: async ({ ends }, use) => {
    const t = { after: (end) => ends.push(end) };
    const network = () => ({
      set: { ...ALIKE, "detector.model": DETECTOR },
      env: { SIGHTWIRE_HOME: store(t) },
    });
    await use(({ detects = false, ...options } = {}) =>
      startCluster(t, { ...(detects ? network() : {}), ...options }),
    );
  },
  // Senders that end with the test.
  send: async ({ cluster }, use) => {
    // Their servers end after them.
    void cluster;
    const { send, stop } = senders();
    await use(send);
    await stop();
  },
});

const process = (page, name) => page.getByTestId(`process-${name}`);
const state = (page) => page.getByTestId("cluster-state");

test("a_server_that_is_alone_has_no_card_of_processes", async ({ visit }) => {
  const page = await visit("/health");
  await expect(page.getByRole("group", { name: "Connections" })).toBeVisible();
  await expect(page.getByTestId("processes")).toHaveCount(0);
});

test("the_processes_are_shown_with_what_they_have_and_what_a_redis_that_is_away_means", async ({
  visit,
  cluster,
  send,
}) => {
  const { redis, servers } = await cluster();
  const [a, b] = servers;
  await send(a, "P-1");
  await send(b, "P-2");
  await send(b, "P-3");
  const page = await visit("/health", { at: a });
  const card = page.getByRole("region", { name: "Processes" });
  await expect(state(page)).toHaveText("connected");
  await expect(card).toContainText(`2 processes over Redis at 127.0.0.1:${redis.port}`);
  await expect(page.getByTestId("processes-flow")).toHaveText(
    "1 stream here · 2 elsewhere, none of them watched here",
  );
  await expect(process(page, "a")).toContainText("this one");
  await expect(process(page, "a").getByRole("cell").nth(1)).toHaveText("1");
  await expect(process(page, "b").getByRole("cell")).toHaveText([
    "connected",
    "2",
    "0",
    "–not measured",
    "just now",
    /^\d+\.\d+/,
    "Drain",
  ]);
  await expect(process(page, "b")).not.toContainText("this one");
  await expect(process(page, "b")).toContainText(b.url);

  await redis.kill();
  await expect(state(page)).toHaveText(/^away \d+ s$/);
  await expect(page.getByTestId("cluster-problem")).toHaveText(
    /^Redis is away: nothing listens at 127\.0\.0\.1:\d+\. Streams that are live go on\. New ones are accepted;/,
  );
  await expect(process(page, "b")).toContainText("not known");
  await redis.again();
  await expect(state(page)).toHaveText("connected");
  await expect(page.getByTestId("cluster-problem")).toHaveCount(0);
});

test("a_camera_says_who_reads_it_and_its_process_what_its_models_can_do", async ({
  visit,
  cluster,
  cameraWith,
}) => {
  const { url } = await cameraWith("--fps", "20");
  const table = `[[camera]]\nid = "gate"\nname = "Gate"\nurl = "${url}"\n`;
  const { servers } = await cluster({ detects: true, files: { "sightwire.toml": table } });
  const ending = new AbortController();
  // One of the two reads it, whoever watches.
  const path = "/stream/detect?camera=gate&fps=20&skip_frames=1";
  for (const server of servers) await fetch(`${server.url}${path}`, { signal: ending.signal });
  const gate = async (server) => (await server.get("/api/v1/streams/gate")).json;
  await until(async () => (await gate(servers[0])).state === "running", "the camera at the first");
  const { process: elsewhere } = await gate(servers[0]);
  const [reader, other] = elsewhere === undefined ? servers : servers.toReversed();

  const page = await visit("/health", { at: other });
  await expect(page.getByTestId("stream-gate")).toContainText(`camera · read by process ${reader.name}`);
  // What is found there is found by the one that reads it.
  const numbers = (name) => process(page, name).getByRole("cell");
  await expect(numbers(reader.name).nth(2)).toHaveText("1");
  // Measured beside everything else that the machine does meanwhile.
  await expect(numbers(reader.name).nth(3)).toHaveText(/^[\d,.]+ fps$/, { timeout: 60_000 });
  await expect(numbers(other.name).nth(2)).toHaveText("0");
  await expect(numbers(other.name).nth(3)).toHaveText("–not measured");
  await page.goto(`${reader.url}/health`);
  await expect(page.getByTestId("stream-gate")).not.toContainText("read by");
  ending.abort();
});

test("a_process_is_drained_from_the_page_of_another", async ({ visit, cluster }) => {
  const { servers } = await cluster();
  const [a, b] = servers;
  const page = await visit("/health", { at: a });
  await page.getByRole("button", { name: "Drain b" }).click();
  await expect(page.getByRole("dialog")).toContainText("It reads no cameras now, and takes none");
  await page.getByTestId("really-end").click();
  await expect(process(page, "b")).toContainText("draining");
  await expect(page.getByRole("button", { name: "Drain b" })).toHaveCount(0);
  const { status, json } = await b.get("/readyz");
  expect(status).toBe(503);
  expect(JSON.stringify(json)).toContain("The server drains");
});

test("what_is_wrong_with_another_process_stands_beside_it @full", async ({ visit, cluster, send }) => {
  const nowhere = { env: { SIGHTWIRE_CLUSTER_ADVERTISE_URL: "http://127.0.0.1:9" } };
  const { servers } = await cluster({ count: 3, each: [{}, {}, nowhere] });
  const [a, b, c] = servers;
  await send(c, "P-1");
  // The wall of this one wants that stream.
  await visit("/wall", { at: a });
  const page = await visit("/health", { at: a });
  await expect(process(page, "c")).toContainText("unreachable");
  await expect(process(page, "c")).toContainText("This process cannot reach it: no connection:");
  await b.kill();
  await expect(process(page, "b")).toContainText("silent");
  await expect(process(page, "b")).toContainText("Nothing is heard of it:");
  await expect(process(page, "b").getByRole("cell").nth(4)).toHaveText(/^\d+ s ago$/);
});

test("one_that_may_not_take_part_says_why @full", async ({ visit, cluster }) => {
  const env = { SIGHTWIRE_CLUSTER_SECRET: "another one, of which the others know nothing" };
  // The first has the right one.
  const { redis } = await cluster({ count: 1 });
  const { servers } = await cluster({ count: 1, redis, env, each: [{ name: "b", joins: false }] });
  const page = await visit("/health", { at: servers[0] });
  await expect(state(page)).toHaveText("refused");
  await expect(page.getByTestId("cluster-problem")).toContainText(
    "This process is not one of them: the other processes have another secret",
  );
  await expect(process(page, "b")).toContainText("refused");
});

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`the_card_of_processes_on_a_${screen}_is_accessible_and_fits @full`, async ({
    visit,
    cluster,
    send,
  }) => {
    const { redis, servers } = await cluster({ each: [{ name: "ward-a.hospital.example.org:8000" }, {}] });
    await send(servers[1], "P-1");
    const page = await visit("/health", { at: servers[0], ...options });
    await expect(state(page)).toHaveText("connected");
    await looksRight(page, `processes-${screen}`);
    await redis.kill();
    await expect(state(page)).toHaveText(/^away/);
    await looksRight(page, `processes-away-${screen}`);
  });
}

test("a_batch_that_workers_are_to_read_is_on_the_start_page", async ({ visit, cluster, ends }) => {
  const folder = temporary({ after: (end) => ends.push(end) }, "batches");
  const scans = join(folder, "scans");
  mkdirSync(scans);
  for (const name of ["one.jpg", "two.jpg"]) writeFileSync(join(scans, name), "not read yet");
  const set = { "cluster.folders": `["${scans}"]`, "cluster.jobs_folder": join(folder, "jobs") };
  const { servers } = await cluster({ set });
  const begun = await ask(servers[0], "POST", "/api/v1/cluster/folders", { paths: [scans] });
  expect(begun.status, begun.text).toBe(201);
  const page = await visit("/", { at: servers[1] });
  await expect(page.getByTestId("last-read")).toContainText(/scans\s*0 of 2 files/);
});
