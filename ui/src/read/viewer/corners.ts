import type { Point, Polygon } from './geometry';
import type { Size } from './zoom';

/** In the order of the page's corners. */
export const CORNER_NAMES = ['Upper left', 'Upper right', 'Lower right', 'Lower left'] as const;

/** As the server knows them: it takes no page with shorter sides, or with a flatter corner. */
const LEAST_SIDE_PX = 8;
const LEAST_SINE = 0.02;
/** So far outside of the picture a corner may be, in parts of its side. */
const MOST_OUTSIDE = 0.5;
const INSET = 0.06;

/** `x,y,x,y,x,y,x,y` */
export function formatCorners(corners: Polygon): string {
  return corners
    .flat()
    .map((part) => Number(part.toFixed(1)))
    .join(',');
}

/** Where nobody found a page: a little within the picture's edges. */
export function cornersWithin({ width, height }: Size): Polygon {
  const inset = Math.round(INSET * Math.min(width, height));
  const [right, bottom] = [width - inset, height - inset];
  return [
    [inset, inset],
    [right, inset],
    [right, bottom],
    [inset, bottom],
  ];
}

/** Whether a page can have such corners: clockwise and convex. */
export function isPage(corners: Polygon): boolean {
  return corners.every((from, n) => {
    const [over, to] = [corners[(n + 1) % 4], corners[(n + 2) % 4]];
    if (over === undefined || to === undefined) return false;
    const [ax, ay] = [over[0] - from[0], over[1] - from[1]];
    const [bx, by] = [to[0] - over[0], to[1] - over[1]];
    const [length, next] = [Math.hypot(ax, ay), Math.hypot(bx, by)];
    return length >= LEAST_SIDE_PX && ax * by - ay * bx > LEAST_SINE * length * next;
  });
}

/** One corner elsewhere, but not further from the picture than the server takes it. */
export function withCorner(corners: Polygon, n: number, [x, y]: Point, size: Size): Polygon {
  const near = (at: number, length: number) =>
    Math.min((1 + MOST_OUTSIDE) * length, Math.max(-MOST_OUTSIDE * length, at));
  return corners.with(n, [near(x, size.width), near(y, size.height)]) as Polygon;
}
