/**
 * Chooses which of a source's pictures are sent, so that about `fps` leave each second whatever the
 * source's own rate is. Deadlines advance by whole intervals, so lateness never adds up; a pause is
 * not made up for.
 */
export class Pacer {
  readonly intervalMs: number;
  private dueMs: number | null = null;

  constructor(fps: number) {
    this.intervalMs = 1000 / fps;
  }

  /** Whether the picture that is available at `nowMs` is to be sent. Counts it as sent if so. */
  take(nowMs: number): boolean {
    const half = this.intervalMs / 2;
    if (this.dueMs === null) {
      this.dueMs = nowMs + this.intervalMs;
      return true;
    }
    if (nowMs < this.dueMs - half) return false;
    this.dueMs = Math.max(this.dueMs + this.intervalMs, nowMs + half);
    return true;
  }

  reset(): void {
    this.dueMs = null;
  }
}

/**
 * The delay until tick `n` of a timer that started at `startMs`: measured from the start, so that a
 * late tick does not delay the ones after it. Never negative.
 */
export function untilTick(startMs: number, intervalMs: number, n: number, nowMs: number): number {
  return Math.max(0, startMs + n * intervalMs - nowMs);
}
