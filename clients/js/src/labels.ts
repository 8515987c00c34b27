import type { Prediction } from './api.js';
import type { Model } from './link.js';

/** What the server says when no class reaches the threshold. */
export const NONE = 'none';

/**
 * The label to show. With all class probabilities a threshold of one's own replaces the server's;
 * without them it can only hide what is below it. Where motions have to be armed, what the server
 * does not say was not meant, and stays unsaid.
 */
export function decide(
  reading: Prediction,
  scores: readonly number[] | null,
  model: Pick<Model, 'labels' | 'arming'> | null,
  threshold: number | null,
): Prediction {
  const unsaid = reading.label === NONE && (model?.arming ?? false);
  if (threshold === null || unsaid) return { label: reading.label, score: reading.score };
  const known = scores !== null && scores.length > 0;
  const score = known ? Math.max(...scores) : reading.score;
  const label = known ? model?.labels[scores.indexOf(score)] : reading.label;
  const below = score < threshold || score === 0;
  return { label: below || label === undefined ? NONE : label, score };
}
