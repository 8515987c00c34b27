import { useEffect, useRef, useState } from 'react';
import type { Camera } from 'sightwire/api';
import { streamWords } from '../state/streamWords';

/** Tells screen readers of cameras whose state has become another one; changes only. */
export function StateAnnouncer({ cameras }: { cameras: readonly Camera[] }) {
  const before = useRef<ReadonlyMap<string, string>>(new Map());
  const [spoken, setSpoken] = useState('');
  useEffect(() => {
    // Without how long it is so: that changes every second.
    const now = new Map(
      cameras.flatMap(({ id, stream }) =>
        stream === null ? [] : [[id, streamWords(stream).word.split(' ')[0] ?? '']],
      ),
    );
    const changed = cameras.flatMap(({ id, name }) => {
      const word = now.get(id);
      return before.current.has(id) && word !== undefined && before.current.get(id) !== word
        ? [`${name}: ${word}`]
        : [];
    });
    before.current = now;

    if (changed.length > 0) setSpoken(changed.join('. '));
  }, [cameras]);
  return (
    <span role="status" aria-live="polite">
      {spoken}
    </span>
  );
}
