import { describe, expect, it } from 'vitest';
import type { Status } from '../api/types';
import { serverState } from './serverState';

function status(change: Partial<Status['recognizer']>): Status {
  return {
    version: '0.1.0',
    uptime_s: 1,
    engine: {
      provider: 'cpu',
      requested: 'auto',
      runtime_version: '1.24.1',
      threads: 1,
      precision: 'f32',
      jpeg: 'zune-jpeg',
      note: null,
      cpu: { name: 'a CPU', extensions: 'avx2', amx: 'absent' },
      warnings: [],
    },
    recognizer: {
      model: 'gestures',
      task: 'clip-classification',
      state: 'ready',
      error: null,
      loading: null,
      switching: null,
      warning: null,
      labels: [],
      window: 10,
      threshold: 0.5,
      clients: 0,
      max_clients: 50,
      frames_per_s: 0,
      analysed_per_s: 0,
      predictions_per_s: 0,
      delay_ms: { p50: null, p95: null },
      overloaded: false,
      ...change,
    },
    process: { cpu_percent: 0, memory_bytes: 0, threads: 1 },
  };
}

describe('serverState', () => {
  it('says what is the matter, the gravest first', () => {
    expect(serverState(null, null).word).toBe('asking');
    expect(serverState(status({}), null).word).toBe('ready');
    expect(serverState(status({ overloaded: true }), null).word).toBe('overloaded');
    expect(serverState(status({ clients: 50, overloaded: true }), null).word).toBe('full');
    expect(serverState(status({ state: 'dummy' }), null).word).toBe('dummy');
    expect(serverState(status({ state: 'loading' }), null).word).toBe('loading');
    expect(serverState(status({}), 'refused').word).toBe('no answer');
  });

  it('keeps the technical cause for the details', () => {
    expect(serverState(status({ state: 'failed', error: 'wrong shape' }), null).cause).toBe(
      'wrong shape',
    );
    expect(serverState(null, 'GET …: refused').cause).toBe('GET …: refused');
  });

  it('gives the command that puts it right, where there is one', () => {
    const cure = 'sightwire models pull runtime';
    const missing = serverState(status({ state: 'failed', error: 'no library', cure }), null);
    expect(missing.command).toBe(cure);
    expect(missing.text).toContain('Run this command');
    const other = serverState(status({ state: 'failed', error: 'wrong shape', cure: null }), null);
    expect(other.command).toBeNull();
    expect(other.text).toContain('details');
    expect(serverState(status({}), null).command).toBeNull();
  });
});
