// The end of a run, for people: how it was measured, each bound with its verdict, and the figures behind it.

import { linesByCause, verdict } from "./verdict.mjs";

/** @import { Run } from "./verdict.mjs" */

const MOST_CAUSES = 15;

/**
 * @param {Run} run
 * @param {{ version: string, machine: string, detector: string }} about
 */
export function summary(run, about) {
  const { plan, samples, counts, outcomes, log } = run;
  const { rows, holds } = verdict(run);
  const broken = rows.filter((row) => !row.holds).length;
  const head = [
    `Soak: ${plan.minutes} minutes${plan.week ? ", a week's comings and goings" : ""}, seed ${plan.seed}`,
    `${about.version}; ${about.machine}; detector ${about.detector}`,
    `${plan.windows} windows of ${minutes(plan.windowS)}, ${plan.rounds} rounds each; ${counts.connects} connects, ${counts.streams} streams begun and ended, ${counts.batches} batches; ${log.lines} log lines`,
    "",
    "RSS: medians of samples, one every 10 s. Threads and descriptors: at the end of each round all leave but the steady load; 11 s",
    "later the least of six looks counts. Delays: the same generators in each window, over all that happens in it.",
  ];
  const table = [
    ["bound", "wanted", "found", ""],
    ...rows.map((row) => [row.what, row.bound, row.found, row.holds ? "holds" : "BROKEN"]),
  ];
  const acts = [["who came, what went wrong", "done", "refused", "failed"]];
  const reasons = [];
  for (const [name, one] of outcomes.all) {
    acts.push([name, String(one.done), String(one.refused), String(one.failed)]);
    for (const [reason, count] of one.reasons) reasons.push(`- ${name}: ${reason} (${count})`);
  }
  const causes = linesByCause(run).slice(0, MOST_CAUSES);
  const loud = [
    ["log lines a minute after the first window", "mean", "most"],
    ...causes.map((one) => [one.cause, one.mean.toFixed(1), String(one.most)]),
  ];
  const quiets = [["quiet moment at s", "window", "RSS MB", "threads", "descriptors", "sessions for text"]];
  for (const one of samples.quiets) {
    quiets.push([
      one.s.toFixed(0),
      String(one.window + 1),
      one.rssMb.toFixed(1),
      String(one.threads),
      String(one.descriptors),
      String(one.sessions),
    ]);
  }
  const parts = [
    head.join("\n"),
    markdown(table),
    markdown(quiets),
    markdown(acts),
    reasons.join("\n"),
    markdown(loud),
  ];
  if (log.errors.length > 0)
    parts.push(["Lines of errors:", ...log.errors.map((line) => `- ${line}`)].join("\n"));
  parts.push(holds ? "All bounds hold." : `${broken} of ${rows.length} bounds are broken.`);
  return { text: `${parts.filter(Boolean).join("\n\n")}\n`, holds };
}

const minutes = (seconds) => `${(seconds / 60).toFixed(1)} minutes`;

/** A table in Markdown, with columns as wide as their widest cell. */
function markdown(/** @type {string[][]} */ [titles, ...rows]) {
  const widths = titles.map((title, i) => Math.max(title.length, 3, ...rows.map((row) => row[i].length)));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
