import type { StreamView, ViewerSnapshot } from 'sightwire/relay';
import { sentenceOf, type StreamWords } from '../cameras/state/streamWords';
import { formatDuration } from '../components/format';

/** What a tile says. `broken`: pictures come, and none of them can be shown. */
export function tileWords(view: StreamView, nowMs: number, broken: boolean): StreamWords {
  const { reason, pictureAtMs } = view;
  const since = formatDuration(Math.max(0, nowMs - view.sinceMs) / 1000);
  const age = pictureAtMs === null ? since : formatDuration((nowMs - pictureAtMs) / 1000);
  const old = pictureAtMs === null ? null : `This frame is ${age} old`;
  const text = reason === null ? null : sentenceOf(reason);
  switch (view.state) {
    case 'waiting':
      // What keeps a camera of this server from being opened is a matter for somebody.
      if (view.kind === 'camera' && text !== null) {
        return { tone: 'bad', icon: 'alert', word: 'error', text, live: false, banner: null };
      }
      return {
        ...{ tone: 'busy', icon: 'clock', word: 'waiting', live: false, banner: null },
        text: text ?? 'No frame has arrived yet. The first one is shown immediately.',
      };
    case 'live':
      if (!broken) {
        return { tone: 'ok', icon: 'live', word: 'live', text: null, live: true, banner: null };
      }
      return {
        ...{ tone: 'warn', icon: 'alert', word: 'damaged frames', live: false },
        text: 'The frames are damaged and cannot be shown.',
        banner: 'This is the last undamaged frame',
      };
    case 'stalled':
      return {
        ...{ tone: 'warn', icon: 'pause', word: `stalled ${age}`, live: false, banner: old },
        text: text ?? 'No new frames are arriving.',
      };
    case 'frozen':
      return {
        ...{ tone: 'warn', icon: 'frozen', word: `frozen ${since}`, live: false },
        text: text ?? 'It keeps sending the same frame.',
        banner: `The same frame for ${since}`,
      };
    case 'ended':
      return {
        ...{ tone: 'off', icon: 'stop', word: 'ended', live: false, banner: 'The last frame' },
        text: text ?? 'No more frames will arrive.',
      };
  }
}

const COUNTED = ['live', 'waiting', 'stalled', 'frozen', 'ended'] as const;

/** All streams in one line. */
export function summary(streams: readonly StreamView[]): string {
  const counts = COUNTED.flatMap((state) => {
    const count = streams.filter((stream) => stream.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const all = streams.length === 1 ? '1 stream' : `${streams.length} streams`;
  return [all, ...counts].join(' · ');
}

/** What is wrong with the connection, and what happens next; null where nothing is. */
export function connectionWords(
  {
    state,
    why,
    retryAtMs,
    streams,
  }: Pick<ViewerSnapshot, 'state' | 'why' | 'retryAtMs' | 'streams'>,
  nowMs: number,
): { title: string; text: string } | null {
  if (state === 'open' || why === null) return null;
  const title = why;
  if (state === 'idle') return { title, text: 'Nothing is received until you reconnect.' };
  if (retryAtMs === null) return { title, text: 'Connecting…' };
  const seconds = Math.max(0, Math.ceil((retryAtMs - nowMs) / 1000));
  const old = streams.some(({ picture }) => picture !== null) ? 'The frames shown are old. ' : '';
  return { title, text: `${old}Trying again in ${seconds} s.` };
}

/** Changes of state since the last look, for whoever cannot see them. */
export function changes(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): string[] {
  return [...now].flatMap(([name, state]) =>
    before.get(name) === state ? [] : [`${name}: ${state}`],
  );
}
