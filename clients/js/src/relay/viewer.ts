import type { FromViewer } from '../api.js';
import { retryDelayMs } from './backoff.js';
import { ServerClock } from './clock.js';
import { Latest } from './latest.js';
import { type Overlay, readMessage, type ViewerMessage } from './viewerMessages.js';
import { type StreamView, ViewerStream } from './viewerStream.js';
import { decodePicture, type Picture, SUBPROTOCOL, viewerAddress } from './wire.js';

export interface ViewerOptions {
  /** The server (this page's origin); may have a path that a proxy puts before `/ws/`. */
  url?: string | undefined;
  /**
   * Which streams (all that are sent to the server). `*` stands for all of them, the id of a camera
   * opens that camera. One that is not there yet is waited for.
   */
  streams?: readonly string[] | undefined;
  /** Asks for what models find in the pictures, too (false). */
  overlays?: boolean | undefined;
  /** Each picture that comes. */
  onPicture?: ((picture: Picture) => void) | undefined;
  onOverlay?: ((overlay: Overlay) => void) | undefined;
  /** Each new snapshot; the same as `subscribe`. */
  onChange?: ((snapshot: ViewerSnapshot) => void) | undefined;
}

/** A new object at each change, so that it can be compared. */
export interface ViewerSnapshot {
  /**
   * `idle`: not started, stopped, or ended by an administrator. `waiting`: the connection broke or
   * was refused, and is tried again at `retryAtMs`.
   */
  state: 'idle' | 'connecting' | 'open' | 'waiting';
  /** Why it is not open, for people; null where there is nothing to say. */
  why: string | null;
  /** In `performance.now()` time. */
  retryAtMs: number | null;
  /** In the order in which they were first seen. */
  streams: readonly StreamView[];
}

/** How often numbers are renewed, and what may have grown old is looked at. */
const REFRESH_MS = 500;
const CONNECT_MS = 10_000;
const NO_WEBSOCKET = 'createViewer needs a WebSocket: a browser, or Node 22 or newer';
/** The server says something at least every 30 s. */
const SILENCE_MS = 45_000;
const ANSWER_MS = 5000;
/** A few at once, because the fastest answer knows best; later a clock only drifts. */
const ASK_FIRST_MS = 1000;
const ASK_FIRST = 4;
const ASK_LATER_MS = 15_000;
/** A connection that lasted so long was a good one. */
const GOOD_MS = 10_000;
/** For so long a stream that has ended is still shown. */
const ENDED_MS = 60_000;
const ALL = '*';

const ENDED_BY_ADMIN = 4410;

const WHY: Record<number, string> = {
  1001: 'The server is stopping or restarting',
  1013: 'The server already has its maximum number of viewers',
  4008: 'This connection was too slow, so the server ended it',
  [ENDED_BY_ADMIN]: 'An administrator ended this connection',
};

/** Makes a viewer. Nothing is connected before `start`. Throws where `url` is no address. */
export function createViewer(options: ViewerOptions = {}): Viewer {
  return new Viewer(options);
}

/**
 * Watches streams of a server over one connection, which mends itself. Of each stream the newest
 * picture is there; nothing queues.
 */
export class Viewer implements AsyncIterable<Picture> {
  #options: ViewerOptions;
  #view: ViewerSnapshot = { state: 'idle', why: null, retryAtMs: null, streams: [] };
  readonly #listeners = new Set<() => void>();
  readonly #readers = new Map<Latest, string | undefined>();
  readonly #streams = new Map<string, ViewerStream>();
  readonly #clock = new ServerClock();

  #state: ViewerSnapshot['state'] = 'idle';
  #why: string | null = null;
  #retryAtMs: number | null = null;
  #failures = 0;
  #socket: WebSocket | null = null;
  /** Ends what listens to the socket. */
  #hangUp: AbortController | null = null;
  /** What the server said before it closed. */
  #said: string | null = null;
  #dialledAtMs = 0;
  #openedAtMs = 0;
  #heardAtMs = 0;
  /** When the server was last asked for its clock, whether it still owes the answer, how often. */
  #askedAtMs = 0;
  #owed = false;
  #asked = 0;
  /** Since when there is reason to doubt that the connection is one; null without. */
  #doubtedAtMs: number | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;

  constructor(options: ViewerOptions) {
    this.#options = options;
    viewerAddress(options.url, options);
    this.#await();
    this.#publish();
  }

  readonly snapshot = (): ViewerSnapshot => this.#view;

  /** Hears of changes of state at once, and of new numbers twice a second; not of each picture. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The newest picture of a stream, right now; null before the first. */
  newest(stream: string): Picture | null {
    return this.#streams.get(stream)?.newest ?? null;
  }

  /** What was found in the newest analysed picture of a stream. */
  overlay(stream: string): Overlay | null {
    return this.#streams.get(stream)?.overlay ?? null;
  }

  start(): void {
    if (this.#state !== 'idle') return;
    this.#failures = 0;
    this.#ticker ??= setInterval(this.#tick, REFRESH_MS);
    if (typeof document !== 'undefined') document.addEventListener('visibilitychange', this.#wake);
    if (typeof window !== 'undefined') window.addEventListener('online', this.#wake);
    this.#dial();
  }

  /**
   * Ends the connection, and everybody who reads pictures. Streams stay known, but not as live;
   * `start` goes on.
   */
  stop(): void {
    this.#rest(null);
    for (const reader of [...this.#readers.keys()]) reader.end();
    this.#readers.clear();
  }

  /** Connects now instead of at the next turn. */
  retry(): void {
    if (this.#state === 'waiting') this.#dial();
    else this.start();
  }

  /** Watches other streams, or with or without overlays, from now on. */
  watch(change: Pick<ViewerOptions, 'streams' | 'overlays'>): void {
    const before = viewerAddress(this.#options.url, this.#options);
    this.#options = { ...this.#options, ...change };
    for (const id of this.#streams.keys()) if (!this.#wants(id)) this.#streams.delete(id);
    this.#await();
    const connected = this.#state === 'open' || this.#state === 'connecting';
    const same = viewerAddress(this.#options.url, this.#options) === before;
    if (connected && !same) this.#dial();
    else this.#publish();
  }

  /**
   * Pictures of one stream or of all, as they come: of each stream the newest one, what the reader
   * was too slow for is skipped. Ends with `stop`.
   */
  pictures(stream?: string): AsyncIterableIterator<Picture> {
    const reader = new Latest(() => this.#readers.delete(reader));
    this.#readers.set(reader, stream);
    return reader;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Picture> {
    return this.pictures();
  }

  #wants(id: string): boolean {
    const { streams = [ALL] } = this.#options;
    return (
      streams.includes(id) || (streams.includes(ALL) && this.#streams.get(id)?.kind !== 'camera')
    );
  }

  /** Streams that were asked for by name are waited for. */
  #await(): void {
    for (const id of this.#options.streams ?? []) if (id !== ALL) this.#stream(id);
  }

  #stream(id: string): ViewerStream {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      stream = new ViewerStream(id, performance.now());
      this.#streams.set(id, stream);
    }
    return stream;
  }

  #dial(): void {
    this.#close();
    this.#said = null;
    this.#owed = false;
    this.#asked = 0;
    this.#doubtedAtMs = null;
    this.#clock.forget();
    for (const stream of this.#streams.values()) stream.dialled();
    this.#dialledAtMs = this.#openedAtMs = this.#heardAtMs = performance.now();
    const hangUp = new AbortController();
    const { signal } = hangUp;
    if (typeof WebSocket === 'undefined') throw new Error(NO_WEBSOCKET);
    const socket = new WebSocket(viewerAddress(this.#options.url, this.#options), [SUBPROTOCOL]);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => this.#opened(), { signal });
    socket.addEventListener('message', ({ data }) => this.#heard(data), { signal });
    socket.addEventListener('close', ({ code, reason }) => this.#closed(code, reason), { signal });
    this.#socket = socket;
    this.#hangUp = hangUp;
    this.#set('connecting', this.#why);
  }

  /** Lets go of the connection and of what was planned. */
  #close(): void {
    clearTimeout(this.#retry);
    this.#retryAtMs = null;
    this.#hangUp?.abort();
    this.#socket?.close();
    this.#socket = null;
  }

  #rest(why: string | null): void {
    this.#close();
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    if (typeof document !== 'undefined') {
      document.removeEventListener('visibilitychange', this.#wake);
    }
    if (typeof window !== 'undefined') window.removeEventListener('online', this.#wake);
    this.#lose();
    this.#set('idle', why);
  }

  #opened(): void {
    this.#openedAtMs = this.#heardAtMs = performance.now();
    this.#ask();
  }

  #heard(data: unknown): void {
    const nowMs = performance.now();
    this.#heardAtMs = nowMs;
    if (data instanceof ArrayBuffer) this.#picture(data, nowMs);
    else if (typeof data === 'string') {
      const message = readMessage(data);
      if (message !== null) this.#message(message, nowMs);
    }
  }

  #picture(data: ArrayBuffer, nowMs: number): void {
    const picture = decodePicture(data);
    if (picture === null) return;
    const stream = this.#stream(picture.stream);
    const first = stream.newest === null;
    if (!stream.took(picture, nowMs, this.#clock)) return;
    this.#options.onPicture?.(picture);
    for (const [reader, only] of this.#readers) {
      if (only === undefined || only === picture.stream) reader.put(picture);
    }
    if (first) this.#publish();
  }

  #message(message: ViewerMessage, nowMs: number): void {
    switch (message.type) {
      case 'viewer_connected': {
        const there = new Set(message.streams);
        for (const id of there) if (this.#wants(id)) this.#stream(id);
        for (const stream of this.#streams.values()) stream.listed(there.has(stream.id), nowMs);
        this.#set('open', null);
        return;
      }
      case 'stream_state':
        this.#stream(message.stream).told(message, nowMs);
        this.#publish();
        return;
      case 'stream_ended':
        this.#streams.get(message.stream)?.ended(message, nowMs);
        this.#publish();
        return;
      case 'overlay': {
        const { overlay } = message;
        const stream = this.#streams.get(overlay.stream);
        if (stream?.endedAtMs !== null) return;
        stream.overlay = overlay;
        this.#options.onOverlay?.(overlay);
        return;
      }
      case 'ping':
        this.#send({ type: 'pong' });
        return;
      case 'pong':
        if (this.#owed) this.#clock.answered(this.#askedAtMs, nowMs, message.atMs);
        this.#owed = false;
        return;
      case 'error':
        this.#said = message.message;
    }
  }

  /** Asks the server for its clock, and whether it is still there. */
  #ask(): void {
    // An answer that stays away for long will not come any more.
    if (this.#owed && performance.now() - this.#askedAtMs < ANSWER_MS) return;
    this.#owed = true;
    this.#askedAtMs = performance.now();
    this.#asked += 1;
    this.#send({ type: 'ping' });
  }

  #send(message: FromViewer): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #closed(code: number, reason: string): void {
    const opened = this.#state === 'open';
    const unknown = opened
      ? 'The connection to the server was lost'
      : 'The server is not responding';
    const why = this.#said ?? WHY[code] ?? (reason === '' ? unknown : reason);
    if (code === ENDED_BY_ADMIN) this.#rest(why);
    else this.#fail(why);
  }

  /** Tries again later, and later each time. */
  #fail(why: string): void {
    const nowMs = performance.now();
    if (this.#state === 'open' && nowMs - this.#openedAtMs >= GOOD_MS) this.#failures = 0;
    this.#close();
    this.#lose();
    const delayMs = retryDelayMs(this.#failures, Math.random());
    this.#failures += 1;
    this.#retryAtMs = nowMs + delayMs;
    this.#retry = setTimeout(() => this.#dial(), delayMs);
    this.#set('waiting', why);
  }

  #lose(): void {
    const nowMs = performance.now();
    for (const stream of this.#streams.values()) stream.lost(nowMs);
  }

  readonly #tick = (): void => {
    const nowMs = performance.now();
    this.#forgetEnded(nowMs);
    if (this.#state === 'connecting' && nowMs - this.#dialledAtMs > CONNECT_MS) {
      this.#fail('The server is not responding');
      return;
    }
    if (this.#state === 'open') {
      if (this.#isSilent(nowMs)) {
        this.#fail('The server stopped responding');
        return;
      }
      const everyMs = this.#asked < ASK_FIRST ? ASK_FIRST_MS : ASK_LATER_MS;
      if (nowMs - this.#askedAtMs >= everyMs) this.#ask();
    }
    this.#publish();
  };

  /** Heard nothing for long, though it was asked, or for a while when there was reason to doubt. */
  #isSilent(nowMs: number): boolean {
    const doubted = this.#doubtedAtMs;
    if (doubted !== null && this.#heardAtMs < doubted) return nowMs - doubted > ANSWER_MS;
    return this.#owed && nowMs - this.#heardAtMs > SILENCE_MS;
  }

  #forgetEnded(nowMs: number): void {
    for (const { id, endedAtMs } of this.#streams.values()) {
      if (endedAtMs !== null && nowMs - endedAtMs > ENDED_MS) this.#streams.delete(id);
    }
    this.#await();
  }

  /** Somebody looks again, or there is a network again: whatever can be known now is asked for. */
  readonly #wake = (): void => {
    if (typeof document !== 'undefined' && document.hidden) return;
    if (this.#state === 'waiting') {
      this.#dial();
      return;
    }
    if (this.#state === 'open') {
      this.#doubtedAtMs = performance.now();
      this.#ask();
    }
    this.#tick();
  };

  #set(state: ViewerSnapshot['state'], why: string | null): void {
    this.#state = state;
    this.#why = why;
    this.#publish();
  }

  #publish(): void {
    const nowMs = performance.now();
    const streams = Array.from(this.#streams.values(), (stream) => stream.view(nowMs));
    this.#view = { state: this.#state, why: this.#why, retryAtMs: this.#retryAtMs, streams };
    this.#options.onChange?.(this.#view);
    for (const listener of this.#listeners) listener();
  }
}
