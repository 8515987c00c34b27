import type { SentFrame } from '../api.js';
import { sizeOf } from '../encoder.js';
import { causeOf, RecognizerError } from '../errors.js';
import { Pipeline } from '../pipeline.js';
import type { Frame, Source } from '../sources.js';
import { Rolling } from '../stats.js';
import { still } from './still.js';
import { type Message, StreamerLink, type StreamStats } from './streamerLink.js';
import { isScreen, streamerSource } from './streamerSource.js';
import type { Mode } from './viewerMessages.js';
import { encodePicture, pictureHeader, streamerAddress } from './wire.js';

/** All but `url`, `stream` and `mode` act at once; those three begin a new connection. */
export interface StreamerSettings {
  /** The server (this page's origin); may have a path that a proxy puts before `/ws/`. */
  url?: string | undefined;
  /** The name that viewers see. */
  stream: string;
  /** How the server analyses it (`'normal'`). */
  mode?: Mode | undefined;
  /** Pictures a second at most (25). */
  fps?: number | undefined;
  /** Of the JPEG, 0 to 1 (0.75). */
  quality?: number | undefined;
  /** Wider pictures are made smaller (1280). */
  maxWidthPx?: number | undefined;
  /** For the source `'camera'`: which, as for `getUserMedia`. Acts at the next start. */
  camera?: MediaTrackConstraints | undefined;
  /** Makes the worker that encodes, where a content security policy forbids `blob:` workers. */
  worker?: (() => Worker) | undefined;
}

export interface StreamerOptions extends StreamerSettings {
  /** Each new snapshot; the same as `subscribe`. */
  onChange?: ((snapshot: StreamerSnapshot) => void) | undefined;
}

export type StreamerState =
  /** Not started, or stopped: nothing runs, nothing is held. */
  | 'idle'
  /** The source is opened (the browser may be asking), or the server is. */
  | 'connecting'
  | 'live'
  /** Lost or sent away; goes on by itself at `retryAtMs`, or with the next picture (null). */
  | 'waiting'
  /** The server does not take this stream: the name is taken or not allowed. Until `start`. */
  | 'refused'
  /** Ended by an administrator, or because the source failed. Until `start`. */
  | 'ended';

/** A new object at each change, so that it can be compared. */
export interface StreamerSnapshot {
  state: StreamerState;
  /** Why it is not live, or what the server warns of, as a sentence for a person. */
  why: string | null;
  /** The technical reason, for whoever is asked for help. */
  cause: string | null;
  /** The WebSocket close code behind it, such as 4090 for a name that is taken. */
  code: number | null;
  /** While `waiting`: when it is tried again, in `performance.now()` time. */
  retryAtMs: number | null;
  /** What left in the last seconds. */
  fps: number;
  bytesPerSecond: number;
  /** Since the start: pictures that left, and those left out because there was no room. */
  sent: number;
  dropped: number;
  /** Size of the newest picture, where it was encoded here. */
  widthPx: number | null;
  heightPx: number | null;
  /** Who watches; null while the server has not said. */
  viewers: number | null;
  /** What the server counts of this connection; null while it has not said. */
  atServer: Omit<StreamStats, 'viewers'> | null;
}

export const IDLE: StreamerSnapshot = {
  state: 'idle',
  why: null,
  cause: null,
  code: null,
  retryAtMs: null,
  fps: 0,
  bytesPerSecond: 0,
  sent: 0,
  dropped: 0,
  widthPx: null,
  heightPx: null,
  viewers: null,
  atServer: null,
};

const REFRESH_MS = 500;
const RATE_SPAN_MS = 3000;
const SOURCE_FAILED = 'The video source failed.';

/** Makes a streamer. Nothing is opened or connected before `start`. */
export function createStreamer(options: StreamerOptions): Streamer {
  return new Streamer(options);
}

/**
 * Sends a source's pictures to a server under a name: source → pacer → encoder → socket. Nothing
 * queues: beyond the socket's buffer at most one picture waits, and a newer one takes its place.
 */
export class Streamer {
  #options: StreamerSettings;
  #view: StreamerSnapshot = IDLE;
  /** `running`: the source is there. */
  #phase: 'off' | 'starting' | 'running' = 'off';
  /** Why the source ended, or could not begin. */
  #failure: Pick<StreamerSnapshot, 'state' | 'why' | 'cause'> | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #pipeline: Pipeline<Message>;
  #link: StreamerLink | null = null;
  #bytes = new Rolling(RATE_SPAN_MS);
  /** It is a screen: that a picture is the same as the one before is no fault of it. */
  #isScreen = false;
  #newest: Uint8Array | null = null;
  #refresh: ReturnType<typeof setInterval> | undefined;

  constructor({ onChange, ...settings }: StreamerOptions) {
    this.#options = settings;
    this.#pipeline = new Pipeline({
      fps: () => this.#options.fps ?? 25,
      opening: () => this.#update(),
      opened: () => this.#run(),
      room: () => this.#room(),
      dropped: () => this.#countDropped(),
      encode: (frame) => this.#encode(frame),
      send: (message) => (this.#link?.offer(message) === true ? this.#view.sent : null),
      failed: (error) => this.#fail(error),
    });
    if (onChange !== undefined) this.subscribe(() => onChange(this.#view));
  }

  /** Calls back at each change of the snapshot; returns how to end that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): StreamerSnapshot => this.#view;

  /**
   * Starts with this source, or changes to it; a connection that is there stays. Without one, pictures
   * come with `send`.
   */
  start(source: Source | null = null): void {
    const on = this.#phase !== 'off';
    this.#dropSource();
    if (!on) {
      this.#bytes = new Rolling(RATE_SPAN_MS);
      this.#view = IDLE;
      this.#refresh = setInterval(this.#onRefresh, REFRESH_MS);
    }
    this.#failure = null;
    this.#phase = 'starting';
    this.#isScreen = source !== null && isScreen(source);
    if (source === null) {
      this.#run();
      return;
    }
    const { maxWidthPx = 1280, camera } = this.#options;
    const wide = { width: { ideal: maxWidthPx }, height: { ideal: (maxWidthPx * 9) / 16 } };
    this.#pipeline.start(streamerSource(source, { ...wide, ...camera }));
  }

  /** Ends the stream, and lets go of everything. */
  stop(): void {
    this.#failure = null;
    this.#end();
    this.#link?.close();
    this.#update();
  }

  /** Tries again now instead of at `retryAtMs`. */
  retry(): void {
    if (this.#phase === 'running') this.#link?.open();
  }

  /** Changes settings, while it runs, too. */
  configure(settings: Partial<StreamerSettings>): void {
    const { fps, worker } = this.#options;
    this.#options = { ...this.#options, ...settings };
    if (this.#options.fps !== fps) this.#pipeline.pace();
    if (this.#options.worker !== worker) this.#pipeline.renewEncoder();
    if (this.#phase === 'running') this.#connect();
  }

  /**
   * Sends a JPEG of your own. False where it cannot leave, now or next: not started, not connected.
   * One that waits while another is given is left out.
   */
  send(jpeg: Blob | Uint8Array): boolean {
    if (this.#phase !== 'running') return false;
    const message = jpeg instanceof Blob ? new Blob([pictureHeader(), jpeg]) : encodePicture(jpeg);
    return this.#link?.offer(message) ?? false;
  }

  /** The source is there: who is still asked for a camera takes no place. */
  #run(): void {
    if (this.#phase !== 'starting') return;
    this.#phase = 'running';
    this.#connect();
    this.#update();
  }

  #connect(): void {
    const { url, stream, mode = 'normal' } = this.#options;
    try {
      const address = streamerAddress(url, stream);
      if (this.#link?.address !== address) {
        this.#link?.close();
        this.#link = this.#makeLink(address, mode);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#link.mode = mode;
    const { state } = this.#link.standing;
    if (state === 'off' || state === 'refused' || state === 'ended') this.#link.open();
  }

  #makeLink(address: string, mode: Mode): StreamerLink {
    const link: StreamerLink = new StreamerLink(address, mode, {
      changed: () => {
        if (this.#link === link) this.#onStanding();
      },
      stats: ({ viewers, received, bad, dropped }) =>
        this.#update({ viewers, atServer: { received, bad, dropped } }),
      sent: (bytes) => {
        this.#bytes.add(performance.now(), bytes);
        this.#view = { ...this.#view, sent: this.#view.sent + 1 };
      },
      dropped: () => this.#countDropped(),
    });
    return link;
  }

  #onStanding(): void {
    const { state } = this.#link?.standing ?? { state: 'off' };
    if (state === 'refused' || state === 'ended') this.#end();
    if (state === 'live') {
      this.#pipeline.pace();
      this.#update();
    } else {
      this.#bytes = new Rolling(RATE_SPAN_MS);
      this.#update({ fps: 0, bytesPerSecond: 0, viewers: null, atServer: null });
    }
  }

  #room(): 'free' | 'full' | null {
    const link = this.#link;
    if (link === null) return null;
    const { standing } = link;
    // The picture that it waited for.
    if (standing.state === 'waiting' && standing.retryAtMs === null) link.open();
    if (standing.state !== 'live') return null;
    link.flush();
    return link.room ? 'free' : 'full';
  }

  /** The message for a frame. A picture of another size keeps its shape. */
  async #encode(frame: Frame): Promise<Message | null> {
    if (typeof frame === 'string') {
      const url = frame.startsWith('data:') ? frame : `data:image/jpeg;base64,${frame}`;
      return JSON.stringify({ type: 'frame', frame: url } satisfies SentFrame);
    }
    if (frame instanceof Blob) return new Blob([pictureHeader(), frame]);
    if (frame instanceof ArrayBuffer) return encodePicture(new Uint8Array(frame));
    if (ArrayBuffer.isView(frame)) {
      return encodePicture(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength));
    }
    const [ownWidth, ownHeight] = sizeOf(frame);
    if (ownWidth === 0 || ownHeight === 0) return null;
    const { quality = 0.75, maxWidthPx = 1280, worker } = this.#options;
    const scale = Math.min(1, maxWidthPx / ownWidth);
    const width = Math.max(1, Math.round(ownWidth * scale));
    const height = Math.max(1, Math.round(ownHeight * scale));
    const encoder = this.#pipeline.encoder(worker);
    const shape = { width, height, format: 'jpeg', quality, mirror: false } as const;
    const jpeg = new Uint8Array(await encoder.encode(frame, shape));
    this.#view = { ...this.#view, widthPx: width, heightPx: height };
    const same = this.#isScreen && this.#newest !== null && equal(jpeg, this.#newest);
    this.#newest = jpeg;
    return encodePicture(same ? still(jpeg, Date.now()) : jpeg);
  }

  #countDropped(): void {
    this.#view = { ...this.#view, dropped: this.#view.dropped + 1 };
  }

  #fail(error: unknown): void {
    const known = error instanceof RecognizerError ? error : null;
    this.#failure = {
      state: known?.code === 'bad-name' ? 'refused' : 'ended',
      why: known === null ? SOURCE_FAILED : [known.message, known.advice].map(sentence).join(' '),
      cause: known?.cause ?? causeOf(error),
    };
    this.#end();
    this.#link?.close();
    this.#update();
  }

  /** Lets go of all but the connection. */
  #end(): void {
    this.#phase = 'off';
    clearInterval(this.#refresh);
    this.#refresh = undefined;
    this.#dropSource();
  }

  #dropSource(): void {
    this.#newest = null;
    this.#pipeline.stop();
  }

  readonly #onRefresh = (): void => {
    const nowMs = performance.now();
    const fps = this.#bytes.perSecond(nowMs);
    const bytesPerSecond = fps * (this.#bytes.mean(nowMs) ?? 0);
    this.#update({ fps, bytesPerSecond });
  };

  #update(change: Partial<StreamerSnapshot> = {}): void {
    this.#view = { ...this.#view, ...change, ...this.#standing() };
    for (const listener of this.#listeners) listener();
  }

  #standing(): Pick<StreamerSnapshot, 'state' | 'why' | 'cause' | 'code' | 'retryAtMs'> {
    const plain = { why: null, cause: null, code: null, retryAtMs: null };
    if (this.#failure !== null) return { ...plain, ...this.#failure };
    if (this.#phase === 'starting') return { ...plain, state: 'connecting' };
    const standing = this.#link?.standing ?? { state: 'off' };
    switch (standing.state) {
      case 'off':
        return { ...plain, state: this.#phase === 'off' ? 'idle' : 'connecting' };
      case 'connecting':
        return { ...plain, ...standing.before, retryAtMs: null, state: 'connecting' };
      case 'live':
        return { ...plain, why: standing.warning, state: 'live' };
      case 'waiting':
      case 'refused':
      case 'ended':
        return { ...plain, ...standing };
    }
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
