import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeWebSocket } from '../testing/fakeWebSocket.js';
import { createViewer, type Viewer, type ViewerOptions } from './viewer.js';
import type { StreamView } from './viewerStream.js';
import { encodePicture, type Picture } from './wire.js';

/** The server's clock is so far ahead. */
const AHEAD_MS = 1_795_000_000_000;
const LOST = 'The connection to the server is lost.';

let viewer: Viewer;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeWebSocket);
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});
afterEach(() => {
  viewer.stop();
  expect(vi.getTimerCount()).toBe(0);
  FakeWebSocket.made = [];
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const serverMs = () => AHEAD_MS + performance.now();

function make(options: ViewerOptions = {}): FakeWebSocket {
  viewer = createViewer({ url: 'http://here:8000', ...options });
  viewer.start();
  return FakeWebSocket.last;
}

function connect(options: ViewerOptions = {}, active: string[] = []): FakeWebSocket {
  const socket = make(options);
  welcome(socket, active);
  return socket;
}

function welcome(socket: FakeWebSocket, active: string[] = []): void {
  socket.accept();
  pong(socket);
  socket.tell({ type: 'viewer_connected', active_streams: active, timestamp: serverMs() / 1000 });
}

function pong(socket: FakeWebSocket): void {
  socket.tell({ type: 'pong', timestamp: serverMs() / 1000 });
}

function picture(socket: FakeWebSocket, stream: string, sequence: number, ageMs = 0): void {
  const jpeg = new Uint8Array([0xff, 0xd8, sequence & 0xff]);
  const facts = { stream, sequence, capturedAtMs: serverMs() - ageMs };
  socket.tell(encodePicture(jpeg, facts).buffer);
}

function state(socket: FakeWebSocket, stream: string, word: string, more: object = {}): void {
  const facts = { kind: 'relay', reason: null, since_s: 0, analysis_mode: 'normal' };
  const timestamp = serverMs() / 1000;
  socket.tell({
    type: 'stream_state',
    patient_id: stream,
    state: word,
    timestamp,
    ...facts,
    ...more,
  });
}

function ended(socket: FakeWebSocket, stream: string, reason: string | null = null): void {
  const timestamp = serverMs() / 1000;
  socket.tell({ type: 'stream_ended', patient_id: stream, timestamp, reason });
}

function seen(id: string): StreamView {
  const found = viewer.snapshot().streams.find((stream) => stream.id === id);
  if (found === undefined) throw new Error(`${id} is not known`);
  return found;
}

/** Pictures at an even rate for so long. */
function play(socket: FakeWebSocket, stream: string, from: number, ms: number, fps = 20): number {
  let sequence = from;
  for (let at = 0; at < ms; at += 1000 / fps) {
    picture(socket, stream, sequence++, 8);
    vi.advanceTimersByTime(1000 / fps);
  }
  return sequence;
}

const advance = (ms: number) => vi.advanceTimersByTime(ms);

describe('the connection', () => {
  it('asks for what was chosen, in binary', () => {
    const socket = make({ streams: ['*', 'front-door'], overlays: true });
    expect(socket.url).toBe('ws://here:8000/ws/view?streams=*,front-door&overlays=1');
    expect(socket.protocols).toEqual(['sightwire.v1']);
    expect(socket.binaryType).toBe('arraybuffer');
    expect(viewer.snapshot().state).toBe('connecting');
    socket.accept();
    expect(viewer.snapshot().state).toBe('connecting');
    welcome(socket);
    expect(viewer.snapshot()).toMatchObject({ state: 'open', why: null });
  });

  it('mends itself, later and later, up to half a minute', () => {
    make();
    for (const waitMs of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      FakeWebSocket.last.end();
      expect(viewer.snapshot()).toMatchObject({
        state: 'waiting',
        why: 'The server is not responding',
        retryAtMs: performance.now() + waitMs,
      });
      const tries = FakeWebSocket.made.length;
      advance(waitMs - 1);
      expect(FakeWebSocket.made).toHaveLength(tries);
      advance(1);
      expect(FakeWebSocket.made).toHaveLength(tries + 1);
      expect(viewer.snapshot()).toMatchObject({ state: 'connecting', retryAtMs: null });
    }
  });

  it('begins with short waits again only after one that lasted', () => {
    const flapping = connect();
    flapping.end();
    advance(1000);
    welcome(FakeWebSocket.last);
    FakeWebSocket.last.end();
    expect(viewer.snapshot().retryAtMs).toBe(performance.now() + 2000);
    advance(2000);
    welcome(FakeWebSocket.last);
    advance(10_000);
    FakeWebSocket.last.end();
    expect(viewer.snapshot().retryAtMs).toBe(performance.now() + 1000);
  });

  it('says why in the server’s words, or its own', () => {
    const socket = make();
    socket.accept();
    socket.tell({ type: 'error', message: 'All 1000 places are taken' });
    socket.end(1013);
    expect(viewer.snapshot()).toMatchObject({ state: 'waiting', why: 'All 1000 places are taken' });
    for (const [code, why] of [
      [1001, /stopping or restarting/],
      [4008, /too slow/],
      [1006, /was lost/],
    ] as const) {
      viewer.retry();
      welcome(FakeWebSocket.last);
      FakeWebSocket.last.end(code);
      expect(viewer.snapshot().why).toMatch(why);
    }
  });

  it('stays away when an administrator ended it, until somebody wants it again', () => {
    const socket = connect({}, ['P-1']);
    picture(socket, 'P-1', 1);
    socket.end(4410);
    expect(viewer.snapshot()).toMatchObject({
      state: 'idle',
      why: 'An administrator ended this connection',
    });
    expect(seen('P-1').state).toBe('stalled');
    advance(120_000);
    expect(FakeWebSocket.made).toHaveLength(1);
    viewer.retry();
    expect(viewer.snapshot().state).toBe('connecting');
  });

  it('is tried again at once when somebody asks for it', () => {
    make().end();
    viewer.retry();
    expect(FakeWebSocket.made).toHaveLength(2);
    advance(900);
    expect(FakeWebSocket.made).toHaveLength(2);
  });

  it('is given up when nobody answers the call', () => {
    const socket = make();
    advance(10_500);
    expect(socket.closedWith).not.toBeNull();
    expect(viewer.snapshot()).toMatchObject({ why: 'The server is not responding' });
  });

  it('that is silent for 45 s though it was asked is dead', () => {
    const socket = connect();
    advance(44_000);
    expect(viewer.snapshot().state).toBe('open');
    advance(1600);
    expect(socket.closedWith).not.toBeNull();
    expect(viewer.snapshot()).toMatchObject({
      state: 'waiting',
      why: 'The server stopped responding',
    });
  });

  it('that says anything at all is alive', () => {
    const socket = connect();
    for (let n = 0; n < 6; n += 1) {
      advance(30_000);
      socket.tell({ type: 'ping', timestamp: serverMs() / 1000 });
    }
    expect(viewer.snapshot().state).toBe('open');
  });

  it('is doubted when the network has changed, and found dead within seconds', () => {
    const window = new EventTarget();
    vi.stubGlobal('window', window);
    connect();
    advance(2000);
    window.dispatchEvent(new Event('online'));
    advance(5500);
    expect(viewer.snapshot()).toMatchObject({ why: 'The server stopped responding' });
    window.dispatchEvent(new Event('online'));
    expect(viewer.snapshot().state).toBe('connecting');
    viewer.stop();
    window.dispatchEvent(new Event('online'));
    expect(viewer.snapshot().state).toBe('idle');
  });

  it('answers pings', () => {
    const socket = connect();
    socket.tell({ type: 'ping', timestamp: 1 });
    expect(socket.sent.at(-1)).toEqual({ type: 'pong' });
  });

  it('hears nothing any more of a socket that it has let go', () => {
    const old = connect();
    old.end();
    advance(1000);
    welcome(FakeWebSocket.last);
    picture(old, 'ghost', 1);
    old.end();
    expect(viewer.snapshot()).toMatchObject({ state: 'open', streams: [] });
  });

  it('leaves out what it does not understand', () => {
    const socket = connect();
    for (const junk of ['', '{', 'null', '[]', '3', '{"type":"new"}', '{"type":"stream_state"}']) {
      socket.tell(junk);
    }
    for (const bytes of [0, 1, 5, 20, 21]) socket.tell(new ArrayBuffer(bytes));
    expect(viewer.snapshot()).toMatchObject({ state: 'open', streams: [] });
  });
});

describe('a stream', () => {
  it('waits until its first picture, then is live', () => {
    const socket = connect({ streams: ['P-1'] });
    expect(seen('P-1')).toMatchObject({ state: 'waiting', picture: null });
    state(socket, 'P-1', 'starting');
    expect(seen('P-1').state).toBe('waiting');
    state(socket, 'P-1', 'running', { analysis_mode: 'enhanced' });
    expect(seen('P-1').state).toBe('waiting');
    picture(socket, 'P-1', 1);
    expect(seen('P-1')).toMatchObject({ state: 'live', kind: 'relay', mode: 'enhanced' });
  });

  it('is stalled or frozen when the server says so, and live again with a new picture', () => {
    const socket = connect({}, ['P-1']);
    picture(socket, 'P-1', 1);
    advance(3000);
    state(socket, 'P-1', 'stalled', { reason: 'Nothing comes', since_s: 3 });
    expect(seen('P-1')).toMatchObject({
      state: 'stalled',
      reason: 'Nothing comes',
      sinceMs: performance.now() - 3000,
    });
    // One that had been under way.
    picture(socket, 'P-1', 2, 100);
    expect(seen('P-1').state).toBe('stalled');
    advance(100);
    picture(socket, 'P-1', 3);
    advance(500);
    expect(seen('P-1')).toMatchObject({ state: 'live', reason: null });
    state(socket, 'P-1', 'frozen');
    picture(socket, 'P-1', 4);
    advance(500);
    expect(seen('P-1').state).toBe('frozen');
  });

  it('is stalled where no picture arrives, even if the server thinks that it runs', () => {
    const socket = connect({}, ['P-1']);
    state(socket, 'P-1', 'running');
    picture(socket, 'P-1', 1);
    advance(4900);
    expect(seen('P-1').state).toBe('live');
    advance(700);
    expect(seen('P-1')).toMatchObject({ state: 'stalled', sinceMs: 0 });
  });

  it('that usually has a picture every few seconds is given more time', () => {
    const socket = connect({}, ['P-1']);
    for (let n = 0; n < 5; n += 1) {
      picture(socket, 'P-1', n);
      advance(3000);
    }
    advance(7000);
    expect(seen('P-1').state).toBe('live');
    advance(3000);
    expect(seen('P-1').state).toBe('stalled');
  });

  it('is not live for a moment longer than the connection, nor before a new picture', () => {
    const socket = connect({}, ['P-1']);
    picture(socket, 'P-1', 1);
    socket.end();
    expect(seen('P-1')).toMatchObject({ state: 'stalled', reason: LOST });
    advance(1000);
    welcome(FakeWebSocket.last, ['P-1']);
    state(FakeWebSocket.last, 'P-1', 'running');
    expect(seen('P-1').state).toBe('stalled');
    picture(FakeWebSocket.last, 'P-1', 40);
    advance(500);
    expect(seen('P-1')).toMatchObject({ state: 'live', missed: 0 });
  });

  it('that ended while the connection was lost has ended', () => {
    const socket = connect({}, ['P-1', 'P-2']);
    picture(socket, 'P-1', 1);
    picture(socket, 'P-2', 1);
    state(socket, 'yard', 'running', { kind: 'camera' });
    socket.end();
    advance(1000);
    welcome(FakeWebSocket.last, ['P-2']);
    expect(seen('P-1').state).toBe('ended');
    expect(seen('P-2').state).toBe('stalled');
    expect(seen('yard').state).toBe('waiting');
  });

  it('that has ended never looks live, and is forgotten after a minute', () => {
    const socket = connect({}, ['P-1']);
    picture(socket, 'P-1', 1);
    advance(100);
    ended(socket, 'P-1', 'It was stopped.');
    expect(seen('P-1')).toMatchObject({ state: 'ended', reason: 'It was stopped.' });
    picture(socket, 'P-1', 2, 50);
    advance(59_000);
    expect(seen('P-1').state).toBe('ended');
    advance(2000);
    expect(viewer.snapshot().streams).toEqual([]);
  });

  it('may begin again under the same name, and shows nothing of the one before', () => {
    const socket = connect({}, ['P-1']);
    picture(socket, 'P-1', 7);
    advance(100);
    ended(socket, 'P-1');
    advance(100);
    state(socket, 'P-1', 'running');
    expect(seen('P-1')).toMatchObject({ state: 'waiting', picture: null });
    picture(socket, 'P-1', 1);
    expect(seen('P-1')).toMatchObject({ state: 'live', missed: 0 });
  });

  it('that was asked for by name is waited for again after it ended', () => {
    const socket = connect({ streams: ['P-1'] });
    picture(socket, 'P-1', 1);
    ended(socket, 'P-1');
    advance(61_000);
    expect(seen('P-1')).toMatchObject({ state: 'waiting', picture: null });
  });

  it('keeps its place', () => {
    const socket = connect({}, ['b', 'a']);
    picture(socket, 'a', 1);
    state(socket, 'c', 'running');
    picture(socket, 'b', 1);
    expect(viewer.snapshot().streams.map(({ id }) => id)).toEqual(['b', 'a', 'c']);
  });
});

describe('numbers', () => {
  it('are rate, delay by the server’s clock, and what was missed', () => {
    const socket = connect({}, ['P-1']);
    let next = play(socket, 'P-1', 1, 2000);
    expect(seen('P-1').fps).toBeCloseTo(20, 0);
    expect(seen('P-1').delayMs).toBeCloseTo(8, 0);
    expect(seen('P-1')).toMatchObject({ missed: 0, lostPercent: 0 });
    // Every other picture is lost.
    for (let n = 0; n < 60; n += 1) {
      picture(socket, 'P-1', (next += 2));
      advance(100);
    }
    expect(seen('P-1').missed).toBe(61);
    expect(seen('P-1').lostPercent).toBeCloseTo(50, 0);
  });

  it('say nothing of the delay while the server’s clock is not known', () => {
    const socket = make();
    socket.accept();
    picture(socket, 'P-1', 1, 8);
    advance(500);
    expect(seen('P-1').delayMs).toBeNull();
  });

  it('count no gap where the numbering begins anew', () => {
    const socket = connect({}, ['P-1']);
    picture(socket, 'P-1', 5000);
    picture(socket, 'P-1', 1);
    picture(socket, 'P-1', 2);
    advance(500);
    expect(seen('P-1').missed).toBe(0);
  });

  it('come twice a second, not with each picture', () => {
    const socket = connect({}, ['P-1']);
    picture(socket, 'P-1', 1);
    const heard = vi.fn();
    viewer.subscribe(heard);
    play(socket, 'P-1', 2, 1000, 25);
    expect(heard).toHaveBeenCalledTimes(2);
    expect(viewer.newest('P-1')?.sequence).toBe(26);
  });

  it('leave alone what has not changed', () => {
    const socket = connect({ streams: ['P-1', 'P-2'] });
    advance(500);
    const before = seen('P-1');
    picture(socket, 'P-2', 1);
    advance(500);
    expect(seen('P-1')).toBe(before);
  });
});

describe('pictures()', () => {
  const settle = () => vi.advanceTimersByTimeAsync(0);

  it('gives a slow reader the newest picture of each stream, and nothing of what it missed', async () => {
    const socket = connect({}, ['a', 'b']);
    const reader = viewer.pictures();
    for (let n = 1; n <= 100; n += 1) {
      picture(socket, 'a', n);
      picture(socket, 'b', n);
    }
    expect((await reader.next()).value).toMatchObject({ stream: 'a', sequence: 100 });
    expect((await reader.next()).value).toMatchObject({ stream: 'b', sequence: 100 });
    const next = reader.next();
    picture(socket, 'b', 101);
    expect((await next).value).toMatchObject({ stream: 'b', sequence: 101 });
  });

  it('can be of one stream only', async () => {
    const socket = connect({}, ['a', 'b']);
    const reader = viewer.pictures('b');
    picture(socket, 'a', 1);
    picture(socket, 'b', 9);
    expect((await reader.next()).value).toMatchObject({ stream: 'b', sequence: 9 });
  });

  it('survives a lost connection, and ends with `stop`', async () => {
    const socket = connect({}, ['a']);
    const got: Picture[] = [];
    const done = (async () => {
      for await (const one of viewer) got.push(one);
    })();
    picture(socket, 'a', 1);
    await settle();
    socket.end();
    advance(1000);
    welcome(FakeWebSocket.last, ['a']);
    picture(FakeWebSocket.last, 'a', 2);
    await settle();
    viewer.stop();
    await done;
    expect(got.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});

describe('overlays', () => {
  const data = {
    landmarks: [{ x: 0.5, y: 0.25 }, [0.1, 0.2], null],
    connections: [[0, 1], ['x']],
    head_pose_axes: null,
    metrics: {
      model: 'motion',
      width: 640,
      height: 480,
      delay_ms: 12.3,
      detections: [
        { label: 'car', confidence: 0.9, box: [1, 2, 3, 4], track: 5 },
        { label: 'broken', confidence: 1, box: [1, 2] },
      ],
    },
  };

  it('are read with care, and are gone with their stream or connection', () => {
    const heard = vi.fn();
    const socket = connect({ overlays: true, onOverlay: heard }, ['P-1']);
    picture(socket, 'P-1', 1);
    const overlay = { type: 'overlay_data', patient_id: 'P-1', frame_num: 3, data };
    socket.tell(overlay);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(viewer.overlay('P-1')).toMatchObject({
      frame: 3,
      model: 'motion',
      width: 640,
      delayMs: 12.3,
      detections: [{ label: 'car', confidence: 0.9, box: [1, 2, 3, 4], track: 5 }],
      landmarks: [
        { x: 0.5, y: 0.25 },
        { x: 0.1, y: 0.2 },
        { x: NaN, y: NaN },
      ],
      connections: [[0, 1]],
    });
    const [left, right] = [
      { id: 11, x: 0.6, y: 0.5, type: 'left_shoulder', color: 'red' },
      { id: 12, x: 0.4, y: 0.5, type: 'right_shoulder', color: 'red' },
    ];
    const joined = [
      [12, 11],
      [11, 99],
    ];
    socket.tell({ ...overlay, data: { landmarks: [left, right], connections: joined } });
    expect(viewer.overlay('P-1')).toMatchObject({
      landmarks: [
        { x: 0.6, y: 0.5 },
        { x: 0.4, y: 0.5 },
      ],
      connections: [[1, 0]],
    });
    socket.tell({ ...overlay, data: { landmarks: 'none', metrics: null } });
    expect(viewer.overlay('P-1')).toMatchObject({ detections: [], landmarks: [], width: null });
    ended(socket, 'P-1');
    expect(viewer.overlay('P-1')).toBeNull();
    socket.tell(overlay);
    expect(viewer.overlay('P-1')).toBeNull();
  });
});

describe('watch()', () => {
  it('goes over to other streams without calling the ones before lost', () => {
    const first = connect({ streams: ['*'] }, ['P-1']);
    picture(first, 'P-1', 1);
    state(first, 'P-1', 'running');
    viewer.watch({ streams: ['*', 'yard'] });
    const second = FakeWebSocket.last;
    expect(first.closedWith).not.toBeNull();
    expect(second.url).toMatch(/streams=\*,yard$/);
    expect(seen('P-1').state).toBe('live');
    welcome(second, ['P-1']);
    expect(seen('P-1').state).toBe('live');
    expect(seen('yard').state).toBe('waiting');
    state(second, 'yard', 'running', { kind: 'camera' });
    viewer.watch({ streams: undefined });
    expect(viewer.snapshot().streams.map(({ id }) => id)).toEqual(['P-1']);
  });

  it('does nothing where nothing changes, and nothing but remember before it is started', () => {
    viewer = createViewer({ url: 'http://here:8000' });
    viewer.watch({ streams: ['a'] });
    expect(FakeWebSocket.made).toEqual([]);
    viewer.start();
    viewer.watch({ streams: ['a'] });
    expect(FakeWebSocket.made).toHaveLength(1);
    expect(FakeWebSocket.last.url).toMatch(/streams=a$/);
  });
});
