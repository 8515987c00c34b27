import { useEffect, useRef } from 'react';
import type { Session } from './session';

/** Connects at once when the server answers again, instead of waiting for the backoff to end. */
export function useServerReturn(session: Session, failure: string | null): void {
  const wasGone = useRef(false);
  useEffect(() => {
    if (failure !== null) {
      wasGone.current = true;
    } else if (wasGone.current) {
      wasGone.current = false;
      session.retryNow();
    }
  }, [session, failure]);
}
