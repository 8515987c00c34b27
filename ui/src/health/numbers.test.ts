import { expect, it } from 'vitest';
import { formatLost, formatPictures } from './numbers';

it('a loss is never rounded to nothing', () => {
  expect([0, 0.01, 0.1, 9.94, 12.4, 100, null].map(formatLost)).toEqual([
    '0',
    '<0.1',
    '0.1',
    '9.9',
    '12',
    '100',
    '–',
  ]);
});

it('rates of many viewers are counted whole', () => {
  expect([24.96, 999.9, 12_499.4, null].map(formatPictures)).toEqual([
    '25.0',
    '999.9',
    '12,499',
    '–',
  ]);
});
