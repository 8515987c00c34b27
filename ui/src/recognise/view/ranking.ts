import type { Top } from '../logic/settings';

/** More labels than this are not worth a list of all of them, unless somebody asks. */
const FEW = 10;
const USUAL = 5;
/** A longer list is read by nobody, and drawing it costs. */
const MOST = 100;

const SMOOTH_MS = 300;
const REORDER_MS = 500;

/** How many labels are listed of so many. */
export function listed(top: Top | null, labels: number): number {
  if (top === null) return labels <= FEW ? labels : USUAL;
  return Math.min(top === 'all' ? MOST : top, labels);
}

/** The choices that make a difference for so many labels. */
export function choices(labels: number): Top[] {
  return [...([3, 5, 10] as const).filter((count) => count < labels), 'all'];
}

/**
 * The likeliest labels in an order that can be read: by confidence, smoothed over a third of a
 * second, in whole percent as they are shown, and not more often than twice a second. Equal ones
 * keep their places.
 */
export class Ranking {
  private order: number[];
  private smooth: number[] | null = null;
  private lastMs = 0;
  private orderedMs = -Infinity;

  constructor(private readonly labels: number) {
    this.order = Array.from({ length: labels }, (_, n) => n);
  }

  /** Takes the newest confidences; the `count` likeliest labels as indices, likeliest first. */
  update(scores: readonly number[], nowMs: number, count: number): readonly number[] {
    if (scores.length === this.labels) {
      const share = this.smooth === null ? 1 : 1 - Math.exp(-(nowMs - this.lastMs) / SMOOTH_MS);
      const before = this.smooth ?? scores;
      const smooth = scores.map((score, n) => {
        const old = before[n] ?? score;
        return old + (score - old) * share;
      });
      this.smooth = smooth;
      this.lastMs = nowMs;
      if (nowMs - this.orderedMs >= REORDER_MS) {
        this.orderedMs = nowMs;
        const percent = (n: number) => Math.round((smooth[n] ?? 0) * 100);
        this.order = this.order.toSorted((a, b) => percent(b) - percent(a));
      }
    }
    return this.order.slice(0, count);
  }
}
