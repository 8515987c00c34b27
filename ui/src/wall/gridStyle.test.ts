import { describe, expect, it } from 'vitest';
import { equalGrid, focusGrid } from './gridStyle';
import type { FitOptions } from './layout';

const USUAL: FitOptions = { shape: 4 / 3, gap: 6, caption: 36, least: 150 };

const columns = (count: number, width: number, height: number) =>
  equalGrid(count, { width, height }, USUAL).places?.map(({ gridColumn }) => gridColumn);

describe('the last row of a wall', () => {
  it('stands in the middle where wider tiles would only have bars', () => {
    const { style } = equalGrid(5, { width: 1416, height: 770 }, USUAL);
    expect(style.gridTemplateColumns).toBe('repeat(6, minmax(0, 1fr))');
    expect(columns(5, 1416, 770)).toEqual(['span 2', 'span 2', 'span 2', '2 / span 2', 'span 2']);
  });

  it('is shared where the pictures become larger', () => {
    expect(columns(3, 768, 950)).toEqual(['span 1', 'span 1', 'span 2']);
  });

  it('is as any other where it is full, and where the wall scrolls', () => {
    expect(columns(4, 1416, 770)).toBeUndefined();
    expect(columns(25, 390, 700)).toBeUndefined();
    expect(columns(0, 390, 700)).toBeUndefined();
  });
});

describe('the others of a large one', () => {
  it('all stand beside it where they can be seen', () => {
    const { scrolls, style } = focusGrid(12, { width: 1416, height: 770 }, USUAL);
    expect(scrolls).toBe(false);
    expect(style.gridTemplateRows).toMatch(/^repeat\(\d+, minmax/);
  });

  it('scroll where they would be too small, and the large one stays', () => {
    const desk = focusGrid(45, { width: 1416, height: 770 }, USUAL);
    expect(desk.scrolls).toBe(true);
    expect(desk.style.gridTemplateColumns).toBe('minmax(0, 1fr) repeat(4, 121px)');
    expect(desk.style.gridTemplateRows).toBe('repeat(12, 127px)');
    expect(desk.large).toMatchObject({ position: 'sticky', height: 770 });
    const phone = focusGrid(45, { width: 374, height: 640 }, USUAL);
    expect(phone.style.gridTemplateColumns).toBe('repeat(3, minmax(0, 1fr))');
    expect(phone.style.gridTemplateRows).toBe('409px');
    expect(phone.others).toEqual({ scrollMarginTop: 415 });
    expect(phone.large).toMatchObject({ position: 'sticky', gridColumn: '1 / -1', height: 409 });
  });
});
