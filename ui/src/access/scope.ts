import type { NewKey, Role, Use } from 'sightwire/api';
import { patternsOf } from './words';

/** What a new key or user may do, and of what. */
export interface Scope {
  role: Role;
  /** Patterns, as they are written. */
  streams: string;
  uses: readonly Use[];
}

export const NO_SCOPE: Scope = { role: 'viewer', streams: '', uses: [] };

export const DAY_S = 86_400;

/** How long a key counts, to choose from; null: for ever. */
export interface Lasts {
  seconds: number | null;
  label: string;
}

/** As requests have it. */
export function toSend({ role, streams, uses }: Scope) {
  return { role, streams: patternsOf(streams), uses: [...uses] };
}

/** A key as requests have it; without a name it is called by its id. */
export function newKey(name: string, scope: Scope, seconds: number | null): NewKey {
  const trimmed = name.trim();
  return {
    ...toSend(scope),
    ...(trimmed === '' ? {} : { name: trimmed }),
    ...(seconds === null ? {} : { expires_s: seconds }),
  };
}
