// Viewers for the tests of the Health page: in Node, as old and new clients are.

import WebSocket from "ws";

import { until } from "../js/harness.mjs";

/** @import { Server } from "../js/harness.mjs" */

/** One viewer; it reads what comes, unless it is told not to. */
export class Watcher {
  /** Pictures that came. */
  pictures = 0;
  /** Code and reason with which it was closed. */
  closed = undefined;

  /**
   * @param {Server} server
   * @param {string[]} streams
   * @param {boolean} binary
   */
  constructor(server, streams, binary) {
    const query = streams.length === 0 ? "" : `?streams=${streams.map(encodeURIComponent).join(",")}`;
    const url = `${server.url.replace("http", "ws")}/ws/view${query}`;
    this.socket = new WebSocket(url, binary ? ["sightwire.v1"] : []);
    this.socket.on("message", (data, isBinary) => {
      if (isBinary || data.subarray(0, 40).includes("live_frame")) this.pictures += 1;
    });
    this.socket.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on("error", () => {});
  }

  async opened() {
    await until(() => this.socket.readyState === WebSocket.OPEN || this.closed, "the viewer");
    if (this.closed) throw new Error(`the viewer was closed: ${JSON.stringify(this.closed)}`);
    return this;
  }

  /** Takes nothing more from its connection, which stays open. */
  sleep() {
    this.socket.pause();
  }

  stop() {
    this.socket.terminate();
  }
}

/** Viewers that end with the test. */
export function watchers() {
  const all = [];
  return {
    async watch(/** @type {Server} */ server, { streams = [], binary = true } = {}) {
      const watcher = new Watcher(server, streams, binary);
      all.push(watcher);
      return watcher.opened();
    },
    stop() {
      for (const watcher of all) watcher.stop();
    },
  };
}
