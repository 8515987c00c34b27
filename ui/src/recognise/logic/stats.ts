/** The smallest sample that at least the share `q` (0 to 1) of the samples does not exceed. */
export function quantile(sorted: readonly number[], q: number): number | null {
  if (sorted.length === 0) return null;
  const rank = Math.ceil(q * sorted.length) - 1;
  return sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? null;
}

export interface Quantiles {
  p50: number | null;
  p95: number | null;
}

/** The samples of the last `spanMs`, at most `capacity` of them. */
export class RollingSamples {
  private entries: { atMs: number; value: number }[] = [];

  constructor(
    private readonly spanMs: number,
    private readonly capacity = 1000,
  ) {}

  add(nowMs: number, value: number): void {
    this.entries.push({ atMs: nowMs, value });
    if (this.entries.length > this.capacity) this.entries.shift();
  }

  quantiles(nowMs: number): Quantiles {
    this.entries = this.entries.filter((entry) => nowMs - entry.atMs < this.spanMs);
    const sorted = this.entries.map((entry) => entry.value).sort((a, b) => a - b);
    return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  }

  reset(): void {
    this.entries = [];
  }
}

/**
 * Events a second over the last `spanMs`. It is right from the second event on, and it falls as
 * soon as events stay away.
 */
export class RollingRate {
  private times: number[] = [];

  constructor(private readonly spanMs = 3000) {}

  add(nowMs: number): void {
    this.times.push(nowMs);
    this.forget(nowMs);
  }

  perSecond(nowMs: number): number {
    this.forget(nowMs);
    const first = this.times[0];
    const last = this.times.at(-1);
    const gaps = this.times.length - 1;
    if (first === undefined || last === undefined || gaps < 1 || last === first) return 0;
    const meanMs = (last - first) / gaps;
    const overdue = nowMs - last > 2 * meanMs;
    return overdue ? (gaps * 1000) / (nowMs - first) : 1000 / meanMs;
  }

  reset(): void {
    this.times = [];
  }

  private forget(nowMs: number): void {
    while (this.times[0] !== undefined && nowMs - this.times[0] > this.spanMs) this.times.shift();
  }
}

/** The last `length` values, oldest first: what a sparkline draws. */
export function pushBounded(
  values: readonly number[],
  value: number,
  length: number,
): readonly number[] {
  return [...values.slice(Math.max(0, values.length - length + 1)), value];
}
