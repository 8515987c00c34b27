import { describe, expect, it } from 'vitest';
import { classColour } from './classColour';

const LABELS = ['still', 'left', 'right'];

describe('classColour', () => {
  it('is grey where nothing happens and starts the palette after that', () => {
    expect(LABELS.map((_, n) => classColour(LABELS, n))).toEqual([
      'var(--class-neutral)',
      'var(--class-0)',
      'var(--class-1)',
    ]);
    expect(classColour(LABELS, -1)).toBe('var(--class-neutral)');
  });

  it('goes round for models with many classes', () => {
    const many = Array.from({ length: 12 }, (_, n) => `class ${n}`);
    expect(classColour(many, 10)).toBe('var(--class-0)');
  });
});
