import { describe, expect, it } from 'vitest';
import { quantile, Rolling } from './stats.js';

describe('quantile', () => {
  it('is the nearest rank', () => {
    const samples = Array.from({ length: 100 }, (_, n) => n + 1);
    expect(quantile(samples, 0.5)).toBe(50);
    expect(quantile(samples, 0.95)).toBe(95);
    expect(quantile([7], 0.95)).toBe(7);
    expect(quantile([], 0.5)).toBeNull();
  });
});

describe('Rolling', () => {
  it('forgets what is older than its span', () => {
    const samples = new Rolling(1000);
    samples.add(0, 500);
    samples.add(900, 10);
    expect(samples.quantiles(950)).toEqual({ p50: 10, p95: 500 });
    expect(samples.mean(950)).toBe(255);
    expect(samples.quantiles(1100)).toEqual({ p50: 10, p95: 10 });
    expect(samples.quantiles(5000)).toEqual({ p50: null, p95: null });
    expect(samples.mean(5000)).toBeNull();
  });

  it('stays bounded however much comes', () => {
    const samples = new Rolling(1000);
    for (let value = 0; value < 5000; value += 1) samples.add(0, value);
    expect(samples.quantiles(0).p50).toBeGreaterThan(4000);
  });

  it('knows an even rate exactly, from the second event on', () => {
    const rate = new Rolling(3000);
    expect(rate.perSecond(0)).toBe(0);
    for (let n = 0; n < 200; n += 1) {
      rate.add(n * 40);
      if (n > 0) expect(rate.perSecond(n * 40 + 10)).toBeCloseTo(25, 6);
    }
  });

  it('falls to nothing when events stay away', () => {
    const rate = new Rolling(3000);
    for (let n = 0; n < 50; n += 1) rate.add(n * 40);
    expect(rate.perSecond(2960)).toBeLessThan(18);
    expect(rate.perSecond(9000)).toBe(0);
  });
});
