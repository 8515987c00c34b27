import { describe, expect, it } from 'vitest';
import { splitNote } from './splitNote';

describe('a note', () => {
  it('keeps a long technical cause for the details', () => {
    const cause = `tried https://example.org/${'x'.repeat(150)}: the name cannot be resolved`;
    expect(splitNote(`The model cannot be used: ${cause}`)).toEqual({
      text: 'The model cannot be used.',
      cause,
    });
  });

  it('stays as it is where it is short or has no cause', () => {
    expect(splitNote('Not used: too old')).toEqual({ text: 'Not used: too old', cause: null });
    const long = 'a '.repeat(100);
    expect(splitNote(long)).toEqual({ text: long, cause: null });
  });
});
