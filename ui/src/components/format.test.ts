import { describe, expect, it } from 'vitest';
import {
  formatByteRate,
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatMs,
  formatPercent,
  formatRate,
} from './format';

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
    expect(formatBytes(1_757_718)).toBe('1.8 MB');
    expect(formatBytes(90_000_000)).toBe('90 MB');
    expect(formatBytes(2_340_000_000)).toBe('2.3 GB');
    expect(formatDuration(59.9)).toBe('59 s');
    expect(formatDuration(3599)).toBe('59 min');
    expect(formatDuration(3600)).toBe('1 h');
    expect(formatDuration(11_520)).toBe('3 h 12 min');
    expect(formatDuration(300_000)).toBe('3 days');
  });

  it('keep a rate of bytes short', () => {
    expect(formatByteRate(0)).toBe('0 B/s');
    expect(formatByteRate(999.6)).toBe('1 kB/s');
    expect(formatByteRate(340_400)).toBe('340 kB/s');
    expect(formatByteRate(999_600)).toBe('1.0 MB/s');
    expect(formatByteRate(112_500_000)).toBe('113 MB/s');
    expect(formatByteRate(null)).toBe('–');
  });

  it('run on as a clock does', () => {
    expect(formatClock(0.9)).toBe('0:00');
    expect(formatClock(42)).toBe('0:42');
    expect(formatClock(3547)).toBe('59:07');
    expect(formatClock(3600)).toBe('1:00:00');
  });

  it('are grouped where they count things', () => {
    expect(formatCount(90_000)).toBe('90,000');
  });
});
