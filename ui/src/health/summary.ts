import type { LiveData } from '../api/live';
import { sums } from '../api/sums';
import { count, needsCare, wordsOfStream, wordsOfViewer } from './words';

type Shown = Pick<LiveData, 'streams' | 'viewers'>;

/** All streams and viewers in one line. */
export function summary(data: Shown, seesViewers = true): string {
  const all = sums(data, seesViewers);
  return `${count(all.streams, 'stream')} · ${count(all.viewers, 'viewer')}`;
}

/** Those that need somebody. */
export interface Troubled {
  streams: number;
  viewers: number;
}

export function troubled({ streams, viewers }: Shown): Troubled {
  const isTroubled = (stream: Shown['streams'][string]) => needsCare(wordsOfStream(stream));
  const isSlow = (viewer: Shown['viewers'][string]) => needsCare(wordsOfViewer(viewer));
  return {
    streams: Object.values(streams).filter(isTroubled).length,
    viewers: Object.values(viewers).filter(isSlow).length,
  };
}

/** The same in words; null where there are none. */
export function troubleWords({ streams, viewers }: Troubled): string | null {
  const parts = [];
  if (streams > 0) parts.push(`${count(streams, 'stream')} with problems`);
  if (viewers > 0) parts.push(`${count(viewers, 'viewer')} too slow`);
  return parts.length === 0 ? null : parts.join(' · ');
}
