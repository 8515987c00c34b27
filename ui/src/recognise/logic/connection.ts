import type { Snapshot } from 'sightwire';

/** Where the connection to the recogniser stands, with what a person wants to know about it. */
export type Connection =
  | { state: 'idle' }
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'reconnecting'; attempt: number; why: string; cause: string }
  /** Sent away; asks again at `retryAtMs`, or is asking right now (null). */
  | { state: 'full'; retryAtMs: number | null; why: string; cause: string }
  | { state: 'disconnected'; retryAtMs: number | null; why: string; cause: string };

export const IDLE: Connection = { state: 'idle' };

export function connectionOf({ state, error, attempt, retryAtMs }: Snapshot): Connection {
  const why = error?.message ?? '';
  const cause = error?.cause ?? '';
  switch (state) {
    case 'connecting':
    case 'live':
      return { state };
    case 'reconnecting':
      return { state, attempt, why, cause };
    case 'waiting':
      return {
        state: error?.code === 'server-full' ? 'full' : 'disconnected',
        retryAtMs,
        why,
        cause,
      };
    default:
      return IDLE;
  }
}
