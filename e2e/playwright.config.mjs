// The page in the system's Chromium. The camera is a file: see browser/fixtures.mjs.

import { defineConfig } from "@playwright/test";

// What guards a corner and takes long is left to `--full`.
const left = process.env.SIGHTWIRE_FULL ? [] : [/@full/];

export default defineConfig({
  testDir: "browser",
  outputDir: "test-results",
  // Tests wait more than they compute. Those of one file may run in several workers, each with a server of its own.
  // Two, since lints may run beside them: with three, a machine of two slow cores gives no page the second that it needs.
  workers: 2,
  fullyParallel: true,
  projects: [
    // How often something happens a second is measured: the page, the server and the model share two cores.
    { name: "alone", grep: /@alone/, grepInvert: left, workers: 1 },
    { name: "together", grepInvert: [/@alone/, ...left] },
  ],
  retries: 0,
  timeout: 240_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  forbidOnly: Boolean(process.env.CI),
});
