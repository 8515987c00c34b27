/** A value under a pointer. */
export interface Point {
  value: number;
  /** How many values before the newest one. */
  back: number;
  /** Where it is drawn: 0 at the left edge, 1 at the right. */
  share: number;
}

/** The value of a small chart at a share of its width; null where nothing is known. The newest is at the right edge. */
export function pointedAt(
  share: number,
  values: readonly (number | null)[],
  length: number,
): Point | null {
  const shown = values.slice(-length);
  const back = Math.round((1 - Math.min(1, Math.max(0, share))) * (length - 1));
  const value = shown[shown.length - 1 - back] ?? null;
  return value === null ? null : { value, back, share: 1 - back / (length - 1) };
}

/** When that was: in seconds while they matter, else by the clock. */
export function when(agoS: number, stepS: number, now: Date): string {
  if (stepS <= 1) return agoS === 0 ? 'now' : `${agoS} s ago`;
  const then = new Date(now.getTime() - agoS * 1000);
  return then.toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    ...(stepS < 60 && { second: '2-digit' }),
  });
}
