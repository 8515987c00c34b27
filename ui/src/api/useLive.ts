import { useSyncExternalStore } from 'react';
import { live, type LiveView } from './live';

/**
 * A part of what the server tells live. The component renders again only when that part is another
 * one, so `select` picks parts and makes none.
 */
export function useLive<T>(select: (view: LiveView) => T): T {
  return useSyncExternalStore(live.watch, () => select(live.view()));
}
