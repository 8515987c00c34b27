// Logging in, what each role is offered, and the page of keys and users.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { command, until } from "../js/harness.mjs";
import { looksRight, smallTargets } from "./accessible.mjs";
import { expect, test as base } from "./fixtures.mjs";

/** @import { Server } from "../js/harness.mjs" */
/** @import { TestWith } from "./fixtures.mjs" */

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const bearer = (/** @type {string} */ key) => ({ Authorization: `Bearer ${key}` });

/**
 * A server that knows nobody but by a key, with a store of its own; `admin` is the key that it printed.
 * @type {TestWith<{ house: { server: Server, admin: string, key: (...args: string[]) => Promise<string> } }>}
 */
const test = base.extend({
  house: async ({ serverWith }, use) => {
    const home = mkdtempSync(join(tmpdir(), "sightwire-access-"));
    const env = { SIGHTWIRE_HOME: home, USE_DUMMY_MODEL: "1" };
    const server = await serverWith({ args: ["--set", "access.mode=protected"], env });
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
    rmSync(home, { recursive: true });
  },
});

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

test("what_a_role_may_not_do_is_not_offered_or_says_who_may", async ({ visit, house }) => {
  const viewer = await house.key("--role", "viewer");
  const page = await visit(`/recognise?key=${viewer}`, { at: house.server });
  for (const [path, title] of [
    ["/recognise", "Having signs recognised takes a streamer"],
    ["/broadcast", "Sending a stream takes a streamer"],
    ["/read", "Reading text takes a streamer"],
    ["/access", "Managing keys and users takes an admin"],
  ]) {
    await page.goto(house.server.url + path);
    await expect(page.getByRole("heading", { name: title })).toBeVisible();
  }
  await page.goto(`${house.server.url}/cameras`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Cameras");
  await page.getByRole("button", { name: /^Account:/ }).click();
  await expect(page.getByRole("link", { name: "Keys and users" })).toHaveCount(0);
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
