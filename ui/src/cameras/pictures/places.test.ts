import { describe, expect, it } from 'vitest';
import { Places } from './places';

describe('places for cameras', () => {
  it('are never taken from a camera that is open', () => {
    const places = new Places();
    places.update(['a', 'b'], 0);
    expect(places.take('a')).toBe(true);
    expect(places.take('c')).toBe(false);
    expect(places.take('b')).toBe(true);
  });

  it('are given to as many as there are free ones, until the server says more', () => {
    const places = new Places();
    places.update(['a'], 2);
    const took = ['b', 'c', 'd', 'b'].filter((id) => places.take(id));
    expect(took).toEqual(['b', 'c', 'b']);
    places.update(['a', 'b', 'c'], 0);
    expect(places.take('d')).toBe(false);
    places.update(['a', 'b'], 1);
    expect(places.take('d')).toBe(true);
  });

  it('are not known before the server has said anything', () => {
    expect(new Places().take('a')).toBe(true);
  });
});
