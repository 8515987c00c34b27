// The page in the system's Chromium. The camera is a file: see browser/fixtures.mjs.

import { defineConfig } from "@playwright/test";

// What is recognised 25 times a second is measured: the page, the server and the model share two cores on a small machine.
const MEASURED = ["camera", "client", "models", "recognise", "streamer", "words"].map(
  (name) => `${name}.spec.mjs`,
);

export default defineConfig({
  testDir: "browser",
  outputDir: "test-results",
  workers: 2,
  projects: [
    { name: "alone", testMatch: MEASURED, workers: 1 },
    { name: "together", testMatch: "*.spec.mjs", testIgnore: MEASURED },
  ],
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  forbidOnly: Boolean(process.env.CI),
});
