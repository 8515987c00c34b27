import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { liveData, relayStream } from '../testing/answers';
import { Live, type LiveData } from './live';

/** What the browser would give; the test plays the server. */
class FakeSocket {
  static opened: FakeSocket[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    FakeSocket.opened.push(this);
  }

  close(): void {
    this.closed = true;
  }

  send(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  full(version: number, data: LiveData = liveData({})): void {
    this.send({ type: 'full', version, data });
  }

  end(code = 1006): void {
    this.onclose?.({ code });
  }
}

let page: EventTarget & { hidden: boolean };
let live: Live;
let told: number;

const { opened } = FakeSocket;
function newest(): FakeSocket {
  const socket = opened.at(-1);
  if (socket === undefined) throw new Error('no connection was asked for');
  return socket;
}
const watch = () => live.watch(() => (told += 1));

function hide(hidden: boolean): void {
  page.hidden = hidden;
  page.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
  page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal('document', page);
  vi.stubGlobal(
    'window',
    Object.assign(new EventTarget(), { location: { protocol: 'https:', host: 'sightwire:8000' } }),
  );
  vi.stubGlobal('WebSocket', FakeSocket);
  opened.length = 0;
  told = 0;
  live = new Live('/api/v1/live');
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe('what the server tells live', () => {
  it('is asked for once for all who look, and no longer when the last one leaves', () => {
    const leave = watch();
    const leaveToo = watch();
    expect(opened.map(({ url }) => url)).toEqual(['wss://sightwire:8000/api/v1/live']);
    leave();
    expect(newest().closed).toBe(false);
    leaveToo();
    expect(newest().closed).toBe(true);
    vi.advanceTimersByTime(600_000);
    expect(opened).toHaveLength(1);
  });

  it('is the whole state and then what changed in it', () => {
    watch();
    expect(live.view()).toMatchObject({ link: 'connecting', data: null });
    const streams = [relayStream({ id: 'a' }), relayStream({ id: 'b' })];
    newest().full(7, liveData({ streams }));
    const before = live.view().data;
    newest().send({
      type: 'patch',
      version: 8,
      data: { time: 1001, streams: { a: { fps: 9 }, c: relayStream({ id: 'c' }) } },
    });
    const { data, link, courses } = live.view();
    expect(link).toBe('open');
    expect(Object.keys(data?.streams ?? {})).toEqual(['a', 'b', 'c']);
    expect(data?.streams.a?.fps).toBe(9);
    // So the row of b need not be rendered again.
    expect(data?.streams.b).toBe(before?.streams.b);
    expect(courses.streams.get('a')?.in).toEqual([25, 9]);
    newest().send({ type: 'patch', version: 9, data: { streams: { a: null } } });
    expect(Object.keys(live.view().data?.streams ?? {})).toEqual(['b', 'c']);
    expect(told).toBe(3);
  });

  it('begins anew with the whole state where the server says so', () => {
    watch();
    newest().full(7, liveData({ streams: [relayStream({})] }));
    newest().full(30, liveData({}));
    newest().send({ type: 'patch', version: 31, data: { time: 1002 } });
    expect(live.view()).toMatchObject({ link: 'open', data: { time: 1002, streams: {} } });
  });

  it.each([
    ['a version is missing', { type: 'patch', version: 9, data: {} }],
    ['a version comes twice', { type: 'patch', version: 7, data: {} }],
    ['a message means nothing', { type: 'surprise' }],
  ])('is asked for anew when %s', (_, message) => {
    watch();
    newest().full(7);
    newest().send(message);
    expect(opened[0]?.closed).toBe(true);
    expect(live.view()).toMatchObject({ link: 'lost', loss: 'broken' });
    vi.advanceTimersByTime(1000);
    expect(opened).toHaveLength(2);
    newest().full(1);
    expect(live.view().link).toBe('open');
  });

  it('is asked for anew when nothing came for five seconds', () => {
    watch();
    newest().full(7);
    vi.advanceTimersByTime(4900);
    newest().send({ type: 'patch', version: 8, data: {} });
    vi.advanceTimersByTime(4900);
    expect(live.view().link).toBe('open');
    vi.advanceTimersByTime(200);
    expect(live.view()).toMatchObject({ link: 'lost', loss: 'silent' });
    expect(opened[0]?.closed).toBe(true);
  });

  it('keeps the newest state beside the loss, with its age', () => {
    watch();
    vi.advanceTimersByTime(3000);
    newest().full(7, liveData({ streams: [relayStream({})] }));
    const { atMs } = live.view();
    newest().end(1001);
    vi.advanceTimersByTime(500);
    const view = live.view();
    expect(view).toMatchObject({ link: 'lost', loss: 'stopped', atMs });
    expect(view.data?.streams['P-1']).toBeDefined();
    expect(performance.now() - view.atMs).toBe(500);
  });

  it('waits longer and longer for a server that is away, and begins again with one that came', () => {
    watch();
    const waits: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      newest().end();
      waits.push((live.view().retryAtMs ?? 0) - performance.now());
      expect(live.view()).toMatchObject({ link: 'lost', loss: 'unreachable' });
      vi.advanceTimersByTime(waits.at(-1) ?? 0);
      expect(opened).toHaveLength(n + 2);
      // An attempt that is under way is no answer yet.
      expect(live.view()).toMatchObject({ link: 'lost', retryAtMs: null });
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    newest().full(1);
    vi.advanceTimersByTime(4900);
    newest().send({ type: 'patch', version: 2, data: {} });
    vi.advanceTimersByTime(200);
    newest().send({ type: 'patch', version: 3, data: {} });
    newest().end();
    expect((live.view().retryAtMs ?? 0) - performance.now()).toBe(1000);
  });

  it('spreads the attempts of many pages', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    watch();
    newest().end();
    expect((live.view().retryAtMs ?? 0) - performance.now()).toBe(500);
  });

  it('gives up an attempt that nobody answers', () => {
    watch();
    vi.advanceTimersByTime(5000);
    expect(live.view()).toMatchObject({ link: 'lost', loss: 'unreachable' });
    expect(opened[0]?.closed).toBe(true);
  });

  it('tries at once when a person asks for it', () => {
    watch();
    newest().end();
    live.retry();
    expect(opened).toHaveLength(2);
    // Not a second time while that one is under way.
    live.retry();
    expect(opened).toHaveLength(2);
    vi.advanceTimersByTime(4000);
    expect(opened).toHaveLength(2);
  });

  it('rests while the page is hidden and begins with the newest state', () => {
    watch();
    newest().full(7, liveData({ streams: [relayStream({})] }));
    hide(true);
    expect(newest().closed).toBe(true);
    expect(live.view().link).toBe('off');
    vi.advanceTimersByTime(600_000);
    expect(opened).toHaveLength(1);
    hide(false);
    expect(opened).toHaveLength(2);
    // What is on the page is ten minutes old, and does not pass for new.
    expect(live.view().link).toBe('connecting');
    newest().full(900, liveData({}));
    expect(live.view()).toMatchObject({ link: 'open', data: { streams: {} } });
  });

  it('hears nothing more from a connection that it gave up', () => {
    watch();
    const old = newest();
    old.full(7);
    old.end();
    vi.advanceTimersByTime(1000);
    newest().full(1, liveData({ streams: [relayStream({})] }));
    old.full(8);
    old.end();
    expect(live.view()).toMatchObject({ link: 'open', data: { streams: { 'P-1': {} } } });
  });
});
