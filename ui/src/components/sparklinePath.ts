/**
 * SVG paths over a 100 × 100 box: the newest value at the right edge, zero at the bottom, a little
 * air at the top.
 */
export function sparkline(
  values: readonly number[],
  length: number,
  atLeast: number,
): { line: string; area: string } {
  const shown = values.slice(-length);
  if (shown.length < 2) return { line: '', area: '' };
  const top = Math.max(atLeast, ...shown) * 1.1;
  const step = 100 / (length - 1);
  const first = 100 - (shown.length - 1) * step;
  const points = shown.map((value, n) => {
    const x = (first + n * step).toFixed(2);
    const y = (100 - (Math.max(0, value) / top) * 100).toFixed(2);
    return `${x} ${y}`;
  });
  const line = `M${points.join('L')}`;
  return { line, area: `${line}L100 100L${first.toFixed(2)} 100Z` };
}
