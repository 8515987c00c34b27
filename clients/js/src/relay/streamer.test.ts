import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeWebSocket } from '../testing/fakeWebSocket.js';
import { PushSource } from '../testing/pushSource.js';
import { still } from './still.js';
import { createStreamer, type Streamer, type StreamerOptions } from './streamer.js';
import { decodePicture } from './wire.js';

const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xd9]);

const made: Streamer[] = [];

function streamer(options: Partial<StreamerOptions> = {}): Streamer {
  const one = createStreamer({ url: 'http://server:8000', stream: 'desk', ...options });
  made.push(one);
  return one;
}

/** A server that answers pings after `pongMs`; null: never. */
let pongMs: number | null = 0;

function connected(mode = 'normal'): FakeWebSocket {
  const socket = FakeWebSocket.last;
  const send = socket.send.bind(socket);
  socket.send = (data) => {
    send(data);
    if (data !== '{"type":"ping"}' || pongMs === null) return;
    setTimeout(() => socket.tell({ type: 'pong', timestamp: 1 }), pongMs);
  };
  socket.accept();
  socket.tell({ type: 'connected', patient_id: 'desk', analysis_mode: mode, warning: null });
  return socket;
}

/** One that is live, with pictures pushed by the test. */
function live(options: Partial<StreamerOptions> = {}): [Streamer, FakeWebSocket] {
  const one = streamer(options);
  one.start();
  return [one, connected()];
}

/** The server refuses, or ends. */
function close(socket: FakeWebSocket, code: number, message?: string): void {
  if (message !== undefined) socket.tell({ type: 'error', message });
  socket.end(code);
}

const pictures = (socket: FakeWebSocket) =>
  socket.sent.flatMap((message) =>
    message instanceof Uint8Array ? [decodePicture(message.slice().buffer)?.jpeg] : [],
  );
const texts = (socket: FakeWebSocket) =>
  socket.sent.filter((message) => !(message instanceof Uint8Array));
const numbered = (n: number) => new Uint8Array([0xff, 0xd8, n]);
const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  pongMs = 0;
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  vi.stubGlobal('WebSocket', FakeWebSocket);
  FakeWebSocket.made = [];
});

afterEach(() => {
  for (const one of made.splice(0)) one.stop();
  // Answers that are still under way.
  vi.advanceTimersByTime((pongMs ?? 0) + 1);
  // Whatever a test did: a stopped streamer leaves no timer and no connection.
  expect(vi.getTimerCount()).toBe(0);
  for (const socket of FakeWebSocket.made) {
    expect([FakeWebSocket.CLOSING, FakeWebSocket.CLOSED]).toContain(socket.readyState);
  }
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('a streamer', () => {
  it('says its mode, and is live when the server has taken it', () => {
    const one = streamer({ stream: 'Büro 1/2', mode: 'enhanced' });
    expect(one.snapshot().state).toBe('idle');
    one.start();
    expect(one.snapshot().state).toBe('connecting');
    const socket = FakeWebSocket.last;
    expect(socket.url).toBe('ws://server:8000/ws/stream/B%C3%BCro%201%2F2');
    expect(socket.protocols).toEqual(['sightwire.v1']);
    socket.accept();
    expect(socket.sent).toEqual([{ analysis_mode: 'enhanced' }]);
    expect(one.snapshot().state).toBe('connecting');
    socket.tell({ type: 'connected', patient_id: 'x', analysis_mode: 'enhanced', warning: null });
    expect(one.snapshot()).toMatchObject({ state: 'live', why: null, retryAtMs: null });
  });

  it('sends pictures as binary messages, and counts them', async () => {
    const [one, socket] = live();
    for (let n = 0; n < 50; n += 1) {
      expect(one.send(JPEG)).toBe(true);
      await wait(40);
    }
    expect(pictures(socket)).toHaveLength(50);
    expect(pictures(socket)[0]).toEqual(JPEG);
    await wait(20);
    const { fps, bytesPerSecond, sent, dropped } = one.snapshot();
    expect(fps).toBeCloseTo(25, 0);
    expect(bytesPerSecond).toBeCloseTo(25 * 24, -2);
    expect([sent, dropped]).toEqual([50, 0]);
  });

  it('never holds more than one picture beyond the socket’s buffer, the newest', async () => {
    const [one, socket] = live();
    one.send(numbered(1));
    socket.bufferedAmount = 1000;
    for (const n of [2, 3, 4]) one.send(numbered(n));
    await wait(100);
    expect(pictures(socket)).toHaveLength(1);
    socket.bufferedAmount = 0;
    await wait(20);
    expect(pictures(socket)).toEqual([numbered(1), numbered(4)]);
    await wait(1000);
    expect(pictures(socket)).toHaveLength(2);
    expect(one.snapshot()).toMatchObject({ sent: 2, dropped: 2 });
  });

  it('sends what waits when a source has the next one, as timers of hidden pages are slow', async () => {
    const one = streamer();
    const source = new PushSource();
    one.start(source);
    await wait(0);
    const socket = connected();
    socket.bufferedAmount = 1;
    one.send(numbered(1));
    vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0);
    one.send(numbered(2));
    socket.bufferedAmount = 0;
    void source.sink?.frame(JPEG.slice());
    expect(pictures(socket)).toEqual([numbered(2)]);
  });

  it('asks a source for a picture only when it can leave', async () => {
    const supply = vi.fn(() => JPEG);
    const one = streamer({ fps: 10 });
    one.start(supply);
    await wait(0);
    expect(supply).not.toHaveBeenCalled();
    expect(one.snapshot().dropped).toBe(0);
    const socket = connected();
    await wait(2000);
    const asked = supply.mock.calls.length;
    expect(asked).toBeGreaterThan(15);
    expect(asked).toBeLessThanOrEqual(21);
    expect(pictures(socket)).toHaveLength(asked);
    socket.bufferedAmount = 1;
    await wait(1000);
    expect(supply.mock.calls.length).toBe(asked);
    expect(one.snapshot().dropped).toBeGreaterThan(0);
  });

  it('sends no more while answers come late, as pictures wait where nobody sees them', async () => {
    const [one, socket] = live();
    one.send(JPEG);
    await wait(250);
    pongMs = 3000;
    for (let n = 0; n < 75; n += 1) {
      one.send(numbered(n));
      await wait(40);
    }
    // Half a second's pictures are under way, then one waits.
    expect(pictures(socket).length).toBeGreaterThan(10);
    expect(pictures(socket).length).toBeLessThan(16);
    await wait(800);
    expect(pictures(socket).at(-1)).toEqual(numbered(74));
  });

  it('sends at the full rate where answers are slow but even', async () => {
    pongMs = 300;
    const [one, socket] = live();
    for (let n = 0; n < 100; n += 1) {
      one.send(numbered(n));
      await wait(40);
    }
    expect(pictures(socket)).toHaveLength(100);
  });

  it('says who watches and what the server made of the pictures', () => {
    const [one, socket] = live();
    expect(one.snapshot()).toMatchObject({ viewers: null, atServer: null });
    socket.tell({ type: 'stream_stats', viewers: 3, received: 1234, bad: 1, dropped: 2 });
    expect(one.snapshot()).toMatchObject({
      viewers: 3,
      atServer: { received: 1234, bad: 1, dropped: 2 },
    });
  });

  it('sends nothing into a connection that is closing', async () => {
    const [one, socket] = live();
    one.send(JPEG);
    socket.readyState = FakeWebSocket.CLOSING;
    const sent = socket.sent.length;
    one.send(JPEG);
    socket.tell({ type: 'ping' });
    await wait(3000);
    expect(socket.sent).toHaveLength(sent);
    socket.end(1001);
    expect(one.snapshot().state).toBe('waiting');
  });

  it('answers pings, and tells the server’s warning until a picture leaves', () => {
    const [one, socket] = live();
    socket.tell({ type: 'ping' });
    expect(texts(socket)).toContainEqual({ type: 'pong' });
    socket.tell({ type: 'warning', message: 'No message for 10 s.' });
    expect(one.snapshot()).toMatchObject({ state: 'live', why: 'No message for 10 s.' });
    one.send(JPEG);
    expect(one.snapshot().why).toBeNull();
  });

  it('bears messages that it does not know', () => {
    const [one, socket] = live();
    socket.tell('no json');
    socket.tell({ type: 'later' });
    socket.tell(new ArrayBuffer(3));
    expect(one.snapshot().state).toBe('live');
  });

  it('lets go of everything when stopped', async () => {
    const one = streamer();
    const source = new PushSource();
    one.start(source);
    await wait(0);
    const socket = connected();
    one.stop();
    expect(one.snapshot()).toMatchObject({ state: 'idle', viewers: null });
    expect(socket.closedWith).not.toBeNull();
    expect(source.stops).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(one.send(JPEG)).toBe(false);
    socket.tell({ type: 'stream_stats', viewers: 3, received: 1, bad: 0, dropped: 0 });
    expect(one.snapshot().viewers).toBeNull();
  });

  it('takes no place before its source is there', async () => {
    let ready: () => void = () => undefined;
    const one = streamer();
    one.start({ start: () => new Promise((done) => (ready = done)), stop: () => undefined });
    await wait(1000);
    expect(one.snapshot().state).toBe('connecting');
    expect(FakeWebSocket.made).toHaveLength(0);
    ready();
    await wait(0);
    expect(FakeWebSocket.made).toHaveLength(1);
  });

  it('does not begin when a source is there only after it was stopped', async () => {
    let ready: () => void = () => undefined;
    const one = streamer();
    one.start({ start: () => new Promise((done) => (ready = done)), stop: () => undefined });
    one.stop();
    one.start({ start: () => new Promise(() => undefined), stop: () => undefined });
    ready();
    await wait(0);
    expect(FakeWebSocket.made).toHaveLength(0);
  });

  it('ends with a sentence when its source fails', async () => {
    const one = streamer();
    const source = new PushSource();
    one.start(source);
    await wait(0);
    const socket = connected();
    source.sink?.failed(new Error('unplugged'));
    expect(one.snapshot()).toMatchObject({
      state: 'ended',
      why: 'The video source failed.',
      cause: 'Error: unplugged',
    });
    expect(socket.closedWith).not.toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps the connection when the source changes', async () => {
    const one = streamer();
    const first = new PushSource();
    one.start(first);
    await wait(0);
    const socket = connected();
    const second = new PushSource();
    one.start(second);
    await wait(0);
    expect(first.stops).toBe(1);
    void second.sink?.frame(JPEG.slice());
    await wait(10);
    expect(one.snapshot().state).toBe('live');
    expect(FakeWebSocket.made).toEqual([socket]);
    expect(pictures(socket)).toHaveLength(1);
  });

  it('begins a new connection for another mode or name, and for nothing else', () => {
    const [one, socket] = live();
    one.configure({ fps: 5, quality: 0.5 });
    expect(FakeWebSocket.made).toHaveLength(1);
    one.configure({ mode: 'enhanced' });
    expect(socket.closedWith).not.toBeNull();
    FakeWebSocket.last.accept();
    expect(FakeWebSocket.last.sent).toEqual([{ analysis_mode: 'enhanced' }]);
    one.configure({ stream: 'door' });
    expect(FakeWebSocket.last.url).toBe('ws://server:8000/ws/stream/door');
    expect(FakeWebSocket.made).toHaveLength(3);
    connected();
    expect(one.snapshot().state).toBe('live');
  });

  it('says what is wrong with a name', () => {
    const one = streamer({ stream: '' });
    one.start();
    expect(one.snapshot()).toMatchObject({
      state: 'refused',
      why: 'A stream needs a name. Choose another name.',
    });
    expect(FakeWebSocket.made).toHaveLength(0);
  });
});

describe('a streamer that is sent away', () => {
  it('does not ask again for a name that another one has', async () => {
    const one = streamer();
    one.start();
    FakeWebSocket.last.accept();
    close(FakeWebSocket.last, 4090, 'This patient already has an active stream.');
    expect(one.snapshot()).toMatchObject({ state: 'refused', code: 4090, retryAtMs: null });
    expect(one.snapshot().why).toMatch(/This name is already in use/);
    expect(one.snapshot().cause).toContain('This patient already has an active stream.');
    await wait(60_000);
    expect(FakeWebSocket.made).toHaveLength(1);
    one.start();
    expect(FakeWebSocket.made).toHaveLength(2);
    connected();
    expect(one.snapshot().state).toBe('live');
  });

  it('asks again where its own last connection is still in the way', async () => {
    const [one, socket] = live();
    await wait(6000);
    socket.end(1006);
    await wait(1000);
    close(FakeWebSocket.last, 4090, 'taken');
    expect(one.snapshot().state).toBe('waiting');
    await wait(2000);
    connected();
    expect(one.snapshot().state).toBe('live');
    one.stop();
    one.start();
    close(FakeWebSocket.last, 4090, 'taken');
    expect(one.snapshot()).toMatchObject({ state: 'waiting', code: 4090 });
  });

  it('lets go of its source where it is not tried again', async () => {
    const one = streamer();
    const source = new PushSource();
    one.start(source);
    await wait(0);
    FakeWebSocket.last.accept();
    close(FakeWebSocket.last, 4090);
    expect(source.stops).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    [1008, 'refused', /not allowed/],
    [4410, 'ended', /ended this stream/],
  ])('stays away after %i', async (code, state, why) => {
    const [one, socket] = live();
    close(socket, code, 'This name is not allowed: it is a camera’s.');
    expect(one.snapshot()).toMatchObject({ state, code });
    expect(one.snapshot().why).toMatch(why);
    await wait(60_000);
    expect(FakeWebSocket.made).toHaveLength(1);
  });

  it.each([
    [1013, /maximum number of streams/],
    [4400, /ten frames/],
    [1001, /stopped/],
    [1009, /larger/],
    [1006, /lost/],
  ])('comes back by itself after %i', async (code, why) => {
    const [one, socket] = live();
    for (let n = 0; n < 30; n += 1) {
      one.send(JPEG);
      await wait(40);
    }
    socket.tell({ type: 'stream_stats', viewers: 3, received: 30, bad: 0, dropped: 0 });
    close(socket, code);
    expect(one.snapshot()).toMatchObject({ state: 'waiting', code, fps: 0, viewers: null });
    expect(one.snapshot().why).toMatch(why);
    expect(one.snapshot().retryAtMs).toBe(performance.now() + 1000);
    await wait(1000);
    expect(FakeWebSocket.made).toHaveLength(2);
    // Trying again keeps what is said.
    expect(one.snapshot()).toMatchObject({ state: 'connecting', code });
    connected();
    expect(one.snapshot()).toMatchObject({ state: 'live', why: null, code: null });
  });

  it('comes back after 4408 with the next picture, not before', async () => {
    const [one, socket] = live();
    close(socket, 4408);
    expect(one.snapshot()).toMatchObject({ state: 'waiting', retryAtMs: null });
    await wait(60_000);
    expect(FakeWebSocket.made).toHaveLength(1);
    one.send(JPEG);
    expect(FakeWebSocket.made).toHaveLength(2);
    connected();
    expect(one.send(JPEG)).toBe(true);
  });

  it('waits longer from try to try, at most 30 s, and less when it had lasted', async () => {
    const [one, socket] = live();
    socket.end();
    const waits: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      const delay = (one.snapshot().retryAtMs ?? NaN) - performance.now();
      waits.push(delay);
      await wait(delay);
      FakeWebSocket.last.end();
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    one.retry();
    const again = connected();
    await wait(6000);
    again.end();
    expect((one.snapshot().retryAtMs ?? NaN) - performance.now()).toBe(1000);
  });

  it('gives up a server that does not answer the handshake, or any more', async () => {
    const one = streamer();
    one.start();
    await wait(10_000);
    expect(one.snapshot()).toMatchObject({
      state: 'waiting',
      why: 'The server is not responding.',
    });
    await wait(1000);
    pongMs = null;
    connected();
    await wait(14_000);
    expect(one.snapshot()).toMatchObject({ state: 'waiting', why: 'The connection was lost.' });
  });

  it('takes any message as a sign of life', async () => {
    pongMs = null;
    const [one, socket] = live();
    for (let n = 0; n < 30; n += 1) {
      await wait(1000);
      socket.tell({ type: 'stream_stats', viewers: 0, received: n, bad: 0, dropped: 0 });
    }
    expect(one.snapshot().state).toBe('live');
  });

  it('stops trying when stopped', async () => {
    const [one, socket] = live();
    socket.end();
    one.stop();
    await wait(60_000);
    expect(FakeWebSocket.made).toHaveLength(1);
    expect(one.snapshot().state).toBe('idle');
  });
});

describe('an unchanged screen', () => {
  it('differs by a comment, after the JFIF header, and is the same picture', () => {
    const bare = new Uint8Array([0xff, 0xd8, 0xff, 0xdb, 1, 2]);
    const text = 'unchanged at 5';
    const comment = [0xff, 0xfe, 0, text.length + 2, ...new TextEncoder().encode(text)];
    expect([...still(bare, 5)]).toEqual([0xff, 0xd8, ...comment, 0xff, 0xdb, 1, 2]);
    const jfif = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 7, 7];
    const marked = still(new Uint8Array([...jfif, 0xff, 0xdb]), 5);
    expect([...marked]).toEqual([...jfif, ...comment, 0xff, 0xdb]);
  });
});
