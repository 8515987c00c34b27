// A process of its own with connections that burden a server: `attack` starts it, from other addresses of this machine than clients
// who do nothing wrong have. Its descriptors are its own.

import { fork } from "node:child_process";
import { setPriority } from "node:os";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

import { EngineSocket, connectPacket } from "./engineio.mjs";
import { sleep, until } from "./harness.mjs";
import { RawClient } from "./rawclient.mjs";
import { dial } from "./secured.mjs";

/** @import { Ending } from "./types.ts" */
/** @import { At } from "./secured.mjs" */
/**
 * `addresses`: so many of this machine's are used, from 127.x.0.1 on.
 * @typedef {{ at: At, kind: string, count: number, network?: number, addresses?: number }} Attack
 * @typedef {{ open: number, opened: number, ended: number, failed: number, pongs: number }} Told
 */

/** Connections that are being opened at once. */
const AT_ONCE = 50;
/** The first bytes of a TLS handshake: a record of 512 bytes, of which no more comes. */
const BEGUN = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);

const told = { open: 0, opened: 0, ended: 0, failed: 0, pongs: 0 };
/** Pings of the protocol of each viewer. */
const pings = [];

/** Counts a connection that is there. */
function counted(socket) {
  told.open += 1;
  told.opened += 1;
  socket.once("close", () => {
    told.open -= 1;
    told.ended += 1;
  });
}

/** A client of Socket.IO that answers pings and does nothing else. */
class Idle extends EngineSocket {
  hear(payload, isBinary) {
    super.hear(payload, isBinary);
    if (payload.length === 1) told.pongs += 1;
  }
}

/** Opens a plain connection, whatever the server speaks; once it is there. */
function bare(at, from) {
  const socket = dial({ url: at.url.replace("https:", "http:") }, { localAddress: from });
  socket.on("error", () => {});
  return new Promise((done, fail) => socket.once("connect", () => done(socket)).once("close", fail));
}

/** @type {Record<string, (at: At, from: string) => Promise<void>>} */
const OPENING = {
  /** Of Socket.IO, in the namespace. */
  async socketio(at, from) {
    const client = new Idle(at, { EIO: 4, transport: "websocket" }, { from });
    await client.opened();
    counted(client.socket);
    client.send(connectPacket(at));
    await until(() => client.closed || client.packets.some((packet) => packet.startsWith("40")), "its id");
  },
  /** Viewers of a stream that nobody sends. */
  async viewers(at, from) {
    const client = new RawClient(at, "/ws/view?streams=nobody", { from, headers: at.headers });
    await client.opened();
    counted(client.socket);
    await client.next("viewer_connected");
    pings.push(client.pings);
  },
  /** They never say anything. */
  async silent(at, from) {
    counted((await bare(at, from)).resume());
  },
  /** They begin a TLS handshake and do not go on. */
  async handshakes(at, from) {
    const socket = (await bare(at, from)).resume();
    counted(socket);
    socket.write(BEGUN);
  },
  /** They are closed at once. */
  async closing(at, from) {
    const socket = await bare(at, from);
    counted(socket);
    socket.end();
    socket.resume();
  },
  /** They are reset at once. */
  async resetting(at, from) {
    const socket = await bare(at, from);
    counted(socket);
    socket.resetAndDestroy();
  },
};

/** Opens as many as it is told, and others for those that end. */
async function run(/** @type {Attack} */ { at, kind, count, network = 1, addresses = 50 }) {
  // Who is to answer pings has to come to it.
  if (!["socketio", "viewers"].includes(kind)) setPriority(10);
  let [begun, opening] = [0, 0];
  const one = async () => {
    for (;;) {
      if (told.open + opening >= count) {
        await sleep(20);
        continue;
      }
      opening += 1;
      const number = (begun += 1) % addresses;
      const from = `127.${network}.${number >> 7}.${1 + (number & 127)}`;
      await OPENING[kind](at, from).catch(() => (told.failed += 1));
      opening -= 1;
    }
  };
  const heard = () => pings.reduce((sum, { length }) => sum + length, told.pongs);
  process.on("message", () => process.send({ ...told, pongs: heard() }));
  process.on("disconnect", () => process.exit());
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, one));
}

/**
 * Starts it; it ends with the test, and all of its connections with it.
 * @param {Ending} t
 * @param {Attack} attack
 */
export function attack(t, attack) {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(attack)]);
  const end = new Promise((done) => child.once("exit", done));
  const self = {
    /** @returns {Promise<Told>} */
    async told() {
      const answer = new Promise((done) => child.once("message", done));
      child.send("told");
      return answer;
    },
    /** Waits until so many are open, */
    has: (count) => until(async () => (await self.told()).open >= count, `${count} connections`, 120_000),
    /** or have been. */
    hasOpened: (count) => until(async () => (await self.told()).opened >= count, `${count} connections`),
    async stop() {
      child.kill("SIGKILL");
      await end;
    },
  };
  t.after(self.stop);
  return self;
}

if (argv[1] === fileURLToPath(import.meta.url)) await run(JSON.parse(argv[2]));
