import { describe, expect, it } from 'vitest';
import { sureness, surePercent } from './confidence';
import { levelFor } from './picture';
import {
  between,
  closeUp,
  fit,
  fitInto,
  kept,
  reveal,
  scaleBounds,
  sight,
  toPicture,
  zoomAt,
} from './zoom';

const PAGE = { width: 8000, height: 6000 };
const STAGE = { width: 824, height: 624 };

describe('the view', () => {
  it('shows the whole picture, in the middle', () => {
    const view = fit(PAGE, STAGE);
    expect(view).toEqual({ left: 12, top: 12, scale: 0.1 });
    const small = fit({ width: 100, height: 50 }, STAGE);
    expect(small.scale).toBe(1);
    expect(small.left).toBe(362);
  });

  it('gives what was straightened its own form', () => {
    expect(fitInto({ width: 100, height: 200 }, PAGE)).toEqual({ width: 3000, height: 6000 });
    expect(fitInto({ width: 16_000, height: 200 }, PAGE)).toEqual({ width: 8000, height: 100 });
  });

  it('keeps the point under the pointer where it is', () => {
    const view = fit(PAGE, STAGE);
    const under = toPicture(view, [300, 200]);
    const nearer = zoomAt(view, [300, 200], 3, scaleBounds(PAGE, STAGE));
    const [x, y] = toPicture(nearer, [300, 200]);
    expect(x).toBeCloseTo(under[0], 9);
    expect(y).toBeCloseTo(under[1], 9);
  });

  it('ends at single pixels and at half of the whole', () => {
    const bounds = scaleBounds(PAGE, STAGE);
    expect(zoomAt(fit(PAGE, STAGE), [0, 0], 1e9, bounds).scale).toBe(16);
    expect(zoomAt(fit(PAGE, STAGE), [0, 0], 1e-9, bounds).scale).toBe(0.05);
  });

  it('never loses the picture', () => {
    const far = kept({ left: -1e6, top: 1e6, scale: 1 }, PAGE, STAGE);
    const seen = sight(far, STAGE);
    expect(seen.left).toBeLessThan(PAGE.width);
    expect(seen.bottom).toBeGreaterThan(0);
    const small = kept({ left: -500, top: 5000, scale: 0.05 }, PAGE, STAGE);
    expect(small).toEqual({ left: 0, top: 324, scale: 0.05 });
  });

  it('goes near enough to read a line, and stays where a line is seen', () => {
    const line = { left: 4000, top: 3000, right: 4600, bottom: 3040 };
    const view = closeUp(line, fit(PAGE, STAGE), STAGE, scaleBounds(PAGE, STAGE));
    expect((line.right - line.left) * view.scale).toBeGreaterThan(500);
    expect(reveal(line, view, STAGE)).toBe(view);
    expect(reveal({ ...line, right: 7000 }, view, STAGE)).not.toBe(view);
  });

  it('glides from one place to the other', () => {
    const [from, to] = [fit(PAGE, STAGE), { left: -500, top: -400, scale: 1.6 }];
    expect(between(from, to, 0)).toEqual(from);
    expect(between(from, to, 1).scale).toBeCloseTo(1.6, 9);
    expect(between(from, to, 0.5).scale).toBeCloseTo(0.4, 9);
  });
});

describe('the copy that is drawn', () => {
  it('is the smallest with a pixel for each of the screen', () => {
    const levels = [{ width: 4096 }, { width: 2048 }, { width: 1024 }];
    expect(levelFor(levels, 700)).toEqual({ width: 1024 });
    expect(levelFor(levels, 1025)).toEqual({ width: 2048 });
    expect(levelFor(levels, 9000)).toEqual({ width: 4096 });
    expect(levelFor<{ width: number }>([], 10)).toBeUndefined();
  });
});

describe('how sure', () => {
  it('is told in three steps and in percent', () => {
    expect([0.2, 0.75, 0.9].map(sureness)).toEqual(['unsure', 'fair', 'sure']);
    expect([0.9996, 1, 0.29].map(surePercent)).toEqual(['99 %', '100 %', '29 %']);
  });
});
