import type { StreamView, ViewerSnapshot } from 'sightwire/relay';
import { sentenceOf, type StreamWords } from '../cameras/state/streamWords';
import { formatDuration } from '../components/format';

/** How a tile is counted and told of. */
export type TileState = 'error' | 'damaged frames' | StreamView['state'];

/** `broken`: pictures come, and none of them can be shown. */
export function tileState(
  { state, kind, reason }: Pick<StreamView, 'state' | 'kind' | 'reason'>,
  broken: boolean,
): TileState {
  // What keeps a camera of this server from being opened is a matter for somebody.
  if (state === 'waiting' && kind === 'camera' && reason !== null) return 'error';
  return state === 'live' && broken ? 'damaged frames' : state;
}

/** What a tile says. */
export function tileWords(view: StreamView, nowMs: number, broken: boolean): StreamWords {
  const { reason, pictureAtMs } = view;
  const since = formatDuration(Math.max(0, nowMs - view.sinceMs) / 1000);
  const age = pictureAtMs === null ? since : formatDuration((nowMs - pictureAtMs) / 1000);
  const old = pictureAtMs === null ? null : `This frame is ${age} old`;
  const text = reason === null ? null : sentenceOf(reason);
  const state = tileState(view, broken);
  switch (state) {
    case 'error':
      return { tone: 'bad', icon: 'alert', word: state, text, live: false, banner: null };
    case 'waiting':
      return {
        ...{ tone: 'busy', icon: 'clock', word: state, live: false, banner: null },
        text: text ?? 'No frame has arrived yet. The first one is shown immediately.',
      };
    case 'live':
      return { tone: 'ok', icon: 'live', word: state, text: null, live: true, banner: null };
    case 'damaged frames':
      return {
        ...{ tone: 'warn', icon: 'alert', word: state, live: false },
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
        ...{ tone: 'off', icon: 'stop', word: state, live: false, banner: 'The last frame' },
        text: text ?? 'No more frames will arrive.',
      };
  }
}

/** The parts of a text between which a line may end: addresses have no spaces. */
export function breakable(text: string): string[] {
  return text.split(/(?<=\w[/?&=]+)(?=\w)/);
}

/** What somebody should look after comes first. */
const COUNTED = [
  'error',
  'damaged frames',
  'stalled',
  'frozen',
  'waiting',
  'live',
  'ended',
] as const satisfies readonly TileState[];

/** All streams in one line, as their tiles have it; `broken`: those of whose pictures none can be shown. */
export function summary(streams: readonly StreamView[], broken: ReadonlySet<string>): string {
  const states = streams.map((stream) => tileState(stream, broken.has(stream.id)));
  const counts = COUNTED.flatMap((state) => {
    const count = states.filter((one) => one === state).length;
    return count === 0 ? [] : [counted(count, state)];
  });
  const cameras = streams.filter(({ kind }) => kind === 'camera').length;
  const sent = streams.length - cameras;
  const all = [
    ...(cameras > 0 ? [`${cameras} ${cameras === 1 ? 'camera' : 'cameras'}`] : []),
    ...(sent > 0 || cameras === 0 ? [`${sent} ${sent === 1 ? 'stream' : 'streams'}`] : []),
  ];
  return [...all, ...counts].join(' · ');
}

function counted(count: number, state: TileState): string {
  if (state === 'error') return count === 1 ? '1 error' : `${count} errors`;
  return state === 'damaged frames' ? `${count} with ${state}` : `${count} ${state}`;
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
