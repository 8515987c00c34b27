import type { LiveData } from '../api/live';
import { count, needsCare, wordsOfStream, wordsOfViewer } from './words';

/**
 * All streams and viewers in one line, and how many of them need somebody. Who does not see the viewers is told how many
 * the streams have.
 */
export function summary(
  { streams, viewers }: Pick<LiveData, 'streams' | 'viewers'>,
  seesViewers = true,
): string {
  const all = { streams: Object.values(streams), viewers: Object.values(viewers) };
  const troubled = all.streams.filter((stream) => needsCare(wordsOfStream(stream))).length;
  const slow = all.viewers.filter((viewer) => needsCare(wordsOfViewer(viewer))).length;
  const watched = all.streams.reduce((sum, stream) => sum + stream.viewers, 0);
  const parts = [
    count(all.streams.length, 'stream'),
    count(seesViewers ? all.viewers.length : watched, 'viewer'),
  ];
  if (troubled > 0) parts.push(`${count(troubled, 'stream')} with problems`);
  if (slow > 0) parts.push(`${count(slow, 'viewer')} too slow`);
  return parts.join(' · ');
}
