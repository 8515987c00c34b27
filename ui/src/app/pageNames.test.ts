import { expect, it } from 'vitest';
import { pageName } from './pageNames';

it.each([
  ['/', 'Start'],
  ['/cameras/yard', 'Cameras'],
  ['/access', 'Access'],
  ['/nowhere', 'Not found'],
])('the page at %s is called %s', (path, name) => {
  expect(pageName(path)).toBe(name);
});
