import { VisuallyHidden } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { SentenceView } from './sentence';
import { spoken } from './spoken';

/** Two announcements are at least this far apart: a screen reader needs time to speak. */
const REST_MS = 1500;

/** Tells screen readers what became of the sentence: politely, changes only, no word left out. */
export function SentenceAnnouncer({ view }: { view: SentenceView }) {
  const [text, setText] = useState('');
  const saidMs = useRef(-Infinity);
  const saidId = useRef(newestId(view));
  const first = useRef(view);
  useEffect(() => {
    // What was there before the page came is not news.
    if (view === first.current) return;
    const waitMs = Math.max(0, saidMs.current + REST_MS - performance.now());
    const timer = setTimeout(() => {
      saidMs.current = performance.now();
      setText(spoken(view, saidId.current));
      saidId.current = Math.max(saidId.current, newestId(view));
    }, waitMs);
    return () => clearTimeout(timer);
  }, [view]);
  return (
    <VisuallyHidden role="status" aria-live="polite" data-testid="sentence-announcement">
      {text}
    </VisuallyHidden>
  );
}

function newestId(view: SentenceView): number {
  return view.words.at(-1)?.id ?? 0;
}
