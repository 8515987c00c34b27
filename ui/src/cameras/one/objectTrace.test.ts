import { describe, expect, it } from 'vitest';
import { countByLabel, ObjectTrace } from './objectTrace';

const counts = (of: Record<string, number>) => new Map(Object.entries(of));

describe('objects over time', () => {
  it('are counted by label', () => {
    expect(countByLabel([{ label: 'car' }, { label: 'person' }, { label: 'car' }])).toEqual(
      counts({ car: 2, person: 1 }),
    );
  });

  it('keep the most of each half second', () => {
    const trace = new ObjectTrace(10_000);
    trace.add(1000, counts({ car: 1 }));
    trace.add(1100, counts({ car: 3 }));
    trace.add(1400, counts({}));
    trace.add(1500, counts({ car: 2, person: 1 }));
    expect(trace.timesMs).toEqual([1000, 1500]);
    expect([...trace.classes]).toEqual([
      ['car', [3, 2]],
      ['person', [0, 1]],
    ]);
  });

  it('are zero where nothing was found and a gap where nobody looked', () => {
    const trace = new ObjectTrace(60_000);
    trace.add(1000, counts({ car: 1 }));
    trace.add(1500, counts({}));
    trace.add(9000, counts({ car: 2 }));
    expect(trace.timesMs).toEqual([1000, 1500, 2000, 9000]);
    expect(trace.classes.get('car')).toEqual([1, 0, null, 2]);
  });

  it('are forgotten after the span, and classes with them', () => {
    const trace = new ObjectTrace(2000);
    trace.add(0, counts({ bicycle: 1 }));
    for (let ms = 500; ms <= 60_000; ms += 500) trace.add(ms, counts({ car: 1 }));
    expect(trace.timesMs.length).toBe(5);
    expect([...trace.classes.keys()]).toEqual(['car']);
  });
});
