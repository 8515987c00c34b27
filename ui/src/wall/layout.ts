/** How tiles share a screen: all of them are seen, as large as possible. */

export interface Box {
  width: number;
  height: number;
}

export interface Fit {
  columns: number;
  rows: number;
  /** They do not all fit at the least width: the wall is as high as it has to be, and scrolls. */
  scrolls: boolean;
}

export interface FitOptions {
  /** Width by height of the pictures. */
  shape: number;
  gap: number;
  /** Height of what stands below each picture. */
  caption: number;
  /** A narrower tile shows nothing. */
  least: number;
}

/** One of so many equal columns and rows. */
function cellOf(columns: number, rows: number, box: Box, gap: number): Box {
  return {
    width: (box.width - gap * (columns - 1)) / columns,
    height: (box.height - gap * (rows - 1)) / rows,
  };
}

/** How wide the picture is in a tile. */
function pictureWidth(tile: Box, { shape, caption }: FitOptions): number {
  return Math.min(tile.width, (tile.height - caption) * shape);
}

/** Columns and rows in which `count` equal tiles show the largest pictures in a box. */
export function fit(count: number, box: Box, options: FitOptions): Fit {
  const { gap, least } = options;
  let best: Fit & { picture: number } = {
    columns: 1,
    rows: Math.max(1, count),
    scrolls: false,
    picture: 0,
  };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const picture = pictureWidth(cellOf(columns, rows, box, gap), options);
    if (picture > best.picture) best = { columns, rows, scrolls: false, picture };
  }
  if (count > 0 && best.picture < Math.min(least, box.width)) {
    const columns = Math.max(1, Math.min(count, Math.floor((box.width + gap) / (least + gap))));
    return { columns, rows: Math.ceil(count / columns), scrolls: true };
  }
  const { columns, rows, scrolls } = best;
  return { columns, rows, scrolls };
}

/** So much larger pictures are worth tiles of different widths. */
const WORTH = 1.1;

/** Whether the tiles of a last row that is not full share its width; otherwise they would only have broad bars beside their pictures. */
export function lastRowShares(
  count: number,
  { columns, rows }: Fit,
  box: Box,
  options: FitOptions,
): boolean {
  const last = count - columns * (rows - 1);
  if (last <= 0 || last >= columns) return false;
  const width = (across: number) => pictureWidth(cellOf(across, rows, box, options.gap), options);
  return width(last) >= WORTH * width(columns);
}

export interface Focus {
  /** The others stand beside the large one, or below it. */
  beside: boolean;
  /** Of the others. */
  columns: number;
  rows: number;
  /** Share of the width or of the height that the others take. */
  share: number;
  /** They do not all fit at a width at which something is seen: they scroll, and the large one stays. */
  scrolls: boolean;
}

/** The least and the most that the others of a large one take. */
const SHARES = [0.16, 0.22, 0.28, 0.36] as const;
/** Beside a large one, whose place they tell, smaller pictures will do. */
const SMALLEST = 104;

/** One large tile with all others at its side, or below it on a screen that is higher than wide. */
export function focus(others: number, box: Box, options: FitOptions): Focus {
  const beside = box.width >= box.height;
  const { gap } = options;
  let last: Focus = { beside, columns: 1, rows: Math.max(1, others), share: 0, scrolls: false };
  if (others === 0) return last;
  let picture = 0;
  for (const share of SHARES) {
    const strip = beside
      ? { width: box.width * share - gap, height: box.height }
      : { width: box.width, height: box.height * share - gap };
    const { columns, rows } = fit(others, strip, { ...options, least: 0 });
    last = { beside, columns, rows, share, scrolls: false };
    picture = pictureWidth(cellOf(columns, rows, strip, gap), options);
    if (picture >= options.least) return last;
  }
  if (picture >= SMALLEST) return last;
  const width = beside ? box.width * last.share - gap : box.width;
  const columns = Math.max(1, Math.floor((width + gap) / (SMALLEST + gap)));
  return { ...last, columns, rows: Math.ceil(others / columns), scrolls: true };
}
