import type { Model } from 'sightwire';
import type { HandSight } from 'sightwire/api';

/** One result that the page shows, with all that is known of it. There are up to 25 a second. */
export interface Result {
  /** When it came, in `Date.now()` time. */
  atMs: number;
  /** With the viewer's threshold applied; `none` below it. */
  label: string;
  /** Probability of the likeliest class, 0 to 1. */
  score: number;
  /** Number of the newest frame that it has seen, if the server says. */
  seen: number | null;
  /** From sending that frame to the result, by this page's clock. */
  delayMs: number | null;
  /** Probabilities of all classes, in the order of the model's labels, if the server sends them. */
  scores: readonly number[] | null;
  /** What was seen of hands, where the model looks for them. */
  sight: HandSight | null;
  model: Model | null;
}
