/** What is on the wall and how; all of it stands in the page's address, so that a wall can be shared. */
export interface WallSettings {
  /** `*` stands for all streams that are sent to the server; others are names and ids of cameras. */
  streams: readonly string[];
  /** Boxes, names and points of what models find. */
  overlays: boolean;
  size: Size;
  /** The stream that is shown large. */
  one: string | null;
}

export type Size = 'small' | 'medium' | 'large';

export const SIZES: readonly Size[] = ['small', 'medium', 'large'];
export const ALL = '*';

export const DEFAULTS: WallSettings = {
  streams: [ALL],
  overlays: false,
  size: 'medium',
  one: null,
};

/** Reads an address's query. What is missing or makes no sense is the default. */
export function parseSettings(search: string): WallSettings {
  const query = new URLSearchParams(search);
  // Not from `query`: in a name a comma is `%2C`, and there it would be one between names.
  const listed = /[?&]streams=([^&]*)/.exec(search)?.[1];
  const streams = [...new Set((listed ?? '').split(',').map(decode))].filter((id) => id !== '');
  return {
    streams: streams.length === 0 ? DEFAULTS.streams : streams,
    overlays: query.get('overlays') === 'on',
    size: SIZES.find((size) => size === query.get('size')) ?? DEFAULTS.size,
    one: query.get('one') ?? DEFAULTS.one,
  };
}

/** The shortest query that gives these settings back, with its `?`, or nothing. */
export function formatSettings({ streams, overlays, size, one }: WallSettings): string {
  const parts: string[] = [];
  const usual = streams.length === 0 || (streams.length === 1 && streams[0] === ALL);
  if (!usual) parts.push(`streams=${streams.map(encodeURIComponent).join(',')}`);
  if (overlays) parts.push('overlays=on');
  if (size !== DEFAULTS.size) parts.push(`size=${size}`);
  if (one !== null) parts.push(`one=${encodeURIComponent(one)}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/**
 * With or without this one. Instead of all, those are left that are there now (`present`), to choose
 * among; the wall is never left with nothing to wait for.
 */
export function toggled(
  streams: readonly string[],
  id: string,
  present: readonly string[] = [],
): readonly string[] {
  const others = streams.filter((one) => one !== id);
  const next = !streams.includes(id)
    ? [...streams, id]
    : id === ALL
      ? [...new Set([...others, ...present])]
      : others;
  return next.length === 0 ? DEFAULTS.streams : next;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '';
  }
}
