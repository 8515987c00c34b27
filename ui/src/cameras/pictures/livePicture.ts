import { readDetail } from '../../api/http';
import type { PictureFailure } from '../state/streamWords';
import { paint } from './paint';
import { Parts } from './parts';
import { at } from '../../base/basePath';

/** What is known of the picture on this page; refreshed a few times a second. */
export interface LiveView {
  phase: 'opening' | 'playing' | 'failed' | 'off';
  failure: PictureFailure | null;
  /** Pictures a second that arrived here; null before the first ones. */
  fps: number | null;
  /** How old the newest one is by this page's clock; null before the first. */
  ageMs: number | null;
  width: number | null;
  height: number | null;
}

export const OFF: LiveView = {
  phase: 'off',
  failure: null,
  fps: null,
  ageMs: null,
  width: null,
  height: null,
};

const TELL_MS = 500;
const RATE_SPAN_MS = 2000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 8000;
/** So long the old picture goes on when a change of settings brings no new one. */
const OVERLAP_MS = 4000;

/** One connection to a stream. */
interface Reader {
  stop: AbortController;
  playing: boolean;
}

/**
 * A stream of pictures on a canvas. It is read with `fetch`, because then an error can be read, too,
 * a change of settings shows the old picture until the new one is there, and the connection ends the
 * moment it is not needed: when the page is hidden, left or closed. It owns its connections; end it
 * with `stop`.
 */
export class LivePicture {
  private view: LiveView = OFF;
  private readonly listeners = new Set<() => void>();
  private canvas: HTMLCanvasElement | null = null;
  private path: string | null = null;
  private newest: Reader | null = null;
  private readonly older = new Set<Reader>();
  private arrivedMs: number[] = [];
  /** When the first picture of this connection came, and the newest one of any. */
  private startedMs = Infinity;
  private lastMs: number | null = null;
  private waiting: Uint8Array<ArrayBuffer> | null = null;
  private painting = false;
  private shown: Blob | null = null;
  private pauseMs = FIRST_PAUSE_MS;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private teller: ReturnType<typeof setInterval> | undefined;

  readonly snapshot = (): LiveView => this.view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Where the pictures are shown. */
  readonly attach = (canvas: HTMLCanvasElement | null): void => {
    this.canvas = canvas;
  };

  /** The newest picture as it came; null before the first. */
  readonly newestPicture = (): Blob | null => this.shown;

  /** Shows the stream of this address, from now on and again whenever it breaks. */
  play(path: string): void {
    if (path === this.path) return;
    if (this.path === null) {
      document.addEventListener('visibilitychange', this.onVisibility);
      window.addEventListener('pagehide', this.onLeave);
      this.teller = setInterval(() => this.tell({}), TELL_MS);
    }
    this.path = path;
    this.pauseMs = FIRST_PAUSE_MS;
    if (!document.hidden) this.open();
  }

  stop(): void {
    this.path = null;
    clearInterval(this.teller);
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.removeEventListener('pagehide', this.onLeave);
    this.close();
    this.tell({ phase: 'off' });
  }

  /** Tries again now instead of after the pause. */
  readonly retryNow = (): void => {
    if (this.path !== null && this.view.phase === 'failed') this.open();
  };

  private readonly onVisibility = (): void => {
    if (document.hidden) this.close();
    else if (this.path !== null) this.open();
  };

  private readonly onLeave = (): void => this.close();

  private close(): void {
    clearTimeout(this.retry);
    this.newest?.stop.abort();
    this.newest = null;
    this.endOlder();
    this.arrivedMs = [];
    this.startedMs = Infinity;
    // Whoever comes back sees what is there then, never what was there before.
    this.lastMs = null;
    this.waiting = null;
  }

  private endOlder(): void {
    for (const reader of this.older) reader.stop.abort();
    this.older.clear();
  }

  private open(): void {
    clearTimeout(this.retry);
    const before = this.newest;
    if (before?.playing === true) {
      // It goes on until the new one has something to show.
      this.endOlder();
      this.older.add(before);
      setTimeout(() => {
        before.stop.abort();
        this.older.delete(before);
      }, OVERLAP_MS);
    } else {
      before?.stop.abort();
    }
    const reader: Reader = { stop: new AbortController(), playing: false };
    this.newest = reader;
    if (this.older.size === 0) this.tell({ phase: 'opening' });
    void this.read(reader, this.path ?? '').then((failure) => this.ended(reader, failure));
  }

  /** Reads until the stream ends; why it did. */
  private async read(reader: Reader, path: string): Promise<PictureFailure> {
    try {
      const response = await fetch(at(path), { signal: reader.stop.signal, cache: 'no-store' });
      if (!response.ok || response.body === null) {
        const detail =
          (await readDetail(response)) ?? `The server returned status ${response.status}`;
        return { status: response.status, detail };
      }
      const parts = new Parts();
      const body = response.body.getReader();
      for (;;) {
        const { done, value } = await body.read();
        if (done) return { status: null, detail: 'The server ended the stream' };
        this.arrived(reader, parts.push(value));
      }
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return { status: null, detail: `The connection to the server was lost (${cause})` };
    }
  }

  private ended(reader: Reader, failure: PictureFailure): void {
    this.older.delete(reader);
    if (this.newest !== reader || reader.stop.signal.aborted) return;
    reader.stop.abort();
    this.newest = null;
    this.endOlder();
    this.tell({ phase: 'failed', failure });
    this.retry = setTimeout(() => this.open(), this.pauseMs);
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, this.pauseMs * 2);
  }

  private arrived(reader: Reader, pictures: Uint8Array<ArrayBuffer>[]): void {
    const picture = pictures.at(-1);
    const isOlder = this.older.has(reader);
    if (picture === undefined || (reader !== this.newest && !isOlder)) return;
    const nowMs = performance.now();
    this.arrivedMs.push(...pictures.map(() => nowMs));
    this.lastMs = nowMs;
    this.waiting = picture;
    if (!reader.playing) {
      reader.playing = true;
      this.pauseMs = FIRST_PAUSE_MS;
      if (!isOlder) {
        this.endOlder();
        this.arrivedMs = [nowMs];
        this.startedMs = nowMs;
        this.tell({ phase: 'playing', failure: null });
      }
    }
    if (!this.painting) void this.paintNewest();
  }

  /** Decodes one picture at a time, always the newest: what comes meanwhile replaces what waits. */
  private async paintNewest(): Promise<void> {
    this.painting = true;
    for (;;) {
      const { waiting, canvas } = this;
      if (waiting === null || canvas === null) break;
      this.waiting = null;
      // A damaged picture is left out; the next one is on its way.
      const picture = new Blob([waiting], { type: 'image/jpeg' });
      await paint(canvas, picture).then(
        () => (this.shown = picture),
        () => undefined,
      );
    }
    this.painting = false;
  }

  private tell(change: Partial<LiveView>): void {
    const nowMs = performance.now();
    this.arrivedMs = this.arrivedMs.filter((ms) => nowMs - ms <= RATE_SPAN_MS);
    const sinceMs = Math.min(RATE_SPAN_MS, nowMs - this.startedMs);
    const { lastMs } = this;
    this.view = {
      ...this.view,
      ...change,
      fps: sinceMs < TELL_MS ? null : (this.arrivedMs.length * 1000) / sinceMs,
      ageMs: lastMs === null ? null : nowMs - lastMs,
      width: this.canvas?.width ?? null,
      height: this.canvas?.height ?? null,
    };
    for (const listener of this.listeners) listener();
  }
}
