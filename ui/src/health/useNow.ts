import { useEffect, useState } from 'react';

/** `performance.now()`, a second ago at most; it stands still where it is not wanted. */
export function useNow(wanted: boolean): number {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    if (!wanted) return;
    const tick = () => setNowMs(performance.now());
    const first = setTimeout(tick, 0);
    const timer = setInterval(tick, 1000);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [wanted]);
  return nowMs;
}
