import { expect, it } from 'vitest';
import { FIRST_ON_PHONE, more } from './more';

it.each([
  [FIRST_ON_PHONE, 45, 100, 'Show all 45'],
  [FIRST_ON_PHONE, 300, 100, 'Show 80 more'],
  [100, 300, 200, 'Show 100 more'],
  [100, 1_150, 200, 'Show 100 more'],
  [1_100, 1_150, 1_200, 'Show all 1,150'],
])('with %i of %i shown, %i come next: “%s”', (shown, all, most, words) => {
  expect(more(shown, all)).toEqual({ most, words });
});
