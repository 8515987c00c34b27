// Events of a stream as they come, { event, data }: Server-Sent Events, or messages of a WebSocket.

import assert from "node:assert/strict";

import WebSocket from "ws";

/** @import { Detections, Ending, StateChange } from "./types.ts" */

/**
 * Listens to a path of a server.
 * @param {Ending} t
 * @param {{ url: string }} at
 * @param {string} path
 */
export function listen(t, at, path, { as = "sse" } = {}) {
  const heard = {
    events: [],
    closed: false,
    status: undefined,
    type: undefined,
    close: () => {},
    kill: () => {},
    /** @type {() => Detections[]} */
    detections: () => of("detections"),
    /** @type {() => StateChange[]} */
    states: () => of("state"),
  };
  const of = (name) => heard.events.filter(({ event }) => event === name).map(({ data }) => data);
  if (as === "websocket") {
    const socket = new WebSocket(at.url.replace("http", "ws") + path);
    socket.on("open", () => (heard.status = 101));
    socket.on("unexpected-response", (_, answer) => (heard.status = answer.statusCode));
    socket.on("message", (text) => {
      const { event, ...data } = JSON.parse(text);
      heard.events.push({ event, data });
    });
    socket.on("error", () => {});
    socket.on("close", () => (heard.closed = true));
    heard.close = () => socket.close();
    heard.kill = () => socket.terminate();
  } else {
    const stop = new AbortController();
    (async () => {
      const response = await fetch(at.url + path, {
        signal: stop.signal,
        headers: { Accept: "text/event-stream" },
      });
      heard.status = response.status;
      heard.type = response.headers.get("content-type");
      let rest = "";
      for await (const bytes of response.body) {
        rest += Buffer.from(bytes).toString();
        const blocks = rest.split("\n\n");
        rest = blocks.pop();
        for (const block of blocks.filter((text) => !text.startsWith(":"))) {
          const [first, second, ...more] = block.split("\n");
          assert.match(first, /^event: /);
          assert.match(second, /^data: /);
          assert.equal(more.length, 0);
          heard.events.push({ event: first.slice(7), data: JSON.parse(second.slice(6)) });
        }
      }
    })()
      .catch(() => {})
      .finally(() => (heard.closed = true));
    heard.close = heard.kill = () => stop.abort();
  }
  t.after(() => heard.kill());
  return heard;
}
