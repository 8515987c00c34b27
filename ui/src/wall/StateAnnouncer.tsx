import { useEffect, useRef, useState } from 'react';
import type { StreamView } from 'sightwire/relay';
import { changes, summary, tileState } from './words';

/** Of more changes at once than these only the counts are told. */
const MOST = 3;

interface Props {
  streams: readonly StreamView[];
  /** Those of whose pictures none can be shown. */
  broken: ReadonlySet<string>;
}

/** Tells screen readers of streams that came or whose state has become another one. */
export function StateAnnouncer({ streams, broken }: Props) {
  const before = useRef<ReadonlyMap<string, string>>(new Map());
  const [spoken, setSpoken] = useState('');
  useEffect(() => {
    // Without how long it is so: that changes every second.
    const now = new Map(streams.map((view) => [view.id, tileState(view, broken.has(view.id))]));
    const news = changes(before.current, now);
    before.current = now;
    if (news.length > MOST) setSpoken(summary(streams, broken));
    else if (news.length > 0) setSpoken(news.join('. '));
  }, [streams, broken]);
  return (
    <span role="status" aria-live="polite">
      {spoken}
    </span>
  );
}
