import { describe, expect, it } from 'vitest';
import { basePath, within } from './basePath';

describe('the base of the pages', () => {
  it('is empty where the server has the whole address, and else without a slash at its end', () => {
    expect(basePath('http://127.0.0.1:8000/')).toBe('');
    expect(basePath('http://127.0.0.1:8000/sightwire/')).toBe('/sightwire');
    expect(basePath('http://h/api/hassio_ingress/t0ken/')).toBe('/api/hassio_ingress/t0ken');
  });

  it('is taken off a path that is below it, and off no other', () => {
    expect(within('/sightwire/cameras/yard', '/sightwire')).toBe('/cameras/yard');
    expect(within('/sightwire/', '/sightwire')).toBe('/');
    expect(within('/sightwire', '/sightwire')).toBe('/');
    expect(within('/sightwires/wall', '/sightwire')).toBe('/sightwires/wall');
    expect(within('/wall', '')).toBe('/wall');
  });
});
