import type { LiveView, Loss } from '../api/live';
import { formatDuration } from '../components/format';
import type { IconName } from '../components/Icon';
import type { Tone } from '../components/StateBadge';

export interface LinkWords {
  tone: Tone;
  icon: IconName;
  word: string;
  /** Null while all is well. */
  title: string | null;
  text: string | null;
}

const TITLES: Record<Loss, string> = {
  unreachable: 'No live connection to the server',
  silent: 'The server stopped responding',
  stopped: 'The server was stopped',
  broken: 'The live connection was lost',
};

/**
 * What the state of the live connection means. `answers`: the server answers other requests all the
 * same.
 */
export function linkWords(
  { link, loss, data, atMs, retryAtMs }: LiveView,
  nowMs: number,
  answers: boolean,
): LinkWords {
  if (link === 'open') return { tone: 'ok', icon: 'live', word: 'live', title: null, text: null };
  if (link !== 'lost' || loss === null) {
    return { tone: 'busy', icon: 'clock', word: 'connecting', title: null, text: null };
  }
  const age = formatDuration(Math.max(0, nowMs - atMs) / 1000);
  const old = data === null ? '' : ` The data shown is ${age} old.`;
  const waitS = retryAtMs === null ? 0 : Math.ceil((retryAtMs - nowMs) / 1000);
  const next = waitS > 0 ? `Next attempt in ${formatDuration(waitS)}.` : 'Trying again now.';
  const proxy =
    answers && loss === 'unreachable'
      ? ' The server itself responds, so a proxy in between may be blocking WebSockets.'
      : '';
  return {
    tone: 'bad',
    icon: 'plug',
    word: data === null ? 'no connection' : `${age} old`,
    title: TITLES[loss],
    text: `${next}${old}${proxy}`.trim(),
  };
}
