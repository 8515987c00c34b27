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

  it('knows an even rate exactly, once it has counted for a second', () => {
    const rate = new Rolling(3000);
    expect(rate.perSecond(0)).toBe(0);
    for (let n = 0; n < 200; n += 1) {
      rate.add(n * 40);
      const counted = rate.perSecond(n * 40 + 10);
      if (n >= 25) expect(counted).toBeCloseTo(25, 6);
      else expect(counted).toBeCloseTo(n, 6);
    }
  });

  it('takes no bunch for a rate, whether it is the first or comes after something was held up', () => {
    const rate = new Rolling(3000);
    for (let n = 0; n < 4; n += 1) rate.add(n * 4);
    expect(rate.perSecond(12)).toBeLessThan(4);
    for (let n = 1; n < 75; n += 1) rate.add(n * 66);
    expect(rate.perSecond(74 * 66)).toBeCloseTo(1000 / 66, 0);
    // Held up for four seconds; then three at once, and on as before.
    for (let n = 0; n < 3; n += 1) rate.add(9000 + 4 * n);
    expect(rate.perSecond(9008)).toBeLessThan(2);
    for (let n = 1; n < 46; n += 1) {
      rate.add(9008 + n * 66);
      expect(rate.perSecond(9008 + n * 66)).toBeLessThan(17);
    }
    expect(rate.perSecond(9008 + 45 * 66)).toBeGreaterThan(14);
  });

  it('knows a slow rate', () => {
    const rate = new Rolling(3000);
    for (let n = 0; n < 5; n += 1) rate.add(n * 2000);
    expect(rate.perSecond(8100)).toBeCloseTo(0.5, 6);
  });

  it('falls to nothing when events stay away', () => {
    const rate = new Rolling(3000);
    for (let n = 0; n < 50; n += 1) rate.add(n * 40);
    expect(rate.perSecond(2960)).toBeLessThan(18);
    expect(rate.perSecond(9000)).toBe(0);
  });
});
