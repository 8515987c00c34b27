import { describe, expect, it } from 'vitest';
import { testStatus } from '../testing/answers';
import { cannotDraw } from './readerWords';

describe('what cannot be drawn yet', () => {
  const { reader } = testStatus();

  it('is known where the server says why', () =>
    expect(cannotDraw({ ...reader, drawing: { available: false, why: 'it is missing' } })).toBe(
      true,
    ));

  it('is nothing where nothing is missing, or nobody knows yet', () => {
    expect(cannotDraw(undefined)).toBe(false);
    expect(cannotDraw(reader)).toBe(false);
    expect(cannotDraw({ ...reader, drawing: { available: false, why: null } })).toBe(false);
  });
});
