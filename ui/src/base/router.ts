import { useSyncExternalStore } from 'react';
import { at, within } from './basePath';

const changed = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  changed.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    changed.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

/** Goes to a page of ours (`/wall?one=yard`) without loading anything anew. */
export function navigate(to: string): void {
  history.pushState(null, '', at(to));
  window.scrollTo(0, 0);
  for (const listener of changed) listener();
}

/** Rewrites the address of the page we are on, without a step in the history. */
export function replaceSearch(search: string): void {
  if (search === location.search) return;
  history.replaceState(history.state, '', location.pathname + search + location.hash);
  for (const listener of changed) listener();
}

/** The path of the page on this server, without a closing slash. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => within(location.pathname).replace(/(?<=.)\/+$/, ''));
}

/** The query of the address, with its `?`. */
export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => location.search);
}
