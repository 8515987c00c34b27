import type { LiveStream, LiveViewer } from '../api/live';
import { naturalOrder } from '../components/naturalOrder';
import { lostOf } from '../api/sums';
import { isFound } from '../components/find';
import { kindOfStream, kindOfViewer, needsCare, wordsOfStream, wordsOfViewer } from './words';

/** By what rows are sorted; `reversed`: the other way round than usual. */
export interface Sort<Key extends string> {
  by: Key;
  reversed: boolean;
}

export interface Sortable<Row> {
  value: (row: Row) => number | string;
  /** Whether the largest stands first, as what matters of a number mostly is. */
  largestFirst?: boolean;
  /** It does not change by itself, so rows may always be where they belong. */
  steady?: boolean;
}

const CARE = { bad: 3, warn: 2, busy: 1, ok: 0, off: 0 };
const NONE = -1;

export const STREAM_SORTS = {
  state: { value: (stream: LiveStream) => CARE[wordsOfStream(stream).tone], largestFirst: true },
  name: { value: ({ name }: LiveStream) => name, steady: true },
  in: { value: ({ fps }: LiveStream) => fps, largestFirst: true },
  bytesIn: { value: ({ bytes_per_s }: LiveStream) => bytes_per_s, largestFirst: true },
  out: { value: ({ fps_out }: LiveStream) => fps_out, largestFirst: true },
  bytesOut: { value: ({ bytes_out_per_s }: LiveStream) => bytes_out_per_s, largestFirst: true },
  viewers: { value: ({ viewers }: LiveStream) => viewers, largestFirst: true },
  lost: { value: (stream: LiveStream) => lostOf(stream) ?? NONE, largestFirst: true },
  delay: { value: ({ delay_ms }: LiveStream) => delay_ms?.p95 ?? NONE, largestFirst: true },
  left: { value: (stream: LiveStream) => leftOut(stream), largestFirst: true },
} satisfies Record<string, Sortable<LiveStream>>;

export const VIEWER_SORTS = {
  state: { value: (viewer: LiveViewer) => CARE[wordsOfViewer(viewer).tone], largestFirst: true },
  streams: { value: ({ streams }: LiveViewer) => streams.join(' '), steady: true },
  // Numbers are given in the order of arrival.
  since: { value: ({ id }: LiveViewer) => id, steady: true },
  fps: { value: ({ fps }: LiveViewer) => fps, largestFirst: true },
  bytes: { value: ({ bytes_per_s }: LiveViewer) => bytes_per_s, largestFirst: true },
  lost: { value: ({ lost_percent }: LiveViewer) => lost_percent, largestFirst: true },
  quality: { value: ({ quality }: LiveViewer) => (typeof quality === 'number' ? quality : 100) },
  rtt: { value: ({ rtt_ms }: LiveViewer) => rtt_ms ?? NONE, largestFirst: true },
  write: { value: ({ write_ms }: LiveViewer) => write_ms ?? NONE, largestFirst: true },
} satisfies Record<string, Sortable<LiveViewer>>;

export type StreamSort = keyof typeof STREAM_SORTS;
export type ViewerSort = keyof typeof VIEWER_SORTS;

/** Pictures that came and were not passed on. */
export function leftOut({ kind, bad = 0, dropped = 0, broken }: LiveStream): number {
  return kind === 'relay' ? bad + dropped : broken;
}

/** Compares as `sort` says; rows that are equal in that go by `keyOf`. */
export function comparison<Row>(
  { value, largestFirst = false }: Sortable<Row>,
  reversed: boolean,
  keyOf: (row: Row) => string,
): (a: Row, b: Row) => number {
  const sign = largestFirst === reversed ? 1 : -1;
  return (a, b) => {
    const order = compare(value(a), value(b));
    return order === 0 ? compare(keyOf(a), keyOf(b)) : sign * order;
  };
}

export function findStreams(
  streams: readonly LiveStream[],
  find: string,
  trouble: boolean,
): readonly LiveStream[] {
  return streams.filter(
    (stream) =>
      (!trouble || needsCare(wordsOfStream(stream))) &&
      isFound(
        find,
        stream.id,
        stream.name,
        stream.peer ?? '',
        kindOfStream(stream),
        wordsOfStream(stream).word,
      ),
  );
}

export function findViewers(
  viewers: readonly LiveViewer[],
  find: string,
  trouble: boolean,
): readonly LiveViewer[] {
  return viewers.filter(
    (viewer) =>
      (!trouble || needsCare(wordsOfViewer(viewer))) &&
      isFound(
        find,
        ...viewer.streams,
        viewer.peer ?? '',
        viewer.by ?? '',
        kindOfViewer(viewer.kind),
      ),
  );
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return naturalOrder(String(a), String(b));
}
