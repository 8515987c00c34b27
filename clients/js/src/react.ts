'use client';

import { type RefCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import {
  createRecognizer,
  IDLE,
  type Recognizer,
  type Settings,
  type Snapshot,
} from './recognizer.js';

export interface UseRecognizerOptions extends Settings {
  /** Runs as long as the component is there (false): the browser asks for the camera at once. */
  autoStart?: boolean | undefined;
}

export interface UseRecognizer extends Snapshot {
  /** Starts, or starts again after `stop` or an error. */
  start: () => void;
  /** Gives the camera and the place on the server back. */
  stop: () => void;
  /** Asks the server for a place now instead of at the next turn. */
  retry: () => void;
  /** For the `<video>` that shows the camera: `<video ref={videoRef} />`. */
  videoRef: RefCallback<HTMLVideoElement>;
  /** For what is not here: `newest`, or `for await` over the results. */
  recognizer: Recognizer;
}

const atServer = (): Snapshot => IDLE;

/**
 * A recogniser for as long as the component is there. The options may change at any time and need
 * not be memoised. Renders when the state, the model or the label changes, and every `refreshMs` for
 * the numbers; `onPrediction` hears every result without rendering.
 */
export function useRecognizer(options: UseRecognizerOptions = {}): UseRecognizer {
  const { autoStart = false, ...settings } = options;
  const [recognizer] = useState(() => createRecognizer(settings));
  const snapshot = useSyncExternalStore(recognizer.subscribe, recognizer.getSnapshot, atServer);

  // After each render: what has not changed costs nothing.
  useEffect(() => recognizer.configure(settings));

  useEffect(() => {
    if (autoStart) recognizer.start();
    // Not `close`: in strict mode the same recogniser is mounted again.
    return () => recognizer.stop();
  }, [recognizer, autoStart]);

  const actions = useMemo(
    () => ({
      start: () => recognizer.start(),
      stop: () => recognizer.stop(),
      retry: () => recognizer.retry(),
      videoRef: (video: HTMLVideoElement | null) => recognizer.attach(video),
      recognizer,
    }),
    [recognizer],
  );
  return { ...snapshot, ...actions };
}
