import { describe, expect, it } from 'vitest';
import { pushBounded } from './stats';

describe('pushBounded', () => {
  it('keeps the newest values', () => {
    expect(pushBounded([1, 2, 3], 4, 3)).toEqual([2, 3, 4]);
    expect(pushBounded([], 4, 3)).toEqual([4]);
  });
});
