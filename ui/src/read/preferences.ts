import type { ReadLimits } from 'sightwire/api';
import { formatOptions, parseOptions, type ReadOptions, USUAL } from './options';

/** The longer side of the pictures that the page shows, in px. */
export const SIDES = [1024, 2048, 4096];
/** Every server can make a copy of that size, and none a larger one. */
const [LEAST_SIDE, MOST_SIDE] = [64, 4096];

/** Of how many files the server keeps the pictures. */
export const KEEPS = [5, 10, 20];
const MOST_KEPT = 1000;

/** What is a matter of this machine, not of what is looked at: kept in the browser. */
export interface Preferences {
  side: number;
  keep: number;
  /** The texts stand on the picture. */
  texts: boolean;
  /** The outlines stand on it. */
  outlines: boolean;
  /** How files are read when the page is opened anew. */
  options: ReadOptions;
}

export const USUAL_PREFERENCES: Preferences = {
  side: 2048,
  keep: 10,
  texts: false,
  outlines: true,
  options: USUAL,
};

export function parsePreferences(text: string | null): Preferences {
  let stored: unknown = null;
  try {
    stored = JSON.parse(text ?? 'null');
  } catch {
    // What cannot be read is not there.
  }
  if (typeof stored !== 'object' || stored === null) return USUAL_PREFERENCES;
  const { side, keep, texts, outlines, options } = stored as Record<string, unknown>;
  return {
    side: whole(side, LEAST_SIDE, MOST_SIDE) ?? USUAL_PREFERENCES.side,
    keep: whole(keep, 0, MOST_KEPT) ?? USUAL_PREFERENCES.keep,
    texts: typeof texts === 'boolean' ? texts : USUAL_PREFERENCES.texts,
    outlines: typeof outlines === 'boolean' ? outlines : USUAL_PREFERENCES.outlines,
    options: typeof options === 'string' ? parseOptions(new URLSearchParams(options)) : USUAL,
  };
}

/** A server's limit is remembered, too, where it is none of the usual choices. */
function whole(value: unknown, least: number, most: number): number | null {
  const isOne = typeof value === 'number' && Number.isInteger(value);
  return isOne && value >= least && value <= most ? value : null;
}

export function formatPreferences({ options, ...rest }: Preferences): string {
  return JSON.stringify({
    ...rest,
    options: new URLSearchParams(formatOptions(options)).toString(),
  });
}

/** Those of the choices that a server allows; where none is its limit, that one, too. */
export function upTo(most: number | undefined, choices: readonly number[]): readonly number[] {
  if (most === undefined) return choices;
  const within = choices.filter((choice) => choice <= most);
  return within.length === choices.length || within.includes(most) ? within : [...within, most];
}

/** The largest of the choices that is not more, else the smallest. */
function nearest(value: number, choices: readonly number[]): number {
  return choices.findLast((choice) => choice <= value) ?? choices[0] ?? value;
}

/** What of it holds on this server: more than it allows is as much as it allows. */
export function within(limits: ReadLimits | undefined, preferences: Preferences): Preferences {
  if (limits === undefined) return preferences;
  const side = nearest(preferences.side, upTo(limits.display_size, SIDES));
  const keep = nearest(preferences.keep, upTo(limits.keep_pictures, KEEPS));
  return { ...preferences, side, keep };
}
