// DNS rebinding in the system's Chromium: a page whose own name leads to this server's address, so that for the browser the
// two are of one origin. Only the name that it asks for tells the server.

import { createServer } from "node:http";

import { portOf, start } from "../js/harness.mjs";
import { camera, serving } from "../js/simulator.mjs";
import { expect, open, test as base } from "./fixtures.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { Page, TestWith } from "./fixtures.mjs" */

const EVIL = "evil.example";

/** @type {TestWith<{ rebound: (hosts?: string) => Promise<{ page: Page, server: Server }> }>} */
const test = base.extend({
  // A page of `http://evil.example`, and the server at the address that the name leads to since; `hosts` is its
  // `server.hosts`.
  rebound: async ({ browserWith }, use) => {
    const ends = [];
    const owner = { after: (end) => ends.push(end) };
    await use(async (hosts) => {
      const { url } = await camera(owner);
      // The page comes from a server of its own, which is then gone.
      const own = createServer((_, response) => {
        response.writeHead(200, { "Content-Type": "text/html", Connection: "close" });
        response.end("<!doctype html><title>evil</title>");
      });
      const port = await portOf(own);
      const origin = `http://${EVIL}:${port}`;
      const browser = await browserWith([`--host-resolver-rules=MAP ${EVIL} 127.0.0.1`]);
      const page = await open(browser, { url: origin }, "/page");
      own.closeAllConnections();
      await new Promise((done) => own.close(done));
      const settings = serving({
        cameras: [{ id: "door", url, default: true }],
        set: { "server.managing": "anyone", "access.mode": "open", ...(hosts && { "server.hosts": hosts }) },
      });
      const server = await start(owner, { ...settings, listen: `127.0.0.1:${port}` });
      expect(await page.evaluate(() => location.origin)).toBe(origin);
      return { page, server };
    });
    for (const end of ends.reverse()) await end();
  },
});

/** All that the page gets out of the server. */
function loot(page) {
  return page.evaluate(async () => {
    const fetched = async (path, options) => {
      try {
        const response = await fetch(path, options);
        const { status } = response;
        const body = await response.text();
        return { status, body: status === 200 ? body.slice(0, 40) : "" };
      } catch (error) {
        return { status: String(error) };
      }
    };
    const shown = (path) =>
      new Promise((done) => {
        const image = new Image();
        image.onload = () => {
          // What was read of the picture, too.
          const canvas = document.createElement("canvas");
          Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
          canvas.getContext("2d").drawImage(image, 0, 0);
          done(canvas.toDataURL("image/jpeg").length > 1000);
        };
        image.onerror = () => done(false);
        image.src = path;
      });
    const heard = (path) =>
      new Promise((done) => {
        const socket = new WebSocket(`ws://${location.host}${path}`);
        socket.onmessage = (message) => {
          done(String(message.data).slice(0, 20));
          socket.close();
        };
        socket.onclose = ({ code }) => done(code);
      });
    const json = { "Content-Type": "application/json" };
    return {
      livez: (await fetched("/livez")).status,
      streams: (await fetched("/api/v1/streams")).status,
      jobs: (await fetched("/api/v1/jobs")).status,
      ended: (await fetched("/api/v1/streams/nobody", { method: "DELETE" })).status,
      added: (await fetched("/api/v1/cameras", { method: "POST", headers: json, body: "{}" })).status,
      polled: await fetched("/socket.io/?EIO=4&transport=polling"),
      snapshot: await shown("/api/v1/streams/door/snapshot.jpg"),
      view: await heard("/ws/view"),
      live: await heard("/api/v1/live"),
      socketio: await heard("/socket.io/?EIO=4&transport=websocket"),
    };
  });
}

test("a_page_whose_name_leads_here_gets_nothing", async ({ rebound }) => {
  const { page, server } = await rebound();
  expect(await loot(page)).toEqual({
    livez: 421,
    streams: 421,
    jobs: 421,
    ended: 421,
    added: 421,
    polled: { status: 421, body: "" },
    snapshot: false,
    view: 1006,
    live: 1006,
    socketio: 1006,
  });
  const { text } = await server.get("/metrics");
  expect(Number(text.match(/^sightwire_http_hosts_refused_total (\d+)$/m)[1])).toBeGreaterThanOrEqual(10);
  await page.goto("/");
  await expect(page.locator("body")).toContainText("This server does not answer for");
  await page.context().close();
});

test("a_page_whose_name_is_listed_gets_what_the_servers_own_page_gets", async ({ rebound }) => {
  const { page } = await rebound(EVIL);
  const got = await loot(page);
  expect(got).toMatchObject({ livez: 200, streams: 200, jobs: 200, ended: 404, snapshot: true });
  expect(got.polled).toEqual({ status: 200, body: expect.stringMatching(/^0\{"sid":/) });
  expect(got.view).toContain('{"type":');
  expect(got.live).toContain("{");
  expect(got.socketio).toContain('0{"sid":');
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await page.context().close();
});
