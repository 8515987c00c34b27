import {
  createRecognizer,
  type Frame,
  type FrameSink,
  type FrameSource,
  type FrameSupplier,
  type Prediction,
  type State,
} from 'sightwire';
import type { HandSight } from 'sightwire/api';
import { ownAddress } from '../base/basePath';
import { type Problem, SourceFailure } from '../capture/problem';
import { connectionOf } from './logic/connection';
import { Cuts } from './logic/cuts';
import { handView } from './logic/hands';
import { SteadyLabel } from './logic/labels';
import { problemOf } from './logic/problems';
import { Trace } from './logic/trace';
import { nextNumbers } from './numbers';
import type { Result } from './results';
import { NOTHING, type Snapshot } from './snapshot';
import { FRAME_HEIGHT, FRAME_WIDTH, type Source } from './sources/source';

/** How often the page's numbers change: often enough to be live, seldom enough to be read. */
const REFRESH_MS = 250;
/** A picture or an answer that is older than this is worth a word. */
const STALE_MS = 1500;
const USUAL_WINDOW = 10;
export const TRACE_SPAN_MS = 20_000;

const PHASES: Record<State, Snapshot['phase']> = {
  idle: 'idle',
  starting: 'starting',
  connecting: 'running',
  live: 'running',
  waiting: 'running',
  reconnecting: 'running',
  paused: 'paused',
  error: 'problem',
  closed: 'idle',
};

/**
 * What the page shows of a recogniser (`clients/js`, which does the work), outside React: results
 * that span a jump of the source left out, labels steadied, numbers with their history. React reads
 * `snapshot`; what moves faster reads `scores` and `trace` on animation frames.
 */
export class Session {
  /** Probabilities of the newest result, in the order of the model's labels. */
  scores: readonly number[] | null = null;
  /** The newest sight of hands, where the model knows hands, and when it came (`performance.now()`). */
  sight: HandSight | null = null;
  sightMs = -Infinity;
  readonly trace = new Trace(TRACE_SPAN_MS + 1000, 600);
  /** The newest result that is shown, with the viewer's threshold applied. */
  newest: Prediction | null = null;

  private view: Snapshot = NOTHING;
  private readonly listeners = new Set<() => void>();
  private readonly resultListeners = new Set<(result: Result) => void>();
  private readonly recognizer = createRecognizer({
    url: ownAddress(),
    source: null,
    width: FRAME_WIDTH,
    height: FRAME_HEIGHT,
    refreshMs: REFRESH_MS,
    worker: () => new Worker(new URL('sightwire/worker', import.meta.url), { type: 'module' }),
    onPrediction: (prediction) => this.onPrediction(prediction),
    onStatus: () => this.onStatus(),
  });
  private readonly steady = new SteadyLabel();
  private readonly cuts = new Cuts();
  /** The source has jumped since the last frame that was sent. */
  private cutPending = false;
  private source: Source | null = null;
  /** Why the source failed, where the page knows more of it than the recogniser. */
  private failure: Problem | null = null;
  private pictureMs = 0;
  /** The recogniser's numbers that are shown; it makes new ones at each refresh. */
  private measured: unknown = null;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): Snapshot => this.view;

  /** Calls back with each new result that the page shows: for what must miss none. */
  readonly onResult = (listener: (result: Result) => void): (() => void) => {
    this.resultListeners.add(listener);
    return () => this.resultListeners.delete(listener);
  };

  /** Starts with this source, or changes to it; the connection stays if there is one. */
  start(source: Source): void {
    this.source = source;
    this.failure = null;
    this.view = { ...this.view, numbers: NOTHING.numbers };
    this.recognizer.configure({ source: this.watched(source) });
    this.recognizer.start();
  }

  /** Stops and lets go of everything, here and on the server. */
  stop(): void {
    this.recognizer.stop();
    this.recognizer.configure({ source: null });
    this.source = null;
  }

  /** Asks the server for a place now instead of at the next turn. */
  retryNow(): void {
    this.recognizer.retry();
  }

  setMirror(mirror: boolean): void {
    this.recognizer.configure({ mirror });
  }

  /** The viewer's own threshold, or null for the server's. Acts on the result that is shown, too. */
  setThreshold(threshold: number | null): void {
    this.recognizer.configure({ threshold });
    const { newest } = this.recognizer;
    if (newest !== null && newest.seen === this.newest?.seen) this.read(newest);
  }

  private get windowFrames(): number {
    return this.view.model?.window ?? USUAL_WINDOW;
  }

  /** The source as the recogniser takes it, with its jumps and its pictures noted on the way. */
  private watched(source: Source): FrameSource {
    const noted = (error: unknown): unknown => {
      if (error instanceof SourceFailure && this.source === source) this.failure = error.problem;
      return error;
    };
    return {
      start: async (sink) => {
        this.cuts.reset();
        this.cutPending = true;
        this.pictureMs = performance.now();
        try {
          await source.start({
            fps: () => sink.fps(),
            frame: (frame, atMs) => this.pass(sink, frame, atMs),
            cut: () => (this.cutPending = true),
            failed: (error) => sink.failed(noted(error)),
          });
        } catch (error) {
          throw noted(error);
        }
      },
      stop: () => source.stop(),
    };
  }

  private pass(
    sink: FrameSink,
    frame: Frame | FrameSupplier,
    atMs: number | undefined,
  ): Promise<number | null> | null {
    this.pictureMs = performance.now();
    const sent = sink.frame(frame, atMs);
    if (sent === null) return null;
    const cut = this.cutPending;
    this.cutPending = false;
    return sent.then((id) => {
      if (id === null) this.cutPending ||= cut;
      else if (cut) this.cuts.add(id, this.windowFrames);
      return id;
    });
  }

  private onPrediction(prediction: Prediction): void {
    const { seen, scores } = prediction;
    if (seen !== null && !this.cuts.whole(seen, this.windowFrames)) return;
    if (scores !== null) {
      this.scores = scores;
      this.trace.add(performance.now(), scores);
    }
    if (prediction.sight !== null) {
      this.sight = prediction.sight;
      this.sightMs = performance.now();
    }
    this.read(prediction);
    const { model } = this.view;
    for (const listener of this.resultListeners) listener({ ...prediction, model });
  }

  private read(prediction: Prediction): void {
    this.newest = prediction;
    if (this.steady.update(prediction, performance.now())) {
      this.show({ label: this.steady.value, score: this.steady.score });
    }
  }

  private onStatus(): void {
    const nowMs = performance.now();
    const now = this.recognizer.getSnapshot();
    const changed = now.model !== this.view.model;
    if (changed || (now.prediction === null && this.newest !== null)) {
      this.clearReadings(now.model?.labels.length ?? 0);
    }
    this.view = { ...this.view, model: now.model };
    this.steady.update(null, nowMs);

    const phase = PHASES[now.state];
    const live = now.state === 'live';
    const open = phase === 'starting' || phase === 'running';
    let { numbers } = this.view;
    if (live && now.numbers !== this.measured) numbers = nextNumbers(numbers, now.numbers);
    if (!open) numbers = NOTHING.numbers;
    this.measured = now.numbers;
    const stale = (ageMs: number) => (ageMs > STALE_MS ? ageMs : null);
    this.show({
      phase,
      kind: phase === 'idle' ? null : (this.source?.kind ?? null),
      element: open ? (this.source?.element ?? null) : null,
      problem: now.state === 'error' && now.error !== null ? this.problem(now.error) : null,
      connection: connectionOf(now),
      label: this.steady.value,
      score: this.steady.score,
      numbers,
      pictureAgeMs: phase === 'running' ? stale(nowMs - this.pictureMs) : null,
      answerAgeMs: live ? stale(now.numbers.silentMs) : null,
      arming: this.view.model?.arming ?? false,
      hands:
        live && phase === 'running' && this.sight !== null
          ? handView(this.sight, this.view.model?.arming ?? true)
          : null,
    });
  }

  private problem(error: Parameters<typeof problemOf>[0]): Problem {
    return this.failure ?? problemOf(error);
  }

  private clearReadings(labels: number): void {
    this.scores = null;
    this.newest = null;
    this.sight = null;
    this.trace.reset(labels);
    this.steady.reset();
  }

  private show(change: Partial<Snapshot>): void {
    this.view = { ...this.view, ...change };
    for (const listener of this.listeners) listener();
  }
}
