// Who guesses passwords, keys, links and tokens, from one address of this machine and from many, and says that it is somebody else:
// docs/operations.md says how often each is looked at. Nobody else has to wait, and memory and log are bounded.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { command, sleep, start, temporary, until } from "./harness.mjs";
import { honest, shown } from "./honest.mjs";
import { rssMb } from "./procfs.mjs";
import { fetchFrom } from "./secured.mjs";

/** @import { At } from "./secured.mjs" */

const IS_FULL = Boolean(process.env.SIGHTWIRE_FULL);
const fullOnly = { skip: !IS_FULL && "only with --full" };
/** Tries at once of an address; then one each so many seconds. */
const [TRIES, AGAIN_S] = [10, 6];
/** The same of a name, from all addresses together. */
const [TRIES_OF_NAME, AGAIN_OF_NAME_S] = [100, 1];
/** Lines of the log that one cause may have within a minute. */
const MOST_LINES = 20;
/** Passwords are compared two at a time, of which each takes 19 MiB. */
const COMPARED_MB = 2 * 20;
const ISSUER = "https://login.example.org";
const PASSWORD = "correct horse battery";
/** A bound that only failure reaches. */
const [LATE_MS, MORE_MB] = [15_000, 100];

const ends = [];
const owner = { after: (end) => ends.push(end) };
const secret = randomBytes(32).toString("base64");
const server = /** @type {Awaited<ReturnType<typeof start>> & At & { admin: string }} */ ({});
before(async () => {
  const home = temporary(owner, "login");
  const env = { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "1" };
  const keyOf = async (role) => {
    const { stdout, stderr } = await command(["keys", "add", "--role", role], { env });
    assert.match(stdout, /^key: /m, stderr);
    return stdout.match(/^key: (sw_\S+)$/m)[1];
  };
  const keys = { key: await keyOf("streamer"), admin: await keyOf("admin") };
  const file = join(home, "jwt.secret");
  writeFileSync(file, secret, { mode: 0o600 });
  const set = {
    "access.mode": "protected",
    "access.jwt_secret_file": file,
    "access.jwt_issuer": ISSUER,
    "access.jwt_audience": "sightwire",
  };
  const args = Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  Object.assign(server, await start(owner, { args, env }), keys);
});
after(async () => {
  for (const end of ends.reverse()) await end();
});

/** Somebody tries to log in. */
async function logIn(login, /** @type {string} */ from, headers = {}) {
  const body = JSON.stringify(login);
  const fields = { "Content-Type": "application/json", ...headers };
  const answer = await fetchFrom(server, "/api/v1/login", { method: "POST", body, from, headers: fields });
  const { detail } = await answer.clone().json();
  return { status: answer.status, after: Number(answer.headers.get("retry-after")), detail, answer };
}

/** Adds somebody who may log in with [`PASSWORD`]. */
async function user(name) {
  const headers = { Authorization: `Bearer ${server.admin}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ name, password: PASSWORD, role: "viewer" });
  const { status } = await fetchFrom(server, "/api/v1/users", { method: "POST", headers, body });
  assert.equal(status, 201);
}

const wrong = (name) => ({ name, password: "not the password" });
const counted = (all, status) => all.filter((one) => one.status === status).length;

/** How many tries an address has had by then, at most. */
const allowed = (begun) => TRIES + Math.ceil((performance.now() - begun) / 1000 / AGAIN_S);

/** Lines of the log since then that say so. */
const lines = (from, pattern) =>
  server
    .logs()
    .slice(from)
    .split("\n")
    .filter((line) => pattern.test(line));

describe("a_password", () => {
  test("is_tried_ten_times_from_one_address_whatever_it_says_of_itself", async (t) => {
    const [begun, from] = [performance.now(), server.logs().length];
    const all = [];
    for (let count = 0; count < 30; count += 1) {
      const lie = { "X-Forwarded-For": `203.0.113.${count}`, Forwarded: `for=198.51.100.${count}` };
      all.push(await logIn(wrong(`nobody-${count}`), "127.3.0.1", count % 2 ? lie : {}));
    }
    t.diagnostic(`${counted(all, 401)} were looked at, ${counted(all, 429)} were not`);
    assert.ok(counted(all, 401) >= TRIES && counted(all, 401) <= allowed(begun));
    assert.equal(counted(all, 401) + counted(all, 429), all.length);
    const refused = all.at(-1);
    assert.match(refused.detail, /Too many attempts to log in; try again in \d s/);
    assert.ok(refused.after >= 1 && refused.after <= AGAIN_S, `${refused.after} s`);
    assert.equal((await logIn(wrong("nobody"), "127.3.0.2")).status, 401, "another address has its own");
    const said = lines(from, /AUDIT somebody was not logged in.*from="?127\.3\.0\.1:/);
    assert.ok(said.length >= 1 && said.length <= 2, said.join("\n"));
  });

  test("of_one_name_is_tried_a_hundred_times_from_however_many_addresses", fullOnly, async (t) => {
    await user("bert");
    const begun = performance.now();
    const all = [];
    const guess = async (first) => {
      // Two at a time, since the server compares two; on a slow machine more are looked at before one is refused.
      for (let count = first; count <= 250 && counted(all, 429) < 5; count += 2)
        all.push(await logIn(wrong("Bert "), `127.3.1.${count}`));
    };
    await Promise.all([guess(1), guess(2)]);
    const most = TRIES_OF_NAME + Math.ceil((performance.now() - begun) / 1000 / AGAIN_OF_NAME_S);
    t.diagnostic(`${counted(all, 401)} were looked at, ${counted(all, 429)} were not`);
    assert.ok(counted(all, 401) >= TRIES_OF_NAME && counted(all, 401) <= most, `at most ${most}`);
    assert.ok(counted(all, 429) >= 1, "some were not");
    assert.equal(counted(all, 401) + counted(all, 429), all.length);
    await user("berta");
    assert.equal((await logIn({ name: "berta", password: PASSWORD }, "127.3.1.1")).status, 200);
  });

  test("that_is_wrong_takes_as_long_whether_the_name_is_known_or_not", fullOnly, async (t) => {
    const times = { known: [], unknown: [] };
    const names = ["carl", "carla", "carlo", "carola"];
    for (const name of names) await user(name);
    for (let count = 0; count < names.length * (TRIES - 1); count += 1) {
      const known = names[count % names.length];
      // One after the other, so that both have the same machine.
      for (const [kind, name] of Object.entries({ known, unknown: `${known}-${count}` })) {
        const begun = performance.now();
        const { status, detail } = await logIn(wrong(name), `127.3.2.${count + 1}`);
        times[kind].push(performance.now() - begun);
        assert.deepEqual([status, detail], [401, "The name or the password is wrong."]);
      }
    }
    const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
    const [known, unknown] = [median(times.known), median(times.unknown)];
    t.diagnostic(shown({ known, unknown, ratio: known / unknown }));
    assert.ok(known < 2 * unknown && unknown < 2 * known, shown({ known, unknown }));
  });

  test("that_is_right_lets_its_user_in_while_others_guess_from_everywhere", async (t) => {
    await user("dora");
    const clients = await honest(t, server, { count: 5 });
    const [rss, from] = [rssMb(server), server.logs().length];
    const [ADDRESSES, GUESSERS] = [IS_FULL ? 250 : 100, 20];
    const statuses = {};
    let most = rss;
    let isOver = false;
    const guesses = Array.from({ length: GUESSERS }, async (_, first) => {
      for (let number = first; !isOver; number += GUESSERS) {
        const address = `127.3.4.${1 + (number % ADDRESSES)}`;
        const { status } = await logIn(wrong(`guess-${number}`), address);
        statuses[status] = (statuses[status] ?? 0) + 1;
        most = Math.max(most, rssMb(server));
        // A guess that is not looked at costs this process as much as the server.
        if (status === 429) await sleep(50);
      }
    });
    const noticing = clients.notice(IS_FULL ? 10_000 : 1_000);
    const begun = performance.now();
    const dora = async () => {
      const { status, after } = await logIn({ name: "dora", password: PASSWORD }, "127.3.5.1");
      if (status === 429) await sleep(1000 * after);
      return status === 200;
    };
    await until(dora, "she is let in");
    const seconds = (performance.now() - begun) / 1000;
    const seen = await noticing;
    isOver = true;
    await Promise.all(guesses);
    const said = lines(from, /AUDIT somebody was not logged in/).length;
    t.diagnostic(`let in after ${seconds.toFixed(1)} s beside ${shown(statuses)} of ${ADDRESSES} addresses`);
    t.diagnostic(`${shown(seen)}, ${Math.round(most - rss)} MB more, ${said} lines of the log`);
    assert.equal(seen.lost, 0);
    assert.ok(seen.p99 < LATE_MS && seen.livezP99 < LATE_MS, shown(seen));
    assert.ok(most - rss < COMPARED_MB + MORE_MB, `${most - rss} MB`);
    assert.deepEqual(
      Object.keys(statuses).filter((status) => !["401", "429"].includes(status)),
      [],
    );
    const minutes = Math.ceil((performance.now() - begun) / 60_000);
    assert.ok(said >= 1 && said <= MOST_LINES * minutes, `${said} lines`);
  });
});

/** A token of that secret for so long. */
function token(secret, claims = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.round(Date.now() / 1000) + 600;
  const signed = [
    part({ alg: "HS256", typ: "JWT" }),
    part({ iss: ISSUER, aud: "sightwire", sub: "anna", role: "viewer", exp, ...claims }),
  ];
  const signature = createHmac("sha256", secret).update(signed.join(".")).digest("base64url");
  return [...signed, signature].join(".");
}

/** Asks with many of them, a few at a time; the answers. */
async function asks(count, of, /** @type {string} */ from, path = "/api/v1/streams") {
  const all = [];
  let next = 0;
  const one = async () => {
    while (next < count) {
      const headers = { Authorization: `Bearer ${of((next += 1))}` };
      all.push(await fetchFrom(server, path, { headers, from }));
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
  return all;
}

describe("what_nobody_guesses", () => {
  test("wrong_keys_are_401_each_and_cost_neither_memory_nor_log", async (t) => {
    const clients = await honest(t, server, { count: 5 });
    const [rss, from] = [rssMb(server), server.logs().length];
    const key = () => `sw_${randomBytes(4).toString("hex")}_${randomBytes(32).toString("base64url")}`;
    const noticing = clients.notice(600);
    const all = await asks(IS_FULL ? 10_000 : 1_000, key, "127.3.6.1");
    const seen = await noticing;
    t.diagnostic(`${shown(seen)}, ${Math.round(rssMb(server) - rss)} MB more`);
    assert.equal(counted(all, 401), all.length);
    assert.equal(seen.lost, 0);
    assert.ok(seen.p99 < LATE_MS && seen.livezP99 < LATE_MS, shown(seen));
    assert.ok(rssMb(server) - rss < MORE_MB);
    assert.ok(lines(from, /./).length < 60, lines(from, /./).slice(-5).join("\n"));
    assert.equal((await asks(1, () => server.key, "127.3.6.1"))[0].status, 200);
  });

  test("wrong_links_are_401_each_and_the_right_one_works_all_the_same_once", async () => {
    const from = server.logs().length;
    const headers = { Authorization: `Bearer ${server.admin}`, "Content-Type": "application/json" };
    const body = JSON.stringify({ name: "phone", role: "viewer" });
    const made = await fetchFrom(server, "/api/v1/login-links", { method: "POST", headers, body });
    const link = (await made.json()).url.match(/#link=(\S+)$/)[1];
    for (let count = 0; count < 100; count += 1) {
      const guess = { link: randomBytes(16).toString("base64url") };
      assert.equal((await logIn(guess, "127.3.7.1")).status, 401);
    }
    const said = lines(from, /AUDIT somebody was not logged in.*from="?127\.3\.7\.1:/);
    assert.ok(said.length <= 2, said.join("\n"));
    assert.equal((await logIn({ link }, "127.3.7.2")).status, 200);
    assert.equal((await logIn({ link }, "127.3.7.2")).status, 401);
  });

  test("wrong_tokens_are_verified_so_often_for_one_address_and_others_have_their_own_share", async (t) => {
    const [rss, begun] = [rssMb(server), performance.now()];
    const good = token(secret);
    assert.equal((await asks(1, () => good, "127.3.8.1"))[0].status, 200);
    const all = await asks(2_500, (number) => token("not the secret", { sub: `s${number}` }), "127.3.8.1");
    const seconds = (performance.now() - begun) / 1000;
    t.diagnostic(
      `${counted(all, 401)} were verified within ${seconds.toFixed(1)} s, ${counted(all, 429)} not`,
    );
    assert.ok(counted(all, 401) >= 1_000 - 1 && counted(all, 401) <= 1_000 + 200 * (seconds + 1));
    assert.equal(counted(all, 401) + counted(all, 429), all.length);
    if (counted(all, 429) > 0) {
      const refused = all.find(({ status }) => status === 429);
      assert.ok(Number(refused.headers.get("retry-after")) >= 1);
      assert.equal((await asks(1, () => good, "127.3.8.1"))[0].status, 200, "it was seen before");
    }
    assert.equal((await asks(1, () => token(secret, { sub: "bea" }), "127.3.8.2"))[0].status, 200);
    assert.ok(rssMb(server) - rss < MORE_MB);
  });

  test("tokens_that_are_not_as_they_have_to_be_are_401", async () => {
    const unsigned = token(secret).replace(/^[^.]*/, Buffer.from('{"alg":"none"}').toString("base64url"));
    const past = Math.round(Date.now() / 1000) - 3_600;
    const texts = [
      unsigned,
      unsigned.replace(/[^.]*$/, ""),
      `${token(secret)}x`,
      token(secret, { exp: past }),
    ];
    texts.push(
      token(secret, { role: "root" }),
      token(secret, { sub: undefined }),
      "a.b.c",
      "x".repeat(9_000),
    );
    for (const [status, text] of (await asks(texts.length, (number) => texts[number - 1], "127.3.9.1")).map(
      (answer) => [answer.status, answer.statusText],
    )) {
      assert.equal(status, 401, String(text));
    }
  });
});
