import { describe, expect, it } from 'vitest';
import { testDocument } from '../../testing/answers';
import type { Polygon } from '../viewer/geometry';
import { linesOf, meanConfidence, step, textOf, wantedLines } from './lines';

const POLYGON: Polygon = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
];
const region = (text: string, confidence: number, page = 1, row = 1) => ({
  polygon: POLYGON,
  text,
  confidence,
  page,
  block: 1,
  row,
});
const READING = testDocument([
  region('Total', 0.99),
  region('18.40', 0.6, 1, 2),
  region('Page two', 0.9, 2),
]);

describe('the lines of a page', () => {
  const lines = linesOf(READING, 1);

  it('are those of that page, counted from one', () => {
    expect(lines.map(({ number, text }) => [number, text])).toEqual([
      [1, 'Total'],
      [2, '18.40'],
    ]);
    expect(linesOf(READING, 2)).toHaveLength(1);
    expect(linesOf(null, 1)).toEqual([]);
  });

  it('are hidden where they are not sure enough or not looked for', () => {
    expect(wantedLines(lines, 0.7, '')).toHaveLength(1);
    expect(wantedLines(lines, 0, 'TOT')).toHaveLength(1);
    expect(textOf(wantedLines(lines, 0, ''))).toBe('Total\n18.40');
  });

  it('are sure on average', () => {
    expect(meanConfidence(lines)).toBeCloseTo(0.795);
    expect(meanConfidence([])).toBeNull();
  });

  it('are copied row by row, with tabs between cells and spaces between words', () => {
    const at = (left: number): Polygon => [
      [left, 0],
      [left + 50, 0],
      [left + 50, 20],
      [left, 20],
    ];
    const row = [
      { ...region('Green', 1), polygon: at(0) },
      { ...region('tea', 1), polygon: at(60) },
      { ...region('2.50', 1), polygon: at(300) },
      region('Total', 1, 1, 2),
    ];
    expect(textOf(linesOf(testDocument(row), 1))).toBe('Green tea\t2.50\nTotal');
  });

  it('are walked through from end to end', () => {
    expect(step(lines, null, 1)).toBe(1);
    expect(step(lines, null, -1)).toBe(2);
    expect(step(lines, 1, 1)).toBe(2);
    expect(step(lines, 2, 1)).toBe(2);
    expect(step([], 1, 1)).toBeNull();
  });
});
