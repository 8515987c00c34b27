import type { LiveData } from '../api/live';
import { sums } from './sums';
import { count, needsCare, wordsOfStream, wordsOfViewer } from './words';

/** All streams and viewers in one line, and how many of them need somebody. */
export function summary(data: Pick<LiveData, 'streams' | 'viewers'>, seesViewers = true): string {
  const all = sums(data, seesViewers);
  const streams = Object.values(data.streams);
  const troubled = streams.filter((stream) => needsCare(wordsOfStream(stream))).length;
  const slow = Object.values(data.viewers).filter((viewer) =>
    needsCare(wordsOfViewer(viewer)),
  ).length;
  const parts = [count(all.streams, 'stream'), count(all.viewers, 'viewer')];
  if (troubled > 0) parts.push(`${count(troubled, 'stream')} with problems`);
  if (slow > 0) parts.push(`${count(slow, 'viewer')} too slow`);
  return parts.join(' · ');
}
