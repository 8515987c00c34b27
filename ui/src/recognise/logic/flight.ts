/**
 * Frames that were sent and not answered yet. The server answers in order, so an answer also
 * settles the frames before it: those were refused and will never be answered.
 */
export class Flight {
  private readonly sentMs = new Map<number, number>();

  constructor(
    private readonly limit: number,
    private readonly giveUpMs: number,
  ) {}

  /** How many frames are unanswered. */
  get size(): number {
    return this.sentMs.size;
  }

  /** Whether one more frame may leave. Frames that are far too old no longer hold the place. */
  free(nowMs: number): boolean {
    for (const [id, sentMs] of this.sentMs) {
      if (nowMs - sentMs <= this.giveUpMs) break;
      this.sentMs.delete(id);
    }
    return this.sentMs.size < this.limit;
  }

  sent(id: number, nowMs: number): void {
    this.sentMs.set(id, nowMs);
  }

  /**
   * The round trip of the frame that was answered, or null if it is not known. Without an `id` (a
   * server that does not echo it) the oldest frame is meant.
   */
  answered(id: number | undefined, nowMs: number): number | null {
    const answered = id ?? this.sentMs.keys().next().value;
    if (answered === undefined) return null;
    const sentMs = this.sentMs.get(answered);
    if (sentMs === undefined) return null;
    for (const earlier of this.sentMs.keys()) {
      this.sentMs.delete(earlier);
      if (earlier === answered) break;
    }
    return nowMs - sentMs;
  }

  reset(): void {
    this.sentMs.clear();
  }
}
