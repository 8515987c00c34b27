// Pages for people: that no link leads nowhere. Old addresses of headings that moved to another page go on.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { anchorsOf, headingsOf, linksOf } from "./links.mjs";
import { ROOT } from "./prometheus.mjs";

const read = (/** @type {string} */ file) => readFileSync(join(ROOT, file), "utf8");

test("each_link_between_pages_leads_to_a_file_and_a_heading_that_are_there", () => {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.md"], { cwd: ROOT });
  const pages = listed
    .toString()
    .split("\n")
    .filter((file) => file && existsSync(join(ROOT, file)));
  const dead = [];
  let count = 0;
  for (const page of pages)
    for (const { path, anchor } of linksOf(read(page))) {
      count++;
      const target = path ? join(dirname(page), path) : page;
      const leads =
        existsSync(join(ROOT, target)) &&
        (!anchor || !target.endsWith(".md") || anchorsOf(read(target)).includes(anchor));
      if (!leads) dead.push(`${page}: ${path}${anchor && `#${anchor}`}`);
    }
  assert.ok(pages.length > 40 && count > 400, `${pages.length} pages, ${count} links`);
  assert.deepEqual(dead, []);
});

for (const index of ["benchmarks", "operations"])
  test(`each_heading_that_docs_${index}_had_leads_to_it`, () => {
    const lines = read(`docs/${index}.md`).matchAll(/<a id="([^"]+)"><\/a>\[[^\]]+\]\(([^#)]+)#([^)]+)\)$/gm);
    const old = Array.from(lines, ([, anchor, page, heading]) => {
      assert.equal(heading, anchor, `${index}.md#${anchor} leads there`);
      assert.ok(headingsOf(read(`docs/${page}`)).includes(heading), `${page} has #${heading}`);
      return anchor;
    });
    assert.ok(old.length > 25, `${old.length} headings`);
    assert.deepEqual(
      old.toSorted(),
      anchorsOf(read(`docs/${index}.md`))
        .slice(1)
        .toSorted(),
    );
  });
