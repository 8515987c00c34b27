import type { Document } from 'sightwire/api';
import type { Shown } from '../viewer/paint';

/** A line of text with its place in the whole result. */
export interface Line extends Shown {
  /** Its number on the page, from 1, in reading order. */
  number: number;
}

/** The lines of one page. */
export function linesOf(reading: Document | null, page: number): readonly Line[] {
  const regions = reading?.regions.filter((region) => region.page === page) ?? [];
  return regions.map(({ polygon, text, confidence }, n) => ({
    polygon,
    text,
    confidence,
    number: n + 1,
  }));
}

/** Those that are sure enough and contain what is looked for. */
export function wantedLines(lines: readonly Line[], least: number, find: string): readonly Line[] {
  const wanted = find.trim().toLowerCase();
  return lines.filter(
    ({ confidence, text }) => confidence >= least && text.toLowerCase().includes(wanted),
  );
}

/** As a person would paste it somewhere. */
export function textOf(lines: readonly Line[]): string {
  return lines.map(({ text }) => text).join('\n');
}

/** Where the walk through the lines leads; it stops at both ends. */
export function step(lines: readonly Line[], selected: number | null, by: number): number | null {
  if (lines.length === 0) return null;
  const at = lines.findIndex(({ number }) => number === selected);
  const next = at < 0 ? (by > 0 ? 0 : lines.length - 1) : at + by;
  return lines[Math.min(lines.length - 1, Math.max(0, next))]?.number ?? null;
}
