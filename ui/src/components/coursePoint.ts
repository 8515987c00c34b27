/** A course of numbers, as a small chart shows it. */
export interface Chart {
  /** Oldest first; null where nothing is known. */
  history: readonly (number | null)[];
  /** How many values fill the width. */
  length: number;
  /** Seconds from one value to the next. */
  stepS: number;
  /** When the newest value was taken, seconds since 1970; null: now. */
  newestS: number | null;
}

/** A value under a pointer. */
export interface Point {
  value: number;
  /** How many values before the newest one. */
  back: number;
}

/** The value at a share of the chart's width; null where nothing is known. The newest is at the right edge. */
export function pointedAt(
  share: number,
  { history, length }: Pick<Chart, 'history' | 'length'>,
): Point | null {
  const shown = history.slice(-length);
  const back = Math.round((1 - Math.min(1, Math.max(0, share))) * (length - 1));
  const value = shown[shown.length - 1 - back] ?? null;
  return value === null ? null : { value, back };
}

/** What was when at a share of the chart's width, in words; null where nothing is known or no share is given. */
export function told(
  share: number | null,
  chart: Chart,
  said: (value: number) => string,
): string | null {
  const point = share === null ? null : pointedAt(share, chart);
  return point === null ? null : `${said(point.value)}, ${when(point.back * chart.stepS, chart)}`;
}

/** In seconds while they matter, else by the clock. */
function when(agoS: number, { stepS, newestS }: Chart): string {
  if (newestS === null) return agoS === 0 ? 'now' : `${agoS} s ago`;
  return new Date((newestS - agoS) * 1000).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    ...(stepS < 60 && { second: '2-digit' }),
  });
}

/** The share that is one value further in the direction of an arrow key; null for another key. */
export function stepped(share: number | null, key: string, length: number): number | null {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (by === undefined) return null;
  return Math.min(1, Math.max(0, (share ?? 1 - by / (length - 1)) + by / (length - 1)));
}
