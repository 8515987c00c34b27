import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { loadSession } from './access';
import { csrfHeader } from './session';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('asks who we are until the server says so: without that nothing can be changed', async () => {
  const session = { csrf: 'abc', name: 'phone', role: 'viewer', streams: [], uses: [] };
  const fetch = vi.fn<() => Promise<Response>>();
  fetch.mockRejectedValueOnce(new TypeError('no connection'));
  fetch.mockResolvedValueOnce(Response.json(session));
  vi.stubGlobal('fetch', fetch);
  await loadSession();
  expect(csrfHeader('POST')).toEqual({});
  await vi.advanceTimersByTimeAsync(3000);
  expect(csrfHeader('POST')).toEqual({ 'x-csrf-token': 'abc' });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(fetch).toHaveBeenCalledTimes(2);
});
