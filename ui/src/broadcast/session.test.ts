import type { FrameSink, StreamerSource } from 'sightwire/relay';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeWebSocket } from '../../../clients/js/src/testing/fakeWebSocket';
import { Session } from './session';
import type { Source } from './sources/source';
import { broadcastWords } from './words';

const JPEG = new Uint8Array([0xff, 0xd8]).buffer;

const NOT_OPENED = () => undefined;

class FakeSource implements Source {
  readonly kind = 'test';
  readonly element = {} as HTMLCanvasElement;
  sink: FrameSink | null = null;
  ended: (error: unknown) => void = NOT_OPENED;
  closes = 0;
  widthPx = 0;

  constructor(private readonly failure: Error | null = null) {}

  open(ended: (error: unknown) => void): Promise<StreamerSource> {
    this.ended = ended;
    if (this.failure !== null) return Promise.reject(this.failure);
    const start = (sink: FrameSink) => {
      this.sink = sink;
    };
    const stop = () => {
      this.sink = null;
    };
    return Promise.resolve({ start, stop });
  }

  resize(widthPx: number): void {
    this.widthPx = widthPx;
  }

  close(): void {
    this.closes += 1;
  }
}

let session: Session;
let source: FakeSource;

function accept(): FakeWebSocket {
  const socket = FakeWebSocket.last;
  const send = socket.send.bind(socket);
  socket.send = (data) => {
    send(data);
    if (data === '{"type":"ping"}') socket.tell({ type: 'pong', timestamp: 1 });
  };
  socket.accept();
  socket.tell({ type: 'connected', patient_id: 'desk', analysis_mode: 'normal', warning: null });
  return socket;
}

async function live(): Promise<FakeWebSocket> {
  void session.start(source);
  await vi.advanceTimersByTimeAsync(0);
  return accept();
}

/** Pictures at 20 a second. */
async function send(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    void source.sink?.frame(JPEG);
    await vi.advanceTimersByTimeAsync(50);
  }
}

const word = () => broadcastWords(session.snapshot()).word;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('location', { origin: 'http://here', href: 'http://here/', protocol: 'http:' });
  vi.stubGlobal('WebSocket', FakeWebSocket);
  FakeWebSocket.made = [];
  session = new Session();
  session.tune({ stream: 'desk', fps: 25, quality: 0.75, maxWidthPx: 640, mode: 'normal' });
  source = new FakeSource();
});

afterEach(() => {
  session.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a broadcast', () => {
  it('takes its place only when the source is there, and says what it does', async () => {
    expect(word()).toBe('not sharing');
    void session.start(source);
    expect(word()).toBe('opening');
    expect(FakeWebSocket.made).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeWebSocket.last.url).toBe('ws://here/ws/stream/desk');
    expect(word()).toBe('connecting');
    accept();
    expect(word()).toBe('live');
    expect(session.snapshot()).toMatchObject({ phase: 'on', element: source.element });
  });

  it('keeps the numbers of the last half minute', async () => {
    const socket = await live();
    await send(40);
    const { history, leftOut, stream } = session.snapshot();
    expect(history.fps.length).toBeGreaterThanOrEqual(3);
    expect(history.fps.at(-1)).toBeCloseTo(20, 0);
    expect(leftOut).toBe(0);
    expect(stream.sent).toBe(40);
    socket.bufferedAmount = 1;
    await send(40);
    expect(session.snapshot().leftOut).toBeGreaterThan(0.3);
  });

  it('says for how long no picture has left', async () => {
    await live();
    await send(20);
    expect(word()).toBe('live');
    await vi.advanceTimersByTimeAsync(4000);
    expect(word()).toMatch(/^stalled [34] s$/);
    await send(2);
    await vi.advanceTimersByTimeAsync(500);
    expect(word()).toBe('live');
  });

  it('lets go of the source when it is stopped, and keeps no old numbers', async () => {
    const socket = await live();
    await send(40);
    session.stop();
    expect(source.closes).toBe(1);
    expect(source.sink).toBeNull();
    expect(socket.closedWith).not.toBeNull();
    expect(session.snapshot()).toMatchObject({
      phase: 'idle',
      element: null,
      leftOut: null,
      history: { fps: [], bytes: [] },
    });
  });

  it('keeps its place while the source changes', async () => {
    const socket = await live();
    const first = source;
    source = new FakeSource();
    await session.start(source);
    expect(first.closes).toBe(1);
    await vi.advanceTimersByTimeAsync(0);
    await send(2);
    expect(word()).toBe('live');
    expect(FakeWebSocket.made).toEqual([socket]);
  });

  it('lets go of a source that opens after it was stopped', async () => {
    void session.start(source);
    session.stop();
    await vi.advanceTimersByTimeAsync(0);
    expect(source.closes).toBe(1);
    expect(session.snapshot().phase).toBe('idle');
    expect(FakeWebSocket.made).toHaveLength(0);
  });

  it('says in words why a source did not start, and why one ended', async () => {
    source = new FakeSource(new Error('no picture'));
    await session.start(source);
    expect(session.snapshot()).toMatchObject({
      phase: 'problem',
      problem: { id: 'source-failed', cause: 'Error: no picture' },
    });
    expect(word()).toBe('error');
    source = new FakeSource();
    await live();
    source.ended(new Error('unplugged'));
    expect(session.snapshot()).toMatchObject({ phase: 'problem', element: null });
    expect(FakeWebSocket.last.closedWith).not.toBeNull();
  });

  it('asks nobody for a source under a name that is none', async () => {
    session.tune({ stream: '\u007f' });
    await session.start(source);
    expect(source.ended).toBe(NOT_OPENED);
    expect(session.snapshot()).toMatchObject({
      phase: 'problem',
      problem: {
        id: 'name-refused',
        text: expect.stringContaining('control characters') as string,
      },
    });
    expect(FakeWebSocket.made).toHaveLength(0);
  });

  it('is simply over when a person has ended the sharing outside of the page', async () => {
    await live();
    source.ended(null);
    expect(session.snapshot()).toMatchObject({ phase: 'idle', endedOutside: true, problem: null });
    expect(source.closes).toBe(1);
  });

  it.each([
    [4090, 'name-taken', 'name taken'],
    [1008, 'name-refused', 'error'],
    [4410, 'ended', 'ended'],
  ])('lets go of the source after %i, and says why', async (code, id, said) => {
    void session.start(source);
    await vi.advanceTimersByTimeAsync(0);
    FakeWebSocket.last.accept();
    FakeWebSocket.last.end(code);
    expect(session.snapshot()).toMatchObject({ phase: 'problem', element: null, problem: { id } });
    expect(word()).toBe(said);
    expect(source.closes).toBe(1);
    source = new FakeSource();
    await live();
    expect(word()).toBe('live');
  });

  it('comes back by itself, and says that it does', async () => {
    const socket = await live();
    socket.end(1006);
    expect(word()).toBe('reconnecting');
    expect(session.snapshot().element).toBe(source.element);
    await vi.advanceTimersByTimeAsync(1300);
    expect(word()).toBe('reconnecting');
    accept();
    expect(word()).toBe('live');
  });

  it('gives a new width to the source, too', async () => {
    await live();
    session.tune({ stream: 'desk', maxWidthPx: 320 });
    expect(source.widthPx).toBe(320);
    expect(FakeWebSocket.made).toHaveLength(1);
  });
});
