import { useCallback } from 'react';
import { ownAddress } from '../base/basePath';
import { useSession } from './session';

/** Gives the whole address of a path of this server, as other programs ask for it. */
export type ServerAddress = (path: string) => string;

/** What stands in these addresses where a key goes. */
export const KEY = 'KEY';

/** Whoever had to log in has a server that asks their programs for a key, too. */
export function useKeyNeeded(): boolean {
  return typeof useSession()?.csrf === 'string';
}

export function useServerAddress(): ServerAddress {
  const keyed = useKeyNeeded();
  return useCallback((path) => serverAddress(ownAddress(), path, keyed), [keyed]);
}

export function serverAddress(server: string, path: string, keyed: boolean): string {
  if (!keyed) return server + path;
  return `${server}${path}${path.includes('?') ? '&' : '?'}key=${KEY}`;
}

/** The same address for a WebSocket. */
export function webSocketAddress(address: string): string {
  return address.replace(/^http/, 'ws');
}
