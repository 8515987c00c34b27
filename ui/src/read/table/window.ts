/** The part of a long list that is in sight, and a little more. */
export interface Window {
  first: number;
  /** The one after the last. */
  end: number;
}

const BEYOND = 6;

export function windowOf(count: number, rowPx: number, scrollPx: number, heightPx: number): Window {
  const first = Math.max(0, Math.floor(scrollPx / rowPx) - BEYOND);
  const end = Math.min(count, Math.ceil((scrollPx + heightPx) / rowPx) + BEYOND);
  return { first: Math.min(first, count), end: Math.max(end, Math.min(first, count)) };
}

/** Where to scroll to so that a row is seen whole; as little as needed. */
export function scrollToShow(
  index: number,
  rowPx: number,
  scrollPx: number,
  heightPx: number,
): number {
  const top = index * rowPx;
  if (top < scrollPx) return top;
  return Math.max(scrollPx, top + rowPx - heightPx);
}
