import { describe, expect, it } from 'vitest';
import { knownSigns } from './knownSigns';

describe('what to show to a model', () => {
  it('is all of a few labels, without those that say that nothing happens', () => {
    expect(knownSigns(['still', 'left', 'right', 'wave'])).toBe(
      'This model knows left, right and wave.',
    );
    expect(knownSigns(['still', 'wave'])).toBe('This model knows “wave”.');
  });

  it('is some of many', () => {
    const labels = Array.from({ length: 20 }, (_, n) => `s${n}`);
    expect(knownSigns(labels)).toBe('This model knows s0, s1, s2, s3, s4, s5, s6 and 13 more.');
  });

  it('is nothing while no model is known', () => {
    expect(knownSigns([])).toBe('');
  });
});
