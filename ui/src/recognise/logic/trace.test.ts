import { describe, expect, it } from 'vitest';
import { Trace } from './trace';

describe('Trace', () => {
  it('keeps what fits its span', () => {
    const trace = new Trace(1000, 500);
    for (let n = 0; n < 100; n += 1) trace.add(n * 40, [n, 1]);
    expect(trace.timesMs[0]).toBeGreaterThanOrEqual(99 * 40 - 1000);
    expect(trace.classes[0]?.at(-1)).toBe(99);
    expect(trace.classes[0]).toHaveLength(trace.timesMs.length);
  });

  it('shows a silence as a gap', () => {
    const trace = new Trace(10_000, 500);
    trace.add(0, [0.5]);
    trace.add(2000, [0.6]);
    expect(trace.timesMs).toEqual([0, 1, 2000]);
    expect(trace.classes[0]).toEqual([0.5, null, 0.6]);
  });

  it('starts afresh when the number of classes changes', () => {
    const trace = new Trace(10_000, 500);
    trace.add(0, [0.5, 0.5]);
    trace.add(40, [1]);
    expect(trace.timesMs).toEqual([40]);
    expect(trace.classes).toEqual([[1]]);
  });
});
