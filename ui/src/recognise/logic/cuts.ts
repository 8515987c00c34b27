/** Enough to judge results that are still under way when the next cut comes. */
const REMEMBERED = 4;

/**
 * Where a source jumps: at its start, and where a clip begins anew. A window of frames that spans
 * such a cut shows a movement that never was, so its result is not worth reading.
 */
export class Cuts {
  private ids: number[] = [];

  /**
   * The frame `id` is the first after a jump. Jumps that come so often that most windows would span
   * one are not counted: better such results than none.
   */
  add(id: number, windowFrames: number): void {
    const last = this.ids.at(-1);
    if (last !== undefined && id - last < 2 * windowFrames) return;
    this.ids = [...this.ids.slice(1 - REMEMBERED), id];
  }

  /** Whether the window that ends with frame `seen` lies between two cuts. */
  whole(seen: number, windowFrames: number): boolean {
    const cut = this.ids.findLast((id) => id <= seen);
    return cut !== undefined && seen - cut + 1 >= windowFrames;
  }

  /** A new source: no window before its first frame counts. */
  reset(): void {
    this.ids = [];
  }
}
