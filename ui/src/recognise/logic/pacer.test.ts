import { describe, expect, it } from 'vitest';
import { Pacer, untilTick } from './pacer';

function sentInOneSecond(sourceFps: number, jitterMs = 0): number {
  const pacer = new Pacer(25);
  let sent = 0;
  for (let n = 0; n < sourceFps * 10; n += 1) {
    const jitter = jitterMs * Math.sin(n * 12.9898);
    if (pacer.take((n * 1000) / sourceFps + jitter)) sent += 1;
  }
  return sent / 10;
}

describe('Pacer', () => {
  it('sends every picture of a source at its own rate, jitter or not', () => {
    expect(sentInOneSecond(25)).toBe(25);
    expect(sentInOneSecond(25, 8)).toBe(25);
  });

  it('thins out a faster source to the wanted rate', () => {
    for (const fps of [30, 50, 60, 120]) {
      expect(sentInOneSecond(fps)).toBeGreaterThanOrEqual(25);
      expect(sentInOneSecond(fps)).toBeLessThanOrEqual(25.2);
    }
  });

  it('never sends a slow source’s picture twice', () => {
    expect(sentInOneSecond(12)).toBe(12);
  });

  it('does not make up for a pause with a burst', () => {
    const pacer = new Pacer(25);
    pacer.take(0);
    pacer.take(40);
    let burst = 0;
    for (let ms = 5000; ms < 5040; ms += 4) if (pacer.take(ms)) burst += 1;
    expect(burst).toBeLessThanOrEqual(2);
  });
});

describe('untilTick', () => {
  it('corrects the drift of late ticks', () => {
    expect(untilTick(1000, 40, 1, 1000)).toBe(40);
    expect(untilTick(1000, 40, 2, 1055)).toBe(25);
    expect(untilTick(1000, 40, 3, 1200)).toBe(0);
  });
});
