import { expect, it } from 'vitest';
import { liveData, liveViewer, relayStream } from '../testing/answers';
import { summary, troubled, troubleWords } from './summary';

it('the headline counts all, and those that need somebody beside them', () => {
  const data = liveData({
    streams: [relayStream({ id: 'a' }), relayStream({ id: 'b', state: 'stalled' })],
    viewers: [liveViewer({ id: 1 }), liveViewer({ id: 2, lost_percent: 50 })],
  });
  expect(summary(data)).toBe('2 streams · 2 viewers');
  expect(troubled(data)).toEqual({ streams: 1, viewers: 1 });
  expect(troubleWords(troubled(data))).toBe('1 stream with problems · 1 viewer too slow');
});

it('nothing is said of trouble where there is none', () => {
  expect(troubleWords(troubled(liveData({ streams: [relayStream()] })))).toBeNull();
  expect(troubleWords({ streams: 0, viewers: 2 })).toBe('2 viewers too slow');
});
