import { describe, expect, it } from 'vitest';
import { makeName } from './name';

describe('a made up name', () => {
  it('is short, and has no letters that are read as another', () => {
    const all = Array.from({ length: 256 }, (_, n) => makeName(new Uint8Array([n, n, n, n])));
    for (const name of all) expect(name).toMatch(/^stream-[a-hj-kmnp-z2-9]{4}$/);
    expect(new Set(all).size).toBeGreaterThan(25);
  });
});
