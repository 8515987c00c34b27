import { describe, expect, it } from 'vitest';
import type { Camera, Stream } from 'sightwire/api';
import { testStatus } from '../testing/answers';
import { attention } from './attention';

const stream = (id: string, more: Partial<Stream>) =>
  ({
    id,
    name: id,
    kind: 'relay',
    state: 'running',
    reason: null,
    since_s: 7,
    slow: null,
    ...more,
  }) as Stream;

describe('attention', () => {
  it('is empty where all is well', () => {
    const camera = { id: 'yard', name: 'Yard', stream: stream('yard', {}) } as Camera;
    expect(
      attention({ status: testStatus(), cameras: [camera], streams: [stream('a', {})] }),
    ).toEqual([]);
    expect(attention({ status: null, cameras: [], streams: [] })).toEqual([]);
  });

  it('names what is wrong and leads there, the gravest first', () => {
    const cameras = [
      { id: 'yard', name: 'Yard', stream: null },
      {
        id: 'gate',
        name: 'Gate',
        stream: stream('gate', { state: 'starting', reason: 'it cannot be reached' }),
      },
    ] as Camera[];
    const streams = [stream('a/b', { state: 'stalled', last_picture_age_s: 7 })];
    const status = testStatus({ warning: 'the model is slow' });
    const items = attention({ status, cameras, streams });
    expect(items.map(({ title, href }) => [title, href])).toEqual([
      ['Gate: error', '/cameras/gate'],
      ['The recogniser needs attention', '/recognise'],
      ['a/b: stalled 7 s', '/wall?one=a%2Fb'],
    ]);
    expect(items[0]?.text).toBe('It cannot be reached.');
  });
});
