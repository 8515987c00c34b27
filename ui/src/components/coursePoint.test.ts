import { describe, expect, it } from 'vitest';
import { pointedAt, when } from './coursePoint';

describe('what is under a pointer', () => {
  it('is counted from the right edge, where the newest value is', () => {
    const values = [5, null, 7];
    expect(pointedAt(1, values, 5)).toEqual({ value: 7, back: 0, share: 1 });
    expect(pointedAt(0.5, values, 5)).toEqual({ value: 5, back: 2, share: 0.5 });
  });

  it('is nothing where nothing is known, and before all values', () => {
    expect(pointedAt(0.75, [5, null, 7], 5)).toBeNull();
    expect(pointedAt(0, [5, null, 7], 5)).toBeNull();
  });

  it('is of the newest values where there are more than fit', () => {
    expect(pointedAt(0, [1, 2, 3, 4], 3)?.value).toBe(2);
  });

  it('was so many seconds ago, or at a time of the day', () => {
    const now = new Date(2026, 10, 28, 18, 30, 5);
    expect(when(0, 1, now)).toBe('now');
    expect(when(12, 1, now)).toBe('12 s ago');
    expect(when(1800, 10, now)).toBe('18:00:05');
    expect(when(7200, 60, now)).toBe('16:30');
  });
});
