export { NONE } from 'sightwire';

/**
 * A label that a person can read: it changes only after the new one has lasted `holdMs`, and not
 * sooner than `restMs` after the last change. The very first label is shown at once.
 */
export class SteadyLabel {
  private shown: string | null = null;
  private shownSinceMs = -Infinity;
  private candidate: string | null = null;
  private candidateSinceMs = 0;

  constructor(
    private readonly holdMs = 120,
    private readonly restMs = 300,
  ) {}

  get value(): string | null {
    return this.shown;
  }

  /** Takes the newest label, or with `null` only lets time pass. True if the shown one changed. */
  update(label: string | null, nowMs: number): boolean {
    if (label !== null && label !== this.candidate) {
      this.candidate = label;
      this.candidateSinceMs = nowMs;
    }
    if (this.candidate === null || this.candidate === this.shown) return false;
    const lasted = nowMs - this.candidateSinceMs >= this.holdMs;
    const rested = nowMs - this.shownSinceMs >= this.restMs;
    if (this.shown !== null && !(lasted && rested)) return false;
    this.shown = this.candidate;
    this.shownSinceMs = nowMs;
    return true;
  }

  reset(): void {
    this.shown = null;
    this.candidate = null;
    this.shownSinceMs = -Infinity;
  }
}
