import type { Role, Session, Use } from 'sightwire/api';
import { useSyncExternalStore } from 'react';
import { at, within } from '../base/basePath';

/** Who uses this page, as the server knows it; null until it has said so. */
let session: Session | null = null;
/** Whether the server was asked, with or without an answer. */
let asked = false;
const watchers = new Set<() => void>();

const RANKS: Record<Role, number> = { viewer: 0, streamer: 1, operator: 2, admin: 3 };

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Takes up what the server says; null: it said nothing. */
export function setSession(now: Session | null): void {
  session = now;
  asked = true;
  for (const watcher of watchers) watcher();
}

export function useSession(): Session | null {
  return useSyncExternalStore(subscribe, () => session);
}

/** False until it is known who uses this page, or that the server does not say so. */
export function useSessionAsked(): boolean {
  return useSyncExternalStore(subscribe, () => asked);
}

/** Whether whoever uses this page may do what takes that role; what the server does not say counts as allowed. */
export function useMay(role: Role, use?: Use): boolean {
  const who = useSession();
  return who === null || may(who, role, use);
}

/** What a request that changes something has to bring, because the browser adds the cookie by itself. */
export function csrfHeader(method: string): Record<string, string> {
  const token = session?.csrf ?? null;
  return method === 'GET' || token === null ? {} : { 'x-csrf-token': token };
}

/** Whether somebody may do what takes that role, for that use where it belongs to one. */
export function may(who: Session, role: Role, use?: Use): boolean {
  if (who.role === null || RANKS[who.role] < RANKS[role]) return false;
  return use === undefined || who.uses.length === 0 || who.uses.includes(use);
}

/** Where somebody logs in who is not known any more; then they come back to this page. */
export function loginPath({ pathname, search }: { pathname: string; search: string }): string {
  return at(`/login?${new URLSearchParams({ next: within(pathname) + search })}`);
}

let leaving = false;

/** The server does not know us: the session is over, or the key was revoked. */
export function goToLogin(): void {
  if (leaving) return;
  leaving = true;
  location.assign(loginPath(location));
}
