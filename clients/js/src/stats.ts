const MOST_ENTRIES = 1000;
/** What happens for the first time is counted over so long at least. */
const LEAST_MS = 1000;

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
  /** The newest that was longer ago. */
  #beforeMs: number | null = null;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  add(nowMs: number, value = 0): void {
    this.#entries.push({ atMs: nowMs, value });
    if (this.#entries.length > MOST_ENTRIES) this.#beforeMs = this.#entries.shift()?.atMs ?? null;
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

  /**
   * Counted over time: entries that come in a bunch, after something was held up, are no higher rate. Within the first
   * second it grows to what it is; it falls as soon as entries stay away.
   */
  perSecond(nowMs: number): number {
    this.#forget(nowMs);
    const first = this.#entries[0]?.atMs;
    const last = this.#entries.at(-1)?.atMs;
    if (first === undefined || last === undefined) return 0;
    let [count, fromMs] = [this.#entries.length - 1, first];
    if (this.#beforeMs !== null) {
      // Of an even rate the one before is as long ago as any from the next. After a pause, time counts and not the gap.
      count += 1;
      const beginMs = nowMs - this.#spanMs;
      const isNear = beginMs - this.#beforeMs <= this.#spanMs / count;
      fromMs = isNear || this.#beforeMs > beginMs ? this.#beforeMs : beginMs;
    }
    if (count === 0) return 0;
    const overdue = nowMs - last > (2 * (last - fromMs)) / count;
    const untilMs = overdue ? nowMs : last;
    return (count * 1000) / Math.max(untilMs - fromMs, LEAST_MS);
  }

  #forget(nowMs: number): void {
    const kept = this.#entries.findIndex((entry) => nowMs - entry.atMs <= this.#spanMs);
    const gone = kept === -1 ? this.#entries.length : kept;
    if (gone === 0) return;
    this.#beforeMs = this.#entries[gone - 1]?.atMs ?? this.#beforeMs;
    this.#entries.splice(0, gone);
  }
}
