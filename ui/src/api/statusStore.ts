import type { Status } from 'sightwire/api';
import { pushBounded } from '../base/stats';
import { getJson } from './http';

/** How many answers a sparkline remembers. */
const HISTORY = 60;

export interface History {
  clients: readonly number[];
  frames: readonly number[];
  analysed: readonly number[];
  delay: readonly number[];
  cpu: readonly number[];
}

export interface StatusView {
  /** The newest answer, however old. */
  status: Status | null;
  /** When it came, in `performance.now()` time. */
  atMs: number;
  /** Why the last request failed; null if it did not. */
  failure: string | null;
  history: History;
}

const NO_HISTORY: History = { clients: [], frames: [], analysed: [], delay: [], cpu: [] };

let view: StatusView = { status: null, atMs: 0, failure: null, history: NO_HISTORY };
const watchers = new Map<() => void, number>();
let timer: ReturnType<typeof setTimeout> | undefined;
let request: AbortController | undefined;

export function statusView(): StatusView {
  return view;
}

/**
 * Asks the server every `intervalMs` for as long as somebody watches and the page is visible. All
 * watchers share the requests of the most impatient one.
 */
export function watchStatus(intervalMs: number, changed: () => void): () => void {
  if (watchers.size === 0) document.addEventListener('visibilitychange', onVisibility);
  watchers.set(changed, intervalMs);
  if (!document.hidden) void ask();
  return () => {
    watchers.delete(changed);
    if (watchers.size > 0) return;
    document.removeEventListener('visibilitychange', onVisibility);
    pause();
  };
}

/** Asks now instead of at the next turn. */
export function refreshStatus(): void {
  void ask();
}

/** How often to ask by itself: while something is under way a person waits for its end. */
export function patienceMs({ status }: StatusView): number {
  const { loading, switching } = status?.recognizer ?? {};
  return loading != null || switching != null ? 500 : 3000;
}

function onVisibility(): void {
  if (document.hidden) pause();
  else void ask();
}

function pause(): void {
  clearTimeout(timer);
  request?.abort();
}

async function ask(): Promise<void> {
  pause();
  const own = new AbortController();
  request = own;
  try {
    const status = await getJson<Status>('/api/v1/status', own.signal);
    if (own.signal.aborted) return;
    view = { status, atMs: performance.now(), failure: null, history: remember(status) };
  } catch (error) {
    if (own.signal.aborted) return;
    view = { ...view, failure: error instanceof Error ? error.message : String(error) };
  }
  for (const changed of watchers.keys()) changed();
  if (watchers.size > 0 && !document.hidden) {
    timer = setTimeout(() => void ask(), Math.min(...watchers.values()));
  }
}

function remember(status: Status): History {
  const { recognizer, process } = status;
  const { history } = view;
  return {
    clients: pushBounded(history.clients, recognizer.clients, HISTORY),
    frames: pushBounded(history.frames, recognizer.frames_per_s, HISTORY),
    analysed: pushBounded(history.analysed, recognizer.analysed_per_s, HISTORY),
    delay: pushBounded(history.delay, recognizer.delay_ms.p50 ?? 0, HISTORY),
    cpu: pushBounded(history.cpu, process.cpu_percent, HISTORY),
  };
}
