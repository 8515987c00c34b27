import { describe, expect, it } from 'vitest';
import { pointedAt, stepped, told } from './coursePoint';

const asCount = (value: number) => `${value} frames`;

describe('what is under a pointer', () => {
  it('is counted from the right edge, where the newest value is', () => {
    const chart = { history: [5, null, 7], length: 5 };
    expect(pointedAt(1, chart)).toEqual({ value: 7, back: 0 });
    expect(pointedAt(0.5, chart)).toEqual({ value: 5, back: 2 });
  });

  it('is nothing where nothing is known, and before all values', () => {
    const chart = { history: [5, null, 7], length: 5 };
    expect(pointedAt(0.75, chart)).toBeNull();
    expect(pointedAt(0, chart)).toBeNull();
  });

  it('is of the newest values where there are more than fit', () => {
    expect(pointedAt(0, { history: [1, 2, 3, 4], length: 3 })?.value).toBe(2);
  });

  it('was so many seconds ago, or at a time of the day, counted from when the newest was taken', () => {
    const now = { history: [1, 2, 3], length: 3, stepS: 1, newestS: null };
    expect(told(1, now, asCount)).toBe('3 frames, now');
    expect(told(0, now, asCount)).toBe('1 frames, 2 s ago');
    const newestS = new Date(2026, 10, 28, 18, 30, 5).getTime() / 1000;
    expect(told(0.5, { ...now, stepS: 10, newestS }, asCount)).toBe('2 frames, 18:29:55');
    expect(told(0, { ...now, stepS: 60, newestS }, asCount)).toBe('1 frames, 18:28');
    expect(told(null, now, asCount)).toBeNull();
  });

  it('is walked by arrow keys from the newest', () => {
    expect(stepped(null, 'ArrowLeft', 5)).toBe(1);
    expect(stepped(1, 'ArrowLeft', 5)).toBe(0.75);
    expect(stepped(1, 'ArrowRight', 5)).toBe(1);
    expect(stepped(1, 'a', 5)).toBeNull();
  });
});
