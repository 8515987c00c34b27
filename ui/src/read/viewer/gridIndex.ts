import type { Point, Polygon } from './geometry';
import { areaOf, boundsOf, type Box, contains, overlap } from './geometry';

/** About so many cells, whatever the picture's size. */
const CELLS = 1024;

/**
 * Finds polygons by place, without looking at all of them: the picture is divided into cells, and
 * each cell knows the polygons whose bounds touch it. A query costs what lies in its cells.
 */
export class GridIndex {
  readonly bounds: readonly Box[];
  private readonly areas: readonly number[];
  private readonly cells = new Map<number, number[]>();
  private readonly cellPx: number;
  private readonly columns: number;
  private readonly rows: number;

  constructor(
    private readonly polygons: readonly Polygon[],
    width: number,
    height: number,
  ) {
    this.bounds = polygons.map(boundsOf);
    this.areas = polygons.map(areaOf);
    this.cellPx = Math.max(1, Math.sqrt((width * height) / CELLS));
    this.columns = Math.max(1, Math.ceil(width / this.cellPx));
    this.rows = Math.max(1, Math.ceil(height / this.cellPx));
    this.bounds.forEach((box, n) => {
      for (const cell of this.cellsOf(box)) {
        const there = this.cells.get(cell);
        if (there === undefined) this.cells.set(cell, [n]);
        else there.push(n);
      }
    });
  }

  /** The polygon at a point; of several the smallest. `slack` px beside one still count. */
  at([x, y]: Point, slack = 0): number | null {
    const around = { left: x - slack, top: y - slack, right: x + slack, bottom: y + slack };
    const near = this.within(around);
    const hit = near.filter((n) => contains(this.polygons[n] ?? [], [x, y]));
    // Beside a line, not in it: its bounds have to do.
    const candidates = hit.length > 0 || slack === 0 ? hit : near;
    return candidates.reduce<number | null>(
      (best, n) => (best === null || this.area(n) < this.area(best) ? n : best),
      null,
    );
  }

  /** All whose bounds touch the box, in their order. */
  within(box: Box): number[] {
    const found = new Set<number>();
    for (const cell of this.cellsOf(box)) {
      for (const n of this.cells.get(cell) ?? []) {
        const bounds = this.bounds[n];
        if (bounds !== undefined && overlap(bounds, box)) found.add(n);
      }
    }
    return [...found].sort((a, b) => a - b);
  }

  private area(n: number): number {
    return this.areas[n] ?? 0;
  }

  /** What lies outside of the picture counts to its edge. */
  private *cellsOf({ left, top, right, bottom }: Box): Generator<number> {
    const column = (x: number) => clamp(Math.floor(x / this.cellPx), this.columns - 1);
    const row = (y: number) => clamp(Math.floor(y / this.cellPx), this.rows - 1);
    for (let y = row(top); y <= row(bottom); y += 1) {
      for (let x = column(left); x <= column(right); x += 1) yield y * this.columns + x;
    }
  }
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
