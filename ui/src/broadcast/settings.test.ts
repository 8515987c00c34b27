import { describe, expect, it } from 'vitest';
import { DEFAULTS, FPS, formatSettings, parseSettings, stepped, WIDTH } from './settings';

describe('settings in the address', () => {
  it('come back as they were', () => {
    const settings = {
      source: 'test',
      name: 'Büro & Tür 1/2',
      mode: 'enhanced',
      fps: 10,
      quality: 50,
      widthPx: 640,
      preview: false,
    } as const;
    expect(parseSettings(formatSettings(settings))).toEqual(settings);
  });

  it('are nothing where they are the usual ones', () => {
    expect(formatSettings(DEFAULTS)).toBe('');
    expect(parseSettings('?fps=25&quality=75&width=1280')).toEqual(DEFAULTS);
  });

  it('are the usual ones where they make no sense', () => {
    const search = '?source=moon&name=%20&mode=wild&fps=0&quality=200&width=333&start=1';
    expect(parseSettings(search)).toEqual(DEFAULTS);
  });
});

describe('a step', () => {
  it('stays in range, and is none of one’s own at the usual value', () => {
    expect(stepped(null, FPS, 1)).toBe(26);
    expect(stepped(26, FPS, -1)).toBeNull();
    expect(stepped(30, FPS, 1)).toBe(30);
    expect(stepped(320, WIDTH, -1)).toBe(320);
  });
});
