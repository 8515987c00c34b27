import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from './address';

describe('the address', () => {
  it('is empty for an empty page', () => {
    expect(formatAddress(parseAddress(''))).toBe('');
  });

  it('brings a view back', () => {
    const text =
      '?job=a1&file=3&page=2&min=0.80&compare&state=failed&find=x+y&sort=-confidence&deskew=1';
    const address = parseAddress(text);
    expect(address).toMatchObject({ job: 'a1', file: 2, page: 2, least: 0.8, compare: true });
    expect(address.sort).toEqual({ by: 'confidence', reversed: true });
    expect(formatAddress(address)).toBe(text);
  });

  it('does not stumble over nonsense', () => {
    expect(formatAddress(parseAddress('?job=&file=-1&page=x&min=5&state=odd&sort=odd'))).toBe('');
  });
});
