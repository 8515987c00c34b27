import { useEffect, useEffectEvent, useRef } from 'react';

/** Does something at once when the server answers again, instead of waiting for a backoff to end. */
export function useServerReturn(failure: string | null, onReturn: () => void): void {
  const wasGone = useRef(false);
  const returned = useEffectEvent(onReturn);
  useEffect(() => {
    if (failure !== null) {
      wasGone.current = true;
    } else if (wasGone.current) {
      wasGone.current = false;
      returned();
    }
  }, [failure]);
}
