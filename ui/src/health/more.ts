import { formatCount } from '../components/format';

/** So many rows at once: more are no use to anybody, and would make the page slow. */
export const FIRST = 100;
/** A card takes a good part of a phone, and there may be another list below. */
export const FIRST_ON_PHONE = 20;

/** How many rows are shown next, and what the button says that shows them. */
export function more(shown: number, all: number): { most: number; words: string } {
  const most = shown < FIRST ? FIRST : shown + FIRST;
  const words =
    most >= all ? `Show all ${formatCount(all)}` : `Show ${formatCount(most - shown)} more`;
  return { most, words };
}
