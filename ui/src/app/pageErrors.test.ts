import { afterEach, expect, it, vi } from 'vitest';
import { tell } from './pageErrors';

afterEach(() => vi.unstubAllGlobals());

it('tells the server of an error once, and of no more than five', () => {
  const sent: [path: string, body: unknown][] = [];
  const fetching = vi.fn((path: string, init: { body: string }) => {
    sent.push([path, JSON.parse(init.body)]);
    return Promise.reject(new Error('away'));
  });
  vi.stubGlobal('fetch', fetching);
  vi.stubGlobal('location', { pathname: '/wall' });
  tell(new TypeError('x is undefined'), '/assets/page.js:1:2');
  tell(new TypeError('x is undefined'), '/assets/page.js:1:2');
  expect(fetching).toHaveBeenCalledTimes(1);
  expect(sent[0]).toEqual([
    '/api/v1/page-errors',
    { message: 'TypeError: x is undefined', page: '/wall', place: '/assets/page.js:1:2' },
  ]);
  for (let n = 0; n < 10; n += 1) tell(`number ${n}`);
  expect(fetching).toHaveBeenCalledTimes(5);
});
