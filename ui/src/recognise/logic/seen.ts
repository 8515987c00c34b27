const MEMORY_FRAMES = 500;

/**
 * Follows each frame to the first result that has seen it. Results name the newest frame of their
 * window, so all frames of that window are seen by it; older ones that no window held are missed.
 */
export class SeenLog {
  private readonly sentMs = new Map<number, number>();
  private readonly settled: { atMs: number; seen: number; missed: number }[] = [];
  private newest = -1;

  constructor(private readonly spanMs: number) {}

  sent(id: number, nowMs: number): void {
    this.sentMs.set(id, nowMs);
    if (this.sentMs.size > MEMORY_FRAMES) {
      const oldest = this.sentMs.keys().next().value;
      if (oldest !== undefined) this.sentMs.delete(oldest);
    }
  }

  /** The delays of the frames that a result saw first, oldest frame first. */
  result(seen: number, windowFrames: number, nowMs: number): number[] {
    if (seen <= this.newest) return [];
    this.newest = seen;
    const delays: number[] = [];
    let missed = 0;
    for (const [id, sentMs] of this.sentMs) {
      if (id > seen) break;
      this.sentMs.delete(id);
      if (seen - id < windowFrames) delays.push(nowMs - sentMs);
      else missed += 1;
    }
    this.settled.push({ atMs: nowMs, seen: delays.length, missed });
    return delays;
  }

  /** The share of frames that a result has seen, 0 to 1; null while nothing is known. */
  share(nowMs: number): number | null {
    while (this.settled[0] !== undefined && nowMs - this.settled[0].atMs > this.spanMs) {
      this.settled.shift();
    }
    let seen = 0;
    let all = 0;
    for (const step of this.settled) {
      seen += step.seen;
      all += step.seen + step.missed;
    }
    return all === 0 ? null : seen / all;
  }

  reset(): void {
    this.sentMs.clear();
    this.settled.length = 0;
    this.newest = -1;
  }
}
