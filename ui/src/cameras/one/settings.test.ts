import { describe, expect, it } from 'vitest';
import { detectionsPath, picturesPath } from './addresses';
import { DEFAULTS, formatSettings, parseSettings, shows, toggleClass } from './settings';

describe('settings of a camera in the address', () => {
  it('come back as they were', () => {
    const settings = {
      view: 'tracking',
      confidence: 0.4,
      fps: 15,
      skip: 3,
      labels: false,
      trails: false,
      classes: ['car', 'traffic light'],
    } as const;
    expect(parseSettings(formatSettings(settings))).toEqual(settings);
    expect(formatSettings(settings)).toBe(
      '?view=tracking&conf=0.40&fps=15&skip=3&labels=off&trails=off&classes=car%2Ctraffic+light',
    );
  });

  it('leave the address bare at their defaults', () => {
    expect(formatSettings(DEFAULTS)).toBe('');
    expect(parseSettings('')).toEqual(DEFAULTS);
  });

  it('fall back to the defaults where they make no sense', () => {
    const search = '?view=x-ray&conf=2&fps=0&skip=2.5&labels=maybe&trails=1&classes=,%20,';
    expect(parseSettings(search)).toEqual(DEFAULTS);
  });

  it('show all classes while none is chosen', () => {
    expect(shows(DEFAULTS, 'car')).toBe(true);
    const cars = { ...DEFAULTS, classes: toggleClass(DEFAULTS, 'car') };
    expect(cars.classes).toEqual(['car']);
    expect(shows(cars, 'person')).toBe(false);
    expect(toggleClass(cars, 'person')).toEqual(['car', 'person']);
    expect(toggleClass(cars, 'car')).toBeNull();
  });
});

describe('addresses of a camera', () => {
  it('name what was changed, and always what an analysis is shared by', () => {
    expect(picturesPath('front-door', DEFAULTS)).toBe(
      '/stream/detect?camera=front-door&fps=10&skip_frames=2',
    );
    const tracking = { ...DEFAULTS, view: 'tracking', trails: false, confidence: 0.5 } as const;
    expect(picturesPath('yard', tracking)).toBe(
      '/stream/tracking?camera=yard&conf=0.50&fps=10&skip_frames=1&show_trails=false&show_stats=false',
    );
    expect(picturesPath('yard', { ...DEFAULTS, view: 'plain', classes: ['car'] })).toBe(
      '/stream?camera=yard',
    );
  });

  it('ask for one analysis for the picture and for the list', () => {
    const settings = { ...DEFAULTS, fps: 5, skip: 4, labels: false, classes: ['car'] };
    const of = (path: string) => {
      const query = new URL(path, 'http://x').searchParams;
      return [query.get('fps'), query.get('skip_frames'), query.get('conf')];
    };
    expect(of(picturesPath('yard', settings))).toEqual(of(detectionsPath('yard', settings)));
    expect(detectionsPath('yard', settings)).not.toContain('classes');
  });
});
