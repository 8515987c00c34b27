import type { Viewer } from 'sightwire/api';

/** Names that stand in the line, at most. */
const MOST = 4;

/** Who watches a stream, by the names of their keys and users: `Anna, gate phone and 2 others`; null where nobody has one. */
export function watching(viewers: readonly Viewer[], stream: string): string | null {
  const here = viewers.filter(({ streams }) => streams.includes(stream));
  const names = [...new Set(here.flatMap(({ by }) => (by === undefined ? [] : [by])))];
  if (names.length === 0) return null;
  const shown = names.slice(0, MOST);
  const others = here.filter(({ by }) => by === undefined || !shown.includes(by)).length;
  if (others > 0) shown.push(others === 1 ? '1 other' : `${others} others`);
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}
