import type { Viewer } from 'sightwire/api';
import { expect, test } from 'vitest';
import { watching } from './watching';

const viewer = (by: string | undefined, ...streams: string[]) =>
  ({ streams, ...(by === undefined ? {} : { by }) }) as Viewer;

test('who has a name is named, once, and all others are counted', () => {
  expect(watching([], 'gate')).toBeNull();
  expect(watching([viewer(undefined, 'gate')], 'gate')).toBeNull();
  expect(watching([viewer('Anna', 'gate')], 'gate')).toBe('Anna');
  expect(watching([viewer('Anna', 'yard')], 'gate')).toBeNull();
  const some = [viewer('Anna', 'gate', 'yard'), viewer('Anna', 'gate'), viewer(undefined, 'gate')];
  expect(watching(some, 'gate')).toBe('Anna and 1 other');
  expect(watching(some, 'gate', { name: 'this machine' })).toBe('Anna');
  expect(watching(some, 'gate', { name: 'Anna' })).toBe('Anna and 1 other');
  expect(watching(some.slice(0, 1), 'gate', { name: 'Anna' })).toBeNull();
  const many = ['A', 'B', 'C', 'D', 'E', 'F'].map((name) => viewer(name, 'gate'));
  expect(watching(many, 'gate')).toBe('A, B, C, D and 2 others');
});
