import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { paced } from './pace';

const DISPLAY_MS = 1000 / 60;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run, DISPLAY_MS));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('runs with the next frame of the display after a rest, and then not with each', async () => {
  const frame = paced();
  const ran: number[] = [];
  const start = performance.now();
  const again = () => {
    ran.push(performance.now() - start);
    frame(again);
  };
  frame(again);
  await vi.advanceTimersByTimeAsync(1000);
  expect(ran[0]).toBeLessThan(DISPLAY_MS + 1);
  expect(ran.length).toBeGreaterThanOrEqual(22);
  expect(ran.length).toBeLessThanOrEqual(31);
});
