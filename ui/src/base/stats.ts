/** The last `length` values, oldest first: what a sparkline draws. */
export function pushBounded(
  values: readonly number[],
  value: number,
  length: number,
): readonly number[] {
  return [...values.slice(Math.max(0, values.length - length + 1)), value];
}
