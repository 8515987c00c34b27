import { RecognizerError, type Snapshot } from 'sightwire';
import { describe, expect, it } from 'vitest';
import { connectionOf } from './connection';

const SOME = { retryAtMs: null, attempt: 0, error: null } as Partial<Snapshot> as Snapshot;

describe('connectionOf', () => {
  it('tells a full server from one that sent the page away', () => {
    const of = (code: 'server-full' | 'sent-away') => {
      const error = new RecognizerError(code, 'why', 'advice', 'cause');
      return connectionOf({ ...SOME, state: 'waiting', retryAtMs: 5, error });
    };
    expect(of('server-full')).toEqual({ state: 'full', retryAtMs: 5, why: 'why', cause: 'cause' });
    expect(of('sent-away').state).toBe('disconnected');
  });

  it('is idle whenever the page holds no place', () => {
    for (const state of ['idle', 'starting', 'paused', 'error', 'closed'] as const) {
      expect(connectionOf({ ...SOME, state })).toEqual({ state: 'idle' });
    }
  });
});
