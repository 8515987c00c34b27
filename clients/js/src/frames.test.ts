import { describe, expect, it } from 'vitest';
import { Frames } from './frames.js';

function sent(...atMs: number[]): Frames {
  const frames = new Frames();
  for (const ms of atMs) frames.sent(ms);
  return frames;
}

describe('Frames, on their way to an answer', () => {
  it('lets only a few unanswered frames out', () => {
    const frames = new Frames();
    for (let n = 0; n < 4; n += 1) {
      expect(frames.free(n, 25)).toBe(true);
      frames.sent(n);
    }
    expect(frames.free(10, 25)).toBe(false);
    expect(frames.answered(1, 30)).toBe(30);
    expect(frames.free(31, 25)).toBe(true);
  });

  it('lets as many more out as a long way holds, and no more than ten', () => {
    const room = (wayMs: number, fps: number) => {
      const frames = sent(0);
      frames.answered(1, wayMs);
      while (frames.free(wayMs, fps)) frames.sent(wayMs);
      return frames.unanswered;
    };
    expect(room(5, 25)).toBe(5);
    expect(room(200, 25)).toBe(9);
    expect(room(200, 10)).toBe(6);
    expect(room(5000, 25)).toBe(10);
  });

  it('settles refused frames with the next answer', () => {
    const frames = sent(10, 20, 30);
    expect(frames.answered(3, 50)).toBe(20);
    expect(frames.unanswered).toBe(0);
    expect(frames.answered(2, 60)).toBeNull();
  });

  it('takes an answer without id for the oldest frame', () => {
    const frames = sent(0, 40);
    expect(frames.answered(undefined, 60)).toBe(60);
    expect(frames.answered(undefined, 60)).toBe(20);
    expect(frames.answered(undefined, 60)).toBeNull();
  });

  it('ignores answers from before a reconnect', () => {
    const frames = sent(0);
    frames.restart();
    frames.sent(100);
    expect(frames.answered(1, 110)).toBeNull();
    expect(frames.unanswered).toBe(1);
  });

  it('measures the way anew after a reconnect', () => {
    const frames = sent(0);
    frames.answered(1, 5);
    frames.restart();
    frames.sent(100);
    frames.answered(2, 300);
    while (frames.free(300, 25)) frames.sent(300);
    expect(frames.unanswered).toBe(9);
  });

  it('frees the place of a frame that is never answered', () => {
    const frames = sent(0, 1, 2, 3);
    expect(frames.free(5000, 25)).toBe(false);
    expect(frames.free(5001, 25)).toBe(true);
    expect(frames.unanswered).toBe(3);
  });
});

describe('Frames, on their way to a result', () => {
  it('measures each frame to the first result that has seen it', () => {
    const frames = sent(0, 40, 80);
    expect(frames.result(2, 10, 60)).toEqual([60, 20]);
    expect(frames.result(2, 10, 90)).toEqual([]);
    expect(frames.result(3, 10, 100)).toEqual([20]);
  });

  it('counts frames that no window held as missed', () => {
    const frames = new Frames();
    for (let n = 0; n < 40; n += 1) frames.sent(n);
    const first = frames.result(10, 10, 400);
    expect(first.filter((delay) => delay !== null)).toHaveLength(10);
    const second = frames.result(30, 10, 1200);
    expect(second.filter((delay) => delay === null)).toHaveLength(10);
    expect(second.filter((delay) => delay !== null)).toHaveLength(10);
  });

  it('stays bounded while no result ever comes, and when one comes from nowhere', () => {
    const frames = new Frames();
    for (let n = 0; n < 5000; n += 1) frames.sent(n);
    expect(frames.result(5000, 10_000, 5000)).toHaveLength(500);
    expect(frames.result(10 ** 12, 10, 5000)).toHaveLength(0);
  });
});
