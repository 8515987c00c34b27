import { describe, expect, it } from 'vitest';
import { serverAddress, webSocketAddress } from './programs';

const ORIGIN = 'https://vision.example.com';

describe('an address for other programs', () => {
  it('is where the server is, and the path', () => {
    expect(serverAddress(ORIGIN, '/stream?camera=yard', false)).toBe(
      `${ORIGIN}/stream?camera=yard`,
    );
    expect(serverAddress(ORIGIN, '', false)).toBe(ORIGIN);
  });

  it('has a place for a key where one is needed', () => {
    expect(serverAddress(ORIGIN, '/stream?camera=yard', true)).toBe(
      `${ORIGIN}/stream?camera=yard&key=KEY`,
    );
    expect(serverAddress(ORIGIN, '', true)).toBe(`${ORIGIN}?key=KEY`);
  });

  it('is one of a WebSocket with the same encryption', () => {
    expect(webSocketAddress('http://a/ws/view')).toBe('ws://a/ws/view');
    expect(webSocketAddress('https://a/ws/view?key=KEY')).toBe('wss://a/ws/view?key=KEY');
  });
});
