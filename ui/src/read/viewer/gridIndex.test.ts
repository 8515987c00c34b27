import { describe, expect, it } from 'vitest';
import type { Point, Polygon } from './geometry';
import { areaOf, contains, layOf } from './geometry';
import { GridIndex } from './gridIndex';

const box = (x: number, y: number, width: number, height: number): Polygon => [
  [x, y],
  [x + width, y],
  [x + width, y + height],
  [x, y + height],
];
/** Stands on a corner: its bounds are much larger than itself. */
const diamond: Polygon = [
  [500, 400],
  [600, 500],
  [500, 600],
  [400, 500],
];

describe('polygons', () => {
  it('know what is in them', () => {
    expect(contains(diamond, [500, 500])).toBe(true);
    expect(contains(diamond, [410, 410])).toBe(false);
    expect(areaOf(diamond)).toBe(20_000);
    expect(areaOf(box(3, 4, 10, 2))).toBe(20);
  });

  it('tell how a line lies', () => {
    const down: Polygon = [
      [10, 0],
      [10, 100],
      [0, 100],
      [0, 0],
    ];
    expect(layOf(down)).toEqual({ start: [10, 0], width: 100, height: 10, radians: Math.PI / 2 });
  });
});

describe('the grid', () => {
  it('finds the polygon itself, not only its bounds', () => {
    const grid = new GridIndex([diamond], 1000, 1000);
    expect(grid.at([500, 500])).toBe(0);
    expect(grid.at([410, 410])).toBeNull();
    expect(grid.at([410, 410], 5)).toBe(0);
  });

  it('takes the smallest of several', () => {
    const grid = new GridIndex([box(0, 0, 900, 900), box(100, 100, 50, 10)], 1000, 1000);
    expect(grid.at([110, 105])).toBe(1);
    expect(grid.at([300, 300])).toBe(0);
  });

  it('lists what is in sight, in order', () => {
    const grid = new GridIndex([box(0, 0, 10, 10), diamond, box(700, 0, 10, 10)], 1000, 1000);
    expect(grid.within({ left: -50, top: -50, right: 800, bottom: 5 })).toEqual([0, 2]);
    expect(grid.within({ left: 900, top: 900, right: 999, bottom: 999 })).toEqual([]);
  });

  it('agrees with looking at every polygon, on a page of 500', () => {
    const lines = Array.from({ length: 500 }, (_, n) =>
      box((n % 5) * 1500 + (n % 7) * 10, Math.floor(n / 5) * 60, 900 + (n % 11) * 40, 45),
    );
    const grid = new GridIndex(lines, 8000, 6250);
    for (let n = 0; n < 2000; n += 1) {
      const point: Point = [(n * 7919) % 8000, (n * 104_729) % 6250];
      const slow = lines.findIndex((line) => contains(line, point));
      expect(grid.at(point)).toBe(slow < 0 ? null : slow);
    }
  });

  it('does not lose what lies beyond the edge', () => {
    const grid = new GridIndex([box(-30, -30, 20, 20)], 100, 100);
    expect(grid.at([-20, -20])).toBe(0);
  });
});
