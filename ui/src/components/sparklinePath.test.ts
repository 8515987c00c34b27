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

  it('leaves a gap where nothing is known', () => {
    const { line, area } = sparkline([10, 10, null, null, 10, 10, null, 3], 8, 10);
    expect(line).toBe('M0.00 9.09L14.29 9.09M57.14 9.09L71.43 9.09');
    expect(area.match(/Z/g)).toHaveLength(2);
  });
});
