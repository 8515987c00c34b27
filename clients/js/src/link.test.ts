import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { address, type Connection, Link, retryDelayMs } from './link.js';
import { FakeSocket } from './testing/fakeServer.js';

vi.mock('socket.io-client', () => import('./testing/fakeServer.js'));

function link(): { link: Link; told: Connection[]; socket: FakeSocket } {
  const told: Connection[] = [];
  const ignore = () => undefined;
  const events = { model: ignore, prediction: ignore, result: ignore };
  const made = new Link('http://server:8000', true, {
    connection: (connection) => told.push(connection),
    ...events,
  });
  return { link: made, told, socket: FakeSocket.last };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('Link', () => {
  it('goes over connecting to live', () => {
    const { link: it_, told, socket } = link();
    it_.open();
    socket.accept();
    expect(told.map(({ state }) => state)).toEqual(['connecting', 'live']);
    expect(socket.options.auth).toEqual({ extras: true });
  });

  it('says first that it was lost, then that nobody answers, and counts the tries', () => {
    const { link: it_, socket } = link();
    it_.open();
    socket.accept();
    socket.lose('transport close', true);
    expect(it_.connection).toMatchObject({ state: 'reconnecting', attempt: 0 });
    socket.tell('connect_error', new Error('websocket error'));
    socket.tell('connect_error', new Error('websocket error'));
    expect(it_.connection).toMatchObject({
      state: 'reconnecting',
      attempt: 2,
      error: { code: 'unreachable', message: 'The server is not responding' },
    });
    socket.accept();
    expect(it_.connection).toEqual({ state: 'live' });
  });

  it('says that the server is full, and asks again later and later', () => {
    const { link: it_, socket } = link();
    it_.open();
    for (const waitMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      const tries = socket.tries;
      socket.refuse('Server at capacity, please try again later');
      expect(it_.connection).toMatchObject({
        state: 'waiting',
        retryAtMs: performance.now() + waitMs,
        error: { code: 'server-full', message: 'The server is full' },
      });
      vi.advanceTimersByTime(waitMs - 1);
      expect(socket.tries).toBe(tries);
      vi.advanceTimersByTime(1);
      expect(socket.tries).toBe(tries + 1);
      expect(it_.connection).toMatchObject({ state: 'waiting', retryAtMs: null });
    }
    socket.accept();
    socket.refuse('Server at capacity, please try again later');
    expect(it_.connection).toMatchObject({ retryAtMs: performance.now() + 5_000 });
  });

  it('does not let Socket.IO knock on the door of a full server meanwhile', () => {
    const { link: it_, socket } = link();
    it_.open();
    socket.connected = true;
    socket.tell('error', { message: 'Server at capacity, please try again later' });
    expect(socket.active).toBe(false);
    expect(it_.connection.state).toBe('waiting');
  });

  it('asks at once when told to', () => {
    const { link: it_, socket } = link();
    it_.open();
    socket.refuse('Server at capacity, please try again later');
    const tries = socket.tries;
    it_.open();
    expect(socket.tries).toBe(tries + 1);
    vi.advanceTimersByTime(60_000);
    expect(socket.tries).toBe(tries + 1);
  });

  it('tells a full server from one that ends the connection', () => {
    const { link: it_, socket } = link();
    it_.open();
    socket.accept();
    socket.lose('io server disconnect', false);
    expect(it_.connection).toMatchObject({ state: 'waiting', error: { code: 'sent-away' } });
  });

  it('stays off when late events arrive after it was closed', () => {
    const { link: it_, socket, told } = link();
    it_.open();
    socket.accept();
    it_.close();
    const said = told.length;
    socket.tell('error', { message: 'x' });
    socket.tell('connect_error', new Error('x'));
    socket.tell('disconnect', 'transport close');
    vi.advanceTimersByTime(60_000);
    expect(it_.connection).toEqual({ state: 'off' });
    expect(told).toHaveLength(said);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not ready while something waits to be sent', () => {
    const { link: it_, socket } = link();
    it_.open();
    expect(it_.ready).toBe(false);
    socket.accept();
    expect(it_.ready).toBe(true);
    socket.io.engine.writeBuffer.push('a frame');
    expect(it_.ready).toBe(false);
  });
});

describe('retryDelayMs', () => {
  it('grows to a minute and spreads the clients out', () => {
    expect(retryDelayMs(0, 0.5)).toBe(5000);
    expect(retryDelayMs(20, 0.5)).toBe(60_000);
    expect(retryDelayMs(0, 0)).toBe(4000);
    expect(retryDelayMs(0, 1)).toBe(6000);
  });
});

describe('address', () => {
  const on = (href: string) => {
    const { origin, protocol } = new URL(href);
    vi.stubGlobal('location', { href, origin, protocol });
  };

  it('is the page’s own server unless told otherwise', () => {
    on('http://here:8000/some/page');
    expect(address(undefined)).toEqual({
      origin: 'http://here:8000',
      path: '/socket.io/',
      key: null,
    });
    expect(address('/vision')).toMatchObject({
      origin: 'http://here:8000',
      path: '/vision/socket.io/',
    });
  });

  it('may lie below a path that a proxy puts before it', () => {
    expect(address('https://example.com/vision/')).toMatchObject({
      origin: 'https://example.com',
      path: '/vision/socket.io/',
    });
    expect(address('wss://example.com')).toMatchObject({
      origin: 'wss://example.com',
      path: '/socket.io/',
    });
  });

  it('may have a key, which is not part of where the server is', () => {
    expect(address('https://example.com/vision?key=sw_1-_2')).toEqual({
      origin: 'https://example.com',
      path: '/vision/socket.io/',
      key: 'sw_1-_2',
    });
  });

  it('refuses what is no address, in words', () => {
    for (const url of ['', 'ftp://example.com', 'http://', undefined]) {
      expect(() => address(url)).toThrow('The server’s address is invalid');
    }
  });

  it('explains why a page over https may not reach a server over http', () => {
    on('https://app.example.com/');
    expect(() => address('http://192.168.1.7:8000')).toThrow('An HTTPS page cannot connect');
    expect(() => address('ws://vision.example.com')).toThrow('An HTTPS page cannot connect');
    for (const url of ['http://localhost:8000', 'http://127.0.0.1:8000', 'https://x', '/vision']) {
      expect(address(url).path).toContain('/socket.io/');
    }
  });
});
