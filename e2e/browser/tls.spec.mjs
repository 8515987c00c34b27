// HTTPS as a phone meets it: in Chromium, with its own handling of certificates.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { command, removeFolder, until } from "../js/harness.mjs";
import { camera, clipFile, expect, found, launch, test as base } from "./fixtures.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const run = promisify(execFile);

/** The server's name for the phone: one that is not `localhost`, which needs no HTTPS. */
const NAME = "camera.test";

/** @import { Server } from "../js/harness.mjs" */
/** @import { Browser, TestWith } from "./fixtures.mjs" */

/**
 * A server of its own authority, and a browser that knows nobody but whom `trusts` names.
 * @type {TestWith<{ secure: {
 *   server: Server,
 *   env: Record<string, string>,
 *   browser: (how: { trusts: boolean }) => Promise<Browser>,
 *   url: string,
 * } }>}
 */
const test = base.extend({
  secure: async ({ serverWith }, use) => {
    test.skip(found("certutil") === undefined, "certutil (libnss3-tools) is not installed");
    const folder = mkdtempSync(join(tmpdir(), "sightwire-tls-"));
    const env = { SIGHTWIRE_HOME: join(folder, "store"), USE_DUMMY_MODEL: "1" };
    const names = ["--set", `server.hosts=${NAME}`];
    const server = await serverWith({ args: ["--tls", "self-signed", ...names], env });
    const { stdout: ca } = await command(["tls", "show", "--pem", ...names], { env });
    const browsers = [];
    const browser = async ({ trusts }) => {
      const home = mkdtempSync(join(folder, "home-"));
      const database = join(home, ".pki", "nssdb");
      mkdirSync(database, { recursive: true });
      const at = `sql:${database}`;
      await run("certutil", ["-N", "-d", at, "--empty-password"]);
      if (trusts) {
        writeFileSync(join(home, "authority.pem"), ca);
        const as = ["-n", "sightwire", "-t", "C,,", "-i", join(home, "authority.pem")];
        await run("certutil", ["-A", "-d", at, ...as]);
      }
      const resolves = `--host-resolver-rules=MAP ${NAME} 127.0.0.1`;
      const flags = [...camera.plays(await clipFile("wave")), resolves];
      const started = await launch(flags, { ...process.env, HOME: home });
      browsers.push(started);
      return started;
    };
    await use({ server, env, browser, url: `https://${NAME}:${server.port}` });
    for (const one of browsers) await one.close();
    await server.stop();
    removeFolder(folder);
  },
});

test("a_browser_that_does_not_trust_the_authority_warns", async ({ secure }) => {
  const page = await (await secure.browser({ trusts: false })).newPage();
  await expect(page.goto(secure.url)).rejects.toThrow(/ERR_CERT_AUTHORITY_INVALID/);
});

test("a_phone_that_trusts_it_is_logged_in_by_a_link_and_gives_its_camera", async ({ secure }) => {
  const { stdout } = await command(["keys", "add", "--role", "admin"], { env: secure.env });
  const key = stdout.match(/^key: (sw_\S+)$/m)[1];
  const browser = await secure.browser({ trusts: true });
  const owner = await (await browser.newContext()).newPage();
  await owner.goto(`${secure.url}/livez`);
  const make = () =>
    owner.evaluate(async (key) => {
      const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
      const body = JSON.stringify({ role: "streamer", name: "phone" });
      const answer = await fetch("/api/v1/login-links", { method: "POST", headers, body });
      return (await answer.json()).url;
    }, key);
  /** @type {string | undefined} */
  let link;
  await until(async () => (link = await make()) !== undefined, "the key to count");
  expect(link).toMatch(new RegExp(`^${secure.url}/login#link=`));

  const phone = await (await browser.newContext(PHONE)).newPage();
  await phone.goto(link);
  await expect(phone).toHaveURL(`${secure.url}/`);
  expect(await phone.evaluate(() => window.isSecureContext)).toBe(true);
  await phone.goto(`${secure.url}/recognise`);
  await phone
    .getByRole("button", { name: /^Start/ })
    .first()
    .click();
  await expect(phone.getByText("hello").first()).toBeVisible();
});
