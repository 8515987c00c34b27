import type { LiveData } from '../api/live';
import { count, wordsOfStream } from './words';

/** More changes at once are told by their number only. */
const TOLD = 3;

/** What a person who does not see the page should hear of: streams that came, went, or changed. */
export function changes(before: LiveData, now: LiveData): string[] {
  const told = Object.values(now.streams).flatMap((stream) => {
    const old = Object.hasOwn(before.streams, stream.id) ? before.streams[stream.id] : undefined;
    // Without how long it is so: that changes every second.
    const word = wordOf(stream);
    if (old === undefined) return [`${stream.name} has started`];
    return wordOf(old) === word ? [] : [`${stream.name}: ${word}`];
  });
  const gone = Object.values(before.streams)
    .filter(({ id }) => !Object.hasOwn(now.streams, id))
    .map(({ name }) => `${name} has ended`);
  const all = [...told, ...gone];
  return all.length > TOLD ? [`${count(all.length, 'stream')} changed`] : all;
}

function wordOf(stream: Parameters<typeof wordsOfStream>[0]): string {
  return wordsOfStream(stream).word.split(' ')[0] ?? '';
}
