import { describe, expect, it } from 'vitest';
import { connectionWords } from './connectionWords';

const LIVE = {
  phase: 'running',
  connection: { state: 'live' },
  pictureAgeMs: null,
  answerAgeMs: null,
} as const;

describe('connectionWords', () => {
  it('says what does not move, and for how long', () => {
    expect(connectionWords(LIVE).word).toBe('live');
    expect(connectionWords({ ...LIVE, pictureAgeMs: 3400 }).word).toBe('frozen 3 s');
    expect(connectionWords({ ...LIVE, answerAgeMs: 7900 }).word).toBe('stalled 7 s');
  });

  it('tells a full server from a lost one', () => {
    const full = { state: 'full', retryAtMs: 1, why: '', cause: '' } as const;
    expect(connectionWords({ ...LIVE, connection: full }).word).toBe('server full');
    const lost = { state: 'reconnecting', attempt: 1, why: '', cause: '' } as const;
    expect(connectionWords({ ...LIVE, connection: lost }).word).toBe('reconnecting');
  });

  it('is paused while the page is hidden, whatever the connection was', () => {
    expect(connectionWords({ ...LIVE, phase: 'paused' }).word).toBe('paused');
  });
});
