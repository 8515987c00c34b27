import { useMemo } from 'react';
import { useShortcuts } from '../base/shortcuts';
import { MOST_STEADY } from './logic/settings';
import type { Controls } from './useControls';

interface More {
  running: boolean;
  threshold: number;
  /** How many equal predictions in a row make a word, and the usual number. */
  steady: number;
  usualSteady: number;
  /** Chooses the next length of the list of labels. */
  nextTop: () => void;
  openModels: () => void;
  gestures: readonly string[];
  begin: () => void;
  openFiles: () => void;
  retryNow: () => void;
  copyLink: () => void;
}

const STEP = 0.05;

/** Every action of the page has a key. */
export function useRecogniseShortcuts(controls: Controls, more: More): void {
  const { running, threshold, steady, usualSteady, gestures } = more;
  const { nextTop, openModels, begin, openFiles, retryNow, copyLink } = more;
  const shortcuts = useMemo(() => {
    const step = (by: number) =>
      controls.setThreshold(Math.min(1, Math.max(0, Math.round((threshold + by) * 100) / 100)));
    const steadier = (by: number) => {
      const next = Math.min(MOST_STEADY, Math.max(1, steady + by));
      controls.setSteady(next === usualSteady ? null : next);
    };
    const gesture = (by: number) => {
      const at = gestures.indexOf(controls.settings.gesture);
      const next = gestures.at((at + by + gestures.length) % gestures.length);
      if (controls.settings.source === 'sample' && next !== undefined) controls.chooseGesture(next);
    };
    return [
      { key: 's', what: 'Start or stop', run: () => (running ? controls.stop() : begin()) },
      { key: 'c', what: 'Source: camera', run: () => controls.chooseKind('camera') },
      { key: 'f', what: 'Source: video file', run: openFiles },
      { key: 'g', what: 'Source: generated clip', run: () => controls.chooseKind('sample') },
      { key: 'n', what: 'Next gesture', run: () => gesture(1) },
      { key: 'p', what: 'Previous gesture', run: () => gesture(-1) },
      { key: 'a', what: 'Another clip of the gesture', run: () => controls.anotherClip() },
      { key: 'm', what: 'Mirror on or off', run: () => controls.setMirror(!controls.mirror) },
      { key: '+', what: 'Threshold up', run: () => step(STEP) },
      { key: '-', what: 'Threshold down', run: () => step(-STEP) },
      { key: '0', what: 'Reset the threshold', run: () => controls.setThreshold(null) },
      { key: '>', what: 'Hold signs longer for a word', run: () => steadier(1) },
      { key: '<', what: 'Hold signs shorter for a word', run: () => steadier(-1) },
      {
        key: 'i',
        what: 'Count “nothing happens” as a word',
        run: () => controls.setRest(!controls.settings.rest),
      },
      { key: 'k', what: 'Number of labels listed', run: nextTop },
      { key: 'o', what: 'Models', run: openModels },
      { key: 'r', what: 'Reconnect now', run: retryNow },
      { key: 'l', what: 'Copy the link to this view', run: copyLink },
    ];
  }, [
    controls,
    running,
    threshold,
    steady,
    usualSteady,
    gestures,
    nextTop,
    openModels,
    begin,
    openFiles,
    retryNow,
    copyLink,
  ]);
  useShortcuts('Recognise', shortcuts);
}
