import { type ReactNode, useEffect, useRef } from 'react';
import { StateBadge } from '../../components/StateBadge';
import type { Snapshot } from '../snapshot';
import { broadcastWords } from '../words';
import css from './Stage.module.css';

interface Props {
  snapshot: Snapshot;
  /** What lies over the picture: a hint, a problem. */
  children: ReactNode;
}

/** The source's picture, with the state of the stream on it; what nobody gets looks so. */
export function Stage({ snapshot, children }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const { element, stream, stillMs } = snapshot;
  useEffect(() => {
    if (element === null) host.current?.replaceChildren();
    else host.current?.replaceChildren(element);
  }, [element]);
  const lively = snapshot.phase === 'on' && stream.state === 'live' && stillMs === null;
  return (
    <section
      className={css.stage}
      aria-label="Video"
      data-live={lively || undefined}
      data-empty={element === null || undefined}
      data-testid="stage"
    >
      <div ref={host} className={css.picture} />
      <div className={css.badge}>
        <StateBadge {...broadcastWords(snapshot)} data-testid="broadcast-state" />
      </div>
      {children}
    </section>
  );
}
