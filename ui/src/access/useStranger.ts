import { useEffect, useState } from 'react';
import type { Session } from 'sightwire/api';
import { sessionOfStranger } from '../api/access';

/** Who somebody is who comes the way this page did, without key or log-in; or that it cannot be told. */
export function useStranger(): Session | 'asking' | 'unknown' {
  const [stranger, setStranger] = useState<Session | 'asking' | 'unknown'>('asking');
  useEffect(() => {
    const leaving = new AbortController();
    sessionOfStranger(leaving.signal)
      .then(setStranger)
      .catch(() => {
        if (!leaving.signal.aborted) setStranger('unknown');
      });
    return () => leaving.abort();
  }, []);
  return stranger;
}
