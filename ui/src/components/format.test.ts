import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, formatMs, formatPercent, formatRate } from './format';

describe('numbers for people', () => {
  it('keep a decimal only where it says something', () => {
    expect(formatMs(3.14)).toBe('3.1');
    expect(formatMs(9.96)).toBe('10');
    expect(formatMs(123.4)).toBe('123');
    expect(formatRate(24.96)).toBe('25.0');
    expect(formatPercent(0.996)).toBe('100');
  });

  it('show a dash for what is not known', () => {
    for (const format of [formatMs, formatRate, formatPercent, formatBytes]) {
      expect(format(null)).toBe('–');
    }
  });

  it('name sizes and durations in fitting units', () => {
    expect(formatBytes(90_000_000)).toBe('90 MB');
    expect(formatBytes(2_340_000_000)).toBe('2.3 GB');
    expect(formatDuration(59.9)).toBe('59 s');
    expect(formatDuration(3599)).toBe('59 min');
    expect(formatDuration(11_520)).toBe('3 h 12 min');
    expect(formatDuration(300_000)).toBe('3 days');
  });
});
