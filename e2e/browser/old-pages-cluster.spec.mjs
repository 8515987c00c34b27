// The prototypes' pages as they were, whose one server is three processes behind nginx.

import { startCluster } from "../js/cluster.mjs";
import { until } from "../js/harness.mjs";
import { PROXIES } from "../js/proxies.mjs";
import { camera, table } from "../js/simulator.mjs";
import { expect, test as base } from "./fixtures.mjs";
import { serveBase } from "./old-pages/backend.mjs";
import { look, moves, soon } from "./old-pages/look.mjs";
import {
  complaint,
  has,
  isAnswered,
  isShown,
  isStreaming,
  pictureOf,
  startSending,
  startSigning,
  startWatching,
  state,
  tile,
} from "./old-pages/pages.mjs";
import { pagesOf } from "./old-pages/serve.mjs";

/** @import { Fixtures } from "@playwright/test" */
/** @import { Cluster } from "../js/cluster.mjs" */
/** @import { Camera } from "../js/simulator.mjs" */
/** @import { EachTest, Own, Page, Shared, Worker } from "./fixtures.mjs" */
/** @import { Site } from "./old-pages/serve.mjs" */

/** @typedef {{ cluster: Cluster, api: string }} Together Processes, and the address of the proxy before them. */
/** @typedef {{ ward: Site, yards: Site, signs: Site }} Sites The pages, each prototype's at an origin of its own. */

/**
 * @type {Fixtures<{
 *   another: () => Promise<Together>,
 *   dashboard: (api: string) => Promise<Page>,
 *   sender: (api: string, number: number, options?: object) => Promise<Page>,
 * }, Sites & { yard: Camera, together: Together }, EachTest & Own, Worker & Shared>}
 */
const fixtures = {
  ward: pagesOf("haven"),
  yards: pagesOf("parking"),
  signs: pagesOf("signs"),
  // A camera that all processes know.
  yard: [
    async ({}, use) => {
      let stop = () => {};
      await use(await camera({ after: (end) => (stop = end) }));
      await stop();
    },
    { scope: "worker" },
  ],
  together: [
    async ({ ward, yards, signs, yard }, use) => {
      const ends = [];
      await use(await begun({ after: (end) => ends.push(end) }, [ward, yards, signs], yard));
      for (const end of ends.reverse()) await end();
    },
    { scope: "worker" },
  ],
  // Others, for one test.
  another: async ({ ward, yard }, use) => {
    const ends = [];
    await use(() => begun({ after: (end) => ends.push(end) }, [ward], yard));
    for (const end of ends.reverse()) await end();
  },
  // The relay's application has a backend of its own besides.
  dashboard: async ({ ward, visit }, use) => {
    await use((api) => {
      ward.api = api;
      return visit(`${ward.origin}/dashboard.html`);
    });
  },
  sender: async ({ ward, visit }, use) => {
    await use(async (api, number, options) => {
      ward.api = api;
      const page = await visit(`${ward.origin}/stream.html`);
      await startSending(page, number, options);
      return page;
    });
  },
};

const test = base.extend(fixtures);
// One after the other: the processes are those of all tests.
test.describe.configure({ mode: "default" });

/** Three processes for pages of these origins, and the proxy. */
async function begun(owner, /** @type {Site[]} */ sites, /** @type {Camera} */ { url }) {
  const set = {
    "server.cors_origins": sites.map(({ origin }) => origin).join(),
    // The pages send no key, and come through a proxy.
    "access.mode": "open",
    "server.trusted_proxies": "127.0.0.1",
    "cameras.allow": "127.0.0.0/8",
    "cameras.linger_s": 0.3,
  };
  const files = { "sightwire.toml": table({ id: "yard", url, default: true }) };
  const cluster = await startCluster(owner, { count: 3, set, files });
  const ports = cluster.servers.map(({ port }) => port);
  return { cluster, api: (await PROXIES.nginx(owner, ports)).url };
}

/** The relay's application asks its old backend and the processes at one address. */
async function withBackend(/** @type {Site} */ { origin }, /** @type {string} */ api, act) {
  const both = await serveBase(origin, { port: Number(new URL(api).port) });
  try {
    await act(both.url);
  } finally {
    await both.stop();
  }
}

/** Which process has which stream. */
async function owners(/** @type {Cluster} */ { servers }) {
  const { streams } = (await servers[0].get("/api/v1/streams")).json;
  // Its own are said to be nobody's.
  return new Map(streams.map((one) => [one.id, one.process ?? servers[0].name]));
}

/** How many viewers of a kind each process has. */
async function viewersAt(/** @type {Cluster} */ { servers }, /** @type {string} */ kind) {
  const all = await Promise.all(servers.map((server) => server.get("/api/v1/viewers")));
  return all.map(({ json }) => json.viewers.filter((one) => one.kind === kind).length);
}

test("streams_of_old_pages_are_on_dashboards_at_each_process", async ({
  together,
  ward,
  dashboard,
  sender,
}) => {
  const { cluster } = together;
  await withBackend(ward, together.api, async (api) => {
    const dashboards = [await dashboard(api), await dashboard(api), await dashboard(api)];
    for (const page of dashboards) await expect(state(page)).toHaveText(/^Connected since 20\d\d$/);
    expect(await viewersAt(cluster, "relay")).toEqual([1, 1, 1]);
    const [one, two] = [await sender(api, 1), await sender(api, 2, { colour: "blue", mode: "enhanced" })];
    await isStreaming(one, 1);
    await isStreaming(two, 2);
    const at = await owners(cluster);
    expect(at.get("P-1")).not.toBe(at.get("P-2"));
    // Each picture is the patient's own.
    const shade = (/** @type {Page} */ page, number) => async () => {
      const { red, blue } = await look(pictureOf(page, number));
      return number === 1 ? red - blue : blue - red;
    };
    for (const [i, page] of dashboards.entries()) {
      await expect(page.locator("#live")).toHaveText("P-1, P-2");
      for (const number of [1, 2]) await expect(tile(page, number).locator(".state")).toHaveText("Live");
      await expect(tile(page, 2).locator(".mode")).toHaveText("enhanced");
      await soon(shade(page, 1 + (i % 2))).toBeGreaterThan(100);
    }
    await moves(pictureOf(dashboards[2], 2), 3);
    // Wherever the second one for a patient comes to, it is told the same.
    const second = await sender(api, 1);
    for (let i = 0; i < 3; i += 1) {
      if (i > 0) await second.getByRole("button", { name: "Start" }).click();
      await expect(state(second)).toHaveText("Closed (4090)");
      await expect(complaint(second)).toHaveText(/^This patient already has an active stream\./);
    }
    await isStreaming(one, 1);
    await one.getByRole("button", { name: "Stop" }).click();
    await two.close();
    for (const page of dashboards) {
      for (const number of [1, 2])
        await expect(tile(page, number).locator(".state")).toHaveText(/^Ended in 20\d\d$/);
      await expect(page.locator("#live")).toHaveText("");
    }
  });
});

test("a_page_whose_process_is_killed_sends_again_by_another_and_is_seen", async ({
  another,
  ward,
  dashboard,
  sender,
}) => {
  const { cluster, api: proxy } = await another();
  await withBackend(ward, proxy, async (api) => {
    const dashboards = [await dashboard(api), await dashboard(api), await dashboard(api)];
    for (const page of dashboards) await expect(state(page)).toHaveText(/^Connected since/);
    const page = await sender(api, 3);
    await isStreaming(page, 3);
    for (const one of dashboards) await expect(tile(one, 3).locator(".state")).toHaveText("Live");
    const owner = (await owners(cluster)).get("P-3");
    await cluster.servers.find(({ name }) => name === owner).kill();
    await expect(state(page)).toHaveText("Closed (1006)");
    await page.getByLabel("Colour").fill("blue");
    await page.getByRole("button", { name: "Start" }).click();
    await isStreaming(page, 3);
    await expect(complaint(page)).toHaveText("");
    // One of the dashboards was at that process.
    const left = [];
    for (const one of dashboards) if ((await state(one).textContent()) !== "Disconnected") left.push(one);
    expect(left.length).toBe(2);
    for (const one of left) {
      await soon(async () => (await look(pictureOf(one, 3))).blue).toBeGreaterThan(150);
      await expect(tile(one, 3).locator(".state")).toHaveText("Live");
    }
  });
});

test("a_camera_that_one_process_reads_is_on_old_pages_at_each", async ({ together, yards, visit, yard }) => {
  const { cluster, api } = together;
  yards.api = api;
  const opened = [];
  for (const mode of ["raw", "socket", "raw"]) {
    const page = await visit(`${yards.origin}/viewer.html`);
    await startWatching(page, mode, mode === "raw" ? "" : yard.url);
    await isShown(page);
    opened.push(page);
  }
  await has(opened[1], "plates");
  await yard.isRead(1);
  const administrator = await visit(`${yards.origin}/admin.html`);
  await administrator.getByLabel("Camera").fill("yard");
  await administrator.getByRole("button", { name: "Watch the worker", exact: true }).click();
  await isShown(administrator);
  await has(administrator, "boxes");
  await yard.isRead(1);
  expect(await viewersAt(cluster, "websocket")).toEqual([1, 1, 1]);
  for (const page of [...opened, administrator]) await page.close();
  await yard.isRead(0);
});

test("signs_are_told_to_old_pages_over_each_transport", async ({ together, signs, visit }) => {
  signs.api = together.api;
  const { servers } = together.cluster;
  const pages = [];
  for (const [transports, via] of Object.entries({ "": "polling, then websocket", polling: "polling" })) {
    const page = await visit(`${signs.origin}/index.html`);
    await startSigning(page, { transports, credentials: true });
    await expect(state(page)).toHaveText("ready");
    await expect(page.locator("#label")).toHaveText("hello");
    await expect(page.locator("#transport")).toHaveText(via);
    pages.push(page);
  }
  for (const page of pages) await isAnswered(page);
  for (const page of pages) await page.getByRole("button", { name: "Leave" }).click();
  const clients = async () => {
    const all = await Promise.all(servers.map((server) => server.recognizer()));
    return all.reduce((sum, one) => sum + one.clients, 0);
  };
  await until(async () => (await clients()) === 0, "the places given back");
});
