import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeSocket, MODEL } from '../../../clients/js/src/testing/fakeServer';
import { SourceFailure } from '../capture/problem';
import type { SourceSink } from '../capture/video';
import { Session } from './session';
import type { Source } from './sources/source';

vi.mock('socket.io-client', () => import('../../../clients/js/src/testing/fakeServer'));

class FakeSource implements Source {
  readonly kind = 'sample';
  readonly element = {} as HTMLCanvasElement;
  sink: SourceSink | null = null;

  start(sink: SourceSink): void {
    this.sink = sink;
  }

  stop(): void {
    this.sink = null;
  }
}

let session: Session;
let source: FakeSource;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal('location', { origin: 'http://here', href: 'http://here/', protocol: 'http:' });
  session = new Session();
  source = new FakeSource();
  session.start(source);
  await vi.advanceTimersByTimeAsync(0);
  FakeSocket.last.roundTripMs = 2;
  FakeSocket.last.accept();
});

afterEach(() => {
  session.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Sends frames at 25 a second. */
async function send(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    void source.sink?.frame(new ArrayBuffer(1));
    await vi.advanceTimersByTimeAsync(40);
  }
}

function result(seen: number, scores = [0, 1, 0]): void {
  const at = scores.indexOf(Math.max(...scores));
  FakeSocket.last.tell('result', { label: MODEL.labels[at], score: scores[at], seen, scores });
}

describe('Session', () => {
  it('shows what the recogniser says', async () => {
    await send(12);
    result(12);
    await vi.advanceTimersByTimeAsync(250);
    expect(session.snapshot()).toMatchObject({
      phase: 'running',
      kind: 'sample',
      element: source.element,
      connection: { state: 'live' },
      model: MODEL,
      label: 'left',
      score: 1,
    });
    expect(session.snapshot().numbers.history.sent.length).toBeGreaterThan(1);
    expect(session.scores).toEqual([0, 1, 0]);
  });

  it('leaves out results whose window spans a jump of the source', async () => {
    const told: (number | null)[] = [];
    session.onResult(({ seen }) => told.push(seen));
    await send(30);
    source.sink?.cut();
    await send(15);
    for (const seen of [9, 10, 30, 31, 39, 40]) result(seen);
    expect(told).toEqual([10, 30, 40]);
  });

  it('applies the viewer’s threshold to what is shown, and to what comes', async () => {
    const told: string[] = [];
    session.onResult(({ label }) => told.push(label));
    await send(12);
    result(11, [0.1, 0.6, 0.3]);
    session.setThreshold(0.7);
    expect(session.newest?.label).toBe('none');
    result(12, [0.1, 0.6, 0.3]);
    expect(told).toEqual(['left', 'none']);
  });

  it('clears what was read when the connection is lost', async () => {
    await send(12);
    result(12);
    FakeSocket.last.lose('transport close', true);
    expect(session.snapshot()).toMatchObject({
      label: null,
      score: null,
      connection: { state: 'reconnecting', attempt: 0 },
    });
    expect(session.scores).toBeNull();
  });

  it('keeps its place when the source changes', async () => {
    await send(3);
    session.start(new FakeSource());
    await vi.advanceTimersByTimeAsync(0);
    expect(session.snapshot().connection.state).toBe('live');
    expect(FakeSocket.last.tries).toBe(1);
  });

  it('says of a source what only the page knows', () => {
    const problem = { id: 'file-unsupported', title: 'x', text: 'y', steps: [], cause: 'z' };
    source.sink?.failed(new SourceFailure(problem));
    expect(session.snapshot()).toMatchObject({ phase: 'problem', kind: 'sample', problem });
    expect(FakeSocket.last.connected).toBe(false);
  });

  it('says how long there has been no picture, and no answer', async () => {
    await send(3);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(session.snapshot().pictureAgeMs).toBeGreaterThan(1_500);
    FakeSocket.last.roundTripMs = null;
    await send(50);
    expect(session.snapshot().answerAgeMs).toBeGreaterThan(1_500);
    expect(session.snapshot().pictureAgeMs).toBeNull();
  });
});
