import { useCallback, useState } from 'react';
import { type Kept, loadKept, saveKept } from './order';

/** Order and groups of this browser. */
export function useKept(): [Kept, (change: Partial<Kept>) => void] {
  const [now, setNow] = useState(loadKept);
  const change = useCallback((part: Partial<Kept>) => {
    setNow((before) => {
      const next = { ...before, ...part };
      saveKept(next);
      return next;
    });
  }, []);
  return [now, change];
}
