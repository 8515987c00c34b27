/**
 * The delay until tick `n` of a timer that started at `startMs`: measured from the start, so that a
 * late tick does not delay the ones after it. Never negative.
 */
export function untilTick(startMs: number, intervalMs: number, n: number, nowMs: number): number {
  return Math.max(0, startMs + n * intervalMs - nowMs);
}
