import type { HandSight } from './api.js';
import { sizeOf } from './encoder.js';
import { RecognizerError } from './errors.js';
import { decide, NONE } from './labels.js';
import { type Answer, type Connection, type FrameBytes, Link, type Model } from './link.js';
import { Meters, NO_NUMBERS, type Numbers } from './meters.js';
import { Pipeline } from './pipeline.js';
import {
  type Frame,
  type FrameSource,
  isStream,
  pullSource,
  type Source,
  StreamSource,
  videoSource,
} from './sources.js';

/** All can be changed at any time with `configure`. */
export interface Settings {
  /**
   * The server (this page's origin); may have a path that a proxy puts before `/socket.io/`. Another
   * one is connected to at once.
   */
  url?: string | undefined;
  /** Where frames come from (`'camera'`); null: it is awaited, and nothing is held meanwhile. */
  source?: Source | null | undefined;
  /** Which camera, as for `getUserMedia`: `{ facingMode: 'user' }`. Acts at the next start. */
  camera?: MediaTrackConstraints | undefined;
  /** Frames a second at most (25). */
  fps?: number | undefined;
  /** Size of what is sent, in pixels (640 × 480): the centre of a picture of another shape. */
  width?: number | undefined;
  height?: number | undefined;
  format?: 'jpeg' | 'png' | undefined;
  /** Of the JPEG, 0 to 1 (0.8). */
  quality?: number | undefined;
  /** Left and right change places before sending (false). */
  mirror?: boolean | undefined;
  /** A threshold of your own, 0 to 1, instead of the server's (null). Needs `extras` to lower it. */
  threshold?: number | null | undefined;
  /**
   * Asks the server for the model's facts, all scores, and results as soon as they are known (true).
   * Acts at the next start.
   */
  extras?: boolean | undefined;
  /** How often the numbers and the score of an unchanged label are renewed (500); 0: each result. */
  refreshMs?: number | undefined;
  /**
   * While the page is hidden: `'pause'` gives the camera and the place on the server back after 2 s
   * and returns by itself; `'keep'` keeps both, although browsers let hardly a frame through.
   */
  whenHidden?: 'pause' | 'keep' | undefined;
  /** Makes the worker that encodes, where a content security policy forbids `blob:` workers. */
  worker?: (() => Worker) | undefined;
  /** Each new result, up to `fps` times a second. */
  onPrediction?: ((prediction: Prediction) => void) | undefined;
}

export interface RecognizerOptions extends Settings {
  /** Each new snapshot; the same as `subscribe`. */
  onStatus?: ((snapshot: Snapshot) => void) | undefined;
  /** Closes the recogniser when aborted. */
  signal?: AbortSignal | undefined;
}

export interface Prediction {
  /** `none` below the threshold. */
  label: string;
  /** Probability of the likeliest class, 0 to 1. */
  score: number;
  /** Probabilities of all classes in the order of `model.labels`; null without `extras`. */
  scores: readonly number[] | null;
  /** Id of the newest frame that it has seen; null where the server does not say. */
  seen: number | null;
  /** From sending that frame to this result; null where it is not known. */
  delayMs: number | null;
  /** When it came, in `Date.now()` time. */
  atMs: number;
  /** What was seen of hands, where the model knows hands; null elsewhere, and without `extras`. */
  sight: HandSight | null;
}

export type State =
  /** Not started, or stopped: nothing runs, nothing is held. */
  | 'idle'
  /** The source is awaited or opened; the browser may be asking for the camera. */
  | 'starting'
  | 'connecting'
  | 'live'
  /** The server sent us away (at capacity); asks again at `retryAtMs`. */
  | 'waiting'
  | 'reconnecting'
  /** Given back while the page is hidden. */
  | 'paused'
  /** Ended by `error`; nothing runs until `start`. */
  | 'error'
  /** For good. */
  | 'closed';

/** A new object at each change, so that it can be compared. */
export interface Snapshot {
  state: State;
  /** Why it ended (`error`), or is not live at the moment (`waiting`, `reconnecting`); else null. */
  error: RecognizerError | null;
  /** While `waiting`: when the server is asked again, in `performance.now()` time; null: right now. */
  retryAtMs: number | null;
  /** While `reconnecting`: how many tries have failed. */
  attempt: number;
  /** Null until the server told, and without `extras`. */
  model: Model | null;
  /** The newest result, as of the last change or refresh; null before the first and when not live. */
  prediction: Prediction | null;
  numbers: Numbers;
}

export const IDLE: Snapshot = {
  state: 'idle',
  error: null,
  retryAtMs: null,
  attempt: 0,
  model: null,
  prediction: null,
  numbers: NO_NUMBERS,
};

/** A page that is hidden for longer gives camera and place back. Switching tabs quickly does not. */
const HIDDEN_GRACE_MS = 2000;
const REFRESH_MS = 500;
const USUAL_WINDOW = 10;

type Phase = Exclude<State, 'connecting' | 'live' | 'waiting' | 'reconnecting'> | 'running';

/** Makes a recogniser. Nothing is opened or connected before `start`. */
export function createRecognizer(options: RecognizerOptions = {}): Recognizer {
  return new Recognizer(options);
}

/**
 * The whole way from a source's pictures to labels: source → pacer → encoder → server → result.
 * Nothing queues: a picture that cannot leave at once is dropped.
 */
export class Recognizer {
  #options: RecognizerOptions;
  #view = IDLE;
  #phase: Phase = 'idle';
  #error: RecognizerError | null = null;
  readonly #listeners = new Set<() => void>();
  /** Told of every result, too. */
  readonly #wakers = new Set<() => void>();
  #meters = new Meters();
  readonly #pipeline: Pipeline<FrameBytes>;
  #link: Link | null = null;
  #screen: HTMLVideoElement | null = null;
  #newestSeen = -1;
  #newest: Prediction | null = null;
  /** The newest result as the server sent it. */
  #last: Answer | null = null;
  #refresh: ReturnType<typeof setInterval> | undefined;
  #hiddenTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RecognizerOptions = {}) {
    this.#options = { ...options };
    this.#pipeline = new Pipeline({
      fps: () => this.#options.fps ?? 25,
      opening: () => this.#update(),
      opened: () => this.#run(),
      room: () => this.#room(),
      dropped: () => this.#meters.dropped(),
      encode: (frame) => this.#encode(frame),
      send: (bytes) => this.#send(bytes),
      failed: (error) => this.#fail(error),
    });
    const { onStatus, signal } = options;
    if (onStatus !== undefined) this.subscribe(() => onStatus(this.#view));
    if (signal?.aborted === true) this.close();
    signal?.addEventListener('abort', () => this.close(), { once: true });
  }

  /** Calls back at each change of the snapshot; returns how to end that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): Snapshot => this.#view;

  /** The newest result, without waiting for a refresh. */
  get newest(): Prediction | null {
    return this.#newest;
  }

  /** What the camera or stream shows, for a `<video>` of your own; see also `attach`. */
  get stream(): MediaStream | null {
    const { source } = this.#pipeline;
    return source instanceof StreamSource ? source.stream : null;
  }

  /** Starts, or starts again after `stop` or an error. Does nothing while it runs. */
  start(): void {
    if (this.#phase === 'closed') throw new Error('this recogniser is closed; create a new one');
    if (this.#on) return;
    this.#meters = new Meters();
    this.#listen();
    this.#begin();
  }

  /** Gives everything back, here and on the server. `start` begins again. */
  stop(): void {
    if (this.#phase !== 'closed') this.#end('idle', { numbers: NO_NUMBERS });
  }

  /** Stops for good; subscribers are told a last time. */
  close(): void {
    if (this.#phase === 'closed') return;
    this.#end('closed', { numbers: NO_NUMBERS });
    this.#listeners.clear();
  }

  /** Shows the camera or stream in this element; null takes it back. */
  attach(video: HTMLVideoElement | null): void {
    this.#screen = video;
    const { source } = this.#pipeline;
    if (source instanceof StreamSource) source.show(video);
  }

  /** Changes settings, while it runs, too. Another source keeps the connection. */
  configure(settings: Settings): void {
    const before = this.#options;
    const next = { ...before, ...settings };
    this.#options = next;
    const changed = (key: keyof Settings) => next[key] !== before[key];
    if (changed('fps')) this.#pipeline.pace();
    if (changed('refreshMs') && this.#refresh !== undefined) this.#tickAgain();
    // Another function only takes the place of the one before.
    const supplied = typeof next.source === 'function' && typeof before.source === 'function';
    if (this.#on && (changed('url') || (changed('source') && !supplied))) {
      if (changed('url')) this.#hangUp();
      this.#begin();
    }
    if (!changed('threshold') || this.#last === null || this.#newest === null) return;
    this.#newest = { ...this.#newest, ...this.#decide(this.#last) };
    this.#update();
  }

  /** Asks the server for a place now instead of at the next turn. */
  retry(): void {
    if (this.#phase === 'running') this.#link?.open();
  }

  /**
   * The results as they come: `for await (const { label } of recognizer)`. One that is not fetched
   * before the next is left out. Ends with `close`; throws where it ends with an error.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Prediction, void> {
    let told = this.#newest;
    let wake = (): void => undefined;
    const waker = () => wake();
    this.#wakers.add(waker);
    try {
      while (this.#phase !== 'closed') {
        const newest = this.#newest;
        if (this.#error !== null) throw this.#error;
        if (newest !== null && newest !== told) {
          told = newest;
          yield newest;
        } else {
          await new Promise<void>((next) => (wake = next));
        }
      }
    } finally {
      this.#wakers.delete(waker);
    }
  }

  get #on(): boolean {
    return this.#phase === 'starting' || this.#phase === 'running';
  }

  /** Opens the source, and the connection once it is there: who is still asked for takes no place. */
  #begin(): void {
    this.#pipeline.stop();
    this.#forget();
    this.#error = null;
    this.#phase = 'starting';
    this.#tickAgain();
    const { url, extras = true, source } = this.#options;
    if (source === null) {
      this.#hangUp();
      this.#update();
      return;
    }
    let given: FrameSource;
    try {
      this.#link ??= new Link(url, extras, {
        connection: (connection) => this.#onConnection(connection),
        model: (model) => {
          this.#forget();
          this.#update({ model });
        },
        prediction: (answer) => {
          this.#meters.answered(answer.id, performance.now());
          this.#onResult(answer);
        },
        result: (answer) => this.#onResult(answer),
      });
      given = this.#makeSource(source ?? 'camera');
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#pipeline.start(given);
  }

  #makeSource(source: Source): FrameSource {
    if (source === 'camera') return new StreamSource(this.#options.camera ?? {}, this.#screen);
    if (typeof source === 'function') {
      return pullSource(() => {
        const now = this.#options.source;
        return typeof now === 'function' ? now() : null;
      });
    }
    if (isStream(source)) return new StreamSource(source, this.#screen);
    if ('start' in source) return source;
    return videoSource(source);
  }

  /** The source is there. */
  #run(): void {
    if (this.#phase !== 'starting') return;
    this.#phase = 'running';
    if (this.#link?.connection.state === 'off') this.#link.open();
    else this.#update();
  }

  #room(): 'free' | 'full' | null {
    const link = this.#link;
    if (link?.connection.state !== 'live' || (this.#pauses && document.hidden)) return null;
    const free =
      link.ready && this.#meters.frames.free(performance.now(), this.#pipeline.targetFps);
    return free ? 'free' : 'full';
  }

  #send(bytes: FrameBytes): number | null {
    const link = this.#link;
    if (link?.ready !== true) return null;
    const id = this.#meters.sent(performance.now());
    link.send(id, bytes);
    return id;
  }

  async #encode(frame: Frame): Promise<FrameBytes | null> {
    if (typeof frame === 'string' || frame instanceof ArrayBuffer || ArrayBuffer.isView(frame)) {
      return frame;
    }
    if (frame instanceof Blob) return frame.arrayBuffer();
    if (sizeOf(frame).includes(0)) return null;
    const options = this.#options;
    return this.#pipeline.encoder(options.worker).encode(frame, {
      width: options.width ?? 640,
      height: options.height ?? 480,
      format: options.format ?? 'jpeg',
      quality: options.quality ?? 0.8,
      mirror: options.mirror ?? false,
    });
  }

  #onConnection(connection: Connection): void {
    if (connection.state === 'live') {
      this.#meters.frames.restart();
      this.#pipeline.pace();
    } else {
      this.#forget();
    }
    this.#update();
  }

  #onResult(answer: Answer): void {
    if (this.#pipeline.source === null) return;
    const { label, score, seen, scores = null } = answer;
    const { model } = this.#view;
    // A window that was finished by the model before.
    if (model !== null && scores !== null && scores.length !== model.labels.length) return;
    const known = typeof seen === 'number';
    // `none` with a score of 0 is the time before the first result of a model.
    const fresh = known ? seen > this.#newestSeen : label !== NONE || score > 0;
    if (!fresh) return;
    let delayMs: number | null = null;
    if (known) {
      this.#newestSeen = seen;
      const window = model?.window ?? USUAL_WINDOW;
      delayMs = this.#meters.result(seen, window, performance.now());
    }
    this.#last = answer;
    const newest: Prediction = {
      ...this.#decide(answer),
      scores,
      seen: seen ?? null,
      delayMs,
      atMs: Date.now(),
      sight: answer.sight ?? null,
    };
    this.#newest = newest;
    const changed = newest.label !== this.#view.prediction?.label;
    this.#options.onPrediction?.(newest);
    if (changed || this.#options.refreshMs === 0) this.#update();
    else for (const wake of this.#wakers) wake();
  }

  #decide(answer: Answer): Pick<Prediction, 'label' | 'score'> {
    const { model } = this.#view;
    return decide(answer, answer.scores ?? null, model, this.#options.threshold ?? null);
  }

  #forget(): void {
    this.#newest = null;
    this.#last = null;
    this.#newestSeen = -1;
  }

  #fail(error: unknown): void {
    const known =
      error instanceof RecognizerError
        ? error
        : new RecognizerError(
            'source-failed',
            'The video source failed',
            'Check the cause, then start again.',
            error,
          );
    this.#error = known;
    this.#end('error');
  }

  /** Lets go of everything; only a pause listens on. */
  #end(phase: Phase, change: Partial<Snapshot> = {}): void {
    this.#phase = phase;
    if (phase !== 'error') this.#error = null;
    clearInterval(this.#refresh);
    this.#refresh = undefined;
    clearTimeout(this.#hiddenTimer);
    if (phase !== 'paused') this.#unlisten();
    this.#pipeline.stop();
    this.#forget();
    this.#hangUp();
    this.#update(change);
  }

  #hangUp(): void {
    const link = this.#link;
    this.#link = null;
    link?.close();
  }

  get #pauses(): boolean {
    return typeof document !== 'undefined' && this.#options.whenHidden !== 'keep';
  }

  #listen(): void {
    if (typeof document === 'undefined') return;
    document.addEventListener('visibilitychange', this.#onVisibility);
    addEventListener('pagehide', this.#onLeave);
  }

  #unlisten(): void {
    if (typeof document === 'undefined') return;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    removeEventListener('pagehide', this.#onLeave);
  }

  readonly #onVisibility = (): void => {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) {
      if (this.#pauses) this.#hiddenTimer = setTimeout(this.#onLeave, HIDDEN_GRACE_MS);
    } else if (this.#phase === 'paused') {
      this.#begin();
    }
  };

  readonly #onLeave = (): void => {
    if (this.#on) this.#end('paused', { numbers: NO_NUMBERS });
  };

  #tickAgain(): void {
    const { refreshMs = 0 } = this.#options;
    clearInterval(this.#refresh);
    this.#refresh = setInterval(
      () => {
        if (this.#phase !== 'running') return;
        this.#update({ numbers: this.#meters.read(performance.now(), this.#pipeline.targetFps) });
      },
      refreshMs > 0 ? refreshMs : REFRESH_MS,
    );
  }

  #update(change: Partial<Snapshot> = {}): void {
    this.#view = { ...this.#view, ...change, ...this.#standing(), prediction: this.#newest };
    for (const listener of this.#listeners) listener();
    for (const wake of this.#wakers) wake();
  }

  #standing(): Pick<Snapshot, 'state' | 'error' | 'retryAtMs' | 'attempt'> {
    const stand = { error: this.#error, retryAtMs: null, attempt: 0 };
    if (this.#phase !== 'running') return { ...stand, state: this.#phase };
    const connection = this.#link?.connection;
    switch (connection?.state) {
      case 'live':
        return { ...stand, state: 'live' };
      case 'waiting':
      case 'reconnecting':
        return { ...stand, ...connection };
      default:
        return { ...stand, state: 'connecting' };
    }
  }
}
