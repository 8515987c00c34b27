import { describe, expect, it } from 'vitest';
import { USUAL } from './options';
import { formatPreferences, parsePreferences, USUAL_PREFERENCES } from './preferences';

describe('what a browser remembers', () => {
  it('comes back', () => {
    const chosen = {
      side: 4096,
      keep: 5,
      texts: true,
      outlines: false,
      options: { ...USUAL, contrast: true },
    } as const;
    expect(parsePreferences(formatPreferences(chosen))).toEqual(chosen);
  });

  it.each([null, '', 'no json', '3', '{"side":3,"keep":"many","texts":1}'])(
    'is the usual where it cannot be read: %s',
    (text) => expect(parsePreferences(text)).toEqual(USUAL_PREFERENCES),
  );
});
