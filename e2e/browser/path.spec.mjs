// The pages below a path of a proxy's: nginx takes it off, as docs/troubleshooting.md says.

import { belowPath } from "../js/nginx.mjs";
import { ask } from "../js/proxies.mjs";
import { moves, SETTINGS } from "./cameras.mjs";
import { expect, test as base } from "./fixtures.mjs";
import { senders } from "./senders.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { TestWith } from "./fixtures.mjs" */
/** @typedef {{ url: string, origin: string }} Below */

/** @type {TestWith<{ below: (args: string[]) => Promise<{ server: Server, at: Below }> }>} */
const test = base.extend({
  below: async ({ serverWith }, use) => {
    const ends = [];
    const owner = { after: (end) => ends.push(end) };
    await use(async (args) => {
      const server = await serverWith({ args: [...SETTINGS, ...args] });
      return { server, at: await belowPath(owner, server) };
    });
    for (const end of ends.reverse()) await end();
  },
});

/** What else was asked for on the proxy: nothing of ours is anywhere but below the path. */
function strays(page, /** @type {Below} */ at) {
  const asked = [];
  page.on("request", (request) => {
    const url = request.url();
    if (url.startsWith(at.origin) && !url.startsWith(`${at.url}/`)) asked.push(url);
  });
  return asked;
}

test("all_pages_work_below_a_path", async ({ visit, below }) => {
  const { server, at } = await below(["--set", "access.mode=open"]);
  const { send, stop } = senders();
  await send(server, "P-1");
  const page = await visit(undefined, { at });
  const outside = strays(page, at);

  await page.goto(`${at.url}/`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("No model: fixed answers only");
  await page.getByRole("navigation").getByRole("link", { name: "Wall" }).click();
  await expect(page).toHaveURL(`${at.url}/wall`);
  await expect(page.getByTestId("state-P-1")).toHaveText("live");
  await moves(page.getByTestId("tile-P-1").locator("canvas").first());

  await page.getByRole("navigation").getByRole("link", { name: "Recognise", exact: true }).click();
  await page.goto(`${at.url}/recognise?source=sample&gesture=wave`);
  await expect(page.getByTestId("connection-state")).toHaveText(/live/);
  await expect(page.getByTestId("label")).not.toHaveText("–");

  for (const [path, title] of [
    ["health", "Health"],
    ["read", "Read text"],
    ["broadcast", "Broadcast"],
    ["cameras", "Cameras"],
  ]) {
    await page.goto(`${at.url}/${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
  }
  expect(outside).toEqual([]);
  await stop();
});

test("a_page_that_is_reloaded_deep_below_it_stays_and_logs_in_there", async ({ visit, below }) => {
  const { server, at } = await below(["--set", "access.mode=auto"]);
  const { json } = await ask(server, "/api/v1/cameras", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Street", url: "simulated:street" }),
  });
  // nginx makes somebody from elsewhere of whoever comes: a key is needed.
  const { json: made } = await ask(server, "/api/v1/keys", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "desk", role: "operator" }),
  });
  const page = await visit(undefined, { at });
  const outside = strays(page, at);
  await page.goto(`${at.url}/cameras/${json.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Log in to Sightwire");
  await page.getByRole("radio", { name: "a key" }).check();
  await page.getByRole("textbox", { name: "Key" }).fill(made.key);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page).toHaveURL(`${at.url}/cameras/${json.id}`);
  await expect(page.getByTestId("camera-state")).toHaveText(/live/);
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Street");
  await expect(page.getByTestId("camera-state")).toHaveText(/live/);
  expect(outside).toEqual([]);
});
