import type { DragEvent, ReactNode } from 'react';
import { Stage } from '../../components/stage/Stage';
import { StateBadge } from '../../components/StateBadge';
import type { Snapshot } from '../snapshot';
import { connectionWords } from './connectionWords';
import css from './RecogniseStage.module.css';

interface Props {
  snapshot: Snapshot;
  mirror: boolean;
  /** A file was dropped onto the picture. */
  onFile: (file: File) => void;
  /** Stands in the corner opposite to the state of the connection. */
  corner: ReactNode;
  /** What lies over the picture: a hint, a problem. */
  children: ReactNode;
}

/** The picture, exactly the part of it that is sent, with the state of the connection on it. */
export function RecogniseStage({ snapshot, mirror, onFile, corner, children }: Props) {
  const { element, phase, connection } = snapshot;
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    if (file !== undefined) onFile(file);
  };

  const fresh = snapshot.pictureAgeMs === null && snapshot.answerAgeMs === null;
  return (
    <Stage
      element={element}
      live={phase === 'running' && connection.state === 'live' && fresh}
      className={css.stage}
      mirror={mirror}
      badge={<StateBadge {...connectionWords(snapshot)} data-testid="connection-state" />}
      corner={corner}
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
    >
      {children}
    </Stage>
  );
}
