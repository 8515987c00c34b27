// A camera that was never made: `sightwire camera`, on a port of its own, with faults to order.

import { launch, listening, terminate, until } from "./harness.mjs";

/** @import { Ending } from "./types.ts" */
/** @typedef {Awaited<ReturnType<typeof camera>>} Camera */

const STOP_MS = 5_000;

/** Small and cheap; of a quality that the server itself uses nowhere, so that its own pictures stand out. */
export const USUAL = { size: "320x240", fps: 20, quality: 60 };

/**
 * Starts a camera; it ends with the test.
 * `args` are further options of `sightwire camera`, `user` is the `name:password` that it asks for.
 * @param {Ending} t
 */
export async function camera(
  t,
  {
    args = [],
    size = USUAL.size,
    fps = USUAL.fps,
    quality = USUAL.quality,
    user = "",
    listen = "127.0.0.1:0",
  } = {},
) {
  const options = [
    ["--listen", listen],
    ["--size", size],
    ["--fps", String(fps)],
    ["--quality", String(quality)],
    ["--max-clients", "20"],
  ];
  if (user) options.push(["--user", user]);
  const run = launch({ args: ["camera", ...options.flat(), ...args] });
  const stop = () => terminate(run.child, run.ended, STOP_MS);
  t.after(stop);
  const [url] = await listening(run, "the camera");
  const headers = user ? { Authorization: `Basic ${Buffer.from(user).toString("base64")}` } : {};
  const get = async (path) => {
    const response = await fetch(url + path, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    url,
    /** Host and port. */
    host: new URL(url).host,
    stop,
    /** What the board says of itself. */
    status: () => get("/status"),
    /** What is in the picture taken at that time of the camera. */
    objects: async (at) => (await get(`/objects?t=${at}`)).objects,
    /** From now on this goes wrong; nothing does when it is left out. */
    async fails(faults = "") {
      const response = await fetch(`${url}/control?var=fault&val=${encodeURIComponent(faults)}`, { headers });
      if (!response.ok) throw new Error(`${faults}: ${await response.text()}`);
    },
    /** Waits until so many read its stream. */
    async isRead(clients) {
      const read = async () => (await get("/status")).stream_clients === clients;
      return until(read, `${clients} connections to the camera`);
    },
  };
}

/** A `[[camera]]` table. */
export function table(fields) {
  const lines = Object.entries(fields).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  return ["[[camera]]", ...lines, ""].join("\n");
}

/**
 * Options of a server that may read such cameras, keeps those that are added in its own folder, and has no model.
 * @param {{ set?: object, cameras?: object[], env?: object, files?: object, listen?: string | string[] }} [options]
 */
export function serving({ set = {}, cameras = [], files = {}, ...options } = {}) {
  const settings = {
    "cameras.allow": "127.0.0.0/8",
    "cameras.file": "cameras.json",
    // Tests of a file run side by side.
    "cameras.max_upstreams": 40,
    "cameras.max_named": 40,
    "cameras.max_analyses": 40,
    "cameras.max_views": 40,
    "cameras.linger_s": 0.3,
    "detector.model": "motion",
    ...set,
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const config = cameras.map(table).join("\n");
  return {
    ...options,
    args: [...flags, "--config", "cameras.toml"],
    env: { USE_DUMMY_MODEL: "1", ...options.env },
    files: { "cameras.toml": config, ...files },
  };
}
