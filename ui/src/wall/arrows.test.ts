import { describe, expect, it } from 'vitest';
import { neighbour } from './arrows';

/** Three in a row, then two. */
const GRID = [0, 1, 2, 3, 4].map((n) => ({
  left: (n % 3) * 100,
  right: (n % 3) * 100 + 90,
  top: n < 3 ? 0 : 80,
}));

describe('arrow keys', () => {
  it('go from tile to tile in reading order, and stay at the ends', () => {
    expect(neighbour(GRID, 2, 'ArrowRight')).toBe(3);
    expect(neighbour(GRID, 3, 'ArrowLeft')).toBe(2);
    expect(neighbour(GRID, 4, 'ArrowRight')).toBeNull();
    expect(neighbour(GRID, 0, 'ArrowLeft')).toBeNull();
  });

  it('go to the nearest tile of the next row', () => {
    expect(neighbour(GRID, 1, 'ArrowDown')).toBe(4);
    expect(neighbour(GRID, 2, 'ArrowDown')).toBe(4);
    expect(neighbour(GRID, 3, 'ArrowUp')).toBe(0);
    expect(neighbour(GRID, 0, 'ArrowUp')).toBeNull();
  });

  it('follow what is seen where one tile is large and above the others', () => {
    const large = [
      { left: 0, right: 90, top: 200 },
      { left: 0, right: 290, top: 0 },
      { left: 100, right: 190, top: 200 },
    ];
    expect(neighbour(large, 1, 'ArrowRight')).toBe(0);
    expect(neighbour(large, 0, 'ArrowRight')).toBe(2);
    expect(neighbour(large, 2, 'ArrowUp')).toBe(1);
  });

  it('are left to the page otherwise', () => {
    expect(neighbour(GRID, 0, 'x')).toBeNull();
  });
});
