import { describe, expect, it } from 'vitest';
import { testStatus } from '../testing/answers';
import { undrawnWords } from './readerWords';

describe('what cannot be drawn yet, in words', () => {
  const { reader } = testStatus();
  const why = 'the program sightwire-draw is missing: there is no /opt/bin/sightwire-draw';

  it('says what is missing, and that all else is read', () =>
    expect(undrawnWords({ ...reader, drawing: { available: false, why } })).toBe(
      'The program sightwire-draw is missing: there is no /opt/bin/sightwire-draw. All other pictures are read.',
    ));

  it('says nothing where nothing is missing, or nobody knows yet', () => {
    expect(undrawnWords(undefined)).toBeNull();
    expect(undrawnWords(reader)).toBeNull();
    expect(undrawnWords({ ...reader, drawing: { available: false, why: null } })).toBeNull();
  });
});
