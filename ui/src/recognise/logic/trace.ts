/** Confidences over time: a bounded ring of columns, oldest first, ready for a chart. */
export class Trace {
  readonly timesMs: number[] = [];
  /** One list for each class, as long as `timesMs`; null is a gap. */
  readonly classes: (number | null)[][] = [];
  /** Grows with every change, so that a reader knows whether to look again. */
  version = 0;

  constructor(
    private readonly spanMs: number,
    private readonly gapMs: number,
  ) {}

  /** Starts afresh for this many classes. */
  reset(classes: number): void {
    this.timesMs.length = 0;
    this.classes.length = 0;
    for (let n = 0; n < classes; n += 1) this.classes.push([]);
    this.version += 1;
  }

  add(nowMs: number, scores: readonly number[]): void {
    if (scores.length !== this.classes.length) this.reset(scores.length);
    const last = this.timesMs.at(-1);
    if (last !== undefined && nowMs - last > this.gapMs) this.push(last + 1, null);
    this.push(nowMs, scores);
    let old = 0;
    while (old < this.timesMs.length && nowMs - (this.timesMs[old] ?? nowMs) > this.spanMs)
      old += 1;
    if (old > 0) {
      this.timesMs.splice(0, old);
      for (const values of this.classes) values.splice(0, old);
    }
    this.version += 1;
  }

  private push(atMs: number, scores: readonly number[] | null): void {
    this.timesMs.push(atMs);
    this.classes.forEach((values, n) => values.push(scores?.[n] ?? null));
  }
}
