import { useEffect, useSyncExternalStore } from 'react';
import { useShortcuts } from '../base/shortcuts';
import type { Session } from '../recognise/session';
import { Recorder, type RecorderView } from './recorder';
import { fileName } from './recording';

/** Lives as long as the tab does, so that a look at another page loses no recording. */
const recorder = new Recorder();

async function download(): Promise<void> {
  if (recorder.snapshot().rows === 0 || recorder.snapshot().writing) return;
  recorder.stop();
  const address = URL.createObjectURL(await recorder.file());
  const link = document.createElement('a');
  link.href = address;
  link.download = fileName(new Date());
  link.click();
  recorder.markSaved();
  // The browser needs the address for as long as it takes to begin the download.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export const recorderActions = {
  start: () => recorder.start(),
  stop: () => recorder.stop(),
  discard: () => recorder.discard(),
  download: () => void download(),
  roomS: (labels: number) => recorder.roomS(labels),
};

const SHORTCUTS = [
  {
    key: 'e',
    what: 'Start or stop recording',
    run: () => {
      if (recorder.snapshot().state === 'recording') recorder.stop();
      else recorder.start();
    },
  },
  { key: 'd', what: 'Download the recording', run: recorderActions.download },
];

/** The recording of the session's results, with the keys for it. Leaving the page stops it. */
export function useRecorder(session: Session): RecorderView {
  useEffect(() => {
    const unsubscribe = session.onResult((result) => recorder.take(result));
    return () => {
      unsubscribe();
      recorder.stop();
    };
  }, [session]);
  useShortcuts('Recording', SHORTCUTS);
  return useSyncExternalStore(recorder.subscribe, recorder.snapshot);
}
