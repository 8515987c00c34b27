import { describe, expect, it } from 'vitest';
import { DEFAULTS, formatSettings, mirrored, parseSettings } from './settings';

describe('settings in the address', () => {
  it('come back as they were', () => {
    const settings = {
      source: 'sample',
      gesture: 'left',
      seed: 4,
      threshold: 0.65,
      mirror: true,
      top: 5,
      steady: 12,
      rest: true,
    } as const;
    expect(parseSettings(formatSettings(settings))).toEqual(settings);
    expect(formatSettings(settings)).toBe(
      '?source=sample&gesture=left&seed=4&threshold=0.65&mirror=on&top=5&steady=12&rest=on',
    );
  });

  it('leave the address bare at their defaults', () => {
    expect(formatSettings(DEFAULTS)).toBe('');
    expect(parseSettings('')).toEqual(DEFAULTS);
  });

  it('fall back to the defaults where they make no sense', () => {
    const search = '?source=satellite&gesture=%3Cb%3E&seed=-1&threshold=7&mirror=maybe';
    const words = '&top=4&steady=0.5&rest=1';
    expect(parseSettings(search + words)).toEqual(DEFAULTS);
  });

  it('mirror a camera and nothing else, unless told', () => {
    expect(mirrored(parseSettings(''))).toBe(true);
    expect(mirrored(parseSettings('?source=file'))).toBe(false);
    expect(mirrored(parseSettings('?mirror=off'))).toBe(false);
  });
});
