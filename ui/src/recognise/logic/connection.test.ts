import { describe, expect, it } from 'vitest';
import { type Connection, IDLE, nextConnection, retryDelayMs } from './connection';

const lost = { type: 'lost', reason: 'transport close', again: true, retryAtMs: 0 } as const;

describe('nextConnection', () => {
  it('goes from idle over connecting to live', () => {
    let state = nextConnection(IDLE, { type: 'open' });
    expect(state.state).toBe('connecting');
    state = nextConnection(state, { type: 'ready' });
    expect(state.state).toBe('live');
  });

  it('says first why it was lost, then that nobody answers', () => {
    let state: Connection = nextConnection({ state: 'live' }, lost);
    expect(state).toMatchObject({ attempt: 0, why: 'The connection was closed' });
    state = nextConnection(state, { type: 'failed', cause: 'websocket error', again: true });
    state = nextConnection(state, { type: 'failed', cause: 'websocket error', again: true });
    expect(state).toEqual({
      state: 'reconnecting',
      attempt: 2,
      why: 'The server does not answer',
      cause: 'websocket error',
    });
  });

  it('knows a full server from the one that ends the session', () => {
    const full = nextConnection(
      { state: 'connecting' },
      {
        type: 'refused',
        message: 'Server at capacity, please try again later',
        retryAtMs: 99,
      },
    );
    expect(full).toMatchObject({ state: 'full', retryAtMs: 99 });
    const after = nextConnection(full, { ...lost, reason: 'io server disconnect', again: false });
    expect(after).toBe(full);
  });

  it('keeps saying that the server is full while it asks again', () => {
    const full: Connection = { state: 'full', retryAtMs: 5, why: 'x', cause: 'y' };
    const asking = nextConnection(full, { type: 'open' });
    expect(asking).toEqual({ ...full, retryAtMs: null });
    expect(nextConnection(asking, { type: 'ready' })).toEqual({ state: 'live' });
    const gone = nextConnection(asking, { type: 'failed', cause: 'websocket error', again: true });
    expect(gone.state).toBe('reconnecting');
  });

  it('says who ended the connection', () => {
    const state = nextConnection(
      { state: 'live' },
      { type: 'lost', reason: 'io server disconnect', again: false, retryAtMs: 7 },
    );
    expect(state).toMatchObject({
      state: 'disconnected',
      retryAtMs: 7,
      why: 'The server ended the connection',
    });
  });

  it('stays idle when late events arrive after the page closed it', () => {
    expect(nextConnection(IDLE, lost)).toBe(IDLE);
    expect(nextConnection(IDLE, { type: 'failed', cause: 'x', again: true })).toBe(IDLE);
    expect(nextConnection(IDLE, { type: 'refused', message: 'x', retryAtMs: 0 })).toBe(IDLE);
  });
});

describe('retryDelayMs', () => {
  it('grows to a minute and spreads the clients out', () => {
    expect(retryDelayMs(0, 0.5)).toBe(5000);
    expect(retryDelayMs(1, 0.5)).toBe(10_000);
    expect(retryDelayMs(20, 0.5)).toBe(60_000);
    expect(retryDelayMs(0, 0)).toBe(4000);
    expect(retryDelayMs(0, 1)).toBe(6000);
  });
});
