import { describe, expect, it } from 'vitest';
import { Frames } from './frames.js';
import { Pacer } from './pacer.js';

function sentInOneSecond(sourceFps: number, jitterMs = 0): number {
  const pacer = new Pacer(25);
  let sent = 0;
  for (let n = 0; n < sourceFps * 10; n += 1) {
    const jitter = jitterMs * Math.sin(n * 12.9898);
    if (pacer.take((n * 1000) / sourceFps + jitter, 'free') === 'send') sent += 1;
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
    pacer.take(0, 'free');
    pacer.take(40, 'free');
    let burst = 0;
    for (let ms = 5000; ms < 5040; ms += 4) if (pacer.take(ms, 'free') === 'send') burst += 1;
    expect(burst).toBeLessThanOrEqual(2);
  });
});

describe('Pacer with a late encoder', () => {
  /** Encodes for `encodeMs`, before a camera of `sourceFps`; frames a second. */
  function encoded(sourceFps: number, encodeMs: (n: number) => number): number {
    const pacer = new Pacer(25);
    let busyUntilMs = 0;
    let sent = 0;
    for (let n = 0; n < sourceFps * 10; n += 1) {
      const nowMs = (n * 1000) / sourceFps;
      if (pacer.take(nowMs, nowMs < busyUntilMs ? 'busy' : 'free') !== 'send') continue;
      busyUntilMs = nowMs + encodeMs(sent);
      sent += 1;
    }
    expect(pacer.fps).toBe(25);
    return sent / 10;
  }

  it('takes the next picture as soon as it can', () => {
    expect(encoded(30, () => 60)).toBe(15);
    expect(encoded(60, () => 60)).toBe(15);
    expect(encoded(60, () => 45)).toBe(20);
  });

  it('loses no more than a picture to a hitch', () => {
    expect(encoded(60, (n) => (n % 10 === 0 ? 50 : 5))).toBeGreaterThan(24);
    expect(encoded(25, (n) => (n % 10 === 0 ? 50 : 5))).toBeGreaterThan(22);
  });
});

/** A camera of 30 pictures a second before a server that answers one frame at a time. */
class Way {
  readonly pacer = new Pacer(25);
  readonly frames = new Frames();
  readonly sentMs: number[] = [];
  readonly waitedMs: number[] = [];
  #queue: number[] = [];
  #busyUntilMs = 0;
  #nowMs = 0;

  run(seconds: number, answerMs: number): void {
    for (const endMs = this.#nowMs + seconds * 1000; this.#nowMs < endMs; this.#nowMs += 1) {
      const nowMs = this.#nowMs;
      if (this.#queue.length > 0 && nowMs >= this.#busyUntilMs) {
        this.waitedMs.push(this.frames.answered(this.#queue.shift(), nowMs) ?? 0);
        this.#busyUntilMs = nowMs + answerMs;
      }
      if (nowMs % 33 !== 0) continue;
      const room = this.frames.free(nowMs, this.pacer.fps) ? 'free' : 'full';
      if (this.pacer.take(nowMs, room) !== 'send') continue;
      if (this.#queue.length === 0)
        this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs + answerMs);
      this.#queue.push(this.frames.sent(nowMs));
      this.sentMs.push(nowMs);
    }
  }

  gapsMs(fromMs: number): number[] {
    const times = this.sentMs.filter((ms) => ms >= fromMs);
    return times.slice(1).map((ms, n) => ms - (times[n] ?? 0));
  }
}

describe('Pacer before a slow server', () => {
  it('falls to what is answered, in even gaps, and lets few wait', () => {
    const way = new Way();
    way.run(20, 100);
    const gaps = way.gapsMs(10_000);
    const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
    expect(1000 / mean).toBeGreaterThan(8);
    expect(1000 / mean).toBeLessThan(10.5);
    const even = gaps.filter((ms) => Math.abs(ms - mean) < 50);
    expect(even.length / gaps.length).toBeGreaterThan(0.85);
    expect(Math.max(...way.waitedMs.slice(-80))).toBeLessThanOrEqual(600);
  });

  it('rises again within seconds when the server is fast again', () => {
    const way = new Way();
    way.run(20, 300);
    expect(way.pacer.fps).toBeLessThan(6);
    way.run(8, 5);
    expect(way.pacer.fps).toBe(25);
  });

  it('never gives up altogether', () => {
    const way = new Way();
    way.run(60, 60_000);
    expect(way.pacer.fps).toBeGreaterThanOrEqual(1);
  });
});
