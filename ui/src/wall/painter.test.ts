import type { Overlay, Picture } from 'sightwire/relay';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Painter, type Screen } from './painter';

/** A browser whose frames and decoders a test moves by hand. */
class Bench {
  nowMs = 1000;
  readonly newest = new Map<string, Picture>();
  readonly overlays = new Map<string, Overlay>();
  readonly decoding: { sequence: number; done: (ok: boolean) => void }[] = [];
  open = 0;
  private frames: (() => void)[] = [];
  readonly painter = new Painter<{ sequence: number }>({
    newest: (stream) => this.newest.get(stream) ?? null,
    overlay: (stream) => this.overlays.get(stream) ?? null,
    decode: async (jpeg) => {
      const sequence = jpeg[0] ?? -1;
      await new Promise<void>((done, fail) => {
        this.decoding.push({ sequence, done: (ok) => (ok ? done() : fail(new Error('broken'))) });
      });
      this.open += 1;
      return { sequence };
    },
    close: () => {
      this.open -= 1;
    },
    frame: (run) => this.frames.push(run),
    nowMs: () => this.nowMs,
  });

  arrive(stream: string, sequence: number): void {
    const jpeg = new Uint8Array([sequence]);
    this.newest.set(stream, { stream, sequence, capturedAtMs: 0, jpeg });
    this.painter.poke();
  }

  get asked(): number {
    return this.frames.length;
  }

  frame(): void {
    for (const run of this.frames.splice(0)) run();
  }

  /** All that is being decoded is done. */
  async settle(ok = true): Promise<void> {
    for (const { done } of this.decoding.splice(0)) done(ok);
    await new Promise((done) => setTimeout(done, 0));
  }
}

let bench: Bench;
let shown: number[];
let screen: Screen<{ sequence: number }>;

beforeEach(() => {
  bench = new Bench();
  shown = [];
  screen = {
    show: ({ sequence }) => shown.push(sequence),
    blank: () => shown.push(0),
    mark: vi.fn(),
    broken: vi.fn(),
  };
});

describe('the painter', () => {
  it('shows a picture of each of many tiles between two frames of the display', async () => {
    const names = Array.from({ length: 9 }, (_, n) => `stream-${n}`);
    for (const name of names) bench.painter.join(name, screen).see(true);
    for (const [n, name] of names.entries()) bench.arrive(name, n + 1);
    bench.frame();
    expect(bench.decoding).toHaveLength(4);
    for (let round = 0; round < 3; round += 1) await bench.settle();
    bench.frame();
    expect(shown.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('decodes the newest picture only, and shows it with the next frame', async () => {
    bench.painter.join('a', screen).see(true);
    for (let n = 1; n <= 9; n += 1) bench.arrive('a', n);
    bench.frame();
    expect(bench.decoding.map(({ sequence }) => sequence)).toEqual([9]);
    bench.arrive('a', 10);
    bench.arrive('a', 11);
    bench.frame();
    expect(bench.decoding).toHaveLength(1);
    await bench.settle();
    expect(shown).toEqual([]);
    bench.frame();
    expect(shown).toEqual([9]);
    expect(bench.decoding.map(({ sequence }) => sequence)).toEqual([11]);
    await bench.settle();
    bench.frame();
    expect(shown).toEqual([9, 11]);
    expect(bench.open).toBe(0);
  });

  it('decodes nothing for tiles out of sight, and the newest as soon as they are seen', async () => {
    const seat = bench.painter.join('a', screen);
    bench.arrive('a', 1);
    bench.frame();
    expect(bench.decoding).toEqual([]);
    bench.arrive('a', 2);
    seat.see(true);
    bench.frame();
    await bench.settle();
    bench.frame();
    expect(shown).toEqual([2]);
  });

  it('runs only when something is new', async () => {
    bench.painter.join('a', screen).see(true);
    bench.frame();
    expect(bench.asked).toBe(0);
    bench.arrive('a', 1);
    bench.arrive('a', 2);
    expect(bench.asked).toBe(1);
    bench.frame();
    await bench.settle();
    bench.frame();
    bench.frame();
    expect(bench.asked).toBe(0);
  });

  it('lets all tiles have their turn', async () => {
    const turns = new Map<string, number>();
    for (let n = 0; n < 16; n += 1) {
      const show = () => turns.set(`${n}`, (turns.get(`${n}`) ?? 0) + 1);
      bench.painter.join(`${n}`, { ...screen, show }).see(true);
    }
    for (let round = 0; round < 16; round += 1) {
      for (let n = 0; n < 16; n += 1) bench.arrive(`${n}`, round);
      bench.frame();
      expect(bench.decoding.length).toBeLessThanOrEqual(4);
      await bench.settle();
    }
    bench.frame();
    expect([...turns.values()]).toEqual(Array(16).fill(4));
  });

  it('gives back what was decoded for a tile that is gone', async () => {
    const seat = bench.painter.join('a', screen);
    seat.see(true);
    bench.arrive('a', 1);
    bench.frame();
    seat.leave();
    await bench.settle();
    bench.frame();
    expect(shown).toEqual([]);
    expect(bench.open).toBe(0);
  });

  it('takes old pictures away while nobody looks, and shows the newest one after', async () => {
    bench.painter.join('a', screen).see(true);
    bench.arrive('a', 1);
    bench.frame();
    await bench.settle();
    bench.frame();
    bench.arrive('a', 2);
    bench.frame();
    bench.painter.sleep();
    await bench.settle();
    bench.arrive('a', 3);
    bench.frame();
    expect(shown).toEqual([1, 0]);
    expect(bench.decoding).toEqual([]);
    bench.painter.wake();
    bench.frame();
    await bench.settle();
    bench.frame();
    expect(shown).toEqual([1, 0, 3]);
    expect(bench.open).toBe(0);
  });

  it('shows nothing of a stream that begins anew', async () => {
    bench.painter.join('a', screen).see(true);
    bench.arrive('a', 1);
    bench.frame();
    await bench.settle();
    bench.frame();
    bench.newest.clear();
    bench.painter.poke();
    bench.frame();
    expect(shown).toEqual([1, 0]);
  });

  it('says when none of the pictures can be decoded, not when one cannot', async () => {
    bench.painter.join('a', screen).see(true);
    const next = async (n: number, ok: boolean) => {
      bench.arrive('a', n);
      bench.frame();
      await bench.settle(ok);
      bench.nowMs += 500;
    };
    await next(1, true);
    await next(2, false);
    await next(3, true);
    expect(screen.broken).not.toHaveBeenCalled();
    for (let n = 4; n < 9; n += 1) await next(n, false);
    expect(screen.broken).toHaveBeenCalledExactlyOnceWith(true);
    await next(9, true);
    expect(screen.broken).toHaveBeenLastCalledWith(false);
  });

  it('draws each mark once, and wipes away what is not renewed', () => {
    bench.painter.join('a', screen).see(true);
    const overlay = { stream: 'a' } as Overlay;
    bench.overlays.set('a', overlay);
    bench.frame();
    bench.painter.poke();
    bench.frame();
    expect(screen.mark).toHaveBeenCalledExactlyOnceWith(overlay);
    bench.nowMs += 2100;
    bench.painter.poke();
    bench.frame();
    expect(screen.mark).toHaveBeenLastCalledWith(null);
    bench.painter.poke();
    bench.frame();
    expect(screen.mark).toHaveBeenCalledTimes(2);
  });
});
