import { useCallback, useSyncExternalStore } from 'react';
import { statusView, type StatusView, watchStatus } from './statusStore';

/** The server's status, asked for every `intervalMs` while the page is visible. */
export function useStatus(intervalMs: number): StatusView {
  const subscribe = useCallback(
    (changed: () => void) => watchStatus(intervalMs, changed),
    [intervalMs],
  );
  return useSyncExternalStore(subscribe, statusView);
}
