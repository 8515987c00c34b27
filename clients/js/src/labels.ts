import type { Prediction } from './api.js';

/** What the server says when no class reaches the threshold. */
export const NONE = 'none';

/**
 * The label to show. With all class probabilities a threshold of one's own replaces the server's;
 * without them it can only hide what is below it.
 */
export function decide(
  reading: Prediction,
  scores: readonly number[] | null,
  labels: readonly string[],
  threshold: number | null,
): Prediction {
  if (threshold === null) return { label: reading.label, score: reading.score };
  const known = scores !== null && scores.length > 0;
  const score = known ? Math.max(...scores) : reading.score;
  const label = known ? labels[scores.indexOf(score)] : reading.label;
  return { label: score < threshold || label === undefined ? NONE : label, score };
}
