import { useCallback, useState } from 'react';

/** The streams of which pictures come that cannot be shown; and what notes one. */
export function useBroken(): [ReadonlySet<string>, (id: string, is: boolean) => void] {
  const [broken, setBroken] = useState<ReadonlySet<string>>(new Set());
  const note = useCallback((id: string, is: boolean) => {
    setBroken((before) => {
      if (before.has(id) === is) return before;
      const now = new Set(before);
      if (is) now.add(id);
      else now.delete(id);
      return now;
    });
  }, []);
  return [broken, note];
}
