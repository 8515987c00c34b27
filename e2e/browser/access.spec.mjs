// Logging in, what each role is offered, and the page of keys and users.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { command, removeFolder, until } from "../js/harness.mjs";
import { looksRight, smallTargets } from "./accessible.mjs";
import { expect, test as base } from "./fixtures.mjs";
import { pasted, PROGRAMS } from "./pasted.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { TestWith } from "./fixtures.mjs" */

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const ARGS = ["--set", "access.mode=protected", "--set", "cameras.allow=127.0.0.0/8"];
const bearer = (/** @type {string} */ key) => ({ Authorization: `Bearer ${key}` });

const homes = /** @type {string[]} */ ([]);

/**
 * A server that knows nobody but by a key, with a store of its own; `admin` is the key that it printed.
 * @type {TestWith<{ house: { server: Server, admin: string, key: (...args: string[]) => Promise<string> } }>}
 */
const test = base.extend({
  house: async ({ serverWith }, use) => {
    const home = mkdtempSync(join(tmpdir(), "sightwire-access-"));
    homes.push(home);
    const env = { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "1" };
    const server = await serverWith({ args: ARGS, env });
    await until(() => /admin key: /.test(server.logs()), "the first key");
    const admin = server.logs().match(/admin key: (sw_\S+) /)[1];
    const key = async (...args) => {
      const { stdout, stderr } = await command(["keys", "add", ...args], { env });
      const made = stdout.match(/^key: (sw_\S+)$/m)?.[1];
      if (made === undefined) throw new Error(stderr);
      const known = async () => (await server.get("/api/v1/session", bearer(made))).json.role;
      await until(known, "the key to count");
      return made;
    };
    await use({ server, admin, key });
  },
});

// When their servers and pages are gone: a page that still loads would not be known any more.
test.afterAll(() => homes.forEach(removeFolder));

/** Logs in with a key on the page that is shown. */
async function logIn(page, key) {
  await page.getByRole("radio", { name: "a key" }).check();
  await page.getByRole("textbox", { name: "Key" }).fill(key);
  await page.getByRole("button", { name: "Log in" }).click();
}

test("whoever_is_not_known_logs_in_and_comes_to_where_they_wanted_to_go", async ({ visit, house }) => {
  const page = await visit("/cameras?try=1", { at: house.server });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Log in to Sightwire");
  await logIn(page, "sw_wrong");
  await expect(page.getByRole("alert")).toContainText("not a key");
  await logIn(page, house.admin);
  await expect(page).toHaveURL(`${house.server.url}/cameras?try=1`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Cameras");
  await page.getByRole("button", { name: /^Account: first/ }).click();
  await expect(page.getByText("an admin · all streams · all uses")).toBeVisible();
  await page.getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Log in to Sightwire");
  await page.goto(`${house.server.url}/cameras`);
  await expect(page).toHaveURL(/\/login\?next=/);
});

test("a_key_in_the_address_logs_in_and_does_not_stay_there", async ({ visit, house }) => {
  const page = await visit(`/health?key=${house.admin}`, { at: house.server });
  await expect(page).toHaveURL(`${house.server.url}/health`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Health");
});

test("an_admin_makes_keys_and_users_and_takes_them_back", async ({ visit, house }) => {
  const page = await visit(`/access?key=${house.admin}`, { at: house.server });
  const keys = page.getByRole("region", { name: "Keys" });
  await expect(keys.getByRole("listitem")).toHaveCount(1);
  await keys.getByRole("button", { name: "Make a key" }).click();
  await keys.getByRole("textbox", { name: "Name" }).fill("wall");
  await keys.getByRole("textbox", { name: "Streams" }).fill("gate-*, yard");
  await keys.getByRole("switch", { name: "Cameras" }).check({ force: true });
  await keys.getByRole("button", { name: "Make the key" }).click();
  const made = await keys.getByTestId("made-key").locator("code").innerText();
  expect(made).toMatch(/^sw_/);
  await keys.getByRole("button", { name: "Done" }).click();
  await expect(keys).not.toContainText(made);
  const row = keys.getByRole("listitem").filter({ hasText: "wall" });
  await expect(row).toContainText("viewer · gate-*, yard · cameras");
  const asked = () => house.server.get("/api/v1/cameras", bearer(made));
  expect((await asked()).status).toBe(200);
  await row.getByRole("button", { name: /^Revoke wall/ }).click();
  await row.getByRole("button", { name: /^Revoke wall/ }).click();
  await expect(row).toHaveCount(0);
  expect((await asked()).status).toBe(401);

  const users = page.getByRole("region", { name: "Users" });
  await users.getByRole("button", { name: "Add a user" }).click();
  await users.getByRole("textbox", { name: "Name" }).fill("Anna");
  await users.getByLabel("Password").fill("correct horse");
  await users.getByRole("radio", { name: /operator/ }).check();
  await looksRight(page, "access-desktop");
  await users.getByRole("button", { name: "Add the user" }).click();
  await expect(users.getByRole("listitem")).toContainText("operator · all streams · all uses");

  const other = await visit("/", { at: house.server });
  await other.getByRole("textbox", { name: "Name" }).fill("anna");
  await other.getByRole("textbox", { name: "Password" }).fill("correct horse");
  await other.getByRole("button", { name: "Log in" }).click();
  await expect(other.getByRole("button", { name: "Account: Anna, operator" })).toBeVisible();
  // The other pages are loaded ahead: those files are for who is known, too.
  const isLoaded = () =>
    performance.getEntriesByType("resource").some(({ name }) => /AccessPage.*\.css/.test(name));
  await expect.poll(() => other.evaluate(isLoaded)).toBe(true);
  await users.getByRole("button", { name: "Remove Anna" }).click();
  await users.getByRole("button", { name: "Remove Anna" }).click();
  // The page asks for something again and again, and is told that nobody is known.
  await expect(other.getByRole("heading", { level: 1 })).toHaveText("Log in to Sightwire");
});

/** The card of the page Access that logs phones in, with a link of the name `phone`. */
async function linkFor(page) {
  const phones = page.getByRole("region", { name: "Phones" });
  await phones.getByRole("button", { name: "Log in a phone" }).click();
  await expect(phones.getByRole("radio", { name: /streamer/ })).toBeChecked();
  await expect(phones.getByRole("textbox", { name: "Name" })).toHaveValue("phone");
  await phones.getByRole("button", { name: "Show the code" }).click();
  await expect(phones.getByText(/^Works once, for another \d+:\d\d$/)).toBeVisible();
  return phones;
}

test("a_link_logs_a_phone_in_once_and_does_not_stay_in_the_address", async ({ visit, house }) => {
  const page = await visit(`/access?key=${house.admin}`, { at: house.server });
  const phones = await linkFor(page);
  // The server listens on this machine alone.
  await expect(phones.getByText("No phone can open this link")).toBeVisible();
  await expect(phones.getByTestId("command")).toHaveText("sightwire serve --lan");
  await expect(phones.getByRole("img", { name: "QR code of the link" })).toHaveCount(0);
  const link = await phones.getByTestId("login-link").locator("code").last().innerText();
  expect(link).toMatch(new RegExp(`^${house.server.url}/login#link=`));
  const row = page.getByRole("region", { name: "Keys" }).getByRole("listitem").filter({ hasText: "phone" });
  await expect(row).toContainText("streamer · all streams · all uses");

  const phone = await visit(link, { ...PHONE, at: house.server });
  await expect(phone).toHaveURL(`${house.server.url}/`);
  await expect(phone.getByRole("button", { name: "Account: phone, streamer" })).toBeVisible();
  expect(
    await phone.evaluate(() =>
      performance
        .getEntries()
        .map(({ name }) => name)
        .join(),
    ),
  ).not.toContain("link=");

  const late = await visit(link, { ...PHONE, at: house.server });
  await expect(late.getByRole("alert")).toContainText("works once");
  await expect(late.getByRole("alert")).toContainText("for a new one");
  await expect(late.getByRole("button", { name: "Log in" })).toBeVisible();
  await expect(late).toHaveURL(`${house.server.url}/login`);
  await looksRight(late, "login-link-phone");
  expect(await smallTargets(late)).toEqual([]);

  // A second after it was opened it loads the other pages; where it is revoked within that second it gets 401 for them.
  const hasAllPages = () =>
    phone.evaluate(() => performance.getEntries().some(({ name }) => name.includes("/AccessPage-")));
  await expect.poll(hasAllPages).toBe(true);
  await row.getByRole("button", { name: /^Revoke phone/ }).click();
  await row.getByRole("button", { name: /^Revoke phone/ }).click();
  await expect(phone.getByRole("heading", { level: 1 })).toHaveText("Log in to Sightwire");
});

test("a_sender_copies_a_link_and_whoever_has_it_sees_that_stream_alone", async ({ visit, house }) => {
  const { server } = house;
  const sender = await house.key("--role", "streamer");
  const page = await visit(`/broadcast?key=${sender}`, {
    at: server,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await page.goto(`${server.url}/broadcast?source=test&start=1&name=gate`);
  await expect(page.getByTestId("viewers")).toHaveText("0");
  await page.getByTestId("viewers-link").click();
  await expect(page.getByTestId("viewers-link-note")).toContainText(/It works until \d\d:\d\d tomorrow/);
  const link = await page.evaluate(() => navigator.clipboard.readText());
  // The same one again: no other key is made of another click.
  await page.getByTestId("viewers-link").click();
  await expect(page.getByTestId("viewers-link")).toHaveText("Link copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);

  const other = await visit(undefined, { at: server, locale: "en-GB" });
  await other.goto(link);
  await expect(other).toHaveURL(`${server.url}/wall?streams=gate`);
  await expect(other.getByTestId("state-gate")).toHaveText("live");
  await expect(page.getByTestId("viewers")).toHaveText("1");
  const pages = other.getByRole("navigation", { name: "Pages" }).getByRole("link");
  await expect(pages).toHaveText(["Start", "Cameras", "Wall", "Health"]);
  const session = await other.evaluate(async () => (await fetch("/api/v1/session")).json());
  expect([session.role, session.streams]).toEqual(["viewer", ["gate"]]);
  // A link to another stream shows that one; one that is no viewer's is none.
  const makeLink = async (name) => {
    const headers = { ...bearer(sender), "Content-Type": "application/json" };
    const url = `${server.url}/api/v1/streams/${name}/links`;
    return (await (await fetch(url, { method: "POST", headers, body: "{}" })).json()).path;
  };
  await other.goto(server.url + (await makeLink("yard")));
  await expect(other).toHaveURL(`${server.url}/wall?streams=yard`);
  const next = await other.evaluate(async () => (await fetch("/api/v1/session")).json());
  expect(next.streams).toEqual(["yard"]);
  await other.goto(`${server.url}/login?next=/wall#key=${sender}`);
  await expect(other.getByRole("alert").first()).toContainText("not a link to watch");
  // Whoever is known already stays who they are.
  await page.goto(link);
  await expect(page).toHaveURL(`${server.url}/wall?streams=gate`);
  const own = await page.evaluate(async () => (await fetch("/api/v1/session")).json());
  expect(own.role).toBe("streamer");
});

test("a_link_to_watch_whose_key_was_revoked_says_so_and_offers_to_log_in", async ({ visit, house }) => {
  const { server } = house;
  const headers = { ...bearer(house.admin), "Content-Type": "application/json" };
  const made = await fetch(`${server.url}/api/v1/streams/gate/links`, {
    method: "POST",
    headers,
    body: "{}",
  });
  const { path } = await made.json();
  const page = await visit(`/access?key=${house.admin}`, { at: server });
  const row = page.getByRole("region", { name: "Keys" }).getByRole("listitem").filter({ hasText: "gate" });
  await row.getByRole("button", { name: /^Revoke/ }).click();
  await row.getByRole("button", { name: /^Revoke/ }).click();
  await expect(row).toHaveCount(0);

  const other = await visit(undefined, { at: server, locale: "en-GB" });
  await other.goto(server.url + path);
  const alert = other.getByRole("alert").first();
  await expect(alert).toContainText("it was revoked");
  await expect(alert).toContainText("for a new one, or log in below");
  await expect(other.getByRole("button", { name: "Try again" })).toHaveCount(0);
  expect(other.url()).not.toContain("#");
  await logIn(other, house.admin);
  await expect(other).toHaveURL(`${server.url}/wall?streams=gate`);
});

test("a_link_goes_where_one_wanted_to_go_and_never_to_another_server", async ({ visit, house }) => {
  const body = JSON.stringify({ role: "viewer" });
  const make = async () => {
    const headers = { ...bearer(house.admin), "Content-Type": "application/json" };
    const answer = await fetch(`${house.server.url}/api/v1/login-links`, { method: "POST", headers, body });
    return new URL((await answer.json()).url).hash;
  };
  const page = await visit(`/login?next=/cameras${await make()}`, { at: house.server });
  await expect(page).toHaveURL(`${house.server.url}/cameras`);
  const astray = await visit("/login?next=https://elsewhere.example/", { at: house.server });
  // Pasted over the address of a page that is there, it does not load anything anew.
  const hash = await make();
  await astray.evaluate((hash) => (location.hash = hash), hash);
  await expect(astray).toHaveURL(`${house.server.url}/`);
});

test("a_link_that_the_server_did_not_hear_of_can_be_tried_again", async ({ visit, house }) => {
  const page = await visit("/login", { at: house.server });
  await page.route("**/api/v1/login", (route) => route.abort());
  await page.evaluate(() => (location.hash = "#link=nonsense"));
  await expect(page.getByRole("alert")).toContainText("not responding");
  await page.unroute("**/api/v1/login");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("alert")).toContainText("works once");
  await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
});

for (const [screen, options] of Object.entries({ desktop: {}, phone: PHONE })) {
  test(`a_code_is_shown_as_long_as_it_works_and_then_another_one_(${screen})`, async ({ visit, house }) => {
    const page = await visit(undefined, { ...options, at: house.server });
    // As on a server that others reach, over HTTPS of its own.
    let lasts = 600;
    await page.route("**/api/v1/login-links", async (route) => {
      const answer = await (await route.fetch()).json();
      await route.fulfill({ status: 201, json: { ...answer, others_reach_it: true, expires_in_s: lasts } });
    });
    const fingerprint = Array(32).fill("E8").join(":");
    const authority = { download: "/login/authority.crt", expires: "2036-11-20T00:00:00Z", fingerprint };
    await page.route("**/api/v1/tls", (route) =>
      route.fulfill({
        json: { authority, expires: "2027-12-25T00:00:00Z", mode: "self-signed", names: ["box.local"] },
      }),
    );
    await page.goto(`/access?key=${house.admin}`);
    const https = page.getByRole("region", { name: "HTTPS" });
    await expect(https).toContainText("own authority");
    await expect(https).toContainText(fingerprint);
    await expect(https.getByRole("link", { name: "Download the authority" })).toHaveAttribute(
      "href",
      "/login/authority.crt",
    );
    const phones = await linkFor(page);
    const code = phones.getByRole("img", { name: "QR code of the link" });
    // The form was longer: what takes its place is in view, and has the focus.
    await expect(code).toBeInViewport();
    await expect(phones.getByTestId("login-link")).toBeFocused();
    expect(
      await code.evaluate((/** @type {HTMLImageElement} */ { naturalWidth }) => naturalWidth),
    ).toBeGreaterThan(0);
    await looksRight(page, `access-link-${screen}`);
    if (screen === "phone") expect(await smallTargets(page)).toEqual([]);

    const shown = () => phones.getByTestId("login-link").locator("code").innerText();
    const first = await shown();
    lasts = 1;
    await phones.getByRole("button", { name: "Make another link" }).click();
    await expect(phones.getByText("no longer works")).toBeVisible();
    await expect(phones).not.toContainText("#link=");
    lasts = 600;
    await phones.getByRole("button", { name: "Make another link" }).click();
    await expect.poll(shown).toMatch(/#link=/);
    expect(await shown()).not.toBe(first);
    await phones.getByRole("button", { name: "Done" }).click();
    await expect(phones.getByRole("button", { name: "Log in a phone" })).toBeVisible();
  });
}

test("a_server_without_https_says_what_phones_do_not_get", async ({ visit, house }) => {
  const page = await visit(`/access?key=${house.admin}`, { at: house.server });
  const https = page.getByRole("region", { name: "HTTPS" });
  await expect(https).toContainText("Off");
  await expect(https.getByTestId("command")).toHaveText("sightwire serve --lan");
  await page.getByRole("button", { name: "Log in a phone" }).click();
  await expect(page.getByText("The phone will not give its camera")).toBeVisible();
});

test("what_a_role_may_not_do_is_not_offered_or_says_who_may", async ({ visit, house }) => {
  const viewer = await house.key("--role", "viewer");
  const page = await visit(`/recognise?key=${viewer}`, { at: house.server });
  const refused = [];
  page.on("response", (answer) => {
    if (answer.status() === 403) refused.push(answer.url());
  });
  for (const [path, title] of [
    ["/recognise", "Having signs recognised takes a streamer"],
    ["/broadcast", "Sending a stream takes a streamer"],
    ["/read", "Reading text takes a streamer"],
    ["/access", "Managing keys and users takes an admin"],
  ]) {
    await page.goto(house.server.url + path);
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
  }
  await page.goto(house.server.url);
  await expect(page.getByText("Having signs recognised takes a streamer.")).toBeVisible();
  const pages = page.getByRole("navigation", { name: "Pages" }).getByRole("link");
  await expect(pages).toHaveText(["Start", "Cameras", "Wall", "Health"]);
  await expect(page.getByText("Reading text takes a streamer.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Watch the wall" })).toBeVisible();
  for (const name of ["Use my camera", "Read pictures", "Send a test pattern", "Try a simulated camera"]) {
    await expect(page.getByRole("link", { name }).or(page.getByRole("button", { name }))).toHaveCount(0);
  }
  await page.goto(`${house.server.url}/wall`);
  await expect(page.getByRole("heading", { name: "No streams yet" })).toBeVisible();
  await expect(page.getByTestId("to-broadcast")).toHaveCount(0);
  await page.goto(`${house.server.url}/cameras`);
  await expect(page.getByRole("heading", { name: "No cameras yet" })).toBeVisible();
  await expect(page.getByText("to change cameras takes an operator")).toBeVisible();
  await expect(page.getByTestId("add-first")).toHaveCount(0);
  await page.getByRole("button", { name: /^Account:/ }).click();
  await expect(page.getByRole("link", { name: "Keys and users" })).toHaveCount(0);
  // What one may not have is not asked for either.
  expect(refused).toEqual([]);
});

for (const [language, file, program] of PROGRAMS) {
  test(`the_${language}_snippet_has_a_place_for_a_key @full`, async ({ visit, house }) => {
    const page = await visit(`/?key=${house.admin}`, { at: house.server });
    await expect(page.getByText("Put a key in place of KEY.")).toBeVisible();
    const code = await page.getByLabel(`${language} snippet`, { exact: true }).textContent();
    expect(code).toContain("?key=KEY");
    const key = await house.key("--role", "streamer");
    await pasted(program, `keyed-${file}`, code.replaceAll("KEY", key), /\w.* 0\.\d+/);
  });
}

test("a_viewer_watches_a_camera_and_changes_nothing", async ({ visit, house, cameraWith }) => {
  const camera = await cameraWith();
  const headers = { ...bearer(house.admin), "Content-Type": "application/json" };
  const body = JSON.stringify({ id: "gate", name: "Gate", url: `${camera.url}/stream` });
  const added = await fetch(`${house.server.url}/api/v1/cameras`, { method: "POST", headers, body });
  expect(added.status).toBe(201);
  const viewer = await house.key("--role", "viewer");
  const page = await visit(`/cameras?key=${viewer}`, { at: house.server });
  await expect(page.getByTestId("state-gate")).toHaveText("live", { timeout: 30_000 });
  await expect(page.getByTestId("add-camera")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Edit Gate" })).toHaveCount(0);
  await page.getByRole("link", { name: "Open Gate" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Gate");
  await expect(page.getByText("Who watches takes an operator to see")).toBeVisible();
  await expect(page.getByRole("button", { name: "Edit the camera" })).toHaveCount(0);
  await page.keyboard.press("e");
  await page.goto(`${house.server.url}/health`);
  await expect(page.getByText("to end streams and viewers takes an operator")).toBeVisible({
    timeout: 30_000,
  });
  await expect(page.getByTestId("stream-gate")).toBeVisible();
  await expect(page.getByTestId("end")).toHaveCount(0);
  await expect(page.getByText("Who watches takes an operator to see.")).toBeVisible();
});

test("a_page_without_https_says_that_it_gets_no_camera", async ({ visit, serverWith, browserWith }) => {
  const hosts = ["--set", "server.hosts=camera.test", "--set", "access.mode=open"];
  const server = await serverWith({ args: hosts, env: { USE_DUMMY_MODEL: "1" } });
  const browser = await browserWith(["--host-resolver-rules=MAP camera.test 127.0.0.1"]);
  const at = { url: `http://camera.test:${server.port}` };
  const page = await visit("/recognise", { browser, at });
  expect(await page.evaluate(() => window.isSecureContext)).toBe(false);
  for (const path of ["/recognise", "/broadcast"]) {
    await page.goto(path);
    const panel = page.getByTestId("no-https");
    await expect(panel).toContainText("HTTPS");
    await expect(panel.getByTestId("command")).toHaveText("sightwire serve --lan");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await expect(panel).toBeVisible();
    await panel.getByRole("button", { name: "Try it without a camera" }).click();
    await expect(panel).toHaveCount(0);
  }
});

for (const [screen, options] of Object.entries({ desktop: {}, phone: PHONE })) {
  test(`the_login_page_is_accessible_and_fits_(${screen})`, async ({ visit, house }) => {
    const page = await visit("/login", { ...options, at: house.server });
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await looksRight(page, `login-${screen}`);
    if (screen === "phone") expect(await smallTargets(page)).toEqual([]);
  });
}

test("the_page_of_keys_fits_on_a_phone", async ({ visit, house }) => {
  const page = await visit(`/access?key=${house.admin}`, { ...PHONE, at: house.server });
  await expect(page.getByRole("region", { name: "Keys" }).getByRole("listitem")).toHaveCount(1);
  await page.getByRole("button", { name: "Make a key" }).click();
  await looksRight(page, "access-phone");
  expect(await smallTargets(page)).toEqual([]);
});
