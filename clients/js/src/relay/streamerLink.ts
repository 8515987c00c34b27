import type { SenderHello, StreamStats as Counted, ToSender } from '../api.js';
import { retryDelayMs } from './backoff.js';
import { type Farewell, farewell } from './streamerWords.js';
import type { Mode, Unchecked } from './viewerMessages.js';
import { SUBPROTOCOL } from './wire.js';

interface Trouble {
  /** Why it is not live, as a sentence. */
  why: string;
  /** The technical reason, for whoever is asked for help. */
  cause: string;
  /** The WebSocket close code; null where there was none. */
  code: number | null;
}

/** Where the connection of a streamer stands. */
export type Standing =
  | { state: 'off' }
  /** `before`: why there was a connection before this one, or a failed try. */
  | { state: 'connecting'; before: Trouble | null }
  /** `warning`: the server's, until a picture leaves. */
  | { state: 'live'; warning: string | null }
  /** Tries again at `retryAtMs` in `performance.now()` time; null: with the next picture. */
  | ({ state: 'waiting'; retryAtMs: number | null } & Trouble)
  /** Not tried again by itself. */
  | ({ state: 'refused' | 'ended' } & Trouble);

/** What the server counts: who watches, and what it made of the pictures. */
export type StreamStats = Omit<Counted, 'type'>;

export interface StreamerLinkEvents {
  changed: () => void;
  stats: (stats: StreamStats) => void;
  sent: (bytes: number) => void;
  /** A picture was left out, for a newer one was there before it could leave. */
  dropped: () => void;
}

/** A picture as it is sent. */
export type Message = Uint8Array<ArrayBuffer> | Blob | string;

/** The server asks a connection that is in the way for a sign of life first, which takes 2 s. */
const HANDSHAKE_MS = 10_000;
const DRAIN_MS = 10;
const BEAT_MS = 2000;
/** Between two pings that follow pictures. */
const PING_MS = 100;
/**
 * What waits in the system's own buffers shows only in how late answers come: so much later than the
 * way there and back takes.
 */
const BEHIND_MS = 500;
const DEAD_MS = 10_000;
/** A connection that lasted for so long was a good one: failures are counted anew. */
const GOOD_MS = 5000;
/** For so long a stream may still be taken by this streamer's own last connection. */
const OURS_MS = 10_000;

/**
 * The connection of one streamer: handshake, sign of life, retries. Holds one picture at most: a
 * newer one takes its place, and it leaves as soon as the socket's buffer is empty.
 */
export class StreamerLink {
  readonly address: string;
  readonly #events: StreamerLinkEvents;
  #mode: Mode;
  #standing: Standing = { state: 'off' };
  #socket: WebSocket | null = null;
  #next: Message | null = null;
  #failures = 0;
  /** What the server said before it closed. */
  #said: string | null = null;
  #liveSinceMs: number | null = null;
  /** When this stream was last ours; it may not have noticed the end of that. */
  #oursMs = -Infinity;
  #wasOurs = false;
  #heardMs = 0;
  /** When the newest ping was sent, when those were that are not answered yet, the quickest answer. */
  #pingMs = -Infinity;
  #unanswered: number[] = [];
  #wayMs = Infinity;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #handshake: ReturnType<typeof setTimeout> | undefined;
  #drain: ReturnType<typeof setTimeout> | undefined;
  #beat: ReturnType<typeof setInterval> | undefined;

  constructor(address: string, mode: Mode, events: StreamerLinkEvents) {
    this.address = address;
    this.#mode = mode;
    this.#events = events;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** The server hears of it only at the beginning: another one needs another connection. */
  set mode(mode: Mode) {
    if (mode === this.#mode) return;
    this.#mode = mode;
    const { state } = this.#standing;
    if (state !== 'live' && state !== 'connecting') return;
    this.close();
    this.open();
  }

  /** Connects, or tries again now. Does nothing while a connection is there or being made. */
  open(): void {
    const before = this.#standing;
    if (before.state === 'live' || before.state === 'connecting') return;
    clearTimeout(this.#retry);
    if (before.state !== 'waiting') {
      this.#failures = 0;
      this.#wasOurs = performance.now() - this.#oursMs < OURS_MS;
      addEventListenerIfAny('online', this.#onOnline);
    }
    this.#said = null;
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.address, SUBPROTOCOL);
    } catch (error) {
      this.#lost(null, String(error));
      return;
    }
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    const mine = () => this.#socket === socket;
    socket.addEventListener('open', () => {
      if (mine()) socket.send(JSON.stringify({ analysis_mode: this.#mode } satisfies SenderHello));
    });
    socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (mine() && typeof data === 'string') this.#hear(data);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (mine()) this.#lost(code, reason);
    });
    this.#handshake = setTimeout(
      () => this.#lost(null, 'no response to the handshake'),
      HANDSHAKE_MS,
    );
    this.#set({ state: 'connecting', before: before.state === 'waiting' ? before : null });
  }

  /** Ends the stream. */
  close(): void {
    this.#hangUp();
    removeEventListenerIfAny('online', this.#onOnline);
    this.#set({ state: 'off' });
  }

  /** Whether a picture would leave at once, and nothing before it is still on its way out. */
  get room(): boolean {
    return this.#standing.state === 'live' && this.#next === null && this.#clear;
  }

  /** Sends what waits, if it can leave. By itself it looks often, but in a hidden page timers are slow. */
  flush(): void {
    clearTimeout(this.#drain);
    this.#drain = undefined;
    const message = this.#next;
    if (message === null) return;
    if (!this.#clear) {
      this.#drain = setTimeout(() => this.flush(), DRAIN_MS);
      return;
    }
    this.#next = null;
    this.#socket?.send(message);
    this.#events.sent(sizeOf(message));
    // It arrives behind the picture, so its answer says that the picture is there.
    if (performance.now() - this.#pingMs >= PING_MS) this.#ping();
    const now = this.#standing;
    if (now.state === 'live' && now.warning !== null) this.#set({ state: 'live', warning: null });
  }

  /** Sends this now, or as soon as the one before has left. False where there is no connection. */
  offer(message: Message): boolean {
    const { state } = this.#standing;
    if (state === 'waiting' && this.#standing.retryAtMs === null) this.open();
    if (state !== 'live') return false;
    if (this.#next !== null) this.#events.dropped();
    this.#next = message;
    this.flush();
    return true;
  }

  get #clear(): boolean {
    const [oldestMs] = this.#unanswered;
    const wayMs = Number.isFinite(this.#wayMs) ? this.#wayMs : 0;
    const late = oldestMs !== undefined && performance.now() - oldestMs > BEHIND_MS + 2 * wayMs;
    // One that is closing takes nothing any more, although nobody has been told yet.
    const socket = this.#socket;
    return !late && socket?.readyState === WebSocket.OPEN && socket.bufferedAmount === 0;
  }

  #hear(text: string): void {
    this.#heardMs = performance.now();
    let message: Unchecked<ToSender>;
    try {
      message = JSON.parse(text) as typeof message;
    } catch {
      return;
    }
    const said = typeof message.message === 'string' ? message.message : null;
    switch (message.type as ToSender['type']) {
      case 'connected':
        this.#begin();
        break;
      case 'ping':
        this.#say('{"type":"pong"}');
        break;
      case 'pong':
        this.#wayMs = Math.min(
          this.#wayMs,
          this.#heardMs - (this.#unanswered.shift() ?? -Infinity),
        );
        break;
      case 'warning':
        if (this.#standing.state === 'live') this.#set({ state: 'live', warning: said });
        break;
      case 'error':
        this.#said = said;
        break;
      case 'stream_stats':
        this.#events.stats(message as StreamStats);
        break;
    }
  }

  #begin(): void {
    if (this.#standing.state !== 'connecting') return;
    clearTimeout(this.#handshake);
    this.#liveSinceMs = performance.now();
    this.#wasOurs = true;
    this.#beat = setInterval(this.#onBeat, BEAT_MS);
    this.#set({ state: 'live', warning: null });
  }

  readonly #onBeat = (): void => {
    const [oldestMs] = this.#unanswered;
    const silentMs = performance.now() - Math.max(oldestMs ?? 0, this.#heardMs);
    if (oldestMs === undefined) this.#ping();
    else if (silentMs > DEAD_MS) this.#lost(null, `nothing received for ${DEAD_MS / 1000} s`);
  };

  #ping(): void {
    this.#pingMs = performance.now();
    this.#unanswered.push(this.#pingMs);
    this.#say('{"type":"ping"}');
  }

  #say(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  readonly #onOnline = (): void => {
    if (this.#standing.state === 'waiting' && this.#standing.retryAtMs !== null) this.open();
  };

  #lost(code: number | null, reason: string): void {
    const nowMs = performance.now();
    const wasLive = this.#liveSinceMs !== null;
    if (this.#liveSinceMs !== null && nowMs - this.#liveSinceMs > GOOD_MS) this.#failures = 0;
    const ours = this.#wasOurs;
    const said = this.#said;
    this.#hangUp();
    const { why, then } = farewell(code ?? 0, said, { ours, wasLive });
    const cause = [code === null ? null : `close code ${code}`, said, reason]
      .filter((part) => part !== null && part !== '')
      .join(': ');
    this.#plan(then, { why, cause, code });
  }

  #plan(then: Farewell['then'], trouble: Trouble): void {
    if (then === 'refused' || then === 'ended') {
      removeEventListenerIfAny('online', this.#onOnline);
      this.#set({ state: then, ...trouble });
    } else if (then === 'next-picture') {
      this.#set({ state: 'waiting', retryAtMs: null, ...trouble });
    } else {
      const delayMs = retryDelayMs(this.#failures, Math.random());
      this.#failures += 1;
      this.#retry = setTimeout(() => this.open(), delayMs);
      this.#set({ state: 'waiting', retryAtMs: performance.now() + delayMs, ...trouble });
    }
  }

  /** Lets go of the connection and of all timers. What the socket still says goes unheard. */
  #hangUp(): void {
    const socket = this.#socket;
    this.#socket = null;
    for (const timer of [this.#retry, this.#handshake, this.#drain]) clearTimeout(timer);
    clearInterval(this.#beat);
    this.#drain = undefined;
    if (this.#liveSinceMs !== null) this.#oursMs = performance.now();
    this.#liveSinceMs = null;
    this.#pingMs = -Infinity;
    this.#unanswered = [];
    this.#wayMs = Infinity;
    this.#said = null;
    if (this.#next !== null) this.#events.dropped();
    this.#next = null;
    socket?.close();
  }

  #set(standing: Standing): void {
    this.#standing = standing;
    this.#events.changed();
  }
}

function sizeOf(message: Message): number {
  if (typeof message === 'string') return message.length;
  return message instanceof Blob ? message.size : message.byteLength;
}

// Node has no such events.
function addEventListenerIfAny(type: string, listener: () => void): void {
  if (typeof addEventListener === 'function') addEventListener(type, listener);
}

function removeEventListenerIfAny(type: string, listener: () => void): void {
  if (typeof removeEventListener === 'function') removeEventListener(type, listener);
}
