import { describe, expect, it } from 'vitest';
import { untilTick } from './ticks';

describe('untilTick', () => {
  it('corrects the drift of late ticks', () => {
    expect(untilTick(1000, 40, 1, 1000)).toBe(40);
    expect(untilTick(1000, 40, 2, 1055)).toBe(25);
    expect(untilTick(1000, 40, 3, 1200)).toBe(0);
  });
});
