import { describe, expect, it } from 'vitest';
import { DEFAULTS, formatSettings, parseSettings, toggled, type WallSettings } from './settings';

describe('the settings of a wall', () => {
  it('are in the address, and come back from it', () => {
    const settings: WallSettings = {
      streams: ['*', 'front-door', 'a,b c+d&e', 'Café'],
      overlays: true,
      size: 'large',
      one: 'a,b c+d&e',
    };
    expect(parseSettings(formatSettings(settings))).toEqual(settings);
  });

  it('leave the address alone while they are the usual ones', () => {
    expect(formatSettings(DEFAULTS)).toBe('');
    expect(parseSettings('')).toEqual(DEFAULTS);
  });

  it('are the usual ones where an address makes no sense', () => {
    expect(parseSettings('?streams=&overlays=1x&size=huge')).toEqual(DEFAULTS);
    expect(parseSettings('?streams=%E0%A4%A,,')).toEqual(DEFAULTS);
    expect(parseSettings('?streams=a,a,b').streams).toEqual(['a', 'b']);
  });

  it('never leave a wall without anything', () => {
    expect(toggled(['*'], 'yard')).toEqual(['*', 'yard']);
    expect(toggled(['*', 'yard'], '*')).toEqual(['yard']);
    expect(toggled(['*', 'yard'], '*', ['A', 'yard'])).toEqual(['yard', 'A']);
    expect(toggled(['*'], '*')).toEqual(['*']);
    expect(toggled(['yard'], 'yard')).toEqual(['*']);
  });
});
