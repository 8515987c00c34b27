import type { Camera, Stream } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { testCamera, testStream } from '../../testing/answers';
import { summary } from './summary';

const cameras = (...streams: (Stream | null)[]): { cameras: Camera[] } => ({
  cameras: streams.map((stream) => testCamera({ stream })),
});

describe('all cameras in one line', () => {
  it('counts what is live and what needs somebody', () => {
    const slow = testStream({ slow: { fps: 1, usual_fps: 20 } });
    const stalled = testStream({ state: 'stalled' });
    const starting = testStream({ state: 'starting', reason: null });
    expect(summary(cameras(testStream(), testStream(), slow, stalled, starting, null))).toBe(
      '6 cameras · 2 live · 2 with problems · 1 idle',
    );
  });

  it('leaves out what there is none of', () => {
    expect(summary(cameras(testStream()))).toBe('1 camera · 1 live');
    expect(summary(cameras(null, null))).toBe('2 cameras · 2 idle');
  });
});
