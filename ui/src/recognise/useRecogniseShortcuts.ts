import { useMemo } from 'react';
import { useShortcuts } from '../app/shortcuts';
import type { Controls } from './useControls';

interface More {
  running: boolean;
  threshold: number;
  gestures: readonly string[];
  openFiles: () => void;
  retryNow: () => void;
  copyLink: () => void;
}

const STEP = 0.05;

/** Every action of the page has a key. */
export function useRecogniseShortcuts(controls: Controls, more: More): void {
  const { running, threshold, gestures, openFiles, retryNow, copyLink } = more;
  const shortcuts = useMemo(() => {
    const step = (by: number) =>
      controls.setThreshold(Math.min(1, Math.max(0, Math.round((threshold + by) * 100) / 100)));
    const gesture = (by: number) => {
      const at = gestures.indexOf(controls.settings.gesture);
      const next = gestures.at((at + by + gestures.length) % gestures.length);
      if (controls.settings.source === 'sample' && next !== undefined) controls.chooseGesture(next);
    };
    return [
      {
        key: 's',
        what: 'Start or stop',
        run: () => {
          if (running) controls.stop();
          else if (controls.settings.source === 'file' && controls.file === null) openFiles();
          else controls.start();
        },
      },
      { key: 'c', what: 'Source: camera', run: () => controls.chooseKind('camera') },
      { key: 'f', what: 'Source: video file', run: openFiles },
      { key: 'g', what: 'Source: generated clip', run: () => controls.chooseKind('sample') },
      { key: 'n', what: 'Next gesture', run: () => gesture(1) },
      { key: 'p', what: 'Previous gesture', run: () => gesture(-1) },
      { key: 'a', what: 'Another clip of the gesture', run: () => controls.anotherClip() },
      { key: 'm', what: 'Mirror on or off', run: () => controls.setMirror(!controls.mirror) },
      { key: '+', what: 'Threshold up', run: () => step(STEP) },
      { key: '-', what: 'Threshold down', run: () => step(-STEP) },
      { key: '0', what: 'Threshold: the server’s', run: () => controls.setThreshold(null) },
      { key: 'r', what: 'Try the connection now', run: retryNow },
      { key: 'l', what: 'Copy the link of this view', run: copyLink },
    ];
  }, [controls, running, threshold, gestures, openFiles, retryNow, copyLink]);
  useShortcuts('Recognise', shortcuts);
}
