import type { Overlay } from 'sightwire/relay';
import { describe, expect, it } from 'vitest';
import { place } from './marks';

const EMPTY: Overlay = {
  stream: 'P-1',
  frame: 1,
  model: 'motion',
  width: 640,
  height: 480,
  delayMs: 3,
  detections: [],
  landmarks: [],
  connections: [],
};

describe('marks', () => {
  const box = { label: 'car', confidence: 0.876, box: [64, 48, 128, 96], track: null } as const;

  it('lie where the picture lies that is shown between bars', () => {
    const overlay = { ...EMPTY, detections: [box] };
    // 640 × 480 fits 400 × 600 as 400 × 300, 150 below the upper edge.
    const picture = { width: 640, height: 480 };
    expect(place(overlay, picture, { width: 400, height: 600 }).boxes).toMatchObject([
      { left: 40, top: 180, width: 40, height: 30, text: 'car 88 %' },
    ]);
  });

  it('fit a picture that was analysed in another size', () => {
    const overlay = { ...EMPTY, detections: [box] };
    const size = { width: 1280, height: 960 };
    expect(place(overlay, size, size).boxes).toMatchObject([{ left: 128, top: 96, width: 128 }]);
  });

  it('name a track, and colour it by its number', () => {
    const detections = [
      { ...box, track: 1 },
      { ...box, track: 9 },
      { ...box, track: 2 },
    ];
    const size = { width: 640, height: 480 };
    const { boxes } = place({ ...EMPTY, detections }, size, size);
    expect(boxes[0]?.text).toBe('car #1 88 %');
    expect(boxes[0]?.colour).toBe(boxes[1]?.colour);
    expect(boxes[0]?.colour).not.toBe(boxes[2]?.colour);
  });

  it('join landmarks, in shares or in pixels, and leave out those that are none', () => {
    const size = { width: 640, height: 480 };
    const shares = [
      { x: 0.5, y: 0.5 },
      { x: 1, y: 0 },
      { x: NaN, y: NaN },
    ];
    const connections = [
      [0, 1],
      [1, 2],
      [0, 9],
    ] as const;
    const marks = place({ ...EMPTY, landmarks: shares, connections }, size, size);
    expect(marks.points).toEqual([
      { x: 320, y: 240 },
      { x: 640, y: 0 },
    ]);
    expect(marks.lines).toHaveLength(1);
    const pixels = [{ x: 320, y: 240 }];
    expect(place({ ...EMPTY, landmarks: pixels }, size, size).points).toEqual([{ x: 320, y: 240 }]);
  });
});
