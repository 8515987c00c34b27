import { describe, expect, it } from 'vitest';
import { cornersWithin, formatCorners, isPage, withCorner } from './corners';
import type { Polygon } from './geometry';

const SIZE = { width: 1000, height: 500 };
const corners: Polygon = [
  [100, 50],
  [900, 60],
  [950.26, 450],
  [80, 440],
];

describe('the corners of a page', () => {
  it('are written as the server takes them', () => {
    expect(formatCorners(corners)).toBe('100,50,900,60,950.3,450,80,440');
  });

  it('begin within the edges of the picture', () => {
    expect(formatCorners(cornersWithin(SIZE))).toBe('30,30,970,30,970,470,30,470');
    expect(isPage(cornersWithin(SIZE))).toBe(true);
  });

  it.each<[string, number, [number, number]]>([
    ['dented', 2, [200, 100]],
    ['crossed', 0, [1000, 500]],
    ['too small', 1, [100, 54]],
    ['flat', 1, [500, 250]],
  ])('are no page where it is %s', (_, n, to) => {
    expect(isPage(corners)).toBe(true);
    expect(isPage(withCorner(corners, n, to, SIZE))).toBe(false);
  });

  it('are no page counterclockwise', () => {
    const [a, b, c, d] = corners;
    expect(isPage([a, d, c, b])).toBe(false);
  });

  it('stay near the picture, and leave the others where they are', () => {
    const moved = withCorner(corners, 3, [-9000, 9000], SIZE);
    expect(moved[3]).toEqual([-500, 750]);
    expect(moved.slice(0, 3)).toEqual(corners.slice(0, 3));
  });
});
