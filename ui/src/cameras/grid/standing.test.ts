import { expect, it } from 'vitest';
import { testStream } from '../../testing/answers';
import { standing } from './standing';

it.each([
  [{}, 'Live for', '7 s'],
  [{ state: 'stalled', since_s: 130 }, 'Stalled for', '2 min'],
  [{ state: 'starting' }, 'Connecting for', '7 s'],
  [{ state: 'starting', reason: 'it cannot be reached' }, 'Failing for', '7 s'],
] as const)('a stream that is %j says: %s %s', (change, name, value) => {
  expect(standing(testStream(change))).toEqual({ name, value });
});
