/** What is on the wall and how; all of it stands in the page's address, so that a wall can be shared. */
export interface WallSettings {
  /** `*` stands for all streams that are sent to the server; others are names and ids of cameras. */
  streams: readonly string[];
  /** All cameras of the server as well. */
  cameras: boolean;
  /** Boxes, names and points of what models find. */
  overlays: boolean;
  /** The stream that is shown large. */
  one: string | null;
  /** For a control room: nothing but pictures, on all of the window. */
  screen: boolean;
}

export const ALL = '*';

export const DEFAULTS: WallSettings = {
  streams: [ALL],
  cameras: true,
  overlays: false,
  one: null,
  screen: false,
};

/** Reads an address's query. What is missing or makes no sense is the default. */
export function parseSettings(search: string): WallSettings {
  const query = new URLSearchParams(search);
  // Not from `query`: in a name a comma is `%2C`, and there it would be one between names.
  const listed = /[?&]streams=([^&]*)/.exec(search)?.[1];
  const streams = [...new Set((listed ?? '').split(',').map(decode))].filter((id) => id !== '');
  const usual = streams.length === 0;
  return {
    streams: usual ? DEFAULTS.streams : streams,
    // Whoever names some wants no others.
    cameras: usual ? query.get('cameras') !== 'off' : query.get('cameras') === 'on',
    overlays: query.get('overlays') === 'on',
    one: query.get('one') ?? DEFAULTS.one,
    screen: query.get('screen') === 'on',
  };
}

/** The shortest query that gives these settings back, with its `?`, or nothing. */
export function formatSettings({ streams, cameras, overlays, one, screen }: WallSettings): string {
  const parts: string[] = [];
  const usual = streams.length === 0 || (streams.length === 1 && streams[0] === ALL);
  if (!usual) parts.push(`streams=${streams.map(encodeURIComponent).join(',')}`);
  if (cameras !== usual) parts.push(`cameras=${cameras ? 'on' : 'off'}`);
  if (overlays) parts.push('overlays=on');
  if (one !== null) parts.push(`one=${encodeURIComponent(one)}`);
  if (screen) parts.push('screen=on');
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

/** What is asked of the server, in this order; undefined while it is not known which cameras there are. */
export function wanted(
  { streams, cameras }: Pick<WallSettings, 'streams' | 'cameras'>,
  known: readonly string[] | undefined,
): readonly string[] | undefined {
  if (!cameras) return streams;
  return known === undefined ? undefined : [...new Set([...streams, ...known])];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '';
  }
}
