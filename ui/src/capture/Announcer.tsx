import { VisuallyHidden } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { labelWords } from '../components/labelWords';

/** Two announcements are at least this far apart: a screen reader needs time to speak. */
const REST_MS = 1500;

/** Tells screen readers of a changed label: politely, changes only, the newest one. */
export function Announcer({ label }: { label: string | null }) {
  const [spoken, setSpoken] = useState('');
  const spokenMs = useRef(-Infinity);
  useEffect(() => {
    const next = label === null ? '' : labelWords(label);
    const waitMs = Math.max(0, spokenMs.current + REST_MS - performance.now());
    const timer = setTimeout(() => {
      spokenMs.current = performance.now();
      setSpoken(next);
    }, waitMs);
    return () => clearTimeout(timer);
  }, [label]);
  return (
    <VisuallyHidden role="status" aria-live="polite" data-testid="announcement">
      {spoken}
    </VisuallyHidden>
  );
}
