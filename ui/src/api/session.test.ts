import type { Session } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { csrfHeader, loginPath, may, setSession } from './session';

const who = (more: Partial<Session>): Session => ({
  csrf: null,
  name: 'phone',
  role: 'streamer',
  streams: [],
  uses: [],
  ...more,
});

describe('what somebody may', () => {
  it('is what their role and those below it may, for their uses', () => {
    expect(may(who({}), 'viewer')).toBe(true);
    expect(may(who({}), 'streamer', 'signs')).toBe(true);
    expect(may(who({}), 'operator')).toBe(false);
    expect(may(who({ role: null }), 'viewer')).toBe(false);
    expect(may(who({ uses: ['relay'] }), 'streamer', 'signs')).toBe(false);
    expect(may(who({ uses: ['relay'] }), 'streamer', 'relay')).toBe(true);
    expect(may(who({ uses: ['relay'] }), 'viewer')).toBe(true);
  });
});

describe('requests', () => {
  it('bring the token where they change something and there is one', () => {
    setSession(who({}));
    expect(csrfHeader('POST')).toEqual({});
    setSession(who({ csrf: 'abc' }));
    expect(csrfHeader('POST')).toEqual({ 'x-csrf-token': 'abc' });
    expect(csrfHeader('GET')).toEqual({});
  });
});

describe('the way to log in', () => {
  it('leads back', () => {
    const path = loginPath({ pathname: '/cameras', search: '?try=1&x=a b' });
    expect(new URLSearchParams(path.split('?')[1]).get('next')).toBe('/cameras?try=1&x=a b');
  });
});
