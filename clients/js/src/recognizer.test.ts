import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRecognizer, type Recognizer, type RecognizerOptions } from './recognizer.js';
import { FakeSocket, MODEL } from './testing/fakeServer.js';
import { PushSource } from './testing/pushSource.js';

vi.mock('socket.io-client', () => import('./testing/fakeServer.js'));

const URL_ = 'http://server:8000';
const JPEG = new Uint8Array([0xff, 0xd8]).buffer;

/** A page that can be hidden. */
class FakePage extends EventTarget {
  hidden = false;

  hide(hidden: boolean): void {
    this.hidden = hidden;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

const made: Recognizer[] = [];

function recognizer(options: RecognizerOptions = {}): Recognizer {
  const it_ = createRecognizer({ url: URL_, source: () => JPEG, ...options });
  made.push(it_);
  return it_;
}

/** One that is live with a server which answers at once. */
async function live(options: RecognizerOptions = {}): Promise<[Recognizer, FakeSocket]> {
  const it_ = recognizer(options);
  it_.start();
  await vi.advanceTimersByTimeAsync(0);
  const socket = FakeSocket.last;
  socket.roundTripMs = 2;
  socket.accept(options.extras === false ? null : MODEL);
  return [it_, socket];
}

function result(socket: FakeSocket, label: string, scores: number[], seen?: number): void {
  const score = Math.max(...scores);
  socket.tell('result', { label, score, scores, seen: seen ?? socket.frames.at(-1)?.id });
}

let page: FakePage;

beforeEach(() => {
  vi.useFakeTimers();
  page = new FakePage();
  vi.stubGlobal('document', page);
  const window = new EventTarget();
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window));
  FakeSocket.made = [];
});

afterEach(() => {
  for (const it_ of made.splice(0)) it_.close();
  // Whatever a test did: a closed recogniser leaves no timer and no connection.
  expect(vi.getTimerCount()).toBe(0);
  for (const socket of FakeSocket.made) expect(socket.connected || socket.active).toBe(false);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the way to live', () => {
  it('opens and connects nothing before start', () => {
    const it_ = recognizer();
    expect(FakeSocket.made).toHaveLength(0);
    expect(it_.getSnapshot().state).toBe('idle');
  });

  it('is starting, connecting, live', async () => {
    const states: string[] = [];
    const it_ = recognizer({ onStatus: ({ state }) => states.push(state) });
    it_.start();
    await vi.advanceTimersByTimeAsync(0);
    FakeSocket.last.accept();
    expect([...new Set(states)]).toEqual(['starting', 'connecting', 'live']);
    expect(it_.getSnapshot().model).toEqual(MODEL);
  });

  it('takes no place on the server while the person is still asked for the camera', async () => {
    const source = new PushSource();
    let allow: () => void = () => undefined;
    const asked = new Promise<void>((done) => (allow = done));
    const start = source.start.bind(source);
    source.start = (sink) => {
      start(sink);
      return asked as unknown as undefined;
    };
    const it_ = recognizer({ source });
    it_.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(it_.getSnapshot().state).toBe('starting');
    expect(FakeSocket.last.tries).toBe(0);
    allow();
    await vi.advanceTimersByTimeAsync(0);
    expect(it_.getSnapshot().state).toBe('connecting');
    expect(FakeSocket.last.tries).toBe(1);
  });

  it('says where the server is full, waits, and comes in by itself', async () => {
    const it_ = recognizer();
    it_.start();
    await vi.advanceTimersByTimeAsync(0);
    FakeSocket.last.refuse('Server at capacity, please try again later');
    expect(it_.getSnapshot()).toMatchObject({
      state: 'waiting',
      error: { code: 'server-full', message: 'The server is full' },
    });
    expect(it_.getSnapshot().retryAtMs).toBeGreaterThan(performance.now());
    await vi.advanceTimersByTimeAsync(6_000);
    FakeSocket.last.accept();
    expect(it_.getSnapshot()).toMatchObject({ state: 'live', error: null, retryAtMs: null });
  });

  it('comes back after a lost connection, without what was recognised before', async () => {
    const [it_, socket] = await live();
    await vi.advanceTimersByTimeAsync(400);
    result(socket, 'left', [0, 1, 0]);
    expect(it_.getSnapshot().prediction?.label).toBe('left');
    // Some frames are under way, and will never be answered.
    socket.roundTripMs = null;
    await vi.advanceTimersByTimeAsync(400);
    socket.lose('transport close', true);
    expect(it_.getSnapshot()).toMatchObject({
      state: 'reconnecting',
      prediction: null,
      error: { code: 'connection-lost' },
    });
    const sent = socket.frames.length;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.frames).toHaveLength(sent);
    socket.roundTripMs = 2;
    socket.accept();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(it_.getSnapshot()).toMatchObject({ state: 'live', error: null });
    expect(socket.frames.length).toBeGreaterThan(sent + 20);
  });

  it('ends with an error that says what to do, and starts again after it', async () => {
    let broken = true;
    const it_ = recognizer({
      source: () => (broken ? Promise.reject(new Error('no more')) : JPEG),
    });
    it_.start();
    await vi.advanceTimersByTimeAsync(0);
    FakeSocket.last.accept();
    await vi.advanceTimersByTimeAsync(100);
    expect(it_.getSnapshot()).toMatchObject({
      state: 'error',
      error: { code: 'source-failed', cause: 'Error: no more' },
    });
    expect(FakeSocket.last.connected).toBe(false);
    broken = false;
    it_.start();
    await vi.advanceTimersByTimeAsync(0);
    FakeSocket.last.accept();
    await vi.advanceTimersByTimeAsync(100);
    expect(it_.getSnapshot()).toMatchObject({ state: 'live', error: null });
  });

  it('refuses an address that is none before it asks for anything', () => {
    const source = new PushSource();
    const it_ = recognizer({ url: 'vision', source });
    it_.start();
    expect(it_.getSnapshot()).toMatchObject({ state: 'error', error: { code: 'bad-url' } });
    expect(source.starts).toBe(0);
  });
});

describe('sending', () => {
  it('sends 25 frames a second, as bytes, numbered', async () => {
    const [it_, socket] = await live();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(socket.frames.length).toBeGreaterThanOrEqual(98);
    expect(socket.frames.length).toBeLessThanOrEqual(102);
    expect(socket.frames[0]?.image).toBe(JPEG);
    expect(socket.frames.map(({ id }) => id)).toEqual(socket.frames.map((_, n) => n + 1));
    const { numbers } = it_.getSnapshot();
    expect(numbers.sentFps).toBeCloseTo(25, 0);
    expect(numbers.answeredFps).toBeCloseTo(25, 0);
    expect(numbers.roundTripMs.p50).toBeCloseTo(2, 0);
    expect(numbers.dropped).toBe(0);
  });

  it('never has more than a few frames under way when no answer comes, and says how long', async () => {
    const [it_, socket] = await live();
    socket.roundTripMs = null;
    await vi.advanceTimersByTimeAsync(4_000);
    expect(socket.frames.length).toBeLessThanOrEqual(4);
    const { numbers } = it_.getSnapshot();
    expect(numbers.dropped).toBeGreaterThan(5);
    expect(numbers.silentMs).toBeGreaterThan(3_000);
    expect(numbers.targetFps).toBeLessThan(10);
  });

  it('fetches no frame that it could not send', async () => {
    const source = vi.fn(() => JPEG);
    const [, socket] = await live({ source });
    socket.roundTripMs = null;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(source.mock.calls.length).toBe(socket.frames.length);
    socket.io.engine.writeBuffer.push('something that the network does not take');
    await vi.advanceTimersByTimeAsync(8_000);
    expect(source.mock.calls.length).toBe(socket.frames.length);
  });

  it('waits for a slow supplier without asking it twice', async () => {
    let asked = 0;
    let most = 0;
    const [it_, socket] = await live({
      source: async () => {
        asked += 1;
        most = Math.max(most, asked);
        await new Promise((done) => setTimeout(done, 200));
        asked -= 1;
        return JPEG;
      },
    });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(most).toBe(1);
    expect(socket.frames.length).toBeGreaterThanOrEqual(7);
    expect(it_.getSnapshot().numbers.dropped).toBe(0);
    it_.stop();
    await vi.advanceTimersByTimeAsync(200);
  });

  it('does not lower its aim because the encoder is late', async () => {
    const source = new PushSource();
    const [it_, socket] = await live({ source });
    const late = () => new Promise<ArrayBuffer>((done) => setTimeout(() => done(JPEG), 100));
    for (let n = 0; n < 100; n += 1) {
      void source.sink?.frame(late);
      await vi.advanceTimersByTimeAsync(33);
    }
    expect(socket.frames.length).toBeGreaterThanOrEqual(24);
    expect(it_.getSnapshot().numbers.targetFps).toBe(25);
    expect(it_.getSnapshot().numbers.dropped).toBeGreaterThan(20);
    it_.stop();
    await vi.advanceTimersByTimeAsync(100);
  });

  it('sends nothing where there is nothing new', async () => {
    const [, socket] = await live({ source: () => null });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(socket.frames).toHaveLength(0);
  });

  it('tells a source of one’s own which of its frames were sent', async () => {
    const source = new PushSource();
    const [it_, socket] = await live({ source });
    expect(await source.sink?.frame(JPEG, 0)).toBe(1);
    expect(source.sink?.frame(JPEG, 5)).toBeNull();
    expect(await source.sink?.frame(JPEG, 40)).toBe(2);
    expect(socket.frames.map(({ id }) => id)).toEqual([1, 2]);
    const late = source.sink;
    it_.stop();
    expect(late?.frame(JPEG, 80)).toBeNull();
    expect(source.stops).toBe(1);
  });

  it('changes its rate while it runs', async () => {
    const [it_, socket] = await live();
    await vi.advanceTimersByTimeAsync(1_000);
    it_.configure({ fps: 5 });
    const sent = socket.frames.length;
    await vi.advanceTimersByTimeAsync(4_000);
    expect(socket.frames.length - sent).toBeLessThanOrEqual(22);
    expect(socket.frames.length - sent).toBeGreaterThanOrEqual(18);
  });

  it('takes another supplier without starting anew', async () => {
    const [it_, socket] = await live();
    const other = new Uint8Array([1]).buffer;
    it_.configure({ source: () => other });
    await vi.advanceTimersByTimeAsync(100);
    expect(socket.frames.at(-1)?.image).toBe(other);
    expect(it_.getSnapshot().state).toBe('live');
  });

  it('keeps its place when the source changes', async () => {
    const [it_, socket] = await live();
    const source = new PushSource();
    it_.configure({ source });
    await vi.advanceTimersByTimeAsync(0);
    expect(it_.getSnapshot().state).toBe('live');
    expect(socket.tries).toBe(1);
    expect(source.starts).toBe(1);
  });

  it('takes nothing more from the source before', async () => {
    const before = new PushSource();
    const [it_] = await live({ source: before });
    const late = before.sink;
    const source = new PushSource();
    it_.configure({ source });
    await vi.advanceTimersByTimeAsync(0);
    expect(late?.frame(JPEG)).toBeNull();
    late?.failed(new Error('too late'));
    expect(it_.getSnapshot().state).toBe('live');
    expect(source.sink?.frame(JPEG)).not.toBeNull();
  });

  it('holds nothing while there is no source, and goes on when there is one', async () => {
    const it_ = recognizer({ source: null });
    it_.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(it_.getSnapshot().state).toBe('starting');
    expect(FakeSocket.made).toHaveLength(0);
    const source = new PushSource();
    it_.configure({ source });
    await vi.advanceTimersByTimeAsync(0);
    FakeSocket.last.accept();
    expect(it_.getSnapshot().state).toBe('live');
    it_.configure({ source: null });
    expect(it_.getSnapshot().state).toBe('starting');
    expect(source.stops).toBe(1);
    expect(FakeSocket.last.connected).toBe(false);
  });

  it('goes to another server when its address changes', async () => {
    const [it_, before] = await live();
    it_.configure({ url: 'http://other:8000' });
    await vi.advanceTimersByTimeAsync(0);
    expect(before.connected).toBe(false);
    expect(FakeSocket.last.url).toBe('http://other:8000');
    FakeSocket.last.accept();
    expect(it_.getSnapshot().state).toBe('live');
  });
});

describe('results', () => {
  it('tells of each result once, whether it was pushed or came with an answer', async () => {
    const onPrediction = vi.fn();
    const [, socket] = await live({ onPrediction });
    await vi.advanceTimersByTimeAsync(400);
    result(socket, 'left', [0.1, 0.8, 0.1], 5);
    socket.tell('prediction', {
      label: 'left',
      score: 0.8,
      id: 9,
      seen: 5,
      scores: [0.1, 0.8, 0.1],
    });
    result(socket, 'left', [0.1, 0.9, 0], 6);
    expect(onPrediction).toHaveBeenCalledTimes(2);
    expect(onPrediction.mock.lastCall?.[0]).toMatchObject({ label: 'left', score: 0.9, seen: 6 });
  });

  it('measures the delay from sending a frame to the first result that has seen it', async () => {
    const onPrediction = vi.fn();
    const [it_, socket] = await live({ onPrediction });
    await vi.advanceTimersByTimeAsync(1_000);
    socket.frames.length = 0;
    while (socket.frames.length === 0) await vi.advanceTimersByTimeAsync(1);
    await vi.advanceTimersByTimeAsync(17);
    result(socket, 'left', [0, 1, 0]);
    expect(onPrediction.mock.lastCall?.[0]).toMatchObject({ delayMs: 17 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(it_.getSnapshot().numbers.delayMs.p50).toBeGreaterThanOrEqual(17);
    expect(it_.getSnapshot().numbers.analysed).toBeGreaterThan(0);
  });

  it('does not take the time before the first result for one', async () => {
    const onPrediction = vi.fn();
    const [it_] = await live({ onPrediction });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(onPrediction).not.toHaveBeenCalled();
    expect(it_.getSnapshot().prediction).toBeNull();
  });

  it('tells subscribers of a new label at once and of a new score when it refreshes', async () => {
    const [it_, socket] = await live({ refreshMs: 1000 });
    await vi.advanceTimersByTimeAsync(500);
    const listener = vi.fn();
    it_.subscribe(listener);
    for (let n = 1; n <= 10; n += 1) result(socket, 'left', [0, 0.9 - n / 100, 0], n);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(it_.getSnapshot().prediction?.score).toBe(0.89);
    expect(it_.newest?.score).toBe(0.8);
    result(socket, 'right', [0, 0, 1], 11);
    expect(listener).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('tells of every result where that is asked for', async () => {
    const [it_, socket] = await live({ refreshMs: 0 });
    const listener = vi.fn();
    it_.subscribe(listener);
    for (let n = 1; n <= 10; n += 1) result(socket, 'left', [0, 0.9 - n / 100, 0], n);
    expect(listener).toHaveBeenCalledTimes(10);
    expect(it_.getSnapshot().prediction?.score).toBe(0.8);
  });

  it('gives the same snapshot while nothing has changed', async () => {
    const [it_] = await live();
    expect(it_.getSnapshot()).toBe(it_.getSnapshot());
  });

  it('puts a threshold of one’s own in place of the server’s, and at once', async () => {
    const [it_, socket] = await live({ threshold: 0.9 });
    await vi.advanceTimersByTimeAsync(100);
    result(socket, 'left', [0.1, 0.8, 0.1]);
    expect(it_.getSnapshot().prediction).toMatchObject({ label: 'none', score: 0.8 });
    it_.configure({ threshold: 0.3 });
    expect(it_.getSnapshot().prediction).toMatchObject({ label: 'left', score: 0.8 });
    await vi.advanceTimersByTimeAsync(100);
    result(socket, 'none', [0.35, 0.3, 0.35]);
    expect(it_.getSnapshot().prediction).toMatchObject({ label: 'still', score: 0.35 });
    it_.configure({ threshold: null });
    expect(it_.getSnapshot().prediction).toMatchObject({ label: 'none' });
  });

  it('learns of a new model, and hears no more of the one before', async () => {
    const [it_, socket] = await live();
    await vi.advanceTimersByTimeAsync(400);
    result(socket, 'left', [0, 1, 0], 5);
    socket.tell('model', { ...MODEL, name: 'signs', labels: ['hello', 'thanks'] });
    expect(it_.getSnapshot()).toMatchObject({ model: { name: 'signs' }, prediction: null });
    result(socket, 'right', [0, 0, 1], 6);
    socket.tell('prediction', { label: 'none', score: 0, id: 9 });
    expect(it_.getSnapshot().prediction).toBeNull();
    result(socket, 'hello', [1, 0], 9);
    expect(it_.getSnapshot().prediction?.label).toBe('hello');
  });

  it('works without extras as the old clients do', async () => {
    const onPrediction = vi.fn();
    const [it_, socket] = await live({ extras: false, onPrediction });
    expect(socket.options.auth).toEqual({ extras: false });
    await vi.advanceTimersByTimeAsync(100);
    socket.tell('prediction', { label: 'hello', score: 0.92 });
    expect(it_.getSnapshot()).toMatchObject({
      model: null,
      prediction: { label: 'hello', score: 0.92, scores: null, seen: null },
    });
  });

  it('can be iterated: the newest, none twice, until it is closed', async () => {
    const [it_, socket] = await live();
    await vi.advanceTimersByTimeAsync(400);
    const scores: number[] = [];
    const reading = (async () => {
      for await (const { score } of it_) scores.push(score);
    })();
    await vi.advanceTimersByTimeAsync(0);
    result(socket, 'left', [0, 0.7, 0], 1);
    result(socket, 'left', [0, 0.8, 0], 2);
    await vi.advanceTimersByTimeAsync(0);
    result(socket, 'left', [0, 0.9, 0], 3);
    await vi.advanceTimersByTimeAsync(0);
    it_.close();
    await reading;
    expect(scores).toEqual([0.8, 0.9]);
  });

  it('throws at who iterates when it ends with an error', async () => {
    const source = new PushSource();
    const [it_] = await live({ source });
    const reading = it_[Symbol.asyncIterator]().next();
    source.sink?.failed(new Error('gone'));
    await expect(reading).rejects.toMatchObject({ code: 'source-failed' });
  });
});

describe('a hidden page', () => {
  it('gives everything back after two seconds and returns by itself', async () => {
    const source = new PushSource();
    const [it_, socket] = await live({ source });
    page.hide(true);
    await vi.advanceTimersByTimeAsync(1_900);
    expect(it_.getSnapshot().state).toBe('live');
    await vi.advanceTimersByTimeAsync(200);
    expect(it_.getSnapshot().state).toBe('paused');
    expect(socket.connected).toBe(false);
    expect(source.stops).toBe(1);
    page.hide(false);
    await vi.advanceTimersByTimeAsync(0);
    FakeSocket.last.accept();
    expect(it_.getSnapshot().state).toBe('live');
    expect(source.starts).toBe(2);
  });

  it('does not mind a quick look at another tab', async () => {
    const [it_, socket] = await live();
    page.hide(true);
    await vi.advanceTimersByTimeAsync(1_000);
    page.hide(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(it_.getSnapshot().state).toBe('live');
    expect(socket.tries).toBe(1);
  });

  it('keeps its place where that is asked for', async () => {
    const [it_, socket] = await live({ whenHidden: 'keep' });
    page.hide(true);
    const sent = socket.frames.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(it_.getSnapshot().state).toBe('live');
    expect(socket.frames.length).toBeGreaterThan(sent);
  });

  it('stays stopped when it was stopped meanwhile', async () => {
    const [it_] = await live();
    page.hide(true);
    await vi.advanceTimersByTimeAsync(3_000);
    it_.stop();
    page.hide(false);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(it_.getSnapshot().state).toBe('idle');
  });
});

describe('the end', () => {
  it('frees everything on stop, and starts again', async () => {
    const source = new PushSource();
    const [it_, socket] = await live({ source });
    it_.stop();
    expect(it_.getSnapshot()).toMatchObject({ state: 'idle', prediction: null });
    expect(socket.connected).toBe(false);
    expect(source.stops).toBe(1);
    page.hide(true);
    expect(vi.getTimerCount()).toBe(0);
    page.hide(false);
    it_.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(source.starts).toBe(2);
  });

  it('is closed for good by an abort, and says so once more', async () => {
    const abort = new AbortController();
    const states: string[] = [];
    const [it_, socket] = await live({
      signal: abort.signal,
      onStatus: ({ state }) => states.push(state),
    });
    abort.abort();
    expect(states.at(-1)).toBe('closed');
    expect(socket.connected).toBe(false);
    expect(() => it_.start()).toThrow('is closed');
    it_.stop();
    expect(it_.getSnapshot().state).toBe('closed');
  });

  it('is closed from the beginning where the signal was aborted before', () => {
    expect(recognizer({ signal: AbortSignal.abort() }).getSnapshot().state).toBe('closed');
  });

  it('works where there is no page at all', async () => {
    vi.unstubAllGlobals();
    expect(typeof document).toBe('undefined');
    const [it_, socket] = await live();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.frames.length).toBeGreaterThan(20);
    it_.close();
  });
});
