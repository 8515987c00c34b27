import { useEffect, useRef, useState } from 'react';
import type { StreamView } from 'sightwire/relay';
import { changes, summary } from './words';

/** Of more changes at once than these only the counts are told. */
const MOST = 3;

/** Tells screen readers of streams that came or whose state has become another one. */
export function StateAnnouncer({ streams }: { streams: readonly StreamView[] }) {
  const before = useRef<ReadonlyMap<string, string>>(new Map());
  const [spoken, setSpoken] = useState('');
  useEffect(() => {
    // Without how long it is so: that changes every second.
    const now = new Map(streams.map(({ id, state }) => [id, state]));
    const news = changes(before.current, now);
    before.current = now;
    if (news.length > MOST) setSpoken(summary(streams));
    else if (news.length > 0) setSpoken(news.join('. '));
  }, [streams]);
  return (
    <span role="status" aria-live="polite">
      {spoken}
    </span>
  );
}
