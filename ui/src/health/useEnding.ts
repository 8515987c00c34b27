import { useCallback, useState } from 'react';
import { useOpener } from '../components/useOpener';
import type { Subject } from './EndDialog';

interface Ending {
  /** What is asked about; null before the first time. */
  subject: Subject | null;
  opened: boolean;
  /** Each opening begins anew. */
  turn: number;
  ask: (subject: Subject) => void;
  close: () => void;
}

/** The question before a stream or a viewer is ended, or a process is drained. */
export function useEnding(): Ending {
  const [asked, setAsked] = useState<{ subject: Subject; turn: number } | null>(null);
  const [opened, setOpened] = useState(false);
  const { note, giveBack } = useOpener();
  const ask = useCallback(
    (subject: Subject) => {
      note();
      setAsked((before) => ({ subject, turn: (before?.turn ?? 0) + 1 }));
      setOpened(true);
    },
    [note],
  );
  const close = useCallback(() => {
    setOpened(false);
    giveBack();
  }, [giveBack]);
  return { subject: asked?.subject ?? null, turn: asked?.turn ?? 0, opened, ask, close };
}
