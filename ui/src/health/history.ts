import type { History } from 'sightwire/api';
import { useMemo } from 'react';
import { Poll, usePoll } from '../api/poll';
import { useLive } from '../api/useLive';
import type { Chart } from '../components/coursePoint';
import { formatDuration } from '../components/format';
import { COURSE_LENGTH, type StreamSeries, type TotalSeries, type Values } from '../api/courses';

/** How far back charts go: two minutes as they are seen, or what the server remembers. */
export type Span = 'now' | 'hour' | 'day';

export const SPANS: readonly { value: Span; label: string }[] = [
  { value: 'now', label: '2 min' },
  { value: 'hour', label: '1 h' },
  { value: 'day', label: '24 h' },
];

export const SPAN_WORDS: Record<Span, string> = {
  now: 'The last two minutes',
  hour: 'The last hour',
  day: 'The last 24 hours',
};

/** The same, for a server that may not run for so long yet. */
export function spanWords(span: Span, uptimeS: number): string {
  const whole = span === 'hour' ? 3600 : span === 'day' ? 86_400 : 0;
  return uptimeS < whole
    ? `Since the server started, ${formatDuration(uptimeS)} ago`
    : SPAN_WORDS[span];
}

const NONE: Values = [];
/** So many values fill the width at least. */
const LEAST = 12;

/** What the server remembers of itself or of a stream; null for what is not remembered, and before the first answer. */
function useHistory(span: Span, stream: string | null): History | null {
  const path =
    span === 'now'
      ? null
      : `/api/v1/history?${new URLSearchParams({ span, ...(stream === null ? {} : { stream }) })}`;
  const poll = useMemo(() => (path === null ? null : new Poll<History>(path)), [path]);
  return usePoll(poll, span === 'day' ? 60_000 : 10_000)?.answer ?? null;
}

/** How the server calls what this page calls otherwise. */
const NAMES: Partial<Record<string, string>> = {
  bytesIn: 'bytes_in',
  bytesOut: 'bytes_out',
  delivered: 'delay',
};

function chartOf(history: History | null, name: string): Chart {
  if (history === null) return { history: NONE, length: COURSE_LENGTH, stepS: 1, newestS: null };
  const values = history.series[NAMES[name] ?? name] ?? NONE;
  // A server that has just begun has a chart of its life so far, not a stub at the edge.
  const all = history.kept_s / history.step_s;
  return {
    history: values,
    length: Math.min(all, Math.max(values.length, LEAST)),
    stepS: history.step_s,
    newestS: history.time,
  };
}

/** Charts of the server. */
export function useTotalCharts(span: Span): (name: TotalSeries) => Chart {
  const history = useHistory(span, null);
  const seen = useLive((view) => view.courses.totals);
  // Whoever does not see all streams is not told how their sums went: there is no chart then.
  return (name) =>
    span === 'now'
      ? { history: seen[name] ?? NONE, length: COURSE_LENGTH, stepS: 1, newestS: null }
      : chartOf(history, name);
}

/** Charts of a stream. */
export function useStreamCharts(span: Span, id: string): (name: StreamSeries) => Chart {
  const history = useHistory(span, id);
  const seen = useLive((view) => view.courses.streams.get(id));
  // Of streams of other processes, and of more than it remembers, there is what this page has seen.
  const isKnown = history === null || Object.keys(history.series).length > 0;
  return (name) =>
    span === 'now' || !isKnown
      ? { history: seen?.[name] ?? NONE, length: COURSE_LENGTH, stepS: 1, newestS: null }
      : chartOf(history, name);
}
