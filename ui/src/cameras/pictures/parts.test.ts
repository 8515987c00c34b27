import { describe, expect, it } from 'vitest';
import { Parts } from './parts';

/** A stream of these pictures as the server writes it. */
function stream(...pictures: string[]): Uint8Array {
  const parts = pictures.map(
    (picture) =>
      `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n${picture}\r\n`,
  );
  return new TextEncoder().encode(parts.join(''));
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe('parts of a stream', () => {
  it('come out whole, wherever the bytes are split', () => {
    const bytes = stream('first', '--frame\r\n\r\nno header', 'third');
    for (let size = 1; size <= bytes.length; size += 1) {
      const parts = new Parts();
      const got: string[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        got.push(...parts.push(bytes.subarray(at, at + size)).map(text));
      }
      expect(got, `in pieces of ${size}`).toEqual(['first', '--frame\r\n\r\nno header', 'third']);
    }
  });

  it('come out as soon as they are whole, before the next boundary', () => {
    const bytes = stream('picture');
    expect(new Parts().push(bytes.subarray(0, bytes.length - 2)).map(text)).toEqual(['picture']);
  });

  it('need a length that can be believed', () => {
    const parse = (header: string) => () => new Parts().push(new TextEncoder().encode(header));
    expect(parse('--frame\r\nContent-Type: image/jpeg\r\n\r\n')).toThrow('no valid length');
    expect(parse('--frame\r\nContent-Length: 99999999999\r\n\r\n')).toThrow('no valid length');
    expect(parse('x'.repeat(5000))).toThrow('too long');
  });
});
