import { describe, expect, it } from 'vitest';
import { testStatus } from '../testing/answers';
import { serverState } from './serverState';

describe('serverState', () => {
  it('says what is the matter, the gravest first', () => {
    expect(serverState(null, null).word).toBe('connecting');
    expect(serverState(testStatus(), null).word).toBe('ready');
    expect(serverState(testStatus({ overloaded: true }), null).word).toBe('overloaded');
    expect(serverState(testStatus({ clients: 50, overloaded: true }), null).word).toBe('full');
    expect(serverState(testStatus({ state: 'dummy' }), null).word).toBe('dummy');
    expect(serverState(testStatus({ state: 'loading' }), null).word).toBe('loading');
    expect(serverState(testStatus(), 'refused').word).toBe('no response');
  });

  it('keeps the technical cause for the details', () => {
    expect(serverState(testStatus({ state: 'failed', error: 'wrong shape' }), null).cause).toBe(
      'wrong shape',
    );
    expect(serverState(null, 'GET …: refused').cause).toBe('GET …: refused');
  });

  it('gives the command that puts it right, where there is one', () => {
    const cure = 'sightwire models pull runtime';
    const missing = serverState(testStatus({ state: 'failed', error: 'no library', cure }), null);
    expect(missing.command).toBe(cure);
    expect(missing.text).toContain('Run this command');
    const other = serverState(
      testStatus({ state: 'failed', error: 'wrong shape', cure: null }),
      null,
    );
    expect(other.command).toBeNull();
    expect(other.text).toContain('Details');
    expect(serverState(testStatus(), null).command).toBeNull();
  });
});
