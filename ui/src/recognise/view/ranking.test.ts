import { describe, expect, it } from 'vitest';
import { choices, listed, Ranking } from './ranking';

describe('the list', () => {
  it('holds all labels of a small model and the likeliest of a large one, unless told', () => {
    expect(listed(null, 8)).toBe(8);
    expect(listed(null, 20)).toBe(5);
    expect(listed(10, 20)).toBe(10);
    expect(listed(10, 8)).toBe(8);
    expect(listed('all', 20)).toBe(20);
    expect(listed('all', 2000)).toBe(100);
  });

  it('offers only what makes a difference', () => {
    expect(choices(8)).toEqual([3, 5, 'all']);
    expect(choices(20)).toEqual([3, 5, 10, 'all']);
    expect(choices(3)).toEqual(['all']);
  });
});

describe('Ranking', () => {
  it('puts the likeliest first, at once', () => {
    expect(new Ranking(4).update([0.1, 0.2, 0.6, 0.1], 0, 2)).toEqual([2, 1]);
  });

  it('follows a lasting change', () => {
    const ranking = new Ranking(3);
    ranking.update([0.9, 0.1, 0], 0, 1);
    let first: number | undefined;
    for (let ms = 40; ms <= 1200; ms += 40) first = ranking.update([0.1, 0.9, 0], ms, 1)[0];
    expect(first).toBe(1);
  });

  it('leaves equal ones where they are, and small ones, too', () => {
    const ranking = new Ranking(5);
    expect(ranking.update([0, 0, 0, 0, 1], 0, 3)).toEqual([4, 0, 1]);
    expect(ranking.update([0.001, 0.004, 0.002, 0, 0.99], 600, 3)).toEqual([4, 0, 1]);
  });

  it('reorders at most twice a second while confidences jump 25 times a second', () => {
    const ranking = new Ranking(20);
    const random = mulberry(7);
    let changes = 0;
    let shown = '';
    for (let ms = 0; ms < 10_000; ms += 40) {
      const scores = Array.from({ length: 20 }, () => random());
      const order = ranking.update(scores, ms, 5).join();
      if (order !== shown) changes += 1;
      shown = order;
    }
    expect(changes).toBeLessThanOrEqual(20);
    expect(changes).toBeGreaterThan(5);
  });

  it('keeps its order for scores of another model, whose labels are others', () => {
    const ranking = new Ranking(2);
    ranking.update([0.1, 0.9], 0, 2);
    expect(ranking.update([0.9, 0.05, 0.05], 1000, 2)).toEqual([1, 0]);
  });
});

/** Random numbers that are the same at each run. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
