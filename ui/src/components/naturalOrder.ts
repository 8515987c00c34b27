const NAMES = new Intl.Collator('en', { numeric: true });

/** Compares names as people do: "Bed 2" stands before "Bed 10". */
export function naturalOrder(a: string, b: string): number {
  return NAMES.compare(a, b);
}
