/** How long rows stay where they are while their numbers change. */
const HOLD_MS = 5000;

/**
 * The order of rows that are sorted by changing numbers: they do not jump about every second, and
 * not at all under somebody's pointer.
 */
export class HeldOrder<Row> {
  private places = new Map<string, number>();
  private sortedAtMs = -Infinity;
  private sortedBy: unknown;

  constructor(private readonly keyOf: (row: Row) => string) {}

  /** `by` names the order: with another one the rows are sorted at once. */
  arrange(
    rows: readonly Row[],
    by: string,
    compare: (a: Row, b: Row) => number,
    { nowMs, hold, steady }: { nowMs: number; hold: boolean; steady: boolean },
  ): readonly Row[] {
    const due = !hold && nowMs - this.sortedAtMs >= HOLD_MS;
    if (due || steady || by !== this.sortedBy) {
      this.sortedAtMs = nowMs;
      this.sortedBy = by;
      const sorted = rows.toSorted(compare);
      this.places = new Map(sorted.map((row, place) => [this.keyOf(row), place]));
      return sorted;
    }
    // Who has come since stands at the end.
    const place = (row: Row) => this.places.get(this.keyOf(row)) ?? Infinity;
    const known = rows.filter((row) => place(row) < Infinity);
    const come = rows.filter((row) => place(row) === Infinity);
    return [...known.toSorted((a, b) => place(a) - place(b)), ...come.toSorted(compare)];
  }
}
