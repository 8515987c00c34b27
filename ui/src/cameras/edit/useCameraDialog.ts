import { useCallback, useMemo, useState } from 'react';
import type { Camera } from 'sightwire/api';
import { camerasPoll } from '../../api/cameras';
import { useOpener } from '../../components/useOpener';
import type { Subject } from './CameraDialog';
import type { Draft } from './draft';

/** What `DialogHost` shows. */
export interface DialogState {
  subject: Subject;
  opened: boolean;
  /** Each opening begins with a fresh form. */
  turn: number;
  close: () => void;
  /** It was kept as this one; null: it was removed. */
  done: (camera: Camera | null) => void;
}

interface CameraDialogControl {
  add: (begin?: Partial<Draft>) => void;
  edit: (camera: Camera) => void;
  state: DialogState | null;
}

const NOTHING = () => undefined;

/** The dialog that adds and changes cameras. `onDone` hears of what became of one. */
export function useCameraDialog(
  onDone: (camera: Camera | null) => void = NOTHING,
): CameraDialogControl {
  const [shown, setShown] = useState<{ subject: Subject; turn: number } | null>(null);
  const [opened, setOpened] = useState(false);
  const { note, giveBack } = useOpener();
  const show = useCallback(
    (subject: Subject) => {
      note();
      setShown((before) => ({ subject, turn: (before?.turn ?? 0) + 1 }));
      setOpened(true);
    },
    [note],
  );
  const add = useCallback((begin: Partial<Draft> = {}) => show({ begin }), [show]);
  const edit = useCallback((camera: Camera) => show({ camera }), [show]);
  const close = useCallback(() => {
    setOpened(false);
    giveBack();
  }, [giveBack]);
  const done = useCallback(
    (camera: Camera | null) => {
      camerasPoll.refresh();
      close();
      onDone(camera);
    },
    [close, onDone],
  );
  const state = useMemo(
    () => (shown === null ? null : { ...shown, opened, close, done }),
    [shown, opened, close, done],
  );
  return { add, edit, state };
}
