import { describe, expect, it } from 'vitest';
import { liveData, liveViewer, relayStream } from '../testing/answers';
import { summary } from '../health/summary';
import { sums, viewersOfCameras } from './sums';

describe('the sums of Health', () => {
  const streams = [
    relayStream({ id: 'yard', kind: 'camera', fps: 15, fps_out: 30, lost_percent: 0, viewers: 2 }),
    relayStream({ id: 'desk', fps: 25, fps_out: 10, lost_percent: 50, viewers: 1 }),
  ];
  const data = liveData({ streams, viewers: [liveViewer({ id: 1 }), liveViewer({ id: 2 })] });

  it('are of cameras and of what is sent, as the headline says it', () => {
    const all = sums(data);
    expect([all.streams, all.viewers, all.fpsIn, all.fpsOut]).toEqual([2, 2, 40, 40]);
    expect(all.cameras).toBe(1);
    expect(all.lost).toBeCloseTo(20);
    expect(summary(data)).toContain('2 streams · 2 viewers');
  });

  it('count viewers by streams for whoever does not see them', () => {
    expect(sums(liveData({ streams }), false).viewers).toBe(3);
    expect(summary(liveData({ streams }), false)).toContain('3 viewers');
  });

  it('count who watches a camera over the relay among its viewers', () => {
    const viewers = [
      liveViewer({ id: 1, kind: 'mjpeg', streams: ['yard'] }),
      liveViewer({ id: 2, kind: 'relay_binary', streams: ['desk', 'yard'] }),
      liveViewer({ id: 3, streams: ['desk', 'constructor'] }),
    ];
    expect(viewersOfCameras(liveData({ streams, viewers }))).toBe(2);
  });

  it('have lost nothing where nobody watches', () => {
    expect(sums(liveData()).lost).toBeNull();
  });
});
