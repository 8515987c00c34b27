import type { Detection } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { inOrder } from './objectOrder';

const object = (label: string, left: number, track: number | null = null): Detection => ({
  ...{ label, track, class: 0, confidence: 0.9 },
  box: [left, 0, left + 10, 10],
});

describe('the list of objects', () => {
  it('keeps its order while confidences change and objects move', () => {
    const objects = [object('person', 5), object('car', 90, 7), object('car', 10, 9)];
    const names = inOrder(objects, ['car', 'person']).map(({ label, track }) => [label, track]);
    expect(names).toEqual([
      ['car', 7],
      ['car', 9],
      ['person', null],
    ]);
  });

  it('goes from left to right where nothing is followed', () => {
    const lefts = inOrder([object('car', 50), object('car', 20)], ['car']).map(({ box }) => box[0]);
    expect(lefts).toEqual([20, 50]);
  });
});
