// The model picker: what the server knows, what is in use, and changing it under running clients.

import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { HOME } from "../js/harness.mjs";
import { looksRight, SCREENS } from "./accessible.mjs";
import { expect, fullUnless, recorded, screenshot, test } from "./fixtures.mjs";

/** @import { Model, Models, RecognizerStatus, Status } from "../js/types.ts" */
/** @import { Page } from "./fixtures.mjs" */

const TWIN = "bewegungen";
const TWIN_LABELS = ["ruhe", "links", "rechts", "hoch", "runter", "weg", "her", "winken"];

/**
 * A store with a second model: the built-in one with its labels in German, so that a change can be
 * seen in what is recognised. With what was measured before, or the server would measure it, too,
 * and refuse the change while it does.
 */
async function withTwin(run) {
  const home = await mkdtemp(join(tmpdir(), "sightwire-home-"));
  try {
    await mkdir(join(home, "models"));
    await symlink(join(HOME, "runtime"), join(home, "runtime"));
    const trials = join(HOME, "trials");
    if (existsSync(trials)) await cp(trials, join(home, "trials"), { recursive: true });
    const manifest = await readFile(resolve("../models/gestures.toml"), "utf8");
    const twin = manifest
      .replace(/^name = .*$/m, `name = "${TWIN}"`)
      .replace(/^title = .*$/m, 'title = "Handbewegungen"')
      .replace(/^labels = .*$/m, `labels = ${JSON.stringify(TWIN_LABELS)}`);
    await writeFile(join(home, "models", `${TWIN}.toml`), twin);
    return await run({ SIGHTWIRE_HOME: home });
  } finally {
    // The server that has just ended may still write to it.
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Opens the picker by its key; the dialog. */
async function picker(page) {
  await expect(page.getByTestId("model-bar")).toContainText("label");
  await page.keyboard.press("o");
  const dialog = page.getByRole("dialog", { name: "Models" });
  await expect(dialog.getByTestId("models")).toBeVisible();
  return dialog;
}

/**
 * Changes the server's list of models on its way to the page.
 * @param {Page} page
 * @param {(answer: Models) => void} change
 */
function relist(page, change) {
  return page.route("**/api/v1/models", async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    change(answer);
    await route.fulfill({ response, json: answer });
  });
}

/**
 * Changes what the server says of its recogniser on the way to the page. It is asked again and
 * again: the test has to end with `page.unrouteAll`.
 * @param {Page} page
 * @param {() => Partial<RecognizerStatus>} change
 */
function restate(page, change) {
  return page.route("**/api/v1/status", async (route) => {
    const response = await route.fetch();
    /** @type {Status} */
    const status = await response.json();
    Object.assign(status.recognizer, change());
    await route.fulfill({ response, json: status });
  });
}

/**
 * A model beside the one in use, as the list would have it.
 * @param {Partial<Model>} [change]
 * @returns {Model}
 */
function another(change = {}) {
  return {
    name: "signs",
    task: "clip-classification",
    title: "Signs",
    licence: "MIT",
    source: "somewhere",
    active: false,
    available: true,
    card: null,
    labels: ["book", "drink"],
    recognizer: true,
    size_bytes: 13_000_000,
    clip: { window: 10, width: 224, height: 224, threshold: 0.5, precision: "bf16", split: true },
    imported: null,
    needs: null,
    ...change,
  };
}

test("the_model_in_use_stands_on_the_page_and_its_card_in_the_picker", async ({ visit }) => {
  const page = await visit("/recognise");
  await expect(page.getByTestId("model-bar")).toContainText("Hand-motion gestures");
  await expect(page.getByTestId("model-note")).toHaveText("8 labels · 10 frames · 1.8 MB");
  await page.getByTestId("model-bar").click();
  const dialog = page.getByRole("dialog", { name: "Models" });
  await expect(dialog.getByTestId("model-gestures")).toContainText("in use");
  await expect(dialog.getByTestId("model-gestures")).toBeFocused();
  const card = dialog.getByTestId("model-card");
  await expect(card.getByRole("heading", { name: "Hand-motion gestures" })).toHaveCount(1);
  for (const fact of ["10 frames of 224 × 224", "32-bit float", "MIT OR Apache-2.0", "1.8 MB"]) {
    await expect(card).toContainText(fact);
  }
  await expect(card.getByRole("list", { name: "Labels" }).getByRole("listitem")).toHaveCount(8);
  await expect(card.getByRole("heading", { name: "Where it is weak" })).toBeVisible();
  await expect(card.getByRole("cell", { name: "98.6 %" })).toBeAttached();
  await expect(dialog.getByTestId("model-footer")).toHaveText("This model is in use.");
  await expect(dialog.getByTestId("use-model")).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByTestId("model-bar")).toBeFocused();
});

test("another_model_is_put_to_use_while_clients_go_on", async ({ visit, serverWith }) => {
  await withTwin(async (env) => {
    const server = await serverWith({ env });
    // A clip that is recognised however few of its frames a busy machine gets to send; two of them make a word.
    const still = "/recognise?source=sample&gesture=still&rest=on&steady=2";
    const page = await visit(still, { at: server });
    const other = await visit(still, { at: server });
    const idle = await visit("/recognise", { at: server });
    for (const one of [page, other]) {
      await expect(one.getByTestId("label")).toHaveText("still", { timeout: 30_000 });
    }
    await expect(page.getByTestId("sentence")).toHaveText("still", { timeout: 30_000 });
    await page.keyboard.press("e");
    await expect.poll(() => recorded(page), { timeout: 20_000 }).toBeGreaterThan(5);
    // What stands there from now on tells of a dropped client.
    for (const one of [page, other]) {
      await one.evaluate(() => {
        globalThis.states = new Set();
        const badge = document.querySelector('[data-testid="connection-state"]');
        new MutationObserver(() => globalThis.states.add(badge.textContent)).observe(badge, {
          characterData: true,
          childList: true,
          subtree: true,
        });
      });
    }

    const dialog = await picker(page);
    await dialog.getByTestId(`model-${TWIN}`).click();
    await expect(dialog.getByTestId("model-card")).toContainText("winken");
    await expect(dialog.getByTestId("use-note")).toContainText("2 clients are connected");
    await dialog.getByTestId("use-model").click();
    await expect(dialog.getByTestId("model-footer")).toHaveText(/In use now. Switching took [\d.]+ ms./, {
      timeout: 30_000,
    });
    await expect(dialog.getByTestId(`model-${TWIN}`)).toContainText("in use");
    await expect(dialog.getByTestId("model-gestures")).toContainText("ready");
    await page.keyboard.press("Escape");

    for (const one of [page, other]) {
      await expect(one.getByTestId("label")).toHaveText("ruhe", { timeout: 30_000 });
      const states = await one.evaluate(() => [...globalThis.states]);
      // A busy machine may be late with a picture or an answer.
      expect(states.filter((state) => !/^(live|(stalled|frozen) \d+ s)$/.test(state))).toEqual([]);
    }
    for (const one of [page, other, idle]) {
      await expect(one.getByTestId("model-bar")).toContainText("Handbewegungen");
      await expect(one.getByTestId("model-announcement")).toHaveText("Model: Handbewegungen");
      await expect(one.getByTestId("bars")).toContainText("winken");
    }
    // The sentence goes on in the other language, and so does the recording.
    await expect(page.getByTestId("sentence")).toHaveText("still ruhe", { timeout: 30_000 });
    const [file] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("d")]);
    const lines = (await readFile(await file.path(), "utf8")).trimEnd().split("\r\n");
    const [head, ...rows] = lines.map((line) => line.split(","));
    expect(head.slice(0, 6).join()).toBe("time,label,score,delay_ms,seen,model");
    expect(head).toContain("score_still");
    expect(head).toContain("score_ruhe");
    for (const row of rows) expect(row).toHaveLength(head.length);
    const of = (model) => rows.filter((row) => row[5] === model);
    expect(of("gestures").length).toBeGreaterThan(5);
    expect(of(TWIN).length).toBeGreaterThan(1);
    for (const row of of("gestures")) {
      expect(row[head.indexOf("score_still")]).not.toBe("");
      expect(row[head.indexOf("score_ruhe")]).toBe("");
    }
    for (const row of of(TWIN)) expect(row[head.indexOf("score_still")]).toBe("");
    // Before the server ends with the test: frames to a closed server are errors in the console.
    for (const one of [page, other]) await one.close();
  });
});

test("the_way_back_is_the_same_and_the_news_of_it_is_not_stale @full", async ({ visit, serverWith }) => {
  await withTwin(async (env) => {
    const server = await serverWith({ env });
    const page = await visit("/recognise", { at: server });
    const other = await visit("/recognise", { at: server });
    const dialog = await picker(page);
    await dialog.getByTestId(`model-${TWIN}`).click();
    await dialog.getByTestId("use-model").click();
    await expect(dialog.getByTestId("model-footer")).toContainText("Switching took");
    await expect(other.getByTestId("model-bar")).toContainText("Handbewegungen");
    const elsewhere = await picker(other);
    await elsewhere.getByTestId("model-gestures").click();
    await elsewhere.getByTestId("use-model").click();
    await expect(elsewhere.getByTestId("model-footer")).toContainText("Switching took");
    // Here it is neither in use any more nor said to be.
    await expect(dialog.getByTestId("use-model")).toBeVisible();
    await expect(dialog.getByTestId("model-gestures")).toContainText("in use");
  });
});

/** @type {[status: number, detail: string, title: string][]} */
const REFUSALS = [
  [403, "Only from the machine itself.", "The model cannot be changed from here"],
  [409, "The model is being changed to x.", "Another switch is in progress"],
  [422, "head.onnx has 5 outputs, not 8.", "The server cannot use this model"],
];
for (const [status, detail, title] of REFUSALS) {
  test(`a_refusal_with_${status}_says_why_and_the_old_model_stays${fullUnless(status === 422)}`, async ({
    visit,
  }) => {
    const page = await visit();
    await relist(page, (answer) => {
      answer.models.push(another());
      answer.may_activate = true;
    });
    await page.route("**/api/v1/models/signs/activate", (route) =>
      route.request().method() === "POST" ? route.fulfill({ status, json: { detail } }) : route.abort(),
    );
    await page.goto("/recognise");
    const dialog = await picker(page);
    await dialog.getByTestId("model-signs").click();
    await dialog.getByTestId("use-model").click();
    const alert = dialog.getByRole("alert");
    await expect(alert).toContainText(title);
    await expect(alert).toContainText(detail);
    await expect(dialog.getByTestId("model-gestures")).toContainText("in use");
    await expect(dialog.getByTestId("use-model")).toBeEnabled();
    await expect(page.getByTestId("model-bar")).toContainText("Hand-motion gestures");
  });
}

test("where_it_may_not_be_changed_the_button_is_off_and_says_why", async ({ visit }) => {
  const page = await visit();
  await relist(page, (answer) => {
    answer.models.push(another());
    answer.may_activate = false;
    answer.why_not = "The model may be changed from the machine itself.";
  });
  await page.goto("/recognise");
  const dialog = await picker(page);
  await dialog.getByTestId("model-signs").click();
  await expect(dialog.getByTestId("use-model")).toBeDisabled();
  await expect(dialog.getByTestId("use-note")).toHaveText(
    "The model may be changed from the machine itself.",
  );
  await expect(dialog.getByTestId("use-model")).toHaveAccessibleDescription(/from the machine itself/);
});

const command = "sightwire models pull signs";
for (const needs of /** @type {const} */ (["pull", "import"])) {
  test(`a_model_that_needs_${needs}_shows_the_command_instead_of_a_button @full`, async ({ visit }) => {
    const page = await visit(undefined, { permissions: ["clipboard-read", "clipboard-write"] });
    await relist(page, (answer) => {
      answer.models.push(another({ needs, available: false, clip: null }));
      answer.may_activate = true;
    });
    await page.goto("/recognise");
    const dialog = await picker(page);
    await dialog.getByTestId("model-signs").click();
    const footer = dialog.getByTestId("model-footer");
    await expect(footer.getByTestId("command")).toHaveText(command);
    await expect(dialog.getByTestId("use-model")).toHaveCount(0);
    await footer.getByRole("button", { name: /^Copy/ }).click();
    await expect(footer.getByRole("button", { name: /^Copied/ })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(command);
  });
}

test("a_change_that_somebody_else_began_is_said_so @full", async ({ visit }) => {
  const page = await visit();
  await relist(page, (answer) => {
    answer.models.push(another());
    answer.may_activate = true;
  });
  let switching = null;
  await restate(page, () => ({ switching }));
  await page.goto("/recognise");
  await expect(page.getByTestId("model-note")).toContainText("8 labels");
  switching = { to: "signs" };
  await expect(page.getByTestId("model-note")).toHaveText("switching to Signs…");
  await expect(page.getByTestId("model-announcement")).toHaveText("Switching to the model Signs");
  await page.keyboard.press("o");
  const dialog = page.getByRole("dialog", { name: "Models" });
  await dialog.getByTestId("model-signs").click();
  await expect(dialog.getByTestId("model-footer")).toContainText("Switching to this model…");
  await expect(dialog.getByRole("progressbar")).toBeVisible();
  switching = null;
  await expect(dialog.getByTestId("use-model")).toBeEnabled();
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("while_the_server_imports_the_page_says_how_far_it_is @full", async ({ visit }) => {
  const page = await visit();
  let loading = { text: "Importing signs.h5: comparing with the original.", progress: 0.42 };
  await restate(page, () => (loading === null ? {} : { state: "loading", loading }));
  await page.goto("/recognise");
  await expect(page.getByText("Importing signs.h5: comparing with the original.").first()).toBeVisible();
  const bar = page.getByRole("progressbar", { name: "The model is loading" });
  await expect(bar).toHaveAttribute("aria-valuenow", "42");
  await screenshot(page, "model-loading");
  loading = { text: "Importing signs.h5.", progress: null };
  await expect(bar).not.toHaveAttribute("aria-valuenow");
  loading = null;
  await expect(bar).toHaveCount(0);
  await expect(page.getByTestId("server-state")).toHaveText(/ready/);
  await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("a_card_cannot_bring_markup_or_scripts_with_it @full", async ({ visit }) => {
  const page = await visit();
  const card = [
    "# Title",
    '<img src="x" onerror="document.title = 1"> <script>document.title = 2</script>',
    "[click](javascript:document.title=3) and ![p](https://example.org/p.png)",
    "[paper](https://example.org/paper)",
  ].join("\n\n");
  await relist(page, (answer) => void answer.models.push(another({ card })));
  await page.goto("/recognise");
  const dialog = await picker(page);
  await dialog.getByTestId("model-signs").click();
  const section = dialog.getByRole("region", { name: "Model card" });
  await expect(section).toContainText('<img src="x" onerror="document.title = 1">');
  await expect(section.locator("img, script")).toHaveCount(0);
  const links = section.getByRole("link");
  await expect(links).toHaveCount(1);
  await expect(links).toHaveAttribute("href", "https://example.org/paper");
  await expect(links).toHaveAttribute("rel", /noopener/);
  await expect(page).toHaveTitle("Recognise · Sightwire");
});

test("the_picker_works_with_the_keyboard_alone @full", async ({ visit }) => {
  const page = await visit();
  await relist(page, (answer) => {
    answer.models = [...answer.models.filter((model) => model.active), another()];
  });
  await page.goto("/recognise");
  const dialog = await picker(page);
  await expect(dialog.getByTestId("model-gestures")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(dialog.getByTestId("model-signs")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(dialog.getByTestId("model-card")).toContainText("16-bit bfloat");
  // Shortcuts of the page rest while a dialog is open.
  await page.keyboard.press("s");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByTestId("start")).toBeVisible();
});

for (const [screen, options] of Object.entries(SCREENS)) {
  test(`the_picker_is_accessible_and_fits_${screen} @full`, async ({ visit }) => {
    const page = await visit(undefined, { ...options, reducedMotion: "reduce" });
    await relist(page, (answer) => {
      answer.models.push(
        another(),
        another({ name: "more", title: "More signs", needs: "pull", clip: null }),
      );
      answer.may_activate = true;
    });
    await page.goto("/recognise");
    if (screen === "phone") await page.getByRole("button", { name: "Controls" }).click();
    await page.getByTestId("model-bar").click();
    const dialog = page.getByRole("dialog", { name: "Models" });
    await expect(dialog.getByTestId("model-gestures")).toContainText("in use");
    await looksRight(page, `models-${screen}`);
    await dialog.getByTestId("model-signs").click();
    await expect(dialog.getByTestId("use-model")).toBeVisible();
    await looksRight(page, `models-use-${screen}`);
    if (screen === "phone") {
      await dialog.getByRole("button", { name: "All models" }).click();
      await expect(dialog.getByTestId("model-more")).toBeVisible();
    }
  });
}
