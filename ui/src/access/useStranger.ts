import { useEffect, useState } from 'react';
import type { Session } from 'sightwire/api';
import { sessionOfStranger } from '../api/access';

/** Who somebody is who comes the way this page did, without key or log-in; null until that is known. */
export function useStranger(): Session | null {
  const [stranger, setStranger] = useState<Session | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    sessionOfStranger(leaving.signal)
      .then(setStranger)
      .catch(() => undefined);
    return () => leaving.abort();
  }, []);
  return stranger;
}
