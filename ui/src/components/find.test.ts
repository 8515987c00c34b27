import { expect, it } from 'vitest';
import { isFound } from './find';
import { lettersOf } from './letters';

it('finds what one of the texts has, whatever its case', () => {
  expect(isFound(' GATE ', 'North gate', 'x')).toBe(true);
  expect(isFound('gate', 'yard', 'x')).toBe(false);
  expect(isFound('', 'yard')).toBe(true);
});

it('counts letters as people do', () => {
  expect(lettersOf('a👩‍🔬é')).toHaveLength(3);
});
