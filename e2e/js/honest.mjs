// Clients who do nothing wrong, and what they notice of those who do: sign clients with a frame now and then, and somebody who asks
// over a new connection each time whether the server lives.

import { connect } from "./client.mjs";
import { sleep, until } from "./harness.mjs";
import { fetchFrom } from "./secured.mjs";

/** @import { Ending } from "./types.ts" */
/** @import { At } from "./secured.mjs" */
/**
 * Times in ms. `lost` are frames without a reply and questions without an answer.
 * @typedef {{ replies: number, p50: number, p99: number, livezP50: number, livezP99: number, lost: number }} Seen
 */

/** A picture of 1 × 1, so that little of what is measured is this process's own work. */
const IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgaGAAAAEEAIHRjZ5IAAAAAElFTkSuQmCC";
const ASKED_EVERY_MS = 50;

/** The value below which so many of a hundred are. */
function percentile(values, percent) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? NaN;
}

/**
 * Connects such clients; they stay until the test ends.
 * @param {Ending} t
 * @param {At} at
 */
export async function honest(t, at, { count = 10, fps = 10 } = {}) {
  const { ca, key } = at;
  const transports = (index) => (index % 5 === 4 ? ["polling"] : ["websocket"]);
  const sign = Array.from({ length: count }, async (_, index) => {
    const client = await connect(t, at, { transports: transports(index), ca, auth: key && { key } });
    const waiting = [];
    client.socket.on("prediction", () => times.push(performance.now() - waiting.shift()));
    return {
      client,
      waiting,
      send() {
        waiting.push(performance.now());
        client.frame({ image: IMAGE });
      },
    };
  });
  const clients = await Promise.all(sign);
  let times = [];

  /** Asks until it is told to stop. */
  async function asking(isOver, asked) {
    while (!isOver()) {
      const begun = performance.now();
      const headers = { Connection: "close" };
      const { status } = await fetchFrom(at, "/livez", { headers }).catch((error) => ({
        status: error.code,
      }));
      if (status === 200) asked.times.push(performance.now() - begun);
      else asked.failed.push(status);
      await sleep(Math.max(0, begun + ASKED_EVERY_MS - performance.now()));
    }
  }

  return {
    /**
     * What they notice within so long.
     * @returns {Promise<Seen>}
     */
    async notice(ms) {
      times = [];
      const asked = { times: [], failed: [] };
      let isOver = false;
      const asks = asking(() => isOver, asked);
      const timers = clients.map(({ send }) => setInterval(send, 1000 / fps));
      await sleep(ms);
      timers.forEach(clearInterval);
      isOver = true;
      await asks;
      const unanswered = () => clients.reduce((sum, { waiting }) => sum + waiting.length, 0);
      const isGone = ({ client }) => client.disconnects.length > 0;
      await until(() => unanswered() === 0 || clients.some(isGone), "the last replies").catch(() => {});
      return {
        replies: times.length,
        p50: percentile(times, 50),
        p99: percentile(times, 99),
        livezP50: percentile(asked.times, 50),
        livezP99: percentile(asked.times, 99),
        lost: unanswered() + asked.failed.length + clients.filter(isGone).length,
      };
    },
  };
}

/** Figures as they are printed. */
export const shown = (/** @type {object} */ seen) =>
  JSON.stringify(seen, (_, value) => (typeof value === "number" ? Math.round(value * 10) / 10 : value));
