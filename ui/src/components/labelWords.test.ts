import { describe, expect, it } from 'vitest';
import { labelWords } from './labelWords';

describe('labels', () => {
  it('are words for people', () => {
    expect(labelWords('thumb_up')).toBe('thumb up');
    expect(labelWords('left')).toBe('left');
    expect(labelWords('don’t')).toBe('don’t');
    expect(labelWords('_')).toBe('_');
  });
});
