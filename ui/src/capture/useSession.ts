import { useEffect, useState, useSyncExternalStore } from 'react';

interface Session<Snapshot> {
  subscribe: (listener: () => void) => () => void;
  snapshot: () => Snapshot;
  stop: () => void;
}

/** One session for as long as the page is there. Leaving the page ends it, and frees camera and connection. */
export function useSession<Snapshot, Own>(make: () => Own & Session<Snapshot>): [Own, Snapshot] {
  const [session] = useState(make);
  useEffect(() => () => session.stop(), [session]);
  return [session, useSyncExternalStore(session.subscribe, session.snapshot)];
}
