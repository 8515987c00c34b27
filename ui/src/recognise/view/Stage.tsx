import { type DragEvent, type ReactNode, useEffect, useRef } from 'react';
import { StateBadge } from '../../components/StateBadge';
import type { Snapshot } from '../snapshot';
import { connectionWords } from './connectionWords';
import css from './Stage.module.css';

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
export function Stage({ snapshot, mirror, onFile, corner, children }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const { element, phase, connection } = snapshot;
  useEffect(() => {
    if (element === null) host.current?.replaceChildren();
    else host.current?.replaceChildren(element);
  }, [element]);

  const drop = (event: DragEvent) => {
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    if (file !== undefined) onFile(file);
  };

  const words = connectionWords(snapshot);
  const fresh = snapshot.pictureAgeMs === null && snapshot.answerAgeMs === null;
  const lively = phase === 'running' && connection.state === 'live' && fresh;
  return (
    <section
      className={css.stage}
      aria-label="Video"
      data-live={lively || undefined}
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
    >
      <div ref={host} className={css.picture} data-mirror={mirror || undefined} />
      <div className={css.badge}>
        <StateBadge {...words} data-testid="connection-state" />
      </div>
      <div className={css.corner}>{corner}</div>
      {children}
    </section>
  );
}
