import { describe, expect, it } from 'vitest';
import { newKey, NO_SCOPE } from './scope';

describe('a new key', () => {
  it('is sent without what was left out', () => {
    expect(newKey('  ', NO_SCOPE, null)).toEqual({ role: 'viewer', streams: [], uses: [] });
  });

  it('is sent with its name, its scope and how long it counts', () => {
    const scope = { role: 'streamer', streams: 'gate-*, yard', uses: ['relay'] } as const;
    expect(newKey(' phone ', scope, 60)).toEqual({
      role: 'streamer',
      streams: ['gate-*', 'yard'],
      uses: ['relay'],
      name: 'phone',
      expires_s: 60,
    });
  });
});
