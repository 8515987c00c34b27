import { describe, expect, it } from 'vitest';
import { aRole, patternsOf, scopeWords, untilWords, whatFor } from './words';

describe('words of keys and users', () => {
  it('say of what and until when', () => {
    expect(scopeWords({ streams: [], uses: [] })).toBe('all streams · all uses');
    expect(scopeWords({ streams: ['gate-*', 'yard'], uses: ['relay'] })).toBe(
      'gate-*, yard · relay',
    );
    expect(whatFor({ uses: ['cameras', 'relay'] })).toBe(' for cameras and relay');
    expect(whatFor({ uses: [] })).toBe('');
    expect(untilWords({ expired: false, expires: null })).toBe('never expires');
    expect(untilWords({ expired: true, expires: '2026-01-01T00:00:00Z' })).toBe('expired');
    expect(untilWords({ expired: false, expires: '2031-06-15T12:00:00Z' })).toContain('2031');
    expect([aRole('viewer'), aRole('admin')]).toEqual(['a viewer', 'an admin']);
  });

  it('take patterns apart', () => {
    expect(patternsOf(' gate-*, yard,, ')).toEqual(['gate-*', 'yard']);
    expect(patternsOf('')).toEqual([]);
  });
});
