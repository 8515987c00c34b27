import { describe, expect, it } from 'vitest';
import { pickLines } from './lines';

const classes = (...peaks: number[]) => peaks.map((peak) => [0, peak, null, 0]);

describe('the lines of a chart with more labels than lines', () => {
  it('show the labels that stand out, and none that do not', () => {
    expect(pickLines(classes(0.9, 0.01, 0.3, 0.02), [null, null, null])).toEqual([0, 2, null]);
  });

  it('show the highest where too many stand out', () => {
    expect(pickLines(classes(0.2, 0.9, 0.5), [null, null])).toEqual([1, 2]);
  });

  it('keep their labels while others come and go', () => {
    expect(pickLines(classes(0.2, 0.9, 0.5, 0), [2, 3, 1])).toEqual([2, 0, 1]);
  });
});
