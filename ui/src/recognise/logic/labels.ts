export { NONE } from 'sightwire';

/**
 * A label that a person can read, with its own newest score: it changes only after the new one has lasted `holdMs`, and not
 * sooner than `restMs` after the last change. The very first label is shown at once. Where others follow each other too fast for
 * any of them to last, the newest is shown once the old one has not come for `lapseMs`.
 */
export class SteadyLabel {
  private shown: string | null = null;
  private shownScore: number | null = null;
  /** When the shown label came last. */
  private seenMs = -Infinity;
  private shownSinceMs = -Infinity;
  private candidate: string | null = null;
  private candidateScore: number | null = null;
  private candidateSinceMs = 0;

  constructor(
    private readonly holdMs = 120,
    private readonly restMs = 300,
    private readonly lapseMs = 800,
  ) {}

  get value(): string | null {
    return this.shown;
  }

  /** Of the newest result with that label: never of another moment. */
  get score(): number | null {
    return this.shownScore;
  }

  /** Takes the newest label, or with `null` only lets time pass. True if the shown one changed. */
  update(newest: { label: string; score: number } | null, nowMs: number): boolean {
    if (newest !== null) {
      if (newest.label !== this.candidate) this.candidateSinceMs = nowMs;
      this.candidate = newest.label;
      this.candidateScore = newest.score;
    }
    if (this.candidate === null) return false;
    if (this.candidate === this.shown) {
      this.shownScore = this.candidateScore;
      this.seenMs = nowMs;
      return false;
    }
    const lasted =
      nowMs - this.candidateSinceMs >= this.holdMs || nowMs - this.seenMs >= this.lapseMs;
    const rested = nowMs - this.shownSinceMs >= this.restMs;
    if (this.shown !== null && !(lasted && rested)) return false;
    this.shown = this.candidate;
    this.shownScore = this.candidateScore;
    this.shownSinceMs = nowMs;
    this.seenMs = nowMs;
    return true;
  }

  reset(): void {
    this.shown = null;
    this.shownScore = null;
    this.candidate = null;
    this.shownSinceMs = -Infinity;
  }
}
