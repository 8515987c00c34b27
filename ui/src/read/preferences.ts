import type { ReadLimits } from 'sightwire/api';
import { formatOptions, parseOptions, type ReadOptions, USUAL } from './options';

/** The longer side of the pictures that the page shows, in px. */
export const SIDES = [1024, 2048, 4096];

/** Of how many files the server keeps the pictures. */
export const KEEPS = [5, 10, 20];

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
    side: SIDES.find((one) => one === side) ?? USUAL_PREFERENCES.side,
    keep: KEEPS.find((one) => one === keep) ?? USUAL_PREFERENCES.keep,
    texts: typeof texts === 'boolean' ? texts : USUAL_PREFERENCES.texts,
    outlines: typeof outlines === 'boolean' ? outlines : USUAL_PREFERENCES.outlines,
    options: typeof options === 'string' ? parseOptions(new URLSearchParams(options)) : USUAL,
  };
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

/** What of it holds on this server: more than it allows is as much as it allows. */
export function within(limits: ReadLimits | undefined, preferences: Preferences): Preferences {
  if (limits === undefined) return preferences;
  const side = Math.min(preferences.side, limits.display_size);
  const keep = Math.min(preferences.keep, limits.keep_pictures);
  return { ...preferences, side, keep };
}
