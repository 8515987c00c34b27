import type { KeyboardEvent } from 'react';

interface Box {
  left: number;
  right: number;
  top: number;
}

const TILE = '[data-tile]';

/** Moves the focus between tiles as the arrows say. */
export function onArrow(event: KeyboardEvent<HTMLElement>): void {
  const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>(TILE)];
  const at = tiles.findIndex((tile) => tile === document.activeElement);
  if (at < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const boxes = tiles.map((tile) => tile.getBoundingClientRect());
  const next = tiles[neighbour(boxes, at, event.key) ?? -1];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest' });
}

/** Which box lies there from the box `at`: in reading order, or nearest above or below. */
export function neighbour(boxes: readonly Box[], at: number, key: string): number | null {
  const from = boxes[at];
  if (from === undefined) return null;
  if (key === 'Home') return 0;
  if (key === 'End') return boxes.length - 1;
  // In the order in which they are seen, which is not that of the page when one is large.
  const order = boxes.map((_, index) => index);
  order.sort((a, b) => before(boxes[a], boxes[b]));
  const place = order.indexOf(at);
  if (key === 'ArrowRight') return order[place + 1] ?? null;
  if (key === 'ArrowLeft') return order[place - 1] ?? null;
  if (key !== 'ArrowUp' && key !== 'ArrowDown') return null;
  const sign = key === 'ArrowDown' ? 1 : -1;
  const middle = (box: Box) => (box.left + box.right) / 2;
  let best: { index: number; distance: number } | null = null;
  for (const [index, box] of boxes.entries()) {
    const rows = (box.top - from.top) * sign;
    if (rows < 1) continue;
    // The next row first, then the nearest in it.
    const distance = rows * 1000 + Math.abs(middle(box) - middle(from));
    if (best === null || distance < best.distance) best = { index, distance };
  }
  return best?.index ?? null;
}

function before(a: Box | undefined, b: Box | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return Math.abs(a.top - b.top) > 1 ? a.top - b.top : a.left - b.left;
}
