export type Point = [x: number, y: number];
/** Upper left, upper right, lower right, lower left corner of the text, in pixels of the upright original. */
export type Polygon = [Point, Point, Point, Point];

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function boundsOf(polygon: readonly Point[]): Box {
  const xs = polygon.map(([x]) => x);
  const ys = polygon.map(([, y]) => y);
  return {
    left: Math.min(...xs),
    top: Math.min(...ys),
    right: Math.max(...xs),
    bottom: Math.max(...ys),
  };
}

/** Whether a point lies in the polygon, by counting the edges to its right (even-odd rule). */
export function contains(polygon: readonly Point[], [x, y]: Point): boolean {
  let inside = false;
  polygon.forEach(([x1, y1], n) => {
    const [x2, y2] = polygon[(n + 1) % polygon.length] ?? [x1, y1];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}

/** By the shoelace formula, in px². */
export function areaOf(polygon: readonly Point[]): number {
  const twice = polygon.reduce((sum, [x1, y1], n) => {
    const [x2, y2] = polygon[(n + 1) % polygon.length] ?? [x1, y1];
    return sum + x1 * y2 - x2 * y1;
  }, 0);
  return Math.abs(twice) / 2;
}

/** How a line of text lies: where it begins, its width and height in px, and its angle. */
export function layOf([start, right, below, under]: Polygon): {
  start: Point;
  width: number;
  height: number;
  radians: number;
} {
  const [dx, dy] = [right[0] - start[0], right[1] - start[1]];
  const leftEdge = Math.hypot(under[0] - start[0], under[1] - start[1]);
  const rightEdge = Math.hypot(below[0] - right[0], below[1] - right[1]);
  return {
    start,
    width: Math.hypot(dx, dy),
    height: (leftEdge + rightEdge) / 2,
    radians: Math.atan2(dy, dx),
  };
}

export function overlap(a: Box, b: Box): boolean {
  return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}
