const MOST_ENTRIES = 1000;

/** The smallest sample that at least the share `q` (0 to 1) of the samples does not exceed. */
export function quantile(sorted: readonly number[], q: number): number | null {
  if (sorted.length === 0) return null;
  const rank = Math.ceil(q * sorted.length) - 1;
  return sorted[Math.min(Math.max(rank, 0), sorted.length - 1)] ?? null;
}

/** Half of the samples are `p50` or less, 95 of 100 are `p95` or less; null without samples. */
export interface Quantiles {
  p50: number | null;
  p95: number | null;
}

/** What happened in the last `spanMs`: how often, and with what values. */
export class Rolling {
  readonly #spanMs: number;
  #entries: { atMs: number; value: number }[] = [];

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  add(nowMs: number, value = 0): void {
    this.#entries.push({ atMs: nowMs, value });
    if (this.#entries.length > MOST_ENTRIES) this.#entries.shift();
  }

  /** Of the values. */
  quantiles(nowMs: number): Quantiles {
    this.#forget(nowMs);
    const sorted = this.#entries.map((entry) => entry.value).sort((a, b) => a - b);
    return { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  }

  /** The mean of the values. */
  mean(nowMs: number): number | null {
    this.#forget(nowMs);
    const sum = this.#entries.reduce((before, { value }) => before + value, 0);
    return this.#entries.length === 0 ? null : sum / this.#entries.length;
  }

  /** Right from the second entry on; falls as soon as entries stay away. */
  perSecond(nowMs: number): number {
    this.#forget(nowMs);
    const first = this.#entries[0]?.atMs ?? 0;
    const last = this.#entries.at(-1)?.atMs ?? 0;
    const gaps = this.#entries.length - 1;
    if (last === first) return 0;
    const meanMs = (last - first) / gaps;
    const overdue = nowMs - last > 2 * meanMs;
    return overdue ? (gaps * 1000) / (nowMs - first) : 1000 / meanMs;
  }

  #forget(nowMs: number): void {
    this.#entries = this.#entries.filter((entry) => nowMs - entry.atMs <= this.#spanMs);
  }
}
