import { lazy, Suspense } from 'react';
import type { DialogState } from './useCameraDialog';

/** Loaded when it is first asked for. */
const CameraDialog = lazy(() => import('./CameraDialog'));

/** Where the dialog of a page stands. */
export function DialogHost({ state }: { state: DialogState | null }) {
  if (state === null) return null;
  const { turn, opened, subject, close, done } = state;
  return (
    <Suspense fallback={null}>
      <CameraDialog key={turn} opened={opened} subject={subject} onClose={close} onDone={done} />
    </Suspense>
  );
}
