import { useMemo } from 'react';
import { useShortcuts } from '../base/shortcuts';
import type { WallSettings } from './settings';

interface Actions {
  choose: () => void;
  full: () => void;
  retry: () => void;
}

const NOTHING = () => undefined;

/** Every action of the page has a key. */
export function useWallShortcuts(
  settings: WallSettings,
  change: (part: Partial<WallSettings>) => void,
  { choose, full, retry }: Actions,
): void {
  const { overlays, screen } = settings;
  const shortcuts = useMemo(
    () => [
      // The tiles hear these themselves; here they stand for the list.
      { key: '← → ↑ ↓', what: 'Move between streams', run: NOTHING },
      { key: '⇧ ← →', what: 'Move the stream to another place', run: NOTHING },
      { key: '↵ Enter', what: 'Enlarge or shrink the stream', run: NOTHING },
      {
        key: 'Escape',
        what: 'Back to all streams, or out of the control room',
        run: () => change(screen ? { screen: false } : { one: null }),
      },
      { key: 'o', what: 'Overlays on or off', run: () => change({ overlays: !overlays }) },
      { key: 'a', what: 'Choose streams', run: choose },
      { key: 'c', what: 'Control room: only pictures', run: () => change({ screen: !screen }) },
      { key: 'f', what: 'Full screen', run: full },
      { key: 'r', what: 'Reconnect now', run: retry },
    ],
    [overlays, screen, change, choose, full, retry],
  );
  useShortcuts('Wall', shortcuts);
}
