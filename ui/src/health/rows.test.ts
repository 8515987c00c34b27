import { describe, expect, it } from 'vitest';
import type { LiveStream } from '../api/live';
import {
  comparison,
  findStreams,
  findViewers,
  leftOut,
  STREAM_SORTS,
  type StreamSort,
} from './rows';
import { liveViewer, relayStream } from '../testing/answers';

function sorted(streams: LiveStream[], by: StreamSort, reversed = false): string[] {
  const compare = comparison(STREAM_SORTS[by], reversed, ({ id }: LiveStream) => id);
  return streams.toSorted(compare).map(({ id }) => id);
}

const stream = (name: string, change: Partial<LiveStream> = {}) =>
  relayStream({ ...change, id: name, name });

describe('the order of rows', () => {
  it('is by name as people count', () => {
    expect(sorted([stream('P-10'), stream('p-2'), stream('P-1')], 'name')).toEqual([
      'P-1',
      'p-2',
      'P-10',
    ]);
  });

  it('has the largest number first, what is not known last, and equals by name', () => {
    const streams = [
      stream('c', { fps_out: 5 }),
      stream('b', { fps_out: 50 }),
      stream('d', { fps_out: 5 }),
      stream('a', { fps_out: 0 }),
    ];
    expect(sorted(streams, 'out')).toEqual(['b', 'c', 'd', 'a']);
    expect(sorted(streams, 'out', true)).toEqual(['a', 'c', 'd', 'b']);
    const unknown = relayStream({ id: 'e', name: 'e' });
    delete unknown.delay_ms;
    const slow = stream('f', { delay_ms: { p50: 1, p95: 2, p99: 3 } });
    expect(sorted([unknown, slow], 'delay')).toEqual(['f', 'e']);
  });

  it('has first what needs somebody', () => {
    const streams = [
      stream('a'),
      stream('b', { state: 'stalled' }),
      stream('c', { state: 'starting' }),
    ];
    expect(sorted(streams, 'state')).toEqual(['b', 'c', 'a']);
  });

  it('has streams that nobody watches behind those that lose nothing', () => {
    const streams = [stream('a', { viewers: 0 }), stream('b'), stream('c', { lost_percent: 3 })];
    expect(sorted(streams, 'lost')).toEqual(['c', 'b', 'a']);
  });
});

describe('finding', () => {
  it('looks at names, addresses and states, whatever the case', () => {
    const streams = [stream('P-1'), stream('Ward', { peer: '10.0.0.7:1', state: 'stalled' })];
    const found = (find: string, trouble = false) =>
      findStreams(streams, find, trouble).map(({ id }) => id);
    expect(found('')).toEqual(['P-1', 'Ward']);
    expect(found(' WARD ')).toEqual(['Ward']);
    expect(found('10.0.0')).toEqual(['Ward']);
    expect(found('live')).toEqual(['P-1']);
    expect(found('', true)).toEqual(['Ward']);
    expect(found('P-1', true)).toEqual([]);
  });

  it('finds viewers by what they watch', () => {
    const nameless = liveViewer({ id: 2, streams: ['P-1', 'P-2'], lost_percent: 50 });
    delete nameless.peer;
    const viewers = [liveViewer({ id: 1 }), nameless];
    const found = (find: string, trouble = false) =>
      findViewers(viewers, find, trouble).map(({ id }) => id);
    expect(found('p-2')).toEqual([2]);
    expect(found('6000')).toEqual([1]);
    expect(found('', true)).toEqual([2]);
    expect(findViewers([liveViewer({ id: 3, by: 'Anna' })], 'anna', false)).toHaveLength(1);
  });
});

it('all that was not passed on is left out', () => {
  expect(leftOut(relayStream({ bad: 1, dropped: 20 }))).toBe(21);
  expect(leftOut(relayStream({ kind: 'camera', broken: 300 }))).toBe(300);
  expect(leftOut(relayStream({}))).toBe(0);
});
