import type { Detection } from 'sightwire/api';

/** Behind all that are followed. Not infinite: two of them must compare as equal. */
const UNTRACKED = Number.MAX_SAFE_INTEGER;

/** Objects in an order that stays: by class as first seen, then by track, then from left to right. */
export function inOrder(objects: readonly Detection[], seen: readonly string[]): Detection[] {
  return [...objects].sort(
    (a, b) =>
      seen.indexOf(a.label) - seen.indexOf(b.label) ||
      (a.track ?? UNTRACKED) - (b.track ?? UNTRACKED) ||
      a.box[0] - b.box[0],
  );
}
