/** Where the connection to the recogniser stands, with what a person wants to know about it. */
export type Connection =
  | { state: 'idle' }
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'reconnecting'; attempt: number; why: string; cause: string }
  /** Sent away; asks again at `retryAtMs`, or is asking right now (null). */
  | { state: 'full'; retryAtMs: number | null; why: string; cause: string }
  | { state: 'disconnected'; retryAtMs: number | null; why: string; cause: string }
  | { state: 'refused'; why: string; cause: string };

export type ConnectionEvent =
  /** We start, or start again by hand. */
  | { type: 'open' }
  /** The server's `status` event: the place is ours. */
  | { type: 'ready' }
  /** An attempt failed; `again` says whether another one follows by itself. */
  | { type: 'failed'; cause: string; again: boolean }
  /** The server's `error` event, which comes before it ends the session. */
  | { type: 'refused'; message: string; retryAtMs: number }
  | { type: 'lost'; reason: string; again: boolean; retryAtMs: number }
  | { type: 'close' };

export const IDLE: Connection = { state: 'idle' };

const LOST: Record<string, string> = {
  'ping timeout': 'The server stopped answering',
  'transport close': 'The connection was closed',
  'transport error': 'The connection broke',
  'io server disconnect': 'The server ended the connection',
  'parse error': 'The server sent something that is not understood',
};

export function nextConnection(now: Connection, event: ConnectionEvent): Connection {
  switch (event.type) {
    case 'close':
      return IDLE;
    case 'open':
      // Asking again keeps what is on the screen: the answer is most likely the same.
      return now.state === 'full' || now.state === 'disconnected'
        ? { ...now, retryAtMs: null }
        : { state: 'connecting' };
    case 'ready':
      return { state: 'live' };
    case 'failed': {
      if (now.state === 'idle') return now;
      if (!event.again) {
        return { state: 'refused', why: 'The server refused the connection', cause: event.cause };
      }
      const attempt = now.state === 'reconnecting' ? now.attempt + 1 : 1;
      const why = 'The server does not answer';
      return { state: 'reconnecting', attempt, why, cause: event.cause };
    }
    case 'refused':
      if (now.state === 'idle') return now;
      return {
        state: /capacity/i.test(event.message) ? 'full' : 'disconnected',
        retryAtMs: event.retryAtMs,
        why: /capacity/i.test(event.message)
          ? 'All places on this server are taken'
          : 'The server sent this page away',
        cause: event.message,
      };
    case 'lost': {
      // A refusal has already said why; the end of the session that follows adds nothing.
      if (now.state === 'idle') return now;
      const explained = now.state === 'full' || now.state === 'disconnected';
      if (explained && now.retryAtMs !== null) return now;
      const why = LOST[event.reason] ?? 'The connection was lost';
      if (event.again) return { state: 'reconnecting', attempt: 0, why, cause: event.reason };
      return {
        state: 'disconnected',
        retryAtMs: event.retryAtMs,
        why,
        cause: event.reason,
      };
    }
  }
}

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;

/** How long to wait before asking again after `refused` refusals in a row; `random` is 0 to 1. */
export function retryDelayMs(refused: number, random: number): number {
  const delay = Math.min(FIRST_RETRY_MS * 2 ** refused, LONGEST_RETRY_MS);
  return Math.round(delay * (0.8 + 0.4 * random));
}
