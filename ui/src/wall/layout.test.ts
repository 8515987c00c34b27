import { describe, expect, it } from 'vitest';
import { fit, type FitOptions, focus } from './layout';

const USUAL: FitOptions = { shape: 4 / 3, gap: 4, caption: 28, least: 150 };
const SCREENS = [
  { width: 390, height: 700 },
  { width: 844, height: 330 },
  { width: 768, height: 950 },
  { width: 1440, height: 780 },
  { width: 2560, height: 1300 },
  { width: 3840, height: 2100 },
  { width: 1080, height: 1920 },
];

describe('fit', () => {
  it('shows one to 25 tiles on every screen, and scrolls only where they would be too small', () => {
    for (const screen of SCREENS) {
      for (let count = 1; count <= 25; count += 1) {
        const { columns, rows, scrolls } = fit(count, screen, USUAL);
        expect(columns * rows).toBeGreaterThanOrEqual(count);
        // No column stays empty.
        expect(columns).toBeLessThanOrEqual(count);
        const width = (screen.width - 4 * (columns - 1)) / columns;
        const height = (screen.height - 4 * (rows - 1)) / rows - 28;
        if (!scrolls) expect(Math.min(width, (height * 4) / 3)).toBeGreaterThanOrEqual(150);
        if (screen.width >= 1440) expect(scrolls).toBe(false);
      }
    }
  });

  it('takes the shape of the screen', () => {
    expect(fit(9, { width: 1440, height: 780 }, USUAL)).toMatchObject({ columns: 3, rows: 3 });
    expect(fit(4, { width: 1440, height: 780 }, USUAL)).toMatchObject({ columns: 2, rows: 2 });
    expect(fit(5, { width: 1080, height: 1920 }, USUAL)).toMatchObject({ columns: 2, rows: 3 });
    expect(fit(2, { width: 390, height: 700 }, USUAL)).toMatchObject({ columns: 1, rows: 2 });
    expect(fit(3, { width: 3840, height: 1000 }, USUAL)).toMatchObject({ columns: 3, rows: 1 });
  });

  it('scrolls on a phone with many', () => {
    expect(fit(25, { width: 390, height: 700 }, USUAL)).toEqual({
      columns: 2,
      rows: 13,
      scrolls: true,
    });
    expect(fit(0, { width: 390, height: 700 }, USUAL)).toEqual({
      columns: 1,
      rows: 1,
      scrolls: false,
    });
  });
});

describe('focus', () => {
  it('puts the others where there is room', () => {
    expect(focus(3, { width: 1440, height: 780 }, USUAL)).toMatchObject({
      beside: true,
      columns: 1,
      rows: 3,
    });
    expect(focus(3, { width: 390, height: 700 }, USUAL)).toMatchObject({ beside: false, rows: 1 });
    const many = focus(24, { width: 1440, height: 780 }, USUAL);
    expect(many.columns * many.rows).toBeGreaterThanOrEqual(24);
    expect(many.share).toBeLessThanOrEqual(0.36);
    expect(focus(0, { width: 100, height: 100 }, USUAL).share).toBe(0);
  });
});
