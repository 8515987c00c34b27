// What all who come share: the server, keys, pictures, cameras, and what was counted.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Agent, request as open } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import jpegs from "jpeg-js";

import { clip } from "../js/clips.mjs";
import { command } from "../js/harness.mjs";

/** @import { Camera } from "../js/simulator.mjs" */
/** @import { Dice } from "./dice.mjs" */
/** @import { Server } from "./server.mjs" */
/** @typedef {{ admin: string, operator: string, streamer: string, viewer: string }} Keys */
/** @typedef {Awaited<ReturnType<typeof makePictures>>} Pictures */
/**
 * `faulty` are the cameras that are given faults, `spare` those that are in no configuration.
 * @typedef {{ server: Server, keys: Keys, pictures: Pictures, faulty: Camera[], spare: Camera[], counts: Counts, number: () => number }} World
 */
/** @typedef {{ method?: string, key?: string, headers?: object, body?: Buffer | string | FormData | object, seconds?: number }} Asked */

/** Cameras that are always well, by their names in the configuration. */
export const GOOD = ["street", "steady"];
/** Loopback has room for many addresses; the first is that of the load generators, who need no key. */
const ADDRESSES = 50;
const PATIENCE_S = 30;
/** Answers that say that there is too much, in the server's own words. */
const FULL = [429, 503];

/** The server has too much to do, and said so as it should. */
export class Refused extends Error {}

/** What has been, for the sums of a week. */
export class Counts {
  connects = 0;
  streams = 0;
  batches = 0;
}

/** Where somebody comes from. */
export const address = (/** @type {Dice} */ dice) => `127.0.0.${2 + dice.below(ADDRESSES)}`;

export const bearer = (/** @type {string} */ key) => ({ Authorization: `Bearer ${key}` });

/**
 * A request on a connection of its own; status, headers, text, and JSON where it is some.
 * @param {World} world
 * @param {Dice} dice
 * @param {string} path
 * @param {Asked} [asked]
 */
export async function ask(
  world,
  dice,
  path,
  { method = "GET", key, headers = {}, body, seconds = PATIENCE_S } = {},
) {
  const { bytes, type } = await encoded(body);
  const all = {
    ...(key === undefined ? {} : bearer(key)),
    ...(bytes ? { "Content-Length": bytes.length } : {}),
    ...(type ? { "Content-Type": type } : {}),
    ...headers,
  };
  const options = {
    method,
    headers: all,
    agent: false,
    localAddress: address(dice),
    timeout: seconds * 1000,
  };
  return new Promise((done, failed) => {
    const asking = open(world.server.url + path, /** @type {any} */ (options), (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", failed);
      answer.on("end", () => {
        world.counts.connects += 1;
        const whole = Buffer.concat(parts);
        const isJson = answer.headers["content-type"]?.includes("json");
        const text = isJson ? whole.toString() : "";
        done({
          status: answer.statusCode,
          headers: answer.headers,
          text,
          bytes: whole.length,
          json: isJson ? JSON.parse(text) : undefined,
        });
      });
    });
    asking.on("error", failed);
    asking.on("timeout", () => asking.destroy(new Error(`${method} ${path}: no answer within ${seconds} s`)));
    asking.end(bytes);
  });
}

async function encoded(body) {
  if (body === undefined) return {};
  if (Buffer.isBuffer(body)) return { bytes: body };
  if (typeof body === "string") return { bytes: Buffer.from(body), type: "application/json" };
  if (body instanceof FormData) {
    const form = new Response(body);
    return { bytes: Buffer.from(await form.arrayBuffer()), type: form.headers.get("content-type") };
  }
  return { bytes: Buffer.from(JSON.stringify(body)), type: "application/json" };
}

/**
 * The same, where one answer is right.
 * @param {World} world
 * @param {Dice} dice
 * @param {number | number[]} right
 * @param {string} path
 * @param {Asked} [asked]
 */
export async function expect(world, dice, right, path, asked) {
  const answer = await ask(world, dice, path, asked);
  if ([right].flat().includes(answer.status)) return answer;
  const what = `${asked?.method ?? "GET"} ${path.replaceAll(/[0-9a-f]{8,}/g, "…")}: ${answer.status}`;
  if (FULL.includes(answer.status)) throw new Refused(what);
  throw new Error(`${what} ${answer.text.slice(0, 200)}`);
}

/** A form with pictures as files. */
export function form(field, pictures) {
  const form = new FormData();
  for (const [i, picture] of pictures.entries()) {
    form.append(field, new Blob([/** @type {BlobPart} */ (picture)]), `page-${i}.jpg`);
  }
  return form;
}

/** Options of Socket.IO's client for somebody with a key. */
export function socketIo(dice, key, transports) {
  const agent = new Agent({ localAddress: address(dice) });
  return { transports, auth: { key }, agent: /** @type {any} */ (agent) };
}

/** What is sent: a clip, pages of text, and lines cut out of them. */
export async function makePictures() {
  const out = mkdtempSync(join(tmpdir(), "sightwire-pages-"));
  try {
    const ended = await command(["sample", "page", "--out", out, "--frames", "3"]);
    if (ended.code !== 0) throw new Error(`no pages: ${ended.stderr}`);
    const pages = readdirSync(out)
      .sort()
      .map((name) => readFileSync(join(out, name)));
    return { clip: await clip("wave"), pages, lines: pages.map(upperPart) };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** A few lines of text, which are read in a moment. */
const PART = { width: 500, height: 160 };

function upperPart(page) {
  const { width, height, data } = jpegs.decode(page, { useTArray: true });
  const part = { width: Math.min(PART.width, width), height: Math.min(PART.height, height) };
  const rows = Array.from({ length: part.height }, (_, y) =>
    data.subarray(4 * y * width, 4 * (y * width + part.width)),
  );
  return jpegs.encode({ ...part, data: Buffer.concat(rows) }, 85).data;
}
