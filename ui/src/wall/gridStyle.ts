import type { CSSProperties } from 'react';
import { type Box, fit, type FitOptions, focus, lastRowShares } from './layout';

/** Where tiles stand, as CSS says it. */
export interface GridStyle {
  style: CSSProperties;
  /** The wall is higher than the window. */
  scrolls: boolean;
  /** Of the equal ones in their order; undefined where all are the same. */
  places?: readonly CSSProperties[];
  /** Of the large one; null where all are equal. */
  large: CSSProperties | null;
  /** Of each beside or below a large one. */
  others?: CSSProperties;
}

const equal = (count: number) => `repeat(${count}, minmax(0, 1fr))`;

/** All equal. */
export function equalGrid(count: number, box: Box, options: FitOptions): GridStyle {
  const found = fit(count, box, options);
  const { columns, rows, scrolls } = found;
  const last = count - columns * (rows - 1);
  const isRagged = !scrolls && last > 0 && last < columns;
  const shares = isRagged && lastRowShares(count, found, box, options);
  // Finer columns than those of the tiles: the last row has wider tiles, or begins within a column.
  const parts = shares ? last : 2;
  const place = (index: number): CSSProperties => {
    const ofLast = index - columns * (rows - 1);
    if (shares) return { gridColumn: `span ${ofLast < 0 ? parts : columns}` };
    return { gridColumn: ofLast === 0 ? `${columns - last + 1} / span 2` : 'span 2' };
  };
  const width = (box.width - options.gap * (columns - 1)) / columns;
  const height = Math.round(width / options.shape + options.caption);
  return {
    style: {
      gap: options.gap,
      gridTemplateColumns: equal(isRagged ? columns * parts : columns),
      ...(scrolls ? { gridAutoRows: height } : { gridTemplateRows: equal(rows) }),
    },
    scrolls,
    large: null,
    ...(isRagged && { places: Array.from({ length: count }, (_, index) => place(index)) }),
  };
}

/** One of them large. */
export function focusGrid(others: number, box: Box, options: FitOptions): GridStyle {
  const { beside, columns, rows, share, scrolls } = focus(others, box, options);
  if (others === 0) {
    const style = { gridTemplateColumns: equal(1), gridTemplateRows: equal(1) };
    return { style, scrolls: false, large: {} };
  }
  const side = (all: number, parts: number) =>
    Math.floor((all * share - options.gap * parts) / parts);
  if (scrolls) {
    const width = side(beside ? box.width : box.width / share, columns);
    const height = Math.round(width / options.shape + options.caption);
    // The large one stays where it is, in a row of its own height; what is scrolled to stops below it.
    const stays: CSSProperties = { position: 'sticky', top: 0, alignSelf: 'start', zIndex: 1 };
    const first = Math.floor(box.height * (1 - share));
    return beside
      ? {
          style: {
            gap: options.gap,
            gridTemplateColumns: `minmax(0, 1fr) repeat(${columns}, ${width}px)`,
            gridTemplateRows: `repeat(${rows}, ${height}px)`,
          },
          scrolls,
          large: { ...stays, gridColumn: 1, gridRow: '1 / -1', height: box.height },
        }
      : {
          style: {
            gap: options.gap,
            gridTemplateColumns: equal(columns),
            gridTemplateRows: `${first}px`,
            gridAutoRows: height,
          },
          scrolls,
          large: { ...stays, gridColumn: '1 / -1', gridRow: 1, height: first },
          others: { scrollMarginTop: first + options.gap },
        };
  }
  return beside
    ? {
        style: {
          gap: options.gap,
          gridTemplateColumns: `minmax(0, 1fr) repeat(${columns}, ${side(box.width, columns)}px)`,
          gridTemplateRows: equal(rows),
        },
        scrolls: false,
        large: { gridColumn: 1, gridRow: '1 / -1' },
      }
    : {
        style: {
          gap: options.gap,
          gridTemplateColumns: equal(columns),
          gridTemplateRows: `minmax(0, 1fr) repeat(${rows}, ${side(box.height, rows)}px)`,
        },
        scrolls: false,
        large: { gridColumn: '1 / -1', gridRow: 1 },
      };
}
