// Who opens connections and does nothing with them, as many or as fast as it can, over plain TCP and over TLS: clients who do
// nothing wrong lose nothing, whoever comes is let in as long as there are places, and all that was taken is given back.
//
// Connections from this machine are not limited by `limits.connections_per_address` and `limits.connection_rate`, which
// crates/listen/src/per_address.rs and alert-faults.test.mjs try with other addresses.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { attack } from "./attackers.mjs";
import { connect } from "./client.mjs";
import { dummy } from "./engineio.mjs";
import { sleep, start, until } from "./harness.mjs";
import { honest, shown } from "./honest.mjs";
import { png } from "./pictures.mjs";
import { descriptors, rssMb } from "./procfs.mjs";
import { refusal, viewer } from "./relay.mjs";
import { dial, fetchFrom, startSecured } from "./secured.mjs";

/** @import { At } from "./secured.mjs" */
/** @typedef {At & { pid: number, stop: () => Promise<unknown>, logs: () => string }} Attacked */

const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
const fullOnly = { skip: !IS_FULL && "only with --full" };
const NOTICED_MS = IS_FULL ? 5_000 : 500;
const PLACES = 1_024;
/** Bounds that only failure reaches: these tests share two cores with others. */
const LATE_MS = 15_000;
const MORE_MB = 100;

const FLOODS = {
  /** Nearly all places, by connections of one address that say nothing: more than another machine's address could have. */
  silent: { count: 900, isHeld: true, addresses: 1 },
  /** Handshakes of TLS that are begun and not ended; of each address there are few at once. */
  handshakes: { count: 150, isHeld: true },
  /** Connections that are closed, or reset, as soon as they are there. */
  closing: { count: 50, isHeld: false },
  resetting: { count: 50, isHeld: false },
};

/** The servers, what begins them, and the floods that each gets in every run; the others come with `--full`. */
const SERVERS = {
  "over TCP": { begin: start, always: ["silent"], others: ["closing", "resetting"] },
  "over TLS": { begin: startSecured, always: ["handshakes", "closing"], others: ["silent", "resetting"] },
};

for (const [how, { begin, always, others }] of Object.entries(SERVERS)) {
  describe(`a_flood_of_connections_${how}`.replaceAll(" ", "_"), () => {
    const ends = [];
    const owner = { after: (end) => ends.push(end) };
    let /** @type {Attacked} */ server;
    let /** @type {Awaited<ReturnType<typeof honest>>} */ clients;
    before(async () => {
      server = await begin(owner, dummy({ "server.max_connections": PLACES }));
      clients = await honest(owner, server, { count: 5 });
      await clients.notice(200);
    });
    after(async () => {
      for (const end of ends.reverse()) await end();
    });

    for (const kind of [...always, ...(IS_FULL ? others : [])]) {
      const { count, isHeld, addresses = 40 } = FLOODS[kind];
      test(`of_${kind}_ones_costs_nobody_a_reply_and_all_is_given_back`, async (t) => {
        const [rssBefore, openBefore] = [rssMb(server), descriptors(server)];
        const at = { url: server.url, port: server.port };
        const flood = attack(t, { at, kind, count, network: 9, addresses });
        await (isHeld ? flood.has(count) : flood.hasOpened(200));
        const beside = await clients.notice(NOTICED_MS);
        const [told, rss, open] = [await flood.told(), rssMb(server), descriptors(server)];
        await flood.stop();
        const ms = await until(() => descriptors(server) <= openBefore + 5, "descriptors are given back");
        const more = rssMb(server) - rssBefore;
        t.diagnostic(
          `${shown(told)}, ${open - openBefore} descriptors and ${Math.round(rss - rssBefore)} MB`,
        );
        t.diagnostic(`beside ${shown(beside)}`);
        t.diagnostic(`given back after ${Math.round(ms)} ms, ${Math.round(more)} MB more than before`);
        assert.ok(told.opened > (isHeld ? count - 1 : 200), `${told.opened} connections`);
        if (isHeld) assert.ok(open - openBefore >= count, "they are held");
        assert.ok(beside.replies > 0);
        assert.equal(beside.lost, 0);
        assert.ok(beside.p99 < LATE_MS && beside.livezP99 < LATE_MS, shown(beside));
        assert.ok(more < MORE_MB, `${more} MB`);
      });
    }
  });
}

test("who_says_nothing_is_ended_after_30_s_over_tcp_and_10_s_over_tls", fullOnly, async (t) => {
  const plain = await start(t, dummy());
  const secured = await startSecured(t, dummy());
  /** What says nothing more; how long the server keeps it. */
  const kept = async (server, bytes = undefined) => {
    const socket = dial({ url: server.url.replace("https:", "http:") });
    t.after(() => socket.destroy());
    const begun = performance.now();
    if (bytes) socket.write(bytes);
    socket.on("error", () => {}).resume();
    await new Promise((done) => socket.once("close", done));
    return (performance.now() - begun) / 1000;
  };
  const [silent, overTls, handshake] = await Promise.all([
    kept(plain),
    kept(secured),
    kept(secured, Buffer.from([22, 3, 1, 2, 0, 1])),
  ]);
  t.diagnostic(shown({ silent, overTls, handshake }));
  for (const [seconds, expected] of [
    [silent, 30],
    [overTls, 10],
    [handshake, 10],
  ]) {
    assert.ok(seconds > expected - 1 && seconds < expected + 10, `${seconds} s`);
  }
});

test("newcomers_over_tls_are_let_in_at_once_beside_900_handshakes_that_do_not_go_on", fullOnly, async (t) => {
  const server = await startSecured(t, dummy({ "server.max_connections": PLACES }));
  const flood = attack(t, {
    at: { url: server.url, port: server.port },
    kind: "handshakes",
    count: 900,
    network: 9,
    addresses: 40,
  });
  await flood.has(900);
  const times = [];
  for (let count = 0; count < 5; count += 1) {
    const begun = performance.now();
    const { status } = await fetchFrom(server, "/livez", { headers: { Connection: "close" } });
    times.push((performance.now() - begun) / 1000);
    assert.equal(status, 200);
  }
  t.diagnostic(`let in after ${shown(times)} s`);
  assert.ok(Math.max(...times) < 3, shown(times));
});

test("when_all_places_are_taken_newcomers_are_told_and_those_who_are_in_lose_nothing", async (t) => {
  const server = await start(t, dummy({ "server.max_connections": 60 }));
  const inside = await connect(t, server);
  const flood = attack(t, { at: { url: server.url, port: server.port }, kind: "silent", count: 100 });
  const answer = () =>
    fetchFrom(server, "/livez", { headers: { Connection: "close" } }).catch(() => undefined);
  let /** @type {Response} */ refused;
  await until(async () => (refused = await answer())?.status === 503, "a refusal");
  assert.equal(refused.headers.get("retry-after"), "2");
  assert.match((await refused.json()).detail, /Too many connections/);
  for (let count = 1; count <= 20; count += 1) {
    inside.send(png());
    await sleep(10);
  }
  await until(() => inside.predictions.length === 20, "a reply to each");
  assert.deepEqual(inside.disconnects, []);
  assert.match(
    server.logs(),
    /a connection from 127\.\S+ is refused: 60 are open \(server\.max_connections\)/,
  );
  await flood.stop();
  await until(async () => (await answer())?.status === 200, "a place again");
});

describe("behind_a_proxy_that_is_named", () => {
  const [PER_S, AT_ONCE] = [10, 50];
  const CONNECTIONS = 3;
  const set = {
    "server.trusted_proxies": "127.0.0.1",
    "limits.requests_per_s": PER_S,
    "limits.connections_per_key": CONNECTIONS,
  };

  test("each_client_has_its_own_share_of_requests_and_each_key_of_connections", async (t) => {
    const server = await startSecured(t, dummy(set));
    const of = (/** @type {string} */ client) => ({ "X-Forwarded-For": client });
    const ask = async (headers) => fetchFrom(server, "/livez", { headers });
    const begun = performance.now();
    const all = [];
    const some = async () => {
      while (all.length < 4 * AT_ONCE) all.push(await ask(of("203.0.113.7")));
    };
    await Promise.all(Array.from({ length: 8 }, some));
    const served = all.filter(({ status }) => status === 200).length;
    const most = AT_ONCE + Math.ceil((PER_S * (performance.now() - begun)) / 1000);
    t.diagnostic(`${served} of ${all.length} were served`);
    assert.ok(served >= AT_ONCE && served <= most, `${served} were served, and may be ${most}`);
    const refused = all.filter(({ status }) => status === 429);
    assert.equal(served + refused.length, all.length);
    assert.ok(Number(refused[0].headers.get("retry-after")) >= 1);
    assert.match((await refused[0].json()).detail, /203\.0\.113\.7.*limits\.requests_per_s/);
    assert.equal((await ask(of("203.0.113.8"))).status, 200, "another client");
    const lie = of("203.0.113.7, 203.0.113.8");
    assert.equal((await ask(lie)).status, 200, "what the client itself has said does not count");
    for (let count = 0; count < 2 * AT_ONCE; count += 1) assert.equal((await ask({})).status, 200);
    const said = server.logs().match(/requests of the address 203\.0\.113\.7 are refused: .*/g);
    assert.equal(said.length, 1, said.join("\n"));

    const headers = { ...of("203.0.113.9"), Authorization: `Bearer ${server.key}` };
    const options = { ca: server.ca, headers };
    for (let count = 0; count < CONNECTIONS; count += 1) await viewer(t, server, "", options);
    assert.equal(await refusal(t, server, "/ws/view", options), 429);
    const other = { ...headers, Authorization: `Bearer ${server.admin}` };
    await viewer(t, server, "", { ca: server.ca, headers: other });
  });
});
