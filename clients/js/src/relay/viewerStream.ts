import { Rolling } from '../stats.js';
import type { ServerClock } from './clock.js';
import type { Kind, Mode, Overlay, ServerState, ViewerMessage } from './viewerMessages.js';
import type { Picture } from './wire.js';

/** One stream as this viewer sees it. A new object at each change, so that it can be compared. */
export interface StreamView {
  id: string;
  /** Null until the server told. */
  kind: Kind | null;
  /**
   * `waiting`: no picture yet. `live`: new pictures come. `stalled`: they have stopped, or the
   * connection to the server is lost. `frozen`: the same one comes again and again. `ended`: there
   * will be no more.
   */
  state: 'waiting' | 'live' | 'stalled' | 'frozen' | 'ended';
  /** Why, for people. */
  reason: string | null;
  /** When that began, in `performance.now()` time. */
  sinceMs: number;
  mode: Mode | null;
  /** Pictures a second that arrive here. */
  fps: number;
  /** From a picture's arrival at the server to its arrival here; null where it is not known. */
  delayMs: number | null;
  /** Pictures of the stream that never came here, altogether, and in percent of the last seconds. */
  missed: number;
  lostPercent: number;
  /** The newest one, and when it came, in `performance.now()` time. */
  picture: Picture | null;
  pictureAtMs: number | null;
  overlay: Overlay | null;
}

/** Nothing for so long is a stall, whatever the server thinks: then it is between it and us; */
const SILENT_MS = 2000;
/** where nobody knows yet how often one comes, */
const UNKNOWN_MS = 5000;
/** and a stream that usually has a picture less often gets so many of its usual intervals. */
const PATIENCE = 4;
const LONGEST_MS = 60_000;
const SPAN_MS = 3000;

export const CONNECTION_LOST = 'The connection to the server is lost.';
const NOTHING_ARRIVES = 'The server has frames, but none arrive here.';
const GONE = 'It ended while the connection to the server was lost.';

type StateMessage = Extract<ViewerMessage, { type: 'stream_state' }>;
type EndMessage = Extract<ViewerMessage, { type: 'stream_ended' }>;

/** Follows one stream: its state, its gaps, its newest picture. */
export class ViewerStream {
  readonly id: string;
  newest: Picture | null = null;
  overlay: Overlay | null = null;
  kind: Kind | null = null;
  #mode: Mode | null = null;
  #server: ServerState | 'ended' | null = null;
  #reason: string | null = null;
  /** When the server came to say so: by our clock, and by its. */
  #serverSinceMs: number;
  #serverAtMs = 0;
  #pictureAtMs: number | null = null;
  /** Between two pictures, as it usually is; null before the second. */
  #usualMs: number | null = null;
  /** A picture came since the connection was made. */
  #fresh = false;
  #connected = true;
  #lostAtMs = 0;
  /** The number of the picture before, on this connection. */
  #last: number | null = null;
  #missed = 0;
  /** For each picture that came: how many before it did not, and its delay. */
  readonly #gaps = new Rolling(SPAN_MS);
  readonly #delays = new Rolling(SPAN_MS);
  #view: StreamView | null = null;

  constructor(id: string, nowMs: number) {
    this.id = id;
    this.#serverSinceMs = nowMs;
  }

  /** Whether it was taken: one that was under way while its stream ended is not. */
  took(picture: Picture, nowMs: number, clock: ServerClock): boolean {
    const { capturedAtMs } = picture;
    const server = this.#server;
    if (server === null) this.#set('running', null, nowMs, capturedAtMs);
    else if (server !== 'running' && server !== 'frozen') {
      const newer = capturedAtMs > this.#serverAtMs;
      if (server === 'ended') {
        if (!newer) return false;
        this.#beginAnew();
      }
      if (newer) this.#set('running', null, nowMs, capturedAtMs);
    }
    const { sequence } = picture;
    // One that began anew counts anew.
    const gap = this.#last === null ? 0 : Math.max(0, sequence - this.#last - 1);
    this.#last = sequence;
    this.#missed += gap;
    this.#gaps.add(nowMs, gap);
    const delayMs = clock.ageMs(capturedAtMs, nowMs);
    if (delayMs !== null) this.#delays.add(nowMs, delayMs);
    this.newest = picture;
    if (this.#fresh && this.#pictureAtMs !== null) {
      const intervalMs = nowMs - this.#pictureAtMs;
      this.#usualMs = (this.#usualMs ?? intervalMs) * 0.9 + intervalMs * 0.1;
    }
    this.#pictureAtMs = nowMs;
    this.#fresh = true;
    return true;
  }

  told(message: StateMessage, nowMs: number): void {
    if (this.#server === 'ended') this.#beginAnew();
    this.kind = message.kind;
    this.#mode = message.mode;
    this.#set(message.state, message.reason, nowMs - message.sinceMs, message.atMs);
  }

  ended({ reason, atMs }: Pick<EndMessage, 'reason' | 'atMs'>, nowMs: number): void {
    if (this.#server !== 'ended') this.#set('ended', reason, nowMs, atMs);
    this.overlay = null;
  }

  /** What the server says after connecting: whether a stream that is sent to it is there. */
  listed(there: boolean, nowMs: number): void {
    this.#connected = true;
    if (there) {
      if (this.#server === 'ended') this.#beginAnew();
    } else if (this.kind !== 'camera' && this.#server !== null && this.#server !== 'ended') {
      this.ended({ reason: GONE, atMs: 0 }, nowMs);
    }
  }

  /** Another connection: what passes meanwhile was not missed by it, and it may bring no overlays. */
  dialled(): void {
    this.#last = null;
    this.overlay = null;
  }

  /** The connection to the server is gone: whatever was seen last is old from now on. */
  lost(nowMs: number): void {
    if (this.#connected) this.#lostAtMs = nowMs;
    this.#connected = false;
    this.#fresh = false;
    this.overlay = null;
  }

  /** Since when it is over; null while it is not. */
  get endedAtMs(): number | null {
    return this.#server === 'ended' ? this.#serverSinceMs : null;
  }

  view(nowMs: number): StreamView {
    const seen = this.#seen(nowMs);
    const gap = this.#gaps.mean(nowMs) ?? 0;
    const next: StreamView = {
      ...{ id: this.id, kind: this.kind, mode: this.#mode },
      ...seen,
      fps: this.#gaps.perSecond(nowMs),
      delayMs: this.#delays.mean(nowMs),
      missed: this.#missed,
      lostPercent: (100 * gap) / (gap + 1),
      picture: this.newest,
      pictureAtMs: this.#pictureAtMs,
      overlay: this.overlay,
    };
    this.#view = this.#view !== null && same(this.#view, next) ? this.#view : next;
    return this.#view;
  }

  get #patienceMs(): number {
    if (this.#usualMs === null) return UNKNOWN_MS;
    return Math.min(LONGEST_MS, Math.max(SILENT_MS, PATIENCE * this.#usualMs));
  }

  #seen(nowMs: number): Pick<StreamView, 'state' | 'reason' | 'sinceMs'> {
    const atMs = this.#pictureAtMs;
    const say = (state: StreamView['state'], reason: string | null, sinceMs: number) => ({
      state,
      reason,
      sinceMs,
    });
    const server = this.#server;
    if (server === 'ended') return say('ended', this.#reason, this.#serverSinceMs);
    if (!this.#connected) {
      return atMs === null
        ? say('waiting', null, this.#serverSinceMs)
        : say('stalled', CONNECTION_LOST, this.#lostAtMs);
    }
    if (server === 'frozen' || server === 'stalled') {
      return say(server, this.#reason, this.#serverSinceMs);
    }
    if (atMs === null) return say('waiting', this.#reason, this.#serverSinceMs);
    if (server === 'starting') return say('stalled', this.#reason, this.#serverSinceMs);
    if (!this.#fresh) return say('stalled', null, atMs);
    if (nowMs - atMs > this.#patienceMs) return say('stalled', NOTHING_ARRIVES, atMs);
    return say('live', null, this.#serverSinceMs);
  }

  #set(state: ServerState | 'ended', reason: string | null, sinceMs: number, atMs: number): void {
    this.#server = state;
    this.#reason = reason;
    this.#serverSinceMs = sinceMs;
    this.#serverAtMs = atMs;
  }

  /** The name is used again: what is known of the one before says nothing about this one. */
  #beginAnew(): void {
    this.#server = null;
    this.#reason = null;
    this.newest = null;
    this.#pictureAtMs = null;
    this.#usualMs = null;
    this.#fresh = false;
    this.#last = null;
    this.#missed = 0;
  }
}

function same(a: StreamView, b: StreamView): boolean {
  return (Object.keys(b) as (keyof StreamView)[]).every((key) => Object.is(a[key], b[key]));
}
