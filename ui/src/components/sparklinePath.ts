/**
 * SVG paths over a 100 × 100 box: the newest value at the right edge, zero at the bottom, a little
 * air at the top. Where nothing is known (null) the line has a gap.
 */
export function sparkline(
  values: readonly (number | null)[],
  length: number,
  atLeast: number,
): { line: string; area: string } {
  const shown = values.slice(-length);
  const top = Math.max(atLeast, ...shown.map((value) => value ?? 0)) * 1.1;
  const step = 100 / (length - 1);
  const first = 100 - (shown.length - 1) * step;
  const runs: { x: string; y: string }[][] = [[]];
  shown.forEach((value, n) => {
    if (value === null) {
      runs.push([]);
      return;
    }
    const x = (first + n * step).toFixed(2);
    const y = (100 - (Math.max(0, value) / top) * 100).toFixed(2);
    runs.at(-1)?.push({ x, y });
  });
  // A single point is no course.
  const drawn = runs.filter((run) => run.length > 1);
  const lines = drawn.map((run) => `M${run.map(({ x, y }) => `${x} ${y}`).join('L')}`);
  const areas = lines.map(
    (line, n) => `${line}L${drawn[n]?.at(-1)?.x} 100L${drawn[n]?.[0]?.x} 100Z`,
  );
  return { line: lines.join(''), area: areas.join('') };
}
