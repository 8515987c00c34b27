import type { ReactNode } from 'react';
import { Stage } from '../../components/stage/Stage';
import { StateBadge } from '../../components/StateBadge';
import type { Snapshot } from '../snapshot';
import { broadcastWords } from '../words';
import css from './BroadcastStage.module.css';

interface Props {
  snapshot: Snapshot;
  /** What lies over the picture: a hint, a problem. */
  children: ReactNode;
}

/** The source's picture, with the state of the stream on it; what nobody gets looks so. */
export function BroadcastStage({ snapshot, children }: Props) {
  const { element, phase, stream, stillMs } = snapshot;
  return (
    <Stage
      element={element}
      live={phase === 'on' && stream.state === 'live' && stillMs === null}
      className={css.stage}
      badge={<StateBadge {...broadcastWords(snapshot)} data-testid="broadcast-state" />}
      data-empty={element === null || undefined}
      data-testid="stage"
    >
      {children}
    </Stage>
  );
}
