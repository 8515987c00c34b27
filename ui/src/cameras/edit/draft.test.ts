import { describe, expect, it } from 'vitest';
import { testCamera } from '../../testing/answers';
import { address, draftOf, EMPTY, isMasked, missing, toAdd, toChange } from './draft';

describe('the form of a camera', () => {
  it('asks for a name and an address, nothing else', () => {
    expect(Object.keys(missing(EMPTY))).toEqual(['name', 'url']);
    expect(missing({ ...EMPTY, name: 'Yard', url: '10.0.0.6' })).toEqual({});
    expect(Object.keys(missing({ ...EMPTY, name: ' ', url: 'x' }))).toEqual(['name']);
  });

  it('completes an address', () => {
    expect(address(' 10.0.0.6:81/stream ')).toBe('http://10.0.0.6:81/stream');
    expect(address('https://cam.example.org')).toBe('https://cam.example.org');
    expect(address('')).toBe('');
  });

  it('sends what was filled in', () => {
    const draft = { ...EMPTY, name: ' Yard ', url: '10.0.0.6', fps: 2 };
    expect(toAdd(draft)).toEqual({
      name: 'Yard',
      url: 'http://10.0.0.6',
      mode: 'stream',
      default: false,
    });
    expect(toAdd({ ...draft, mode: 'capture', user: 'alice' })).toMatchObject({
      fps: 2,
      user: 'alice',
    });
  });

  it('changes only what is another than before, so that a hidden password stays', () => {
    const camera = testCamera();
    const draft = draftOf(camera);
    expect(isMasked(camera.url)).toBe(true);
    expect(toChange(camera, draft)).toBeNull();
    expect(toChange(camera, { ...draft, name: 'Back yard' })).toEqual({ name: 'Back yard' });
    const moved = draft.url.replace('10.0.0.6', '10.0.0.9');
    expect(toChange(camera, { ...draft, url: moved })).toEqual({ url: moved });
  });

  it('goes back to what is usual where something is emptied', () => {
    const camera = testCamera({ user: 'alice', mode: 'capture', fps: 2 });
    const draft = draftOf(camera);
    expect(toChange(camera, { ...draft, user: '' })).toEqual({ user: '' });
    expect(toChange(camera, { ...draft, fps: null })).toEqual({ fps: 5 });
  });
});
