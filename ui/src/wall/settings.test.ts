import { describe, expect, it } from 'vitest';
import {
  DEFAULTS,
  formatSettings,
  parseSettings,
  toggled,
  wanted,
  type WallSettings,
} from './settings';

describe('the settings of a wall', () => {
  it('are in the address, and come back from it', () => {
    const settings: WallSettings = {
      streams: ['*', 'front-door', 'a,b c+d&e', 'Café'],
      cameras: true,
      overlays: true,
      one: 'a,b c+d&e',
      screen: true,
    };
    expect(parseSettings(formatSettings(settings))).toEqual(settings);
    for (const cameras of [true, false]) {
      for (const streams of [['*'], ['a'], ['*', 'a']]) {
        const some = { ...DEFAULTS, cameras, streams };
        expect(parseSettings(formatSettings(some))).toEqual(some);
      }
    }
  });

  it('leave the address alone while they are the usual ones', () => {
    expect(formatSettings(DEFAULTS)).toBe('');
    expect(parseSettings('')).toEqual(DEFAULTS);
  });

  it('are the usual ones where an address makes no sense', () => {
    expect(parseSettings('?streams=&overlays=1x&size=huge')).toEqual(DEFAULTS);
    expect(parseSettings('?streams=%E0%A4%A,,')).toEqual(DEFAULTS);
    expect(parseSettings('?streams=a,a,b')).toMatchObject({ streams: ['a', 'b'], cameras: false });
  });

  it('never leave a wall without anything', () => {
    expect(toggled(['*'], 'yard')).toEqual(['*', 'yard']);
    expect(toggled(['*', 'yard'], '*')).toEqual(['yard']);
    expect(toggled(['*', 'yard'], '*', ['A', 'yard'])).toEqual(['yard', 'A']);
    expect(toggled(['*'], '*')).toEqual(['*']);
    expect(toggled(['yard'], 'yard')).toEqual(['*']);
  });

  it('ask for cameras by their ids once those are known', () => {
    expect(wanted(DEFAULTS, undefined)).toBeUndefined();
    expect(wanted(DEFAULTS, ['yard'])).toEqual(['*', 'yard']);
    expect(wanted({ streams: ['yard', 'a'], cameras: true }, ['yard'])).toEqual(['yard', 'a']);
    expect(wanted({ streams: ['a'], cameras: false }, undefined)).toEqual(['a']);
  });
});
