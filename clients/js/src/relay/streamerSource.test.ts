import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Frame, FrameSink, FrameSource } from '../sources.js';
import { FakeWebSocket } from '../testing/fakeWebSocket.js';
import { createStreamer } from './streamer.js';
import { isScreen, repeated } from './streamerSource.js';
import { decodePicture } from './wire.js';

// Two pictures look the same, the third one does not.
vi.mock('../encoder.js', () => ({
  sizeOf: () => [640, 360],
  Encoder: class {
    encode = (frame: { n: number }) =>
      Promise.resolve(new Uint8Array([0xff, 0xd8, 0xff, frame.n < 2 ? 0xdb : 0xdd]).buffer);
    close = () => undefined;
  },
}));

const ONE = new ArrayBuffer(1);
const TWO = new ArrayBuffer(2);

/** Gives what a test tells it to. */
class Silent implements FrameSource {
  sink: FrameSink | null = null;

  start(sink: FrameSink): void {
    this.sink = sink;
  }

  stop(): void {
    this.sink = null;
  }
}

let room = true;
const taken: unknown[] = [];
const sink: FrameSink = {
  fps: () => 25,
  frame: (frame) => {
    if (!room) return null;
    return Promise.resolve(taken.push(frame));
  },
  failed: () => undefined,
};

beforeEach(() => {
  vi.useFakeTimers();
  room = true;
  taken.length = 0;
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a screen', () => {
  it('is known by what it shares', () => {
    const stream = (settings: MediaTrackSettings) =>
      ({
        getTracks: () => [],
        getVideoTracks: () => [{ getSettings: () => settings }],
      }) as unknown as MediaStream;
    expect(isScreen(stream({ displaySurface: 'window' }))).toBe(true);
    expect(isScreen(stream({ width: 640 }))).toBe(false);
    expect(isScreen('camera')).toBe(false);
    expect(isScreen(() => null)).toBe(false);
  });

  it('is shown again each second while nothing changes on it', async () => {
    const source = new Silent();
    const screen = repeated(source);
    void screen.start(sink);
    void source.sink?.frame(ONE);
    await vi.advanceTimersByTimeAsync(3500);
    expect(taken).toEqual([ONE, ONE, ONE, ONE]);
    void source.sink?.frame(TWO);
    await vi.advanceTimersByTimeAsync(1500);
    expect(taken.slice(4)).toEqual([TWO, TWO]);
    const late = source.sink;
    screen.stop();
    void late?.frame(ONE);
    await vi.advanceTimersByTimeAsync(5000);
    expect(taken).toHaveLength(6);
  });

  it('loses no last picture for which there was no room', async () => {
    const source = new Silent();
    const screen = repeated(source);
    void screen.start(sink);
    room = false;
    void source.sink?.frame(ONE);
    void source.sink?.frame(TWO);
    await vi.advanceTimersByTimeAsync(5000);
    expect(taken).toEqual([]);
    room = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(taken).toEqual([TWO]);
    screen.stop();
  });

  it('gives every frame that it keeps back', async () => {
    let open = 0;
    class FakeFrame {
      constructor() {
        open += 1;
      }

      clone(): FakeFrame {
        return new FakeFrame();
      }

      close(): void {
        open -= 1;
      }
    }
    vi.stubGlobal('VideoFrame', FakeFrame);
    const source = new Silent();
    const screen = repeated(source);
    void screen.start(sink);
    for (let n = 0; n < 3; n += 1) {
      const frame = new FakeFrame();
      await source.sink?.frame(frame as unknown as Frame);
      frame.close();
      await vi.advanceTimersByTimeAsync(1100);
    }
    expect(taken).toHaveLength(6);
    expect(open).toBe(1);
    screen.stop();
    expect(open).toBe(0);
  });
});

describe('a track', () => {
  /** Streams three frames of a track; the JPEGs that were sent. */
  async function stream(settings: MediaTrackSettings): Promise<number[][]> {
    let open = 0;
    const frames = [0, 1, 2].map((n) => ({ n, close: () => (open -= 1), clone: () => frames[n] }));
    let give: ReadableStreamDefaultController | undefined;
    class FakeProcessor {
      readable = new ReadableStream({ start: (controller) => void (give = controller) });
    }
    vi.stubGlobal('MediaStreamTrackProcessor', FakeProcessor);
    vi.stubGlobal('WebSocket', FakeWebSocket);
    const track = { getSettings: () => settings };
    const media = { getTracks: () => [track], getVideoTracks: () => [track] };
    const streamer = createStreamer({ url: 'http://server:8000', stream: 'desk' });
    streamer.start(media as unknown as MediaStream);
    await vi.advanceTimersByTimeAsync(0);
    FakeWebSocket.last.accept();
    FakeWebSocket.last.tell({ type: 'connected' });
    for (const frame of frames) {
      open += 1;
      give?.enqueue(frame);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(open).toBe(0);
    streamer.stop();
    await vi.advanceTimersByTimeAsync(0);
    return FakeWebSocket.last.sent.flatMap((message) => {
      const picture = message instanceof Uint8Array ? decodePicture(message.slice().buffer) : null;
      return picture === null ? [] : [[...picture.jpeg]];
    });
  }

  it('of a screen says of a picture that it is the same, for then nothing hangs', async () => {
    const [first, second, third] = await stream({ displaySurface: 'monitor' });
    expect(first).toEqual([0xff, 0xd8, 0xff, 0xdb]);
    expect(second?.slice(0, 4)).toEqual([0xff, 0xd8, 0xff, 0xfe]);
    expect(second?.slice(-2)).toEqual([0xff, 0xdb]);
    expect(third).toEqual([0xff, 0xd8, 0xff, 0xdd]);
  });

  it('of a camera is sent as it is, so that one that hangs is known', async () => {
    const [first, second] = await stream({ width: 640 });
    expect(second).toEqual(first);
  });
});
