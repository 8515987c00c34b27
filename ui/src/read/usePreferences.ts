import { useSyncExternalStore } from 'react';
import { keep, kept } from '../base/storage';
import { formatPreferences, parsePreferences, type Preferences } from './preferences';

const KEY = 'sightwire.read';
const listeners = new Set<() => void>();
let current: Preferences | null = null;

/** As they are now; read from the browser's storage once. */
export function preferences(): Preferences {
  current ??= parsePreferences(kept(KEY));
  return current;
}

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...preferences(), ...change };
  keep(KEY, formatPreferences(current));
  for (const listener of listeners) listener();
}

export function usePreferences(): [Preferences, (change: Partial<Preferences>) => void] {
  return [useSyncExternalStore(subscribe, preferences), setPreferences];
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
