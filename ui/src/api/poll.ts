import { useCallback, useMemo, useSyncExternalStore } from 'react';
import { getJson, PATIENCE_MS, RequestError, SILENT_MS } from './http';

export interface PollView<T> {
  /** The newest answer, however old; null before the first. */
  answer: T | null;
  /** Why the last request failed; null if it did not. */
  failure: RequestError | null;
  /** When the newest answer came, in `performance.now()` time. */
  atMs: number;
}

/**
 * Asks for the same JSON again and again, for as long as somebody looks and the page is visible.
 * All who look share the requests of the most impatient one.
 */
export class Poll<T> {
  private current: PollView<T> = { answer: null, failure: null, atMs: 0 };
  private readonly watchers = new Map<() => void, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | undefined;

  constructor(
    private readonly path: string,
    /** Hears of each answer before those who look. */
    private readonly onAnswer: (answer: T) => void = () => undefined,
  ) {}

  readonly view = (): PollView<T> => this.current;

  watch(intervalMs: number, changed: () => void): () => void {
    if (this.watchers.size === 0) document.addEventListener('visibilitychange', this.onVisibility);
    this.watchers.set(changed, intervalMs);
    if (!document.hidden) void this.ask();
    return () => {
      this.watchers.delete(changed);
      if (this.watchers.size > 0) return;
      document.removeEventListener('visibilitychange', this.onVisibility);
      this.pause();
    };
  }

  /** Asks now instead of at the next turn. */
  readonly refresh = (): void => void this.ask();

  private readonly onVisibility = (): void => {
    if (document.hidden) this.pause();
    else void this.ask();
  };

  private pause(): void {
    clearTimeout(this.timer);
    this.request?.abort();
  }

  private show(view: Partial<PollView<T>>): void {
    this.current = { ...this.current, ...view };
    for (const changed of this.watchers.keys()) changed();
  }

  private async ask(): Promise<void> {
    this.pause();
    const own = new AbortController();
    this.request = own;
    const silent = setTimeout(() => {
      if (own.signal.aborted) return;
      this.show({
        failure: new RequestError(`GET ${this.path}: no response within ${SILENT_MS} ms`),
      });
    }, SILENT_MS);
    let view: Partial<PollView<T>>;
    try {
      const answer = await getJson<T>(this.path, own.signal, PATIENCE_MS);
      if (own.signal.aborted) return;
      this.onAnswer(answer);
      view = { answer, failure: null, atMs: performance.now() };
    } catch (error) {
      if (own.signal.aborted) return;
      view = { failure: error instanceof RequestError ? error : new RequestError(String(error)) };
    } finally {
      clearTimeout(silent);
    }
    this.show(view);
    if (this.watchers.size > 0 && !document.hidden) {
      this.timer = setTimeout(() => void this.ask(), Math.min(...this.watchers.values()));
    }
  }
}

const nothing = () => undefined;
const none = () => null;

/** The newest answer, asked for every `intervalMs`; null without a poll. */
export function usePoll<T>(poll: Poll<T>, intervalMs: number): PollView<T>;
export function usePoll<T>(poll: Poll<T> | null, intervalMs: number): PollView<T> | null;
export function usePoll<T>(poll: Poll<T> | null, intervalMs: number): PollView<T> | null {
  const subscribe = useCallback(
    (changed: () => void) => poll?.watch(intervalMs, changed) ?? nothing,
    [poll, intervalMs],
  );
  return useSyncExternalStore<PollView<T> | null>(subscribe, poll?.view ?? none);
}

/** A poll of a component's own. */
export function useOwnPoll<T>(path: string, intervalMs: number): [PollView<T>, () => void] {
  const poll = useMemo(() => new Poll<T>(path), [path]);
  return [usePoll(poll, intervalMs), poll.refresh];
}
