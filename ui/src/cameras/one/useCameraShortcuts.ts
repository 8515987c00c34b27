import { useMemo } from 'react';
import { useShortcuts } from '../../base/shortcuts';
import {
  DEFAULTS,
  MOST_FPS,
  MOST_SKIP,
  type Settings,
  USUAL_FPS,
  usualSkip,
  VIEWS,
} from './settings';

interface More {
  usualConfidence: number;
  save: () => void;
  /** Null where the camera may not be changed. */
  edit: (() => void) | null;
  retryNow: () => void;
  copyLink: () => void;
  /** Goes to the next camera, or by -1 to the one before. */
  goTo: (by: number) => void;
}

const STEP = 0.05;

/** Every action of the page has a key. */
export function useCameraShortcuts(
  settings: Settings,
  change: (part: Partial<Settings>) => void,
  more: More,
): void {
  const { usualConfidence, save, edit, retryNow, copyLink, goTo } = more;
  const shortcuts = useMemo(() => {
    const { view } = settings;
    const within = (value: number, least: number, most: number) =>
      Math.min(most, Math.max(least, value));
    const confidence = (by: number) => {
      const next = (settings.confidence ?? usualConfidence) + by;
      change({ confidence: within(Math.round(next * 100) / 100, 0, 1) });
    };
    const rate = (by: number) => {
      const next = within((settings.fps ?? USUAL_FPS) + by, 1, MOST_FPS);
      change({ fps: next === USUAL_FPS ? null : next });
    };
    const skip = (by: number) => {
      const next = within((settings.skip ?? usualSkip(view)) + by, 1, MOST_SKIP);
      change({ skip: next === usualSkip(view) ? null : next });
    };
    const nextView = VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length] ?? DEFAULTS.view;
    return [
      {
        key: 'v',
        what: 'Video, objects, tracks',
        run: () => change({ view: nextView, skip: null }),
      },
      { key: '+', what: 'Confidence up', run: () => confidence(STEP) },
      { key: '-', what: 'Confidence down', run: () => confidence(-STEP) },
      { key: '0', what: 'Reset the confidence', run: () => change({ confidence: null }) },
      { key: '>', what: 'Higher frame rate', run: () => rate(1) },
      { key: '<', what: 'Lower frame rate', run: () => rate(-1) },
      { key: ']', what: 'Analyse fewer frames', run: () => skip(1) },
      { key: '[', what: 'Analyse more frames', run: () => skip(-1) },
      { key: 'b', what: 'Labels on or off', run: () => change({ labels: !settings.labels }) },
      { key: 'w', what: 'Trails on or off', run: () => change({ trails: !settings.trails }) },
      { key: 'x', what: 'All classes', run: () => change({ classes: null }) },
      { key: 's', what: 'Save the frame', run: save },
      ...(edit === null ? [] : [{ key: 'e', what: 'Edit the camera', run: edit }]),
      { key: 'n', what: 'Next camera', run: () => goTo(1) },
      { key: 'p', what: 'Previous camera', run: () => goTo(-1) },
      { key: 'r', what: 'Reconnect now', run: retryNow },
      { key: 'l', what: 'Copy the link to this view', run: copyLink },
    ];
  }, [settings, change, usualConfidence, save, edit, retryNow, copyLink, goTo]);
  useShortcuts('Camera', shortcuts);
}
