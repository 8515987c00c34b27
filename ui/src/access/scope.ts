import type { Role, Use } from 'sightwire/api';
import { patternsOf } from './words';

/** What a new key or user may do, and of what. */
export interface Scope {
  role: Role;
  /** Patterns, as they are written. */
  streams: string;
  uses: readonly Use[];
}

export const NO_SCOPE: Scope = { role: 'viewer', streams: '', uses: [] };

/** As requests have it. */
export function toSend({ role, streams, uses }: Scope) {
  return { role, streams: patternsOf(streams), uses: [...uses] };
}
