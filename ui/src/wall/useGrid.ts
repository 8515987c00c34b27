import { type RefCallback, useMemo } from 'react';
import type { StreamView } from 'sightwire/relay';
import { equalGrid, focusGrid, type GridStyle } from './gridStyle';
import type { WallSettings } from './settings';
import { useBox } from './useBox';
import { useShapes } from './useShapes';

/** The height of what stands below a picture, as in the style sheet of the tile. */
const CAPTION_PX = 36;
const GAP_PX = 6;
/** Between the pictures of a control room, which have nothing below them. */
const SCREEN_GAP_PX = 2;
/** A narrower tile shows nothing. */
const LEAST_PX = 150;

interface UseGrid {
  grid: GridStyle;
  /** The stream that is shown large; undefined where all are equal. */
  large: StreamView | undefined;
  /** Of the element that the tiles share. */
  watchBox: RefCallback<HTMLElement>;
  noteShape: (id: string, shape: number) => void;
}

/** Where the tiles of these streams stand. */
export function useGrid(
  streams: readonly StreamView[],
  { one, screen }: Pick<WallSettings, 'one' | 'screen'>,
): UseGrid {
  const [watchBox, box] = useBox();
  const [shape, noteShape] = useShapes(streams.map(({ id }) => id));
  const large = streams.find(({ id }) => id === one);
  const count = streams.length;
  const isFocused = large !== undefined;
  // Tiles are drawn anew where their place is a new one.
  const grid = useMemo(() => {
    const gap = screen ? SCREEN_GAP_PX : GAP_PX;
    const caption = screen ? 0 : CAPTION_PX;
    const options = { shape, gap, caption, least: Math.min(LEAST_PX, box.width) };
    return isFocused ? focusGrid(count - 1, box, options) : equalGrid(count, box, options);
  }, [count, isFocused, box, shape, screen]);
  return { grid, large, watchBox, noteShape };
}
