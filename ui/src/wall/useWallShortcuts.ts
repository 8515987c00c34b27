import { useMemo } from 'react';
import { useShortcuts } from '../app/shortcuts';
import { SIZES, type WallSettings } from './settings';

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
  const { overlays, size } = settings;
  const shortcuts = useMemo(() => {
    const resize = (by: number) => {
      const next = SIZES[SIZES.indexOf(size) + by];
      if (next !== undefined) change({ size: next });
    };
    return [
      // The tiles hear these themselves; here they stand for the list.
      { key: '← → ↑ ↓', what: 'Move between streams', run: NOTHING },
      { key: '↵ Enter', what: 'Enlarge or shrink the stream', run: NOTHING },
      { key: 'Escape', what: 'Back to all streams', run: () => change({ one: null }) },
      { key: 'o', what: 'Overlays on or off', run: () => change({ overlays: !overlays }) },
      { key: 'a', what: 'Choose streams', run: choose },
      { key: '+', what: 'Larger tiles', run: () => resize(1) },
      { key: '-', what: 'Smaller tiles', run: () => resize(-1) },
      { key: 'f', what: 'Full screen', run: full },
      { key: 'r', what: 'Reconnect now', run: retry },
    ];
  }, [overlays, size, change, choose, full, retry]);
  useShortcuts('Wall', shortcuts);
}
