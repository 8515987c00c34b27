import type { JobFile } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { testFile } from '../../testing/answers';
import { arrange, nextSort, type RowSort } from './rows';
import { scrollToShow, windowOf } from './window';

const row = (index: number, part: Partial<JobFile>): JobFile =>
  testFile({ index, regions: index, ...part });
const ROWS = [
  row(0, { name: 'page-10.png', confidence: 0.95 }),
  row(1, { name: 'Page-9.png', state: 'failed', error: 'It is no picture', confidence: null }),
  row(2, { name: 'invoice.png', confidence: 0.7 }),
  row(3, { name: 'a.png', state: 'waiting', confidence: null }),
];
const order = (sort: RowSort, part: { find?: string; state?: 'all' | 'failed' | 'waiting' } = {}) =>
  arrange(ROWS, { find: '', state: 'all', ...part, sort }).map(({ index }) => index);
const BY_INDEX: RowSort = { by: 'index', reversed: false };

describe('the list of files', () => {
  it('sorts names as people do, with numbers as numbers', () => {
    expect(order({ by: 'name', reversed: false })).toEqual([3, 2, 1, 0]);
  });

  it('puts what has no value last, either way round', () => {
    expect(order({ by: 'confidence', reversed: false })).toEqual([2, 0, 1, 3]);
    expect(order({ by: 'confidence', reversed: true })).toEqual([0, 2, 1, 3]);
  });

  it('shows what needs care first when sorted by state', () => {
    expect(order({ by: 'state', reversed: false })[0]).toBe(1);
  });

  it('finds names and errors, whatever their case', () => {
    expect(order(BY_INDEX, { find: 'PAGE' })).toEqual([0, 1]);
    expect(order(BY_INDEX, { find: 'no picture' })).toEqual([1]);
    expect(order(BY_INDEX, { state: 'failed' })).toEqual([1]);
    expect(order(BY_INDEX, { state: 'waiting' })).toEqual([3]);
  });

  it('turns round when the same column is pressed again', () => {
    expect(nextSort(BY_INDEX, 'index')).toEqual({ by: 'index', reversed: true });
    expect(nextSort(BY_INDEX, 'ms')).toEqual({ by: 'ms', reversed: false });
  });
});

describe('the part of a list that is in sight', () => {
  it('is small, however long the list', () => {
    const { first, end } = windowOf(10_000, 50, 250_000, 400);
    expect(first).toBeLessThanOrEqual(5000);
    expect(end).toBeGreaterThanOrEqual(5008);
    expect(end - first).toBeLessThan(30);
  });

  it('never leaves the list', () => {
    expect(windowOf(3, 50, 0, 400)).toEqual({ first: 0, end: 3 });
    expect(windowOf(3, 50, 90_000, 400)).toEqual({ first: 3, end: 3 });
    expect(windowOf(0, 50, 0, 0)).toEqual({ first: 0, end: 0 });
  });

  it('is scrolled as little as needed', () => {
    expect(scrollToShow(2, 50, 0, 400)).toBe(0);
    expect(scrollToShow(2, 50, 300, 400)).toBe(100);
    expect(scrollToShow(20, 50, 0, 400)).toBe(650);
  });
});
