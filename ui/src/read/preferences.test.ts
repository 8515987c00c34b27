import { describe, expect, it } from 'vitest';
import { USUAL } from './options';
import { testStatus } from '../testing/answers';
import {
  formatPreferences,
  KEEPS,
  parsePreferences,
  SIDES,
  upTo,
  USUAL_PREFERENCES,
  within,
} from './preferences';

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

  it('comes back where it was a server’s limit', () => {
    const chosen = { ...USUAL_PREFERENCES, side: 3000, keep: 15 };
    expect(parsePreferences(formatPreferences(chosen))).toEqual(chosen);
  });

  it.each([
    null,
    '',
    'no json',
    '3',
    '{"side":8192,"keep":1.5}',
    '{"side":3,"keep":"many","texts":1}',
  ])('is the usual where it cannot be read: %s', (text) =>
    expect(parsePreferences(text)).toEqual(USUAL_PREFERENCES),
  );
});

describe('what a server allows', () => {
  it.each([
    [undefined, [5, 10, 20]],
    [20, [5, 10, 20]],
    [10, [5, 10]],
    [7, [5, 7]],
    [3, [3]],
    [0, [0]],
  ])('of keeping pictures, up to %s', (most, choices) =>
    expect(upTo(most, KEEPS)).toEqual(choices),
  );

  it('ends what was chosen elsewhere', () => {
    const { limits } = testStatus().reader;
    const chosen = { ...USUAL_PREFERENCES, side: 4096, keep: 20 };
    expect(within(limits, chosen)).toEqual({ ...chosen, side: 2048, keep: 10 });
    expect(within({ ...limits, display_size: 4096, keep_pictures: 20 }, chosen)).toEqual(chosen);
    // A limit that is no usual choice was chosen on another server.
    const odd = { ...USUAL_PREFERENCES, side: 3000, keep: 15 };
    expect(within({ ...limits, display_size: 3000, keep_pictures: 15 }, odd)).toEqual(odd);
    const less = { ...odd, side: 2048, keep: 10 };
    expect(within({ ...limits, display_size: 4096, keep_pictures: 20 }, odd)).toEqual(less);
    expect(within(undefined, chosen)).toBe(chosen);
    expect(upTo(limits.display_size, SIDES)).toEqual([1024, 2048]);
  });
});
