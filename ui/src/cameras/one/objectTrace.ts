const STEP_MS = 500;

/**
 * How many objects of each class there were: one point for each half second, oldest first, ready for
 * a chart. Bounded by its span; a class that has not been seen within it is forgotten.
 */
export class ObjectTrace {
  readonly timesMs: number[] = [];
  /** One list for each class in the order in which they came, as long as `timesMs`. Null is a gap. */
  readonly classes = new Map<string, (number | null)[]>();

  constructor(private readonly spanMs: number) {}

  /** What is there now. Of one half second the largest number counts, so that nothing is missed. */
  add(nowMs: number, counts: ReadonlyMap<string, number>): void {
    const slotMs = Math.floor(nowMs / STEP_MS) * STEP_MS;
    const last = this.timesMs.at(-1);
    const isNew = last === undefined || slotMs > last;
    if (isNew) {
      if (last !== undefined && slotMs - last > 4 * STEP_MS) this.push(last + STEP_MS, null);
      this.push(slotMs, 0);
    }
    const at = this.timesMs.length - 1;
    for (const [label, count] of counts) {
      const values = this.classes.get(label) ?? this.timesMs.map(() => 0);
      values[at] = Math.max(values[at] ?? 0, count);
      this.classes.set(label, values);
    }
    this.forget(slotMs - this.spanMs);
  }

  clear(): void {
    this.timesMs.length = 0;
    this.classes.clear();
  }

  private push(atMs: number, value: number | null): void {
    this.timesMs.push(atMs);
    for (const values of this.classes.values()) values.push(value);
  }

  private forget(beforeMs: number): void {
    let old = 0;
    while (old < this.timesMs.length && (this.timesMs[old] ?? beforeMs) < beforeMs) old += 1;
    if (old === 0) return;
    this.timesMs.splice(0, old);
    for (const [label, values] of this.classes) {
      values.splice(0, old);
      if (values.every((value) => value === null || value === 0)) this.classes.delete(label);
    }
  }
}

/** How many there are of each. */
export function countByLabel(detections: readonly { label: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}
