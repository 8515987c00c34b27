import { createEncoder, type Encoder, type Picture } from './encoder';
import { type Answer, Link, type Model } from './link';
import { Cuts } from './logic/cuts';
import { decide, NONE, type Reading, SteadyLabel } from './logic/labels';
import type { Connection } from './logic/connection';
import { Pacer } from './logic/pacer';
import { encoderProblem, type Problem } from './logic/problems';
import { Trace } from './logic/trace';
import { Meters } from './numbers';
import { NOTHING, type Snapshot } from './snapshot';
import { type Source, SourceFailure } from './sources/source';

const FPS = 25;
/** How often the page's numbers change: often enough to be live, seldom enough to be read. */
const REFRESH_MS = 250;
/** A picture or an answer that is older than this is worth a word. */
const STALE_MS = 1500;
/** A page that is hidden for longer gives camera and place back. Switching tabs quickly does not. */
const HIDDEN_GRACE_MS = 2000;
const MOST_ENCODE_FAILURES = 10;
export const TRACE_SPAN_MS = 20_000;

/**
 * The whole way from a source's pictures to the label, outside React: source → pacer → encoder →
 * link → meters. React reads `snapshot`; what moves faster reads `scores` and `trace` on animation
 * frames.
 */
export class Session {
  /** Probabilities of the newest result, in the order of the model's labels. */
  scores: readonly number[] | null = null;
  readonly trace = new Trace(TRACE_SPAN_MS + 1000, 600);
  /** The newest result as it came, with the viewer's threshold applied. */
  newest: Reading | null = null;

  private view: Snapshot = NOTHING;
  private readonly listeners = new Set<() => void>();
  private readonly link = new Link({
    connection: (connection) => this.onConnection(connection),
    model: (model) => this.onModel(model),
    prediction: (answer) => this.onPrediction(answer),
    result: (answer) => this.onAnswer(answer, performance.now()),
  });
  private readonly pacer = new Pacer(FPS);
  private readonly meters = new Meters();
  private readonly steady = new SteadyLabel();
  private source: Source | null = null;
  private encoder: Encoder | null = null;
  private encoding = false;
  private encodeFailures = 0;
  private nextId = 1;
  private newestSeen = -1;
  private readonly cuts = new Cuts();
  /** The source has jumped since the last frame that was sent. */
  private cutPending = false;
  private last: { reading: Reading; scores: readonly number[] | null } | null = null;
  private pictureMs = 0;
  private answerMs = 0;
  private refresh: ReturnType<typeof setInterval> | undefined;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private mirror = false;
  private threshold: number | null = null;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): Snapshot => this.view;

  /** Starts with this source, or changes to it; the connection stays if there is one. */
  start(source: Source): void {
    this.dropSource();
    this.source = source;
    this.clearReadings();
    this.meters.reset();
    document.addEventListener('visibilitychange', this.onVisibility);
    window.addEventListener('pagehide', this.release);
    clearInterval(this.refresh);
    this.refresh = setInterval(() => this.tick(), REFRESH_MS);
    this.show({ problem: null, numbers: NOTHING.numbers });
    void this.openSource(source);
  }

  /** Stops and lets go of everything, here and on the server. */
  stop(): void {
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.removeEventListener('pagehide', this.release);
    clearTimeout(this.hiddenTimer);
    clearInterval(this.refresh);
    this.dropSource();
    this.link.close();
    this.meters.reset();
    this.clearReadings();
    this.show({ ...NOTHING, model: this.view.model });
  }

  /** Asks the server for a place now instead of at the next turn. */
  retryNow(): void {
    if (this.source !== null) this.link.open();
  }

  setMirror(mirror: boolean): void {
    this.mirror = mirror;
  }

  /** The viewer's own threshold, or null for the server's. Acts on the answer that is shown, too. */
  setThreshold(threshold: number | null): void {
    this.threshold = threshold;
    if (this.last !== null) this.read(this.last.reading, this.last.scores, performance.now());
  }

  private get windowFrames(): number {
    return this.view.model?.window ?? 10;
  }

  private async openSource(source: Source): Promise<void> {
    this.pacer.reset();
    this.cuts.reset();
    this.pictureMs = 0;
    this.show({ phase: 'starting', kind: source.kind, element: source.element });
    try {
      await source.start({
        picture: (picture, atMs, cut) => {
          if (this.source === source) this.onPicture(picture, atMs, cut);
        },
        problem: (problem) => {
          if (this.source === source) this.fail(problem);
        },
      });
    } catch (error) {
      if (this.source !== source) return;
      if (error instanceof SourceFailure) this.fail(error.problem);
      else throw error;
    }
  }

  /** Ends with a problem: nothing keeps running behind it. */
  private fail(problem: Problem): void {
    const { kind } = this.view;
    this.stop();
    this.show({ phase: 'problem', kind, problem });
  }

  private dropSource(): void {
    this.source?.stop();
    this.source = null;
    this.encoder?.close();
    this.encoder = null;
    this.encodeFailures = 0;
  }

  private onPicture(picture: Picture, atMs: number, cut: boolean): void {
    this.cutPending ||= cut;
    this.pictureMs = performance.now();
    if (this.view.phase === 'starting') {
      this.show({ phase: 'running' });
      // Only now: a person who is still asked for the camera takes no place on the server.
      if (this.view.connection.state === 'idle') this.link.open();
    }
    const free = this.meters.flight.free(this.pictureMs);
    if (document.hidden || this.encoding || !free || !this.link.ready) return;
    if (this.pacer.take(atMs)) void this.send(picture);
  }

  private async send(picture: Picture): Promise<void> {
    const { source } = this;
    const encoder = (this.encoder ??= createEncoder());
    this.encoding = true;
    try {
      const jpeg = await encoder.encode(picture, this.mirror);
      this.encodeFailures = 0;
      if (this.source !== source || this.encoder !== encoder || !this.link.ready) return;
      const id = this.nextId++;
      if (this.cutPending) this.cuts.add(id, this.windowFrames);
      this.cutPending = false;
      this.link.send(id, jpeg);
      this.meters.sent(id, performance.now());
    } catch (error) {
      // One picture may be lost, for example while a video begins anew; not one after the other.
      this.encodeFailures += 1;
      const current = this.source === source && this.encoder === encoder;
      if (current && this.encodeFailures >= MOST_ENCODE_FAILURES) this.fail(encoderProblem(error));
    } finally {
      this.encoding = false;
    }
  }

  private onConnection(connection: Connection): void {
    if (connection.state === 'live') {
      this.meters.restart();
      this.answerMs = performance.now();
    } else {
      this.clearReadings();
    }
    this.show({ connection });
  }

  private onModel(model: Model): void {
    this.clearReadings();
    this.show({ model });
  }

  private onPrediction(answer: Answer): void {
    const nowMs = performance.now();
    this.meters.answered(answer.id, nowMs);
    this.onAnswer(answer, nowMs);
  }

  private onAnswer(answer: Answer, nowMs: number): void {
    this.answerMs = nowMs;
    if (this.source === null) return;
    const { label, score, seen } = answer;
    const scores = answer.scores ?? null;
    // Without `seen` (not asked for, or an older server) every answer may be a new result.
    // Null is the time before the first result.
    const fresh = seen === undefined || (seen === null ? label !== NONE : seen > this.newestSeen);
    if (typeof seen === 'number' && fresh) {
      this.newestSeen = seen;
      this.meters.result(seen, this.windowFrames, nowMs);
      if (!this.cuts.whole(seen, this.windowFrames)) return;
    }
    if (scores !== null && fresh) {
      this.scores = scores;
      this.trace.add(nowMs, scores);
    }
    if (fresh) this.read({ label, score }, scores, nowMs);
  }

  private read(reading: Reading, scores: readonly number[] | null, nowMs: number): void {
    this.last = { reading, scores };
    this.newest = decide(reading, scores, this.view.model?.labels ?? [], this.threshold);
    if (this.steady.update(this.newest.label, nowMs)) {
      this.show({ label: this.steady.value, score: this.shownScore() });
    }
  }

  private shownScore(): number | null {
    const at = this.view.model?.labels.indexOf(this.steady.value ?? '') ?? -1;
    return this.scores?.[at] ?? this.newest?.score ?? null;
  }

  private clearReadings(): void {
    this.scores = null;
    this.newest = null;
    this.last = null;
    this.newestSeen = -1;
    this.trace.reset(this.view.model?.labels.length ?? 0);
    this.steady.reset();
    this.view = { ...this.view, label: null, score: null };
  }

  private tick(): void {
    const nowMs = performance.now();
    this.steady.update(null, nowMs);
    const age = (sinceMs: number) => (nowMs - sinceMs > STALE_MS ? nowMs - sinceMs : null);
    const { phase, connection } = this.view;
    const running = phase === 'running';
    const waiting = running && connection.state === 'live' && this.meters.flight.size > 0;
    this.show({
      label: this.steady.value,
      score: this.shownScore(),
      numbers: connection.state === 'live' ? this.meters.read(nowMs) : this.view.numbers,
      pictureAgeMs: running ? age(this.pictureMs) : null,
      answerAgeMs: waiting ? age(this.answerMs) : null,
    });
  }

  private readonly onVisibility = (): void => {
    clearTimeout(this.hiddenTimer);
    if (document.hidden) {
      this.hiddenTimer = setTimeout(this.release, HIDDEN_GRACE_MS);
    } else if (this.view.phase === 'paused' && this.source !== null) {
      this.refresh = setInterval(() => this.tick(), REFRESH_MS);
      void this.openSource(this.source);
    }
  };

  /** Gives back camera, memory and the place on the server, and remembers only what to reopen. */
  private readonly release = (): void => {
    const { source } = this;
    if (source === null || this.view.phase === 'paused') return;
    clearInterval(this.refresh);
    this.dropSource();
    this.source = source;
    this.link.close();
    this.meters.reset();
    this.clearReadings();
    this.show({ phase: 'paused', element: null, numbers: NOTHING.numbers });
  };

  private show(change: Partial<Snapshot>): void {
    this.view = { ...this.view, ...change };
    for (const listener of this.listeners) listener();
  }
}
