/** A label that stays below this has nothing to show. */
const LEAST_PEAK = 0.05;

/**
 * Which labels the lines of a chart show, where there are fewer lines than labels: those with the
 * highest peaks. A label keeps its line for as long as it is among them.
 */
export function pickLines(
  classes: readonly (readonly (number | null)[])[],
  now: readonly (number | null)[],
): (number | null)[] {
  const standing = classes
    .map((values, label) => ({ label, peak: peakOf(values) }))
    .filter(({ peak }) => peak >= LEAST_PEAK)
    .sort((a, b) => b.peak - a.peak)
    .slice(0, now.length)
    .map(({ label }) => label);
  const kept = now.map((label) => (label !== null && standing.includes(label) ? label : null));
  const added = standing.filter((label) => !kept.includes(label));
  return kept.map((label) => label ?? added.shift() ?? null);
}

function peakOf(values: readonly (number | null)[]): number {
  let peak = 0;
  for (const value of values) if (value !== null && value > peak) peak = value;
  return peak;
}
