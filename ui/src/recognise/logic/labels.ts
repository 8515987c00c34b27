/** What the server says when no class reaches the threshold. */
export const NONE = 'none';

export interface Reading {
  label: string;
  /** Probability of the most likely class, 0 to 1. */
  score: number;
}

/**
 * The label to show. With all class probabilities a threshold of the viewer's own replaces the
 * server's; without them it can only hide what is below it.
 */
export function decide(
  reading: Reading,
  scores: readonly number[] | null,
  labels: readonly string[],
  threshold: number | null,
): Reading {
  if (threshold === null) return reading;
  if (scores === null || scores.length === 0) {
    return reading.score < threshold ? { label: NONE, score: reading.score } : reading;
  }
  const score = Math.max(...scores);
  const label = labels[scores.indexOf(score)];
  return { label: score < threshold || label === undefined ? NONE : label, score };
}

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
