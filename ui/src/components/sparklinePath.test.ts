import { describe, expect, it } from 'vitest';
import { sparkline } from './sparklinePath';

describe('sparkline', () => {
  it('ends at the right edge and grows from there to the left', () => {
    expect(sparkline([0, 10], 11, 1).line).toBe('M90.00 100.00L100.00 9.09');
  });

  it('keeps small noise small', () => {
    expect(sparkline([0, 0.1], 2, 10).line).toBe('M0.00 100.00L100.00 99.09');
  });

  it('draws nothing from one value', () => {
    expect(sparkline([3], 60, 1)).toEqual({ line: '', area: '' });
  });
});
