// Engine.IO packet by packet, right or wrong, over polling and over a WebSocket.

import assert from "node:assert/strict";

import { sleep, until } from "./harness.mjs";
import { png } from "./pictures.mjs";
import { RawClient } from "./rawclient.mjs";
import { fetchFrom } from "./secured.mjs";

/** @import { At } from "./secured.mjs" */

/** Between two packets of a payload. */
export const SEPARATOR = "\x1e";
export const CLOSE = "1";
export const PING = "2";
export const PONG = "3";
export const UPGRADE = "5";
export const NOOP = "6";

/** A picture as an event, and what a server with the dummy model says to it. */
export const FRAME = `42["frame",{"image":"${png().toString("base64")}"}]`;
export const PREDICTION = '42["prediction",{"label":"hello","score":0.9}]';
export const STATUS = '42["status",{"message":"ready"}]';

/** Options of such a server; `set` are keys of its configuration. */
export function dummy(set = {}) {
  const args = Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  return { args, env: { USE_DUMMY_MODEL: "1" } };
}

/**
 * A request's target with these parameters, and those that the server's clients send with each.
 * @param {Record<string, any>} parameters
 * @param {Partial<At>} [server]
 */
export const target = (parameters, { query } = {}) =>
  `/socket.io/?${new URLSearchParams({ ...parameters, ...query })}`;

/**
 * One request; its status, its type and its packets. `ms` is how long a poll may wait.
 * @param {Pick<At, "url" | "ca" | "headers" | "query">} server
 * @param {Record<string, any>} parameters
 * @param {{ method?: string, body?: any, signal?: AbortSignal, ms?: number }} [options]
 */
export async function ask(server, parameters, { ms = 10_000, ...options } = {}) {
  const asked = { signal: AbortSignal.timeout(ms), headers: server.headers, ...options };
  const response = await fetchFrom(server, target(parameters, server), asked);
  const text = await response.text();
  const type = response.headers.get("content-type");
  return { status: response.status, type, text, packets: text.split(SEPARATOR) };
}

/** A session that polls. */
export class Polling {
  #waiting = [];

  constructor(server, opening) {
    this.server = server;
    this.opening = opening;
    this.parameters = { EIO: 4, transport: "polling", sid: opening.sid };
  }

  static async open(server) {
    const { status, text } = await ask(server, { EIO: 4, transport: "polling" });
    assert.equal(status, 200, text);
    return new Polling(server, JSON.parse(text.slice(1)));
  }

  /** One poll. */
  async poll(options) {
    return ask(this.server, this.parameters, options);
  }

  /** One request that brings a payload. */
  async post(body, options) {
    return ask(this.server, this.parameters, { method: "POST", body, ...options });
  }

  /** A payload that has to be taken. */
  async send(...packets) {
    const { status, text } = await this.post(packets.join(SEPARATOR));
    assert.deepEqual([status, text], [200, "ok"]);
  }

  /** The next packet; pings are answered and left out. */
  async take() {
    while (this.#waiting.length === 0) {
      const { status, packets } = await this.poll();
      assert.equal(status, 200);
      if (packets.includes(PING)) await this.send(PONG);
      this.#waiting = packets.filter((packet) => packet !== PING);
    }
    return this.#waiting.shift();
  }

  /** A poll that waits, once what was there has been taken. */
  async waiting(options) {
    for (;;) {
      const poll = this.poll(options);
      poll.catch(() => {});
      const early = await Promise.race([poll, sleep(1_500)]);
      if (!early) return { poll };
      assert.deepEqual(early.packets, [PING]);
      await this.send(PONG);
    }
  }

  /** Whether a poll finds no session any more; before that, it may be told of the end. */
  async isOver() {
    const { status, text } = await this.poll();
    if (status === 200) assert.match(text, /^[126]?$/);
    return status === 400;
  }
}

/** A WebSocket; its pings are answered and left out, unless `pongs` is false. */
export class EngineSocket extends RawClient {
  /** Those that nobody has taken yet. */
  packets = [];
  /** What the server said of the session, and of the namespace. */
  opening = undefined;
  handshake = undefined;

  /**
   * @param {At} server
   * @param {Record<string, any>} parameters
   * @param {{ pongs?: boolean } & ConstructorParameters<typeof RawClient>[2]} [options]
   */
  constructor(server, parameters, { pongs = true, ...options } = {}) {
    super(server, target(parameters, server), { headers: server.headers, ...options });
    this.server = server;
    this.pongs = pongs;
  }

  hear(payload, isBinary) {
    const packet = isBinary ? payload : payload.toString();
    if (this.pongs && packet === PING) this.text(PONG);
    else this.packets.push(packet);
  }

  send(...packets) {
    for (const packet of packets) this.text(packet);
  }

  /** The next packet. */
  async take() {
    await until(() => this.packets.length > 0 || this.closed, "a packet");
    assert.ok(this.packets.length > 0, `closed with ${this.closed?.code} instead of a packet`);
    return this.packets.shift();
  }
}

/** A WebSocket that the server has let in; it ends with the test. */
export async function socket(t, server, { sid = "", ...options } = {}) {
  const client = new EngineSocket(server, { EIO: 4, transport: "websocket", ...(sid && { sid }) }, options);
  t.after(() => client.destroy());
  return client.opened();
}

/** A WebSocket that gets no session: it is refused, or closed before anything was said. */
export async function refused(t, server, parameters) {
  const client = new EngineSocket(server, parameters);
  t.after(() => client.destroy());
  await until(() => client.closed || client.head?.status === 400, "the end");
  assert.deepEqual(client.packets, []);
}

/** A WebSocket of a session that polls, which has been probed. */
export async function probed(t, server, session) {
  const client = await socket(t, server, { sid: session.opening.sid });
  client.send("2probe");
  assert.equal(await client.take(), "3probe");
  return client;
}

/** A session that begins with a WebSocket. */
export async function opened(t, server, options) {
  const client = await socket(t, server, options);
  const text = await client.take();
  assert.equal(text[0], "0", text);
  client.opening = JSON.parse(text.slice(1));
  return client;
}

/** Has the reply to a frame. */
export async function isServed(session) {
  await session.send(FRAME);
  assert.equal(await session.take(), PREDICTION);
}

/** The packet that enters the main namespace, with the payload that the server's clients send. */
export function connectPacket(
  /** @type {Partial<At>} */ { auth },
  /** @type {object} */ payload = undefined,
) {
  return auth || payload ? `40${JSON.stringify({ ...payload, ...auth })}` : "40";
}

/** Enters the main namespace, with a payload or without; the answer's. */
export async function enter(session, /** @type {object} */ payload = undefined) {
  await session.send(connectPacket(session.server, payload));
  const text = await session.take();
  assert.equal(text.slice(0, 2), "40", text);
  assert.equal(await session.take(), STATUS);
  return JSON.parse(text.slice(2));
}
