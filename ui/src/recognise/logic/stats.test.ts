import { describe, expect, it } from 'vitest';
import { pushBounded, quantile, RollingRate, RollingSamples } from './stats';

describe('quantile', () => {
  it('is the nearest rank', () => {
    const samples = Array.from({ length: 100 }, (_, n) => n + 1);
    expect(quantile(samples, 0.5)).toBe(50);
    expect(quantile(samples, 0.95)).toBe(95);
    expect(quantile([7], 0.95)).toBe(7);
    expect(quantile([], 0.5)).toBeNull();
  });
});

describe('RollingSamples', () => {
  it('forgets what is older than its span', () => {
    const samples = new RollingSamples(1000);
    samples.add(0, 500);
    samples.add(900, 10);
    expect(samples.quantiles(950)).toEqual({ p50: 10, p95: 500 });
    expect(samples.quantiles(1100)).toEqual({ p50: 10, p95: 10 });
    expect(samples.quantiles(5000)).toEqual({ p50: null, p95: null });
  });

  it('never holds more than its capacity', () => {
    const samples = new RollingSamples(1000, 2);
    for (const value of [1, 2, 3]) samples.add(0, value);
    expect(samples.quantiles(0)).toEqual({ p50: 2, p95: 3 });
  });
});

describe('RollingRate', () => {
  it('is exact for an even rate, from the second event on', () => {
    const rate = new RollingRate();
    expect(rate.perSecond(0)).toBe(0);
    for (let n = 0; n < 200; n += 1) {
      rate.add(n * 40);
      if (n > 0) expect(rate.perSecond(n * 40 + 10)).toBeCloseTo(25, 6);
    }
  });

  it('falls to nothing when events stay away', () => {
    const rate = new RollingRate(3000);
    for (let n = 0; n < 50; n += 1) rate.add(n * 40);
    expect(rate.perSecond(2960)).toBeLessThan(18);
    expect(rate.perSecond(9000)).toBe(0);
  });
});

describe('pushBounded', () => {
  it('keeps the newest values', () => {
    expect(pushBounded([1, 2, 3], 4, 3)).toEqual([2, 3, 4]);
    expect(pushBounded([], 4, 3)).toEqual([4]);
  });
});
