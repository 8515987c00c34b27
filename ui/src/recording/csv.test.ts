import { describe, expect, it } from 'vitest';
import { csvLine, csvNumber, csvText } from './csv';

describe('a field of the file', () => {
  it('is quoted where RFC 4180 asks for it, and only there', () => {
    expect(csvText('thank you')).toBe('thank you');
    expect(csvText('yes, no')).toBe('"yes, no"');
    expect(csvText('the "big" one')).toBe('"the ""big"" one"');
    expect(csvText('two\r\nlines')).toBe('"two\r\nlines"');
    expect(csvText('')).toBe('');
  });

  it('is never a formula', () => {
    expect(csvText('=HYPERLINK("http://x","y")')).toBe('"\'=HYPERLINK(""http://x"",""y"")"');
    for (const start of ['=', '+', '-', '@', '\t']) {
      expect(csvText(`${start}1`)).toBe(`'${start}1`);
    }
    expect(csvText('\r=1')).toBe('"\'\r=1"');
    expect(csvText('\n=1')).toBe('"\'\n=1"');
  });

  it('is a number as short as it can be said', () => {
    expect(csvNumber(0.5, 4)).toBe('0.5');
    expect(csvNumber(0.12345, 4)).toBe('0.1235');
    expect(csvNumber(100, 0)).toBe('100');
    expect(csvNumber(100, 1)).toBe('100');
    expect(csvNumber(0, 4)).toBe('0');
    expect(csvNumber(null, 4)).toBe('');
    expect(csvNumber(Number.NaN, 4)).toBe('');
  });
});

it('a line ends as RFC 4180 wants it', () => {
  expect(csvLine(['a', '', 'b'])).toBe('a,,b\r\n');
});
