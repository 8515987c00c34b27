// The page Health of a server that is one of several: the card of processes, over a real Redis.

import { startCluster } from "../js/cluster.mjs";
import { looksRight, SCREENS } from "./accessible.mjs";
import { expect, test as base } from "./fixtures.mjs";
import { senders } from "./senders.mjs";

/** @import { TestWith } from "./fixtures.mjs" */

/** @type {TestWith<{ cluster: (options?: Parameters<typeof startCluster>[1]) => ReturnType<typeof startCluster>, send: ReturnType<typeof senders>["send"] }>} */
const test = base.extend({
  // Servers that act as one, and their Redis, for one test.
  cluster: async ({}, use) => {
    const ends = [];
    await use((options) => startCluster({ after: (end) => ends.push(end) }, options));
    for (const end of ends.reverse()) await end();
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
    "just now",
    "0",
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
  await expect(process(page, "b").getByRole("cell").nth(2)).toHaveText(/^\d+ s ago$/);
});

test("one_that_may_not_take_part_says_why @full", async ({ visit, cluster }) => {
  const env = { SIGHTWIRE_CLUSTER_SECRET: "another one, of which the others know nothing" };
  const { servers } = await cluster({ each: [{}, { env, joins: false }] });
  const page = await visit("/health", { at: servers[1] });
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
