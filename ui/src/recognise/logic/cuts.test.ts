import { describe, expect, it } from 'vitest';
import { Cuts } from './cuts';

describe('Cuts', () => {
  it('tells windows of one piece from those that span a cut', () => {
    const cuts = new Cuts();
    cuts.add(1, 10);
    cuts.add(26, 10);
    expect(cuts.whole(9, 10)).toBe(false);
    expect(cuts.whole(10, 10)).toBe(true);
    expect(cuts.whole(25, 10)).toBe(true);
    expect(cuts.whole(26, 10)).toBe(false);
    expect(cuts.whole(34, 10)).toBe(false);
    expect(cuts.whole(35, 10)).toBe(true);
  });

  it('does not count the results of the source before', () => {
    const cuts = new Cuts();
    cuts.add(1, 10);
    cuts.reset();
    expect(cuts.whole(50, 10)).toBe(false);
    cuts.add(60, 10);
    expect(cuts.whole(55, 10)).toBe(false);
    expect(cuts.whole(69, 10)).toBe(true);
  });

  it('lets a very short loop have results at all', () => {
    const cuts = new Cuts();
    for (let id = 0; id < 60; id += 6) cuts.add(id, 10);
    expect(cuts.whole(15, 10)).toBe(true);
  });

  it('stays small however long a clip loops', () => {
    const cuts = new Cuts();
    for (let id = 0; id < 100_000; id += 25) cuts.add(id, 10);
    expect(cuts.whole(99_990, 10)).toBe(true);
    expect(cuts.whole(50, 10)).toBe(false);
  });
});
