import { describe, expect, it } from 'vitest';
import { changes } from './changes';
import { summary } from './summary';
import { liveData, liveViewer, relayStream } from '../testing/answers';

const data = (...streams: Parameters<typeof relayStream>[0][]) =>
  liveData({ streams: streams.map(relayStream) });

describe('what is said aloud', () => {
  it('is who came, who went and who changed, not that time passes', () => {
    const before = data(
      { id: 'a', name: 'a' },
      { id: 'b', name: 'b', state: 'stalled', since_s: 3 },
    );
    expect(
      changes(
        before,
        data({ id: 'b', name: 'b', state: 'stalled', since_s: 4 }, { id: 'c', name: 'c' }),
      ),
    ).toEqual(['c has started', 'a has ended']);
    expect(changes(before, data({ id: 'a', name: 'a' }, { id: 'b', name: 'b' }))).toEqual([
      'b: live',
    ]);
  });

  it('is short where much happens at once', () => {
    const many = ['a', 'b', 'c', 'd'].map((id) => ({ id, name: id }));
    expect(changes(data(), data(...many))).toEqual(['4 streams changed']);
  });
});

it('the summary counts who needs somebody', () => {
  const streams = [relayStream({ id: 'a' }), relayStream({ id: 'b', state: 'stalled' })];
  const viewers = [liveViewer({ id: 1 }), liveViewer({ id: 2, lost_percent: 50 })];
  expect(summary(liveData({ streams, viewers }))).toBe(
    '2 streams · 2 viewers · 1 stream with problems · 1 viewer too slow',
  );
  expect(summary(liveData({}))).toBe('0 streams · 0 viewers');
  // Who does not see the viewers still sees how many a stream has.
  const watched = [relayStream({ id: 'a', viewers: 2 }), relayStream({ id: 'b', viewers: 1 })];
  expect(summary(liveData({ streams: watched }), false)).toBe('2 streams · 3 viewers');
});
