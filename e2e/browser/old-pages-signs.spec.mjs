// The sign recogniser's page as the prototype's guide has it: socket.io-client and a canvas, at an origin of its own.

import { start, until } from "../js/harness.mjs";
import { camera, clipFile, expect, test as base } from "./fixtures.mjs";
import { soon } from "./old-pages/look.mjs";
import { isAnswered, numberOf, startSigning, state } from "./old-pages/pages.mjs";
import { pagesOf } from "./old-pages/serve.mjs";

/** @import { Fixtures } from "@playwright/test" */
/** @import { Server } from "../js/harness.mjs" */
/** @import { EachTest, Own, Page, Shared, Worker } from "./fixtures.mjs" */
/** @import { Site } from "./old-pages/serve.mjs" */

/** @type {Fixtures<{ connect: (options?: any) => Promise<Page> }, { site: Site, server: Server }, EachTest & Own, Worker & Shared>} */
const fixtures = {
  // The application's page.
  site: pagesOf("signs"),
  // A server that lists it, in the deployment's own words, and always sees the same sign.
  server: [
    async ({ site }, use) => {
      let stop = () => {};
      const env = { USE_DUMMY_MODEL: "1", CORS_ORIGINS: `https://signs.example,${site.origin}` };
      const server = await start({ after: (end) => (stop = end) }, { env });
      await use(server);
      await stop();
    },
    { scope: "worker" },
  ],
  // Opens the page and connects; `api` is another server than the worker's.
  connect: async ({ site, server, visit }, use) => {
    await use(async ({ api = server.url, browser, ...options } = {}) => {
      site.api = api;
      const page = await visit(`${site.origin}/index.html`, browser && { browser });
      await startSigning(page, { ...options, camera: browser !== undefined });
      return page;
    });
  },
};

const test = base.extend(fixtures);

const WAYS = { "": "polling, then websocket", websocket: "websocket", polling: "polling" };

for (const [transports, via] of Object.entries(WAYS)) {
  for (const credentials of [true, false]) {
    const name = `${transports || "default"}_transports_${credentials ? "with" : "without"}_credentials`;
    const corner = transports === "polling" || !credentials;
    test(`a_sign_is_shown_over_${name}${corner ? " @full" : ""}`, async ({ connect, server }) => {
      const page = await connect({ transports, credentials });
      await expect(state(page)).toHaveText("ready");
      await expect(page.locator("#label")).toHaveText("hello");
      await expect(page.locator("#score")).toHaveText("0.90");
      await expect(page.locator("#transport")).toHaveText(via);
      await isAnswered(page);
      await page.getByRole("button", { name: "Leave" }).click();
      await expect(state(page)).toHaveText("Disconnected");
      await until(async () => (await server.recognizer()).clients === 0, "the place given back");
    });
  }
}

for (const type of ["image/png", "image/webp"]) {
  test(`pictures_as_${type.replace("/", "_")}_are_answered @full`, async ({ connect }) => {
    const page = await connect({ type });
    await expect(page.locator("#label")).toHaveText("hello");
    await isAnswered(page);
  });
}

test("the_camera_is_recognised", async ({ browserWith, connect, serverWith, site }) => {
  const browser = await browserWith(camera.plays(await clipFile("wave")));
  const { url } = await serverWith({ env: { CORS_ORIGINS: site.origin } });
  const page = await connect({ browser, api: url, credentials: true });
  await expect(page.locator("#label")).toHaveText("wave", { timeout: 30_000 });
  await isAnswered(page);
});

test("a_full_server_is_said_so @full", async ({ connect, serverWith, site }) => {
  const env = { USE_DUMMY_MODEL: "1", MAX_CLIENTS: "1", CORS_ORIGINS: site.origin };
  const { url } = await serverWith({ env });
  const first = await connect({ api: url });
  await expect(first.locator("#label")).toHaveText("hello");
  const second = await connect({ api: url });
  await expect(second.getByRole("alert")).toHaveText("Server at capacity, please try again later");
  await expect(state(second)).toHaveText("Disconnected");
  await expect(second.locator("#sent")).toHaveText("0");
  await isAnswered(first);
});

test("the_page_goes_on_after_a_restart_of_the_server @full", async ({ connect, serverWith, site }) => {
  const options = { env: { USE_DUMMY_MODEL: "1", CORS_ORIGINS: site.origin } };
  const before = await serverWith(options);
  const page = await connect({ api: before.url, credentials: true });
  await expect(page.locator("#label")).toHaveText("hello");
  await before.stop();
  await expect(state(page)).toHaveText("Disconnected");
  const answered = await numberOf(page, "answered");
  await serverWith({ ...options, listen: `127.0.0.1:${before.port}` });
  await expect(state(page)).toHaveText("ready");
  await soon(() => numberOf(page, "answered")).toBeGreaterThan(answered + 10);
});

test("a_page_whose_origin_is_not_listed_is_refused @full", async ({ connect, serverWith }) => {
  const env = { USE_DUMMY_MODEL: "1", CORS_ORIGINS: "https://signs.example" };
  const { url } = await serverWith({ env });
  for (const transports of ["", "websocket"]) {
    const page = await connect({ api: url, transports, credentials: true });
    await expect(page.getByRole("alert")).not.toHaveText("");
    await expect(state(page)).toHaveText("Not connected");
    // It tries again and again, and the browser itself says each time that it was blocked.
    await page.close();
    page.problems = page.problems.filter((problem) => !problem.includes("blocked by CORS policy"));
  }
});
