import { useEffect, useRef, useState } from 'react';
import type { LiveData } from '../api/live';
import { changes } from './changes';

/** Tells screen readers what has changed, not what is so. */
export function Announcer({ data, said }: { data: LiveData | null; said: string }) {
  const before = useRef<LiveData | null>(null);
  const [spoken, setSpoken] = useState('');
  useEffect(() => {
    if (data === null) return;
    const told = before.current === null ? [] : changes(before.current, data);
    before.current = data;

    if (told.length > 0) setSpoken(told.join('. '));
  }, [data]);
  return (
    <>
      <span role="status" aria-live="polite" data-testid="announcer">
        {spoken}
      </span>
      <span role="status" aria-live="polite">
        {said}
      </span>
    </>
  );
}
