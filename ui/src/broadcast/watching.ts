import type { Viewer } from 'sightwire/api';

/** Names that stand in the line, at most. */
const MOST = 4;

/** A page's own preview: a viewer to the server, and none to a person. */
export interface OwnPreview {
  /** Of the page's user, as the session has it; viewers have it where it is that of a key or user. */
  name: string | null;
}

/** Who watches a stream, by the names of their keys and users: `Anna, gate phone and 2 others`; null where nobody has one. */
export function watching(
  viewers: readonly Viewer[],
  stream: string,
  preview: OwnPreview | null = null,
): string | null {
  const all = viewers.filter(({ streams }) => streams.includes(stream));
  const own =
    preview === null
      ? undefined
      : (all.find(({ by }) => by === preview.name) ?? all.find(({ by }) => by === undefined));
  const here = all.filter((viewer) => viewer !== own);
  const names = [...new Set(here.flatMap(({ by }) => (by === undefined ? [] : [by])))];
  if (names.length === 0) return null;
  const shown = names.slice(0, MOST);
  const others = here.filter(({ by }) => by === undefined || !shown.includes(by)).length;
  if (others > 0) shown.push(others === 1 ? '1 other' : `${others} others`);
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`;
}
