import type { Document } from 'sightwire/api';
import type { Point } from '../viewer/geometry';
import type { Shown } from '../viewer/paint';

/** A line of text with its place in the whole result. */
export interface Line extends Shown {
  /** Its number on the page, from 1, in reading order. */
  number: number;
  /** The number of its row on the page: what stands side by side has the same. */
  row: number;
}

/** The lines of one page. */
export function linesOf(reading: Document | null, page: number): readonly Line[] {
  const regions = reading?.regions.filter((region) => region.page === page) ?? [];
  return regions.map(({ polygon, text, confidence, row }, n) => ({
    polygon,
    text,
    confidence,
    number: n + 1,
    row,
  }));
}

/** Those that are sure enough and contain what is looked for. */
export function wantedLines(lines: readonly Line[], least: number, find: string): readonly Line[] {
  const wanted = find.trim().toLowerCase();
  return lines.filter(
    ({ confidence, text }) => confidence >= least && text.toLowerCase().includes(wanted),
  );
}

/** How sure the lines are on average, 0 to 1; null where there are none. */
export function meanConfidence(lines: readonly Line[]): number | null {
  if (lines.length === 0) return null;
  return lines.reduce((sum, { confidence }) => sum + confidence, 0) / lines.length;
}

/** As a person would paste it somewhere: rows are lines, and cells of a table have tabs between them. */
export function textOf(lines: readonly Line[]): string {
  return lines
    .map((line, n) => {
      const before = lines[n - 1];
      if (before === undefined) return line.text;
      const between = before.row !== line.row ? '\n' : areCells(before, line) ? '\t' : ' ';
      return between + line.text;
    })
    .join('');
}

/** Whether two lines of a row stand further apart than words do: by a line's height. */
function areCells(left: Line, right: Line): boolean {
  const [, endAbove, endBelow] = left.polygon;
  const [beginAbove, , , beginBelow] = right.polygon;
  const height = Math.min(distance(endAbove, endBelow), distance(beginAbove, beginBelow));
  return distance(middle(endAbove, endBelow), middle(beginAbove, beginBelow)) >= height;
}

function distance([x, y]: Point, [otherX, otherY]: Point): number {
  return Math.hypot(otherX - x, otherY - y);
}

function middle([x, y]: Point, [otherX, otherY]: Point): Point {
  return [(x + otherX) / 2, (y + otherY) / 2];
}

/** Where the walk through the lines leads; it stops at both ends. */
export function step(lines: readonly Line[], selected: number | null, by: number): number | null {
  if (lines.length === 0) return null;
  const at = lines.findIndex(({ number }) => number === selected);
  const next = at < 0 ? (by > 0 ? 0 : lines.length - 1) : at + by;
  return lines[Math.min(lines.length - 1, Math.max(0, next))]?.number ?? null;
}
