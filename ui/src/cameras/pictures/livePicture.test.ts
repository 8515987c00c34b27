import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LivePicture } from './livePicture';

/** A connection to the server, as the page opened it. */
interface Opened {
  path: string;
  signal: AbortSignal;
  send: (picture: string) => Promise<void>;
  end: () => Promise<void>;
}

/** Lets everything happen that needs no time. */
const settle = async () => {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
  await vi.advanceTimersByTimeAsync(0);
};

let opened: Opened[];
let answer: (path: string) => Response | null;
let page: EventTarget & { hidden: boolean };
let live: LivePicture;

function open(path: string, signal: AbortSignal): Response {
  let stream!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      stream = controller;
      signal.addEventListener('abort', () => controller.error(new Error('aborted')));
    },
  });
  const send = async (picture: string) => {
    const header = `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`;
    stream.enqueue(new TextEncoder().encode(`${header}${picture}\r\n`));
    await settle();
  };
  const end = async () => {
    stream.close();
    await settle();
  };
  opened.push({ path, signal, send, end });
  return new Response(body);
}

/** The n-th connection. */
function nth(n: number): Opened {
  const found = opened[n];
  if (found === undefined) throw new Error(`only ${opened.length} connections were opened`);
  return found;
}

async function show(hidden: boolean): Promise<void> {
  page.hidden = hidden;
  page.dispatchEvent(new Event('visibilitychange'));
  await settle();
}

beforeEach(() => {
  vi.useFakeTimers();
  opened = [];
  answer = () => null;
  page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal('document', page);
  vi.stubGlobal('window', new EventTarget());
  vi.stubGlobal('createImageBitmap', () =>
    Promise.resolve({ width: 640, height: 480, close: () => undefined }),
  );
  vi.stubGlobal('fetch', (path: string, { signal }: { signal: AbortSignal }) =>
    Promise.resolve(answer(path) ?? open(path, signal)),
  );
  live = new LivePicture();
  const canvas = { width: 4, height: 3, getContext: () => ({ drawImage: () => undefined }) };
  live.attach(canvas as unknown as HTMLCanvasElement);
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a live picture', () => {
  it('plays, and keeps the newest picture as it came', async () => {
    live.play('/stream?camera=yard');
    await settle();
    expect(live.snapshot().phase).toBe('opening');
    await nth(0).send('one');
    await nth(0).send('two');
    expect(live.snapshot()).toMatchObject({ phase: 'playing', failure: null });
    expect(await live.newestPicture()?.text()).toBe('two');
  });

  it('frees the connection while the page is hidden, and when it is left', async () => {
    live.play('/stream?camera=yard');
    await settle();
    await nth(0).send('one');
    await show(true);
    expect(nth(0).signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opened.length).toBe(1);
    await show(false);
    expect(opened.length).toBe(2);
    window.dispatchEvent(new Event('pagehide'));
    expect(nth(1).signal.aborted).toBe(true);
  });

  it('frees the connection when it is stopped, for good', async () => {
    live.play('/stream?camera=yard');
    await settle();
    live.stop();
    expect(nth(0).signal.aborted).toBe(true);
    await show(true);
    await show(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opened.length).toBe(1);
  });

  it('goes on with the old pictures until the first of the new settings is there', async () => {
    live.play('/stream/detect?conf=0.2');
    await settle();
    await nth(0).send('old');
    live.play('/stream/detect?conf=0.3');
    await settle();
    await nth(0).send('old still');
    expect(nth(0).signal.aborted).toBe(false);
    expect(live.snapshot().phase).toBe('playing');
    await nth(1).send('new');
    expect(nth(0).signal.aborted).toBe(true);
    expect(await live.newestPicture()?.text()).toBe('new');
  });

  it('never holds more than two connections, however fast settings change', async () => {
    live.play('/stream/detect?conf=0.20');
    await settle();
    await nth(0).send('old');
    for (let n = 21; n < 40; n += 1) {
      live.play(`/stream/detect?conf=0.${n}`);
      await settle();
      expect(opened.filter(({ signal }) => !signal.aborted).length).toBeLessThanOrEqual(2);
    }
  });

  it('says why the server gives no pictures, and tries again ever more rarely', async () => {
    let asked = 0;
    answer = () => {
      asked += 1;
      return Response.json({ detail: 'Too many active streams.' }, { status: 503 });
    };
    live.play('/stream?camera=yard');
    await settle();
    const failure = { status: 503, detail: 'Too many active streams.' };
    expect(live.snapshot()).toMatchObject({ phase: 'failed', failure });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBeGreaterThan(4);
    expect(asked).toBeLessThan(14);
    answer = () => null;
    live.retryNow();
    await settle();
    await nth(0).send('one');
    expect(live.snapshot()).toMatchObject({ phase: 'playing', failure: null });
  });

  it('comes back when the stream ends, and counts how old the picture is meanwhile', async () => {
    live.play('/stream?camera=yard');
    await settle();
    await nth(0).send('one');
    await nth(0).end();
    expect(live.snapshot().phase).toBe('failed');
    await vi.advanceTimersByTimeAsync(900);
    expect(live.snapshot().ageMs).toBeGreaterThan(400);
    await vi.advanceTimersByTimeAsync(200);
    expect(opened.length).toBe(2);
  });
});
