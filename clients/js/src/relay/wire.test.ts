import { afterEach, describe, expect, it, vi } from 'vitest';
import { retryDelayMs } from './backoff.js';
import {
  decodePicture,
  encodePicture,
  nameProblem,
  pictureHeader,
  streamerAddress,
  viewerAddress,
} from './wire.js';

const jpeg = new Uint8Array([0xff, 0xd8, 1, 2, 3, 0xff, 0xd9]);

afterEach(() => vi.unstubAllGlobals());

describe('a picture message', () => {
  it('lies as the protocol says, byte for byte', () => {
    const message = encodePicture(jpeg, { stream: 'P-1', sequence: 258, capturedAtMs: 0.513 });
    expect([...message]).toEqual([
      ...[1, 3, 0, 0],
      ...[0, 0, 0, 0, 0, 0, 1, 2],
      ...[0, 0, 0, 0, 0, 0, 2, 1],
      ...[0x50, 0x2d, 0x31],
      ...jpeg,
    ]);
  });

  it('is read as it was written', () => {
    const facts = { stream: 'Café ☕', sequence: 2 ** 40, capturedAtMs: 1_795_196_386_123.456 };
    const read = decodePicture(encodePicture(jpeg, facts).buffer);
    expect(read).toMatchObject({ stream: facts.stream, sequence: facts.sequence });
    expect(read?.capturedAtMs).toBeCloseTo(facts.capturedAtMs, 2);
    expect(read?.jpeg).toEqual(jpeg);
  });

  it('has only zeros before the JPEG where a streamer sends it', () => {
    expect([...pictureHeader()]).toEqual([1, ...Array<number>(19).fill(0)]);
  });

  it('is refused where it is cut off, of another kind, or its name is no UTF-8', () => {
    const whole = encodePicture(jpeg, { stream: 'P-1' });
    for (const length of [0, 1, 2, 19, 20, 22, 23]) {
      expect(decodePicture(whole.slice(0, length).buffer), `${length} bytes`).toBeNull();
    }
    expect(decodePicture(whole.slice(0, 24).buffer)?.jpeg).toEqual(new Uint8Array([0xff]));
    const other = whole.slice();
    other[0] = 2;
    expect(decodePicture(other.buffer)).toBeNull();
    const broken = whole.slice();
    broken[20] = 0xff;
    expect(decodePicture(broken.buffer)).toBeNull();
  });
});

describe('the name of a stream', () => {
  it('may be anything short that an address can hold', () => {
    for (const name of ['P-1', 'a/b,c?d#e%', 'Café ☕', '*', 'x'.repeat(128), '...']) {
      expect(nameProblem(name), name).toBeNull();
    }
    for (const name of ['', '.', '..', 'a\nb', '\u0000', '\ud800', 'x'.repeat(129)]) {
      expect(nameProblem(name), JSON.stringify(name)).toMatch(/\.$/);
    }
    expect(nameProblem('é'.repeat(65))).toMatch('128 bytes');
  });
});

describe('addresses', () => {
  it('keep every character of a name', () => {
    expect(streamerAddress('http://here:8000', 'a/b ,?é')).toBe(
      'ws://here:8000/ws/stream/a%2Fb%20%2C%3F%C3%A9',
    );
    expect(viewerAddress('http://here:8000', { streams: ['*', 'a,b'], overlays: true })).toBe(
      'ws://here:8000/ws/view?streams=*,a%2Cb&overlays=1',
    );
  });

  it('lie below the path of a proxy, and are as safe as the server’s', () => {
    expect(viewerAddress('https://example.com/vision/', {})).toBe(
      'wss://example.com/vision/ws/view',
    );
    expect(viewerAddress('wss://example.com', { streams: [] })).toBe(
      'wss://example.com/ws/view?streams=',
    );
  });

  it('have the key of the server’s address', () => {
    const url = 'https://example.com/vision?key=sw_1';
    expect(streamerAddress(url, 'a')).toBe('wss://example.com/vision/ws/stream/a?key=sw_1');
    expect(viewerAddress(url, { streams: ['a'] })).toBe(
      'wss://example.com/vision/ws/view?streams=a&key=sw_1',
    );
  });

  it('are the page’s own unless told otherwise', () => {
    vi.stubGlobal('location', new URL('http://here:8000/wall?x=1'));
    expect(viewerAddress(undefined, {})).toBe('ws://here:8000/ws/view');
  });

  it('are refused in words', () => {
    expect(() => streamerAddress('http://here', '..')).toThrow('only dots');
    expect(() => viewerAddress('ftp://here', {})).toThrow('The server’s address is invalid');
  });
});

describe('retryDelayMs', () => {
  it('grows to half a minute and spreads the clients out', () => {
    expect([0, 1, 2, 3, 4, 5, 50].map((failures) => retryDelayMs(failures, 0.5))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000,
    ]);
    expect(retryDelayMs(0, 0)).toBe(800);
    expect(retryDelayMs(0, 1)).toBe(1200);
  });
});
