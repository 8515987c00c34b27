import type { LiveData } from '../api/live';
import { count, needsCare, wordsOfStream, wordsOfViewer } from './words';

/** All streams and viewers in one line, and how many of them need somebody. */
export function summary({ streams, viewers }: Pick<LiveData, 'streams' | 'viewers'>): string {
  const all = { streams: Object.values(streams), viewers: Object.values(viewers) };
  const troubled = all.streams.filter((stream) => needsCare(wordsOfStream(stream))).length;
  const slow = all.viewers.filter((viewer) => needsCare(wordsOfViewer(viewer))).length;
  const parts = [count(all.streams.length, 'stream'), count(all.viewers.length, 'viewer')];
  if (troubled > 0) parts.push(`${count(troubled, 'stream')} with problems`);
  if (slow > 0) parts.push(`${count(slow, 'viewer')} too slow`);
  return parts.join(' · ');
}
