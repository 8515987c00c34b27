import { useEffect, useState, useSyncExternalStore } from 'react';
import { Session } from './session';
import type { Snapshot } from './snapshot';

/** One session for as long as the page is there. Leaving the page ends the stream. */
export function useSession(): [Session, Snapshot] {
  const [session] = useState(() => new Session());
  useEffect(() => () => session.stop(), [session]);
  return [session, useSyncExternalStore(session.subscribe, session.snapshot)];
}
