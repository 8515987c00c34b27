import {
  createStreamer,
  nameProblem,
  type StreamerSettings,
  type StreamerSnapshot,
} from 'sightwire/relay';
import { ownAddress } from '../base/basePath';
import { pushBounded } from '../base/stats';
import { badName, sourceProblem, streamProblem } from './problems';
import { type History, NO_HISTORY, type Snapshot } from './snapshot';
import type { Source } from './sources/source';

const LENGTH = 60;
/** Numbers are taken at the streamer's own beat, which other changes come between. */
const BEAT_MS = 400;
/** No picture for so long is worth a word. */
const STILL_MS = 2500;
/** Over so many beats the share of pictures that are left out is told. */
const LEFT_OUT_BEATS = 10;

/** What a person can change while it runs. */
export type Tuning = Pick<StreamerSettings, 'stream' | 'mode' | 'fps' | 'quality' | 'maxWidthPx'>;

/**
 * One broadcast of the page, outside React: a source, and a streamer (`clients/js`, which does the
 * work) with the history of its numbers.
 */
export class Session {
  private readonly listeners = new Set<() => void>();
  private readonly streamer = createStreamer({
    url: ownAddress(),
    stream: '',
    worker: () => new Worker(new URL('sightwire/worker', import.meta.url), { type: 'module' }),
    onChange: (stream) => this.onChange(stream),
  });
  private name = '';
  private source: Source | null = null;
  private sent = 0;
  private sentMs = 0;
  private beatMs = -Infinity;
  private counts: { sent: number; dropped: number }[] = [];
  private view: Snapshot = {
    phase: 'idle',
    kind: null,
    element: null,
    problem: null,
    endedOutside: false,
    stream: this.streamer.snapshot(),
    stillMs: null,
    leftOut: null,
    history: NO_HISTORY,
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): Snapshot => this.view;

  /** Begins with this source, or changes to it: the stream goes on if there is one. */
  async start(source: Source): Promise<void> {
    this.source?.close();
    this.source = source;
    const wrong = nameProblem(this.name);
    if (wrong !== null) {
      this.fail(badName(this.name, wrong));
      return;
    }
    // What was to be sent until now is no more; the place on the server stays.
    if (this.view.phase === 'on') this.streamer.start();
    else this.clear();
    const { kind, element } = source;
    this.show({ phase: 'opening', kind, element: null, problem: null, endedOutside: false });
    try {
      const frames = await source.open((error) => this.ended(source, error));
      if (this.source !== source) return;
      this.sentMs = performance.now();
      this.show({ phase: 'on', element });
      this.streamer.start(frames);
    } catch (error) {
      if (this.source === source) this.fail(sourceProblem(kind, error));
    }
  }

  /** Ends the stream, and lets go of everything. */
  stop(): void {
    this.release();
    this.streamer.stop();
    this.clear();
    this.show({ phase: 'idle', kind: null, problem: null, endedOutside: false });
  }

  /** Tries again now instead of at the next turn. */
  retryNow(): void {
    this.streamer.retry();
  }

  /** Acts at once; another name or mode begins a new connection. */
  tune(tuning: Tuning): void {
    if (tuning.maxWidthPx !== undefined) this.source?.resize(tuning.maxWidthPx);
    this.name = tuning.stream;
    this.streamer.configure(tuning);
  }

  private ended(source: Source, error: unknown): void {
    if (this.source !== source) return;
    if (error === null) {
      this.stop();
      this.show({ endedOutside: true });
    } else {
      this.fail(sourceProblem(source.kind, error));
    }
  }

  private fail(problem: Snapshot['problem']): void {
    this.release();
    this.streamer.stop();
    this.show({ phase: 'problem', problem });
  }

  private release(): void {
    const { source } = this;
    this.source = null;
    source?.close();
    this.view = { ...this.view, element: null, stillMs: null };
  }

  private clear(): void {
    this.counts = [];
    this.sent = 0;
    this.view = { ...this.view, leftOut: null, history: NO_HISTORY };
  }

  private onChange(stream: StreamerSnapshot): void {
    const nowMs = performance.now();
    if (stream.sent !== this.sent || stream.state !== 'live') this.sentMs = nowMs;
    this.sent = stream.sent;
    const stillMs = nowMs - this.sentMs;
    this.view = { ...this.view, stream, stillMs: stillMs > STILL_MS ? stillMs : null };
    if (stream.state === 'live' && nowMs - this.beatMs >= BEAT_MS) this.beat(stream, nowMs);
    const problem = this.source === null ? null : streamProblem(stream);
    if (problem !== null) {
      this.release();
      this.view = { ...this.view, phase: 'problem', problem };
    }
    this.show({});
  }

  private beat({ fps, bytesPerSecond, sent, dropped }: StreamerSnapshot, nowMs: number) {
    this.beatMs = nowMs;
    const { history } = this.view;
    const next: History = {
      fps: pushBounded(history.fps, fps, LENGTH),
      bytes: pushBounded(history.bytes, bytesPerSecond, LENGTH),
    };
    this.counts = [...this.counts.slice(-LEFT_OUT_BEATS), { sent, dropped }];
    const first = this.counts[0] ?? { sent, dropped };
    const out = dropped - first.dropped;
    const all = out + sent - first.sent;
    this.view = { ...this.view, history: next, leftOut: all === 0 ? null : out / all };
  }

  private show(change: Partial<Snapshot>): void {
    this.view = { ...this.view, ...change };
    for (const listener of this.listeners) listener();
  }
}
