// The page in the system's Chromium. The camera is a file: see browser/fixtures.mjs.

import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "browser",
  testMatch: "*.spec.mjs",
  outputDir: "test-results",
  // One after the other: the page, the server and the model share two cores on a small machine.
  workers: 1,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  forbidOnly: Boolean(process.env.CI),
});
